"""The list of what lies in a directory that is logged: one line of JSON for each file and empty directory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lading.outbox.entries import Content, Held, content_from_json, content_to_json
from lading.outbox.writing import open_append, write_whole

LINES_AT_ONCE = 200
"""Lines that are one write."""


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


class MemberList:
    """The list of a directory that is being logged. In memory are only the members of the next write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: list[Member] = []
        self.files = 0
        """And empty directories."""
        self.size = 0
        """Bytes."""
        self.has_copies = False
        """Whether something of it may still have to be copied."""

    def write(self, members: Iterable[Member]) -> None:
        """Raises OutboxFailed, and what raises while the members come. Then `members` has those that came."""
        fd = open_append(self._path)
        try:
            for member in members:
                self._take(member)
                if len(self._unwritten) >= LINES_AT_ONCE:
                    self._write_taken(fd)
            self._write_taken(fd)
        finally:
            os.close(fd)

    def members(self) -> Iterator[Member]:
        """All that were taken."""
        if self._path.exists():
            yield from read_members(self._path)
        yield from self._unwritten

    def _take(self, member: Member) -> None:
        self._unwritten.append(member)
        self.files += 1
        self.size += member.size
        self.has_copies |= isinstance(member.content, Held) and member.content.how == "copy"

    def _write_taken(self, fd: int) -> None:
        write_whole(fd, b"".join(map(_line, self._unwritten)))
        self._unwritten.clear()


def read_members(path: Path) -> Iterator[Member]:
    with path.open("rb") as file:
        for line in file:
            name, mode, mtime, content = json.loads(line)
            yield Member(name, mode, mtime, None if content is None else content_from_json(content))


def _line(member: Member) -> bytes:
    content = None if member.content is None else content_to_json(member.content)
    return json.dumps([member.path, member.mode, member.mtime, content]).encode() + b"\n"
