"""Which parts of a file are here already: beside it, in a list that outlives the process."""

from __future__ import annotations

import json
import os
from pathlib import Path

RANGE_BYTES = 16 * 1024 * 1024


class PartialFile:
    """A file that is filled range by range. `key` is the version that it is of: another one begins anew."""

    def __init__(self, target: Path, size: int, key: str) -> None:
        self.path = target.with_name(f".{target.name}.lading-part")
        self.size = size
        self._list = target.with_name(f".{target.name}.lading-ranges")
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

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
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
