"""Which parts of a file are here already: beside it, in a list that outlives the process."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

RANGE_BYTES = 16 * 1024 * 1024
PART, RANGES = "lading-part", "lading-ranges"
LONGEST_NAME = 200
"""Bytes of a name that another is made of; file systems take 255 in all."""


@contextmanager
def alone(target: Path) -> Generator[None, None, None]:
    """For one thread of one process at a time, be they ranks that fetch the same to a disk that they share."""
    fd = _locked(_beside(target, RANGES))
    try:
        yield
    finally:
        os.close(fd)


def _locked(path: Path) -> int:
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        # Some network file systems have no locks.
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        # Whoever had it may have been done, and have removed the list.
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(fd)):
                return fd
        os.close(fd)


class PartialFile:
    """A file that is filled range by range, `alone`. `key` is the version that it is of: another one begins anew."""

    def __init__(self, target: Path, size: int, key: str) -> None:
        self.path = _beside(target, PART)
        self.size = size
        self._list = _beside(target, RANGES)
        self._done = self._read_list(key)
        if not self._done:
            self._list.write_text(json.dumps(key) + "\n")
            with self.path.open("wb") as file:
                file.truncate(size)

    def missing(self) -> list[tuple[int, int]]:
        """Ranges that are still to be fetched, as (first byte, byte after the last)."""
        starts = range(0, self.size, RANGE_BYTES)
        return [(start, min(start + RANGE_BYTES, self.size)) for start in starts if start not in self._done]

    def write(self, position: int, data: bytes) -> None:
        fd = os.open(self.path, os.O_WRONLY)
        try:
            while data:
                written = os.pwrite(fd, data, position)
                data, position = data[written:], position + written
        finally:
            os.close(fd)

    def done(self, start: int) -> None:
        with self._list.open("a") as file:
            file.write(json.dumps(start) + "\n")

    def keep(self, target: Path) -> None:
        """Gives it its name, at one instant."""
        self.path.replace(target)
        self._list.unlink(missing_ok=True)

    def _read_list(self, key: str) -> set[int]:
        """Empty where nothing is here yet, or of another version."""
        try:
            lines = self._list.read_text().splitlines()
            size = self.path.stat().st_size
        except FileNotFoundError:
            return set()
        if not lines or lines[0] != json.dumps(key) or size != self.size:
            return set()
        return {int(line) for line in lines[1:] if line.isdigit()}


def drop_parts(target: Path) -> None:
    for suffix in (PART, RANGES):
        _beside(target, suffix).unlink(missing_ok=True)


def _beside(target: Path, suffix: str) -> Path:
    name = os.fsencode(target.name)
    short = target.name if len(name) <= LONGEST_NAME else hashlib.sha256(name).hexdigest()
    return target.with_name(f".{short}.{suffix}")
