"""Small files as a tar (POSIX.1-2001 pax), which is a request's body."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator

from lading.outbox.entries import Content
from lading.outbox.members import Member

BLOCK = 512
END = bytes(2 * BLOCK)

_USTAR = "{name:\0<100}{mode:07o}\0{zero}{zero}{size:011o}\0{mtime:011o}\0        {kind}{rest}"
"""Until the owner's name: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06"""
_REST = "\0" * 100 + "ustar\x0000" + "\0" * 247
_CHECKSUM = slice(148, 156)


def tar_of(members: Iterable[Member], read: Callable[[Content], Iterable[bytes]]) -> bytes:
    return b"".join(_blocks(members, read))


def tar_size_at_most(files: int, size: int) -> int:
    """Bytes that so many files of this size in all may take, but for long names."""
    return size + files * 2 * BLOCK + len(END)


def _blocks(members: Iterable[Member], read: Callable[[Content], Iterable[bytes]]) -> Iterator[bytes]:
    for member in members:
        yield _header(member)
        if member.content is not None:
            yield from read(member.content)
            yield bytes(-member.size % BLOCK)
    yield END


def _header(member: Member) -> bytes:
    """By hand for a plain name: `tarfile` takes longer for it than all the rest of a small file does."""
    kind = "5" if member.content is None else "0"
    if len(member.path) > 100 or not member.path.isascii() or member.mtime < 0 or member.size >= 8**11:
        return _pax_header(member, kind)
    header = bytearray(
        _USTAR.format(
            name=member.path,
            mode=member.mode,
            zero="0000000\0",
            size=member.size,
            mtime=member.mtime,
            kind=kind,
            rest=_REST,
        ).encode("ascii")
    )
    header[_CHECKSUM] = b"%06o\0 " % sum(header)
    return bytes(header)


def _pax_header(member: Member, kind: str) -> bytes:
    info = tarfile.TarInfo(member.path)
    info.size, info.mode, info.mtime, info.type = member.size, member.mode, member.mtime, kind.encode()
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
