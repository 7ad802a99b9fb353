"""Reads small contents of the outbox."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType

from lading.errors import OutboxFailed
from lading.outbox.entries import Slice


class SliceReader:
    """Keeps the segment open that it read last. Not for two threads at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segment = -1
        self._fd: int | None = None

    def read(self, content: Slice) -> bytes:
        """Raises OutboxFailed where the disk gives other bytes than it was given, and OSError."""
        if content.segment != self._segment or self._fd is None:
            self._open(content.segment)
        assert self._fd is not None
        data = os.pread(self._fd, content.size, content.offset)
        if hashlib.sha256(data).hexdigest() != content.sha256:
            raise OutboxFailed(
                "outbox_failed", f"{self._folder / str(self._segment)}: the outbox is damaged at {content.offset}"
            )
        return data

    def _open(self, segment: int) -> None:
        self._close()
        self._fd, self._segment = os.open(self._folder / str(segment), os.O_RDONLY | os.O_CLOEXEC), segment

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> SliceReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
