"""What is sent next, and what must wait for something else.

Two versions of one path are accepted in the order in which they were logged, so that the last one wins. A directory
and what lies in it, a job and its seal, and the status of a run and all of the run, keep their order too. Everything
else goes as it may.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lading.outbox.capture import SMALL_BYTES
from lading.outbox.entries import DirectoryEntry, Entry, FileEntry, SealEntry, SharedJob, Slice, StatusEntry
from lading.outbox.item import WAITING, Item

BATCH_FILES = 1000
BATCH_BYTES = 16 * SMALL_BYTES
LINGER_SECONDS = 0.02
LOOK_AHEAD = 5000
"""Entries that are looked at in search for one that need not wait."""


def choose(items: Iterable[Item], now: float, older: Iterable[Entry] = ()) -> list[Item]:
    """The oldest that need not wait; and if it is small, more small ones for the same request. Empty: none may go.

    `older` is what others send, and what goes before.
    """
    ahead = _Ahead()
    for entry in older:
        ahead.add(entry)
    chosen: list[Item] = []
    size = 0
    for looked_at, item in enumerate(items):
        if looked_at >= LOOK_AHEAD or len(chosen) >= BATCH_FILES:
            break
        if item.ended:
            continue
        if _may_go(item, now) and not ahead.holds_up(item) and _fits(chosen, size, item):
            chosen.append(item)
            size += item.size
            if not _is_small(item):
                break
        ahead.add(item.entry)
    return chosen


def more_may_come(chosen: list[Item], now: float) -> float:
    """Seconds that small files wait for more of their kind, so that a burst of them is few requests."""
    if not chosen or not _is_small(chosen[0]) or len(chosen) == BATCH_FILES or chosen[0].batch is not None:
        return 0.0
    return max(0.0, chosen[0].added + LINGER_SECONDS - now)


def _may_go(item: Item, now: float) -> bool:
    return item.state == WAITING and item.captured and item.not_before <= now


def _fits(chosen: list[Item], size: int, item: Item) -> bool:
    if not chosen:
        return True
    first = chosen[0]
    alike = (item.entry.run, _job_of(item), item.batch) == (first.entry.run, _job_of(first), first.batch)
    return alike and _is_small(item) and size + item.size <= BATCH_BYTES


def _job_of(item: Item) -> SharedJob | None:
    return item.entry.job if isinstance(item.entry, (FileEntry, SealEntry)) else None


def _is_small(item: Item) -> bool:
    return isinstance(item.entry, FileEntry) and isinstance(item.entry.content, Slice) and not item.alone


@dataclass
class _Ahead:
    """What was logged earlier and is not accepted yet."""

    paths: set[tuple[str, str]] = field(default_factory=lambda: set[tuple[str, str]]())
    directories: list[tuple[str, str]] = field(default_factory=lambda: list[tuple[str, str]]())
    runs: set[str] = field(default_factory=lambda: set[str]())
    jobs: set[tuple[str, SharedJob]] = field(default_factory=lambda: set[tuple[str, SharedJob]]())
    ending: set[str] = field(default_factory=lambda: set[str]())

    def holds_up(self, item: Item) -> bool:
        entry = item.entry
        if entry.run in self.ending:
            return True
        if isinstance(entry, StatusEntry):
            return entry.run in self.runs
        if isinstance(entry, SealEntry):
            return (entry.run, entry.job) in self.jobs
        if isinstance(entry, FileEntry):
            return (entry.run, entry.path) in self.paths or self._in_directory(entry.run, entry.path)
        return self._in_directory(entry.run, entry.directory) or any(
            run == entry.run and _is_below(path, entry.directory) for run, path in (*self.paths, *self.directories)
        )

    def add(self, entry: Entry) -> None:
        self.runs.add(entry.run)
        if isinstance(entry, FileEntry):
            self.paths.add((entry.run, entry.path))
            if entry.job is not None:
                self.jobs.add((entry.run, entry.job))
        elif isinstance(entry, DirectoryEntry):
            self.directories.append((entry.run, entry.directory))
        elif isinstance(entry, StatusEntry):
            self.ending.add(entry.run)

    def _in_directory(self, run: str, path: str) -> bool:
        return any(run == of and _is_below(path, directory) for of, directory in self.directories)


def _is_below(path: str, directory: str) -> bool:
    return not directory or path == directory or path.startswith(directory + "/")
