"""The list of what lies in a directory that is logged: one line of JSON for each file and empty directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lading.outbox.entries import Content, content_from_json, content_to_json


@dataclass(frozen=True)
class Member:
    """A file; or an empty directory, which has no content and a path that ends in a slash."""

    path: str
    mode: int
    mtime: int
    """Whole seconds since 1970."""
    content: Content | None

    @property
    def size(self) -> int:
        return 0 if self.content is None else self.content.size


def member_line(member: Member) -> bytes:
    content = None if member.content is None else content_to_json(member.content)
    return json.dumps([member.path, member.mode, member.mtime, content]).encode() + b"\n"


def read_members(path: Path) -> Iterator[Member]:
    with path.open("rb") as file:
        for line in file:
            name, mode, mtime, content = json.loads(line)
            yield Member(name, mode, mtime, None if content is None else content_from_json(content))
