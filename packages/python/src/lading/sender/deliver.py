"""One request for one entry of the outbox, or for many small ones."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from lading.errors import LadingError
from lading.http.api import Api
from lading.outbox.box import Box
from lading.outbox.entries import DirectoryEntry, FileEntry, SealEntry, StatusEntry
from lading.outbox.item import Item
from lading.outbox.members import Member
from lading.sender.bodies import hash_of, read_content
from lading.sender.make_run import RunMaker
from lading.sender.open_job import JobOpener
from lading.sender.send_directory import DirectorySender
from lading.sender.send_file import FileToSend, send_file
from lading.sender.tar import tar_of

FILE_MODE = 0o644


class Delivery:
    """Sends items with the keys that their outbox has for them. Raises as the API does, and for what cannot be read."""

    def __init__(self, box: Box, api: Api, runs: RunMaker) -> None:
        self._box = box
        self._api = api
        self._runs = runs
        self._jobs = JobOpener(box, api)
        self._directories = DirectorySender(box, api)

    def send(self, items: list[Item]) -> str | None:
        """The id of the job that the server made of them; None for what is no upload."""
        first = items[0]
        run = self._runs.server_id(first.entry.run)
        if len(items) > 1 or first.batch is not None:
            return self._send_batch(run, items)
        entry = first.entry
        if isinstance(entry, FileEntry):
            self._box.send_alone([first])
            return self._send_file(run, first, entry)
        if isinstance(entry, DirectoryEntry):
            return self._directories.send(run, first, entry)
        if isinstance(entry, SealEntry):
            self._check_whole(entry)
            self._api.seal_job(self._jobs.server_id(run, entry.run, entry.job), entry.shard)
        else:
            self._send_status(run, first, entry)
        return None

    def _send_file(self, run: str, item: Item, entry: FileEntry) -> str:
        content, job_id = entry.content, self._job_id(run, entry)
        item.sent_bytes = 0
        sha256, so_far = item.digest_of(content), item.so_far_of(content)
        file = FileToSend(_sent_path(entry), content, entry.id, job_id, sha256, so_far)
        return send_file(self._api, self._box, run, file, item.count_sent)

    def _send_batch(self, run: str, items: list[Item]) -> str:
        """Small files, whose artifacts appear each by itself, as if each had been sent alone."""
        key = self._box.batched(items)
        entries = [item.entry for item in items if isinstance(item.entry, FileEntry)]
        members = [Member(_sent_path(entry), FILE_MODE, 0, entry.content) for entry in entries]
        with self._box.reading() as slices:
            body = tar_of(members, lambda content: read_content(self._box, content, slices=slices))
        sha256, job_id = hash_of([body]), self._job_id(run, entries[0])
        return _job(self._api.log_tar(run, body, sha256=sha256, key=key, atomic=False, job_id=job_id))

    def _job_id(self, run: str, entry: FileEntry) -> str | None:
        return None if entry.job is None else self._jobs.server_id(run, entry.run, entry.job)

    def _check_whole(self, entry: SealEntry) -> None:
        """A shard that lacks a file is not complete. Raises LadingError `shard_incomplete`."""
        for item in self._box.refused():
            if isinstance(item.entry, FileEntry) and (item.entry.run, item.entry.job) == (entry.run, entry.job):
                detail = f"{entry.job.directory}: shard {entry.shard} is not complete without {item.entry.path}"
                raise LadingError("shard_incomplete", detail)

    def _send_status(self, run: str, item: Item, entry: StatusEntry) -> None:
        change = {"status": entry.status}
        if entry.ended_at is not None:
            change["ended_at"] = self._by_the_server(item) or entry.ended_at
        self._api.update_run(run, change)

    def _by_the_server(self, item: Item) -> str | None:
        """When it was logged, by the server's clock, as this machine's may be off. Not known of another process's."""
        now = self._api.server_time()
        if now is None or item.is_replayed:
            return None
        logged = now - (time.monotonic() - item.added)
        return datetime.fromtimestamp(logged, timezone.utc).isoformat()


def _sent_path(entry: FileEntry) -> str:
    """A job that was opened for a directory puts it before each path itself."""
    prefix = "" if entry.job is None or not entry.job.directory else f"{entry.job.directory}/"
    return entry.path[len(prefix) :]


def _job(receipt: dict[str, Any]) -> str:
    return str(receipt["job_id"])
