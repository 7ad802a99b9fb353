"""How the content of a file comes into the outbox.

| what | how | what a later write to the file does |
| --- | --- | --- |
| at most SMALL_BYTES | read in the call | nothing |
| larger, on a file system with reflinks, the same as the outbox's | clone | nothing |
| larger, on the outbox's file system | hard link | is noticed when the file is sent: an error that names it |
| larger, elsewhere | copied in the background | the same, until the copy is whole; then nothing |

With `capture="copy"` the last two are a copy that is whole when the call returns, as a large value from memory is.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Protocol, Union

from lading.errors import LadingError
from lading.outbox.copying import copy_guarded
from lading.outbox.entries import Content, Held, Slice
from lading.outbox.reflink import try_reflink
from lading.outbox.stamp import Stamp, changed
from lading.outbox.writing import outbox_failed

SMALL_BYTES = 1024 * 1024

StrPath = Union[str, Path]


class Room(Protocol):
    """Where captured content goes."""

    files: Path

    def keep(self, data: bytes) -> Slice: ...


def capture(source: StrPath, room: Room, name: str, mode: str = "auto") -> Content:
    """Takes the file as it is now. `name` is what it is called in the outbox, should it be a file there.

    Raises FileNotFoundError and its like for the file, FileChanged for one that is written to meanwhile, and
    OutboxFailed.
    """
    if mode not in ("auto", "copy"):
        raise ValueError(f'capture: {mode!r} is neither "auto" nor "copy"')
    # A pipe that lies there must not keep the caller waiting for its other end.
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(source))
        if not stat.S_ISREG(status.st_mode):
            raise LadingError("not_a_file", f"{os.fspath(source)}: only regular files can be logged")
        if status.st_size <= SMALL_BYTES:
            return room.keep(_read_guarded(fd, status, os.fspath(source)))
        try:
            how = _hold(fd, source, room.files / name, mode)
        except OSError as error:
            raise outbox_failed(error, room.files) from error
        return Held(name, os.path.realpath(source), Stamp.of(os.fstat(fd)), how)
    finally:
        os.close(fd)


def capture_bytes(data: bytes, path: str, room: Room, name: str) -> Content:
    """A value from memory. A large one is a file of its own, which is sent in blocks, and goes on where a link breaks.

    Raises OutboxFailed.
    """
    if len(data) <= SMALL_BYTES:
        return room.keep(data)
    target = room.files / name
    try:
        with target.open("xb") as file:
            file.write(data)
        return Held(name, path, Stamp.of(target.stat()), "copy")
    except OSError as error:
        target.unlink(missing_ok=True)
        raise outbox_failed(error, room.files) from error


def _read_guarded(fd: int, before: os.stat_result, source: str) -> bytes:
    data = os.read(fd, SMALL_BYTES + 1)
    Stamp.of(before).check_untouched(os.fstat(fd), source)
    if len(data) != before.st_size:
        raise changed(source)
    return data


def _hold(fd: int, source: StrPath, target: Path, mode: str) -> str:
    target.parent.mkdir(exist_ok=True)
    if _same_device(fd, target.parent) and try_reflink(fd, target):
        return "reflink"
    if mode == "copy":
        copy_guarded(Path(source), Stamp.of(os.fstat(fd)), target)
        return "copy"
    return "link" if _try_link(fd, source, target) else "copy"


def _same_device(fd: int, folder: Path) -> bool:
    return os.fstat(fd).st_dev == folder.stat().st_dev


def _try_link(fd: int, source: StrPath, target: Path) -> bool:
    """False where there are no links from here to there, or the kernel forbids one to another's file."""
    try:
        # A link is to be to the file, and not to a symbolic link that leads to it.
        os.link(os.path.realpath(source), target)
    except OSError:
        return False
    if os.path.samestat(target.stat(), os.fstat(fd)):
        return True
    # Another file came to this name since it was opened.
    target.unlink()
    return False
