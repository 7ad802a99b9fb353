"""The SHA-256 of a file that is hashed while it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

MARK_BYTES = 64 * 1024 * 1024
"""Where the link breaks, so much at most is read again before the file goes on."""

BlocksOf = Callable[[int, int], Iterable[bytes]]
"""Reads the bytes from the first position up to the second."""


class DigestSoFar:
    """Knows the digest of what lies before each of its marks, from one attempt to the next. Not for threads at once."""

    def __init__(self) -> None:
        self._marks = [(0, hashlib.sha256())]

    def passing(self, blocks_of: BlocksOf, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to `end`, hashed as they are taken."""
        digest, position = self._at(blocks_of, start), start
        for block in blocks_of(start, end):
            yield block
            digest.update(block)
            position += len(block)
            if position == end or position >= self._marks[-1][0] + MARK_BYTES:
                self._marks.append((position, digest.copy()))

    def with_last(self, blocks_of: BlocksOf, offset: int, last: bytes) -> str:
        """Of the first `offset` bytes and the `last` ones, in hexadecimal."""
        digest = self._at(blocks_of, offset)
        digest.update(last)
        return digest.hexdigest()

    def _at(self, blocks_of: BlocksOf, offset: int):
        position, digest = next(mark for mark in reversed(self._marks) if mark[0] <= offset)
        digest = digest.copy()
        for block in blocks_of(position, offset):
            digest.update(block)
        return digest
