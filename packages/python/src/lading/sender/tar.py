"""A directory as a tar (POSIX.1-2001 pax), made while it is read."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator

from lading.outbox.entries import Content
from lading.outbox.members import Member

BLOCK = 512
END = bytes(2 * BLOCK)


def tar_size(members: Iterable[Member]) -> int:
    """Bytes of what `tar_blocks` gives."""
    return sum(len(_header(member)) + member.size + _padding(member.size) for member in members) + len(END)


def tar_blocks(members: Iterable[Member], read: Callable[[Content], Iterator[bytes]]) -> Iterator[bytes]:
    for member in members:
        yield _header(member)
        if member.content is not None:
            yield from read(member.content)
            yield bytes(_padding(member.size))
    yield END


def gathered(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks of at least `size`, but for the last: a small file is not worth a write of its own."""
    held: list[bytes] = []
    length = 0
    for block in blocks:
        held.append(block)
        length += len(block)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    yield b"".join(held)


def _header(member: Member) -> bytes:
    info = tarfile.TarInfo(member.path)
    info.size, info.mode, info.mtime = member.size, member.mode, member.mtime
    if member.content is None:
        info.type = tarfile.DIRTYPE
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _padding(size: int) -> int:
    return -size % BLOCK
