"""Contents of the outbox, as they are read to be hashed or sent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator

from lading.errors import LadingError
from lading.outbox.box import Box
from lading.outbox.copying import BLOCK_BYTES
from lading.outbox.entries import Content, Held, Slice
from lading.outbox.slice_reader import SliceReader
from lading.outbox.stamp import changed


def read_content(
    box: Box, content: Content, start: int = 0, end: int | None = None, *, slices: SliceReader | None = None
) -> Iterator[bytes]:
    """The bytes from `start` to `end`, in blocks. Raises FileChanged before the last, where it is not what was logged.

    `slices` reads small contents, where many are read one after another.
    """
    if isinstance(content, Slice):
        yield (slices or box).read(content)[start:end]
        return
    try:
        yield from _read_file(box, content, start, content.size if end is None else end)
    except OSError as error:
        raise LadingError(
            "outbox_failed", f"{content.source}: its copy in the outbox cannot be read: {error}"
        ) from error


def _read_file(box: Box, content: Held, start: int, end: int) -> Iterator[bytes]:
    left = end - start
    with box.path_of(content).open("rb", buffering=0) as file:
        file.seek(start)
        while left > 0:
            block = file.read(min(BLOCK_BYTES, left))
            left -= len(block)
            if not block:
                raise changed(content.source)
            if left == 0 and content.how == "link":
                # Before the last block: the server refuses a body that ends early, and keeps nothing of it.
                content.stamp.check_content(os.fstat(file.fileno()), content.source)
            yield block


def hash_of(blocks: Iterable[bytes]) -> str:
    """SHA-256, in hexadecimal."""
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def counted(blocks: Iterable[bytes], count: Callable[[int], None]) -> Iterator[bytes]:
    """Tells how many bytes were taken."""
    for block in blocks:
        yield block
        count(len(block))
