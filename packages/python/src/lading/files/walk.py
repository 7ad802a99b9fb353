"""What lies in a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pathspec

from lading.errors import LadingError, LinkRefused
from lading.files.ignore import IGNORE_FILE, Ignored

LINK_POLICIES = ("refuse", "skip", "follow")


@dataclass(frozen=True)
class Found:
    """A file, or an empty directory, whose path ends in a slash. Paths have slashes, and are below the root."""

    path: str
    source: str


def walk(root: Path, patterns: Sequence[str] | None = None, links: str = "refuse") -> Iterator[Found]:
    """All files below the root in the order of their names, and the directories that are empty.

    Raises LinkRefused, NotADirectoryError and its like, and LadingError `path_invalid` for a name that is no text.
    """
    if links not in LINK_POLICIES:
        raise ValueError(f"links: {links!r} is none of {', '.join(LINK_POLICIES)}")
    wanted = None if patterns is None else pathspec.GitIgnoreSpec.from_lines(patterns)
    yield from _Walk(wanted, links).below(root, "", Ignored(), (os.path.realpath(root),))


@dataclass(frozen=True)
class _Walk:
    wanted: pathspec.GitIgnoreSpec | None
    links: str

    def below(self, folder: Path, prefix: str, above: Ignored, parents: tuple[str, ...]) -> Iterator[Found]:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
        ignored = above.below(folder, prefix)
        if not entries and prefix and self.wanted is None:
            yield Found(prefix, str(folder))
        for entry in entries:
            if entry.name != IGNORE_FILE:
                yield from self._entry(entry, prefix, ignored, parents)

    def _entry(
        self, entry: os.DirEntry[str], prefix: str, ignored: Ignored, parents: tuple[str, ...]
    ) -> Iterator[Found]:
        path = _text(prefix + entry.name)
        if entry.is_symlink() and self.links == "skip":
            return
        is_folder = entry.is_dir()
        if ignored.leaves_out(path + "/" if is_folder else path):
            return
        if entry.is_symlink() and self.links == "refuse":
            raise LinkRefused(f'{entry.path}: a symbolic link; use links="follow" or links="skip"')
        if is_folder:
            real = os.path.realpath(entry.path)
            if real in parents:
                raise LinkRefused(f"{entry.path}: this link leads to a directory that it lies in")
            yield from self.below(Path(entry.path), path + "/", ignored, (*parents, real))
        elif not entry.is_file():
            raise LinkRefused(f"{entry.path}: neither a file nor a directory, or a link to nothing")
        elif self.wanted is None or self.wanted.match_file(path):
            yield Found(path, entry.path)


def _text(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise LadingError("path_invalid", f"{path!r}: the name is not UTF-8") from error
    return path
