"""One outbox: a folder that one process owns, with all that it has logged and not sent."""

from __future__ import annotations

import logging
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lading.errors import LadingError, OutboxFailed
from lading.ids import new_id
from lading.outbox.capture import capture, capture_bytes
from lading.outbox.entries import (
    DirectoryEntry,
    Entry,
    FileEntry,
    Held,
    SealEntry,
    SharedJob,
    Slice,
    StatusEntry,
    entry_to_json,
)
from lading.outbox.item import ACCEPTED, REFUSED, SENDING, SUPERSEDED, WAITING, Item
from lading.outbox.journal import Journal
from lading.outbox.lock import BoxLock
from lading.outbox.members import Member, MemberList, read_members
from lading.outbox.payload import Payload
from lading.outbox.replay import Replayed
from lading.outbox.reserve import Reserve
from lading.outbox.runs import RunRecord
from lading.outbox.slice_reader import SliceReader
from lading.outbox.writing import outbox_failed

log = logging.getLogger("lading")


@dataclass(frozen=True)
class Destination:
    """Where an outbox is sent. The key of the API is not part of it: it is never on the disk."""

    url: str
    tenant: str | None


class Box:
    """Threads may share it. Whoever waits for what becomes of an entry waits on `changed`, whoever sends on `work`,
    whoever copies on `to_copy`; all three are one lock.

    Everything that is logged is in the journal before a method returns, so that a killed process loses nothing of it.
    What becomes of it is in the journal where the disk has room: it is what makes room.
    """

    def __init__(self, folder: Path, lock: BoxLock, destination: Destination, state: Replayed) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.destination = destination
        lock_of_all = threading.RLock()
        self.changed = threading.Condition(lock_of_all)
        self.work = threading.Condition(lock_of_all)
        self.to_copy = threading.Condition(lock_of_all)
        self.items: OrderedDict[str, Item] = state.items
        self.runs: dict[str, RunRecord] = state.runs
        self.jobs: dict[tuple[str, SharedJob], str] = state.jobs
        self.on_end: list[Callable[[], None]] = []
        """Called, without a lock, when something need not be sent any more."""
        self._refused = {key: item for key, item in state.items.items() if item.state == REFUSED}
        self._directories: set[tuple[str, str]] = set()
        self._lock = lock
        self._journal = Journal(folder / "journal")
        self._can_note = True
        self._payload = Payload(folder / "payload")
        self._reserve = Reserve(folder / "reserve")
        for item in self.items.values():
            for content in self._contents(item.entry):
                if isinstance(content, Slice):
                    self._payload.need(content)

    # What is logged

    def know_run(self, run: RunRecord) -> RunRecord:
        """The run as this outbox knows it. Raises OutboxFailed, as all that writes here."""
        with self.changed:
            if run.key not in self.runs:
                self._journal.append(run.to_json())
                self.runs[run.key] = replace(run)
            return self.runs[run.key]

    def run_made(self, key: str, server_id: str) -> None:
        with self.changed:
            self._note({"made": key, "id": server_id})
            self.runs[key].server_id = server_id

    def keep(self, data: bytes) -> Slice:
        with self.changed:
            return self._payload.add(data)

    def job_opened(self, run: str, job: SharedJob, job_id: str) -> None:
        with self.changed:
            self._note({"opened": [run, asdict(job)], "id": job_id})
            self.jobs[run, job] = job_id

    def add_bytes(self, run: str, path: str, data: bytes, job: SharedJob | None = None) -> Item:
        entry_id = new_id()
        return self._add(FileEntry(entry_id, run, path, capture_bytes(data, path, self, entry_id), job))

    def add_file(self, run: str, path: str, source: Path, mode: str, job: SharedJob | None = None) -> Item:
        """Raises as `capture` does."""
        entry_id = new_id()
        content = capture(source, self, entry_id, mode)
        return self._add(FileEntry(entry_id, run, path, content, job), captured=self._is_here(content))

    def add_directory(self, entry_id: str, run: str, directory: str, members: Iterable[Member], atomic: bool) -> Item:
        """Takes the members as they come, and holds few of them. What raises while they do leaves nothing behind.
        Raises LadingError `no_file` where none comes."""
        listing = MemberList(self._members(entry_id))
        try:
            listing.write(members)
        except BaseException:
            self._drop(member.content for member in listing.members())
            self._drop_listing(entry_id)
            raise
        if listing.files == 0:
            self._drop_listing(entry_id)
            raise LadingError("no_file", f"{directory or 'the directory'}: there is nothing in it to log")
        is_new = self._is_new(run, directory)
        entry = DirectoryEntry(entry_id, run, directory, listing.files, listing.size, atomic, is_new)
        return self._add(entry, captured=not listing.has_copies)

    def add_status(self, run: str, status: str, ended_at: str | None) -> Item:
        return self._put(StatusEntry(new_id(), run, status, ended_at), self._append_at_last)

    def add_seal(self, run: str, job: SharedJob, shard: int) -> Item:
        return self._put(SealEntry(new_id(), run, job, shard), self._append_at_last)

    # What becomes of it

    def copied(self, item: Item) -> None:
        with self.changed:
            item.captured = True
            self.work.notify()

    def batched(self, items: list[Item]) -> str:
        """The key of the request that takes them all: the same one whenever it is sent again."""
        with self.changed:
            if items[0].batch is None:
                key = new_id()
                self._note({"batch": key, "of": [item.entry.id for item in items]})
                for item in items:
                    item.batch = key
            return items[0].batch or ""

    def send_alone(self, items: Iterable[Item]) -> None:
        """Each of them is a request by itself from now on, whose key is its id."""
        with self.changed:
            together = [item for item in items if not item.alone]
            self._note(*({"alone": item.entry.id} for item in together))
            for item in together:
                item.batch, item.alone = None, True

    def put_back(self, items: Iterable[Item], not_before: float = 0.0) -> None:
        with self.changed:
            for item in items:
                item.attempts += 1
                item.not_before = not_before
                item.sent_bytes = 0
                if item.state == SENDING:
                    item.state = WAITING
            self.work.notify_all()

    def end(self, items: list[Item], state: str, *, job: str | None = None, error: LadingError | None = None) -> None:
        """They need not be sent any more. The bytes of refused ones stay, until a newer version is accepted: to send
        them once more would write over it."""
        with self.changed:
            older = self._refused_versions(items) if state == ACCEPTED else []
            noted = [*self._mark(older, SUPERSEDED, None, None), *self._mark(items, state, job, error)]
            self.changed.notify_all()
            # What waited for these may go now.
            self.work.notify_all()
        for item in noted:
            if item.error is None:
                self._forget(item.entry)
        for tell in self.on_end:
            tell()

    def try_again(self) -> None:
        """What was refused is to be sent once more."""
        with self.changed:
            for item in self._refused.values():
                self._note({"again": item.entry.id})
                item.state, item.error, item.attempts = WAITING, None, 0
            self._refused.clear()
            self.work.notify_all()
            self.to_copy.notify_all()

    def wake_all(self) -> None:
        with self.changed:
            for condition in (self.changed, self.work, self.to_copy):
                condition.notify_all()

    def waiting(self) -> list[Item]:
        """What is still to be sent, oldest first."""
        with self.changed:
            return [item for item in self.items.values() if not item.ended]

    @property
    def unsent(self) -> int:
        """How many are waiting."""
        with self.changed:
            return len(self.items) - len(self._refused)

    def refused(self) -> list[Item]:
        with self.changed:
            return list(self._refused.values())

    # Its bytes

    def members(self, entry: DirectoryEntry) -> Iterable[Member]:
        return read_members(self._members(entry.id))

    def read(self, content: Slice) -> bytes:
        """Raises OutboxFailed, as `reading` does."""
        with self.reading() as slices:
            return slices.read(content)

    def reading(self) -> SliceReader:
        """For many slices, one after another. One thread's alone."""
        return SliceReader(self.folder / "payload")

    def path_of(self, content: Held) -> Path:
        return self.files / content.name

    # Its own end

    def close(self) -> None:
        """Lets go of it. What is not sent stays for the next process, or `lading sync`; an empty one is removed."""
        with self.changed:
            self._close_files()
            if not self.items:
                shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.release()

    def abandon(self) -> None:
        """For a forked child, whose parent goes on owning it: closes the child's copies of what is open."""
        self._close_files()
        self._lock.release()

    def _close_files(self) -> None:
        for open_file in (self._payload, self._journal, self._reserve):
            open_file.close()

    def _mark(self, items: list[Item], state: str, job: str | None, error: LadingError | None) -> list[Item]:
        """Those whose bytes are not needed by whoever reads the journal."""
        is_noted = self._note(*(_ending(item, state, job, error) for item in items))
        for item in items:
            item.state, item.job_id, item.error = state, job, error
            item.sent_bytes = item.size if state == ACCEPTED else 0
            if error is None:
                del self.items[item.entry.id]
                self._refused.pop(item.entry.id, None)
            else:
                self._refused[item.entry.id] = item
        return items if is_noted else []

    def _refused_versions(self, newer: list[Item]) -> list[Item]:
        if not self._refused:
            return []
        there = {_artifact_of(item.entry) for item in newer} - {None}
        return [item for item in self._refused.values() if _artifact_of(item.entry) in there]

    def _note(self, *records: dict[str, Any]) -> bool:
        """Of what was sent. Where it cannot be noted, a program that is killed sends it once more when it is back."""
        try:
            self._append_at_last(*records)
            self._can_note = True
        except OutboxFailed as error:
            if self._can_note:
                log.warning("what is sent cannot be noted, and goes on: %s", error)
            self._can_note = False
        return self._can_note

    def _append_at_last(self, *records: dict[str, Any]) -> None:
        """What brings no bytes, or makes room for others: the disk's last is for it. Raises OutboxFailed."""
        while True:
            try:
                self._journal.append(*records)
            except OutboxFailed as failure:
                if failure.code != "outbox_full" or not self._reserve.give():
                    raise
            else:
                return

    def _add(self, entry: Entry, captured: bool = True) -> Item:
        try:
            return self._put(entry, self._append, captured)
        except LadingError:
            self._forget(entry)
            raise

    def _append(self, record: dict[str, Any]) -> None:
        self._reserve.hold(len(self.items) + 1)
        self._journal.append(record)

    def _put(self, entry: Entry, write: Callable[[dict[str, Any]], None], captured: bool = True) -> Item:
        item = Item(entry, captured=captured)
        with self.changed:
            write(entry_to_json(entry))
            self.items[entry.id] = item
            (self.work if item.captured else self.to_copy).notify()
        return item

    def _is_new(self, run: str, directory: str) -> bool:
        """Of a run that this process began, a directory that it has not logged before."""
        with self.changed:
            known = (run, directory) in self._directories or self.runs[run].key == self.runs[run].server_id
            self._directories.add((run, directory))
            return not known

    def _is_here(self, content: Slice | Held) -> bool:
        return not isinstance(content, Held) or content.how != "copy" or self.path_of(content).exists()

    def _contents(self, entry: Entry) -> Iterable[Slice | Held]:
        if isinstance(entry, FileEntry):
            yield entry.content
        elif isinstance(entry, DirectoryEntry):
            yield from (member.content for member in self.members(entry) if member.content is not None)

    def _forget(self, entry: Entry) -> None:
        self._drop(self._contents(entry))
        if isinstance(entry, DirectoryEntry):
            self._drop_listing(entry.id)

    def _drop(self, contents: Iterable[Slice | Held | None]) -> None:
        for content in contents:
            if isinstance(content, Slice):
                with self.changed:
                    self._payload.release(content)
            elif content is not None:
                self.path_of(content).unlink(missing_ok=True)

    def _drop_listing(self, entry_id: str) -> None:
        self._members(entry_id).unlink(missing_ok=True)
        shutil.rmtree(self.files / entry_id, ignore_errors=True)

    def _members(self, entry_id: str) -> Path:
        return self.files / f"{entry_id}.members"


def _artifact_of(entry: Entry) -> tuple[str, str] | None:
    """Of a file by itself, the run and path: what counts there is the version that was logged last."""
    return (entry.run, entry.path) if isinstance(entry, FileEntry) and entry.job is None else None


def _ending(item: Item, state: str, job: str | None, error: LadingError | None) -> dict[str, Any]:
    record: dict[str, Any] = {"end": item.entry.id, "state": state}
    if job is not None:
        record["job"] = job
    if error is not None:
        record["error"] = [error.code, error.detail, error.status]
    return record


def make_folders(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700)
        (folder / "files").mkdir()
        (folder / "payload").mkdir()
    except OSError as error:
        raise outbox_failed(error, folder) from error
