"""Room for what has to be noted although the disk is full."""

from __future__ import annotations

import os
from pathlib import Path

from lading.outbox.writing import CLOSED, open_append, write_whole

ITEM_BYTES = 256
"""All that is noted of an item from when it is logged until it has ended, less the reason why it was refused."""
PIECE_BYTES = 64 * 1024


class Reserve:
    """A file of nothing, which is made shorter when there is no other room: that something is sent has to be noted
    before its bytes are removed, which makes room again. Not safe for threads by itself: its outbox holds a lock."""

    def __init__(self, path: Path) -> None:
        self._fd = open_append(path)
        self._size = os.fstat(self._fd).st_size

    def hold(self, items: int) -> None:
        """Keeps room for so many items. Raises OutboxFailed where there is none."""
        while self._size < ITEM_BYTES * items:
            write_whole(self._fd, bytes(PIECE_BYTES))
            self._size += PIECE_BYTES

    def give(self) -> bool:
        """Gives a piece back to the disk. False where nothing is left of it."""
        if self._size == 0:
            return False
        self._size = max(0, self._size - PIECE_BYTES)
        os.ftruncate(self._fd, self._size)
        return True

    def close(self) -> None:
        """What is to be held afterwards is refused."""
        fd, self._fd, self._size = self._fd, CLOSED, 0
        if fd != CLOSED:
            os.close(fd)
