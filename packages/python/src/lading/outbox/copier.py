"""Copies into the outbox what could not be linked into it, in the background."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lading.errors import LadingError
from lading.outbox.box import Box
from lading.outbox.copying import copy_guarded
from lading.outbox.entries import Content, DirectoryEntry, FileEntry, Held
from lading.outbox.item import REFUSED, Item


def copy_all(box: Box) -> None:
    """Copies until nothing is left to copy. A file that changed is refused, by its name."""
    while (item := _next(box)) is not None:
        try:
            for content in _contents(box, item):
                _copy(box, content)
        except (LadingError, OSError, ValueError) as error:
            _refuse(box, item, error)
        else:
            box.copied(item)


def _next(box: Box) -> Item | None:
    return next((item for item in box.waiting() if not item.captured), None)


def _contents(box: Box, item: Item) -> Iterator[Content | None]:
    if isinstance(item.entry, FileEntry):
        yield item.entry.content
    elif isinstance(item.entry, DirectoryEntry):
        yield from (member.content for member in box.members(item.entry))


def _refuse(box: Box, item: Item, error: Exception) -> None:
    """Unless it was taken back meanwhile, and its bytes and their list with it."""
    with box.changed:
        if not item.ended:
            unread = LadingError("outbox_failed", f"{box.folder} cannot be read: {error}")
            box.end([item], REFUSED, error=error if isinstance(error, LadingError) else unread)


def _copy(box: Box, content: Content | None) -> None:
    if isinstance(content, Held) and content.how == "copy" and not box.path_of(content).exists():
        copy_guarded(Path(content.source), content.stamp, box.path_of(content))
