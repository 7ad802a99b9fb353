"""A directory, as it comes into the outbox."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from lading.files.walk import Found, walk
from lading.outbox.box import Box
from lading.outbox.capture import capture
from lading.outbox.members import Member


def capture_tree(
    box: Box, entry_id: str, root: Path, patterns: Sequence[str] | None, links: str, mode: str
) -> Iterator[Member]:
    """Takes each file as it is found. Raises as `walk` and `capture` do."""
    for number, found in enumerate(walk(root, patterns, links)):
        yield _member(box, found, f"{entry_id}/{number}", mode)


def _member(box: Box, found: Found, name: str, mode: str) -> Member:
    status = os.stat(found.source)  # noqa: PTH116 - making a path of each of thousands takes longer than this
    content = None if found.path.endswith("/") else capture(found.source, box, name, mode)
    return Member(found.path, stat.S_IMODE(status.st_mode), int(status.st_mtime), content)
