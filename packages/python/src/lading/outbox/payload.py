"""Small contents, one after another in segments."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

from lading.outbox.entries import Slice
from lading.outbox.writing import open_append, write_whole

SEGMENT_BYTES = 64 * 1024 * 1024
"""A segment that is longer takes nothing more. It is removed when nothing in it is needed."""


class Payload:
    """Not safe for threads by itself: its outbox holds a lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._needed: Counter[int] = Counter()
        # What an earlier process wrote is left as it is.
        self._segment = max((int(segment.name) for segment in folder.iterdir()), default=0) + 1
        self._fd: int | None = None

    def add(self, data: bytes) -> Slice:
        """Raises OutboxFailed."""
        if self._fd is None:
            self._fd = open_append(self._folder / str(self._segment))
        offset = write_whole(self._fd, data)
        taken = Slice(self._segment, offset, len(data), hashlib.sha256(data).hexdigest())
        self.need(taken)
        if offset + len(data) >= SEGMENT_BYTES:
            self._begin_another()
        return taken

    def need(self, content: Slice) -> None:
        self._needed[content.segment] += 1

    def release(self, content: Slice) -> None:
        self._needed[content.segment] -= 1
        if self._needed[content.segment] <= 0:
            del self._needed[content.segment]
            if content.segment == self._segment:
                self._begin_another()
            (self._folder / str(content.segment)).unlink(missing_ok=True)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _begin_another(self) -> None:
        self.close()
        self._segment += 1
