"""Writes to the outbox that are whole, or are undone."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from lading.errors import OutboxFailed

CLOSED = -1
"""Instead of a file's number once it is closed: the number may be that of another file by then."""


def open_append(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise outbox_failed(error, path) from error


def write_whole(fd: int, data: bytes | memoryview) -> int:
    """Appends all of the data; where it begins. Raises OutboxFailed, with the file as it was before."""
    try:
        start = os.fstat(fd).st_size
    except OSError as error:
        raise outbox_failed(error, None) from error
    rest = memoryview(data)
    try:
        while len(rest) > 0:
            rest = rest[os.write(fd, rest) :]
    except OSError as error:
        os.ftruncate(fd, start)
        raise outbox_failed(error, None) from error
    return start


def outbox_failed(error: OSError, path: os.PathLike[str] | None) -> OutboxFailed:
    """In words for whoever looks after the disk."""
    where = "the outbox" if path is None else f"the outbox ({os.fspath(path)})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        advice = "make room, or set LADING_OUTBOX to a folder on another disk"
        return OutboxFailed("outbox_full", f"{where} has no space left on its disk; {advice}")
    return OutboxFailed("outbox_failed", f"{where} cannot be written: {error}; LADING_OUTBOX sets another folder")
