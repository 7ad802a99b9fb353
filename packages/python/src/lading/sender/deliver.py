"""One request for one entry of the outbox, or for many small ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lading.errors import LadingError
from lading.http.api import Api
from lading.outbox.box import Box
from lading.outbox.copying import BLOCK_BYTES
from lading.outbox.entries import DirectoryEntry, FileEntry, SealEntry, Slice, StatusEntry
from lading.outbox.item import Item
from lading.outbox.members import Member
from lading.sender.bodies import counted, hash_of, read_content
from lading.sender.make_run import RunMaker
from lading.sender.open_job import JobOpener
from lading.sender.resumable import RESUMABLE_BYTES, send_resumable
from lading.sender.tar import gathered, tar_blocks, tar_size

FILE_MODE = 0o644


class Delivery:
    """Sends items with the keys that their outbox has for them. Raises as the API does, and for what cannot be read."""

    def __init__(self, box: Box, api: Api, runs: RunMaker) -> None:
        self._box = box
        self._api = api
        self._runs = runs
        self._jobs = JobOpener(box, api)

    def send(self, items: list[Item]) -> str | None:
        """The id of the job that the server made of them; None for what is no upload."""
        first = items[0]
        run = self._runs.server_id(first.entry.run)
        if len(items) > 1 or first.batch is not None:
            return _job(self._send_batch(run, items))
        entry = first.entry
        if isinstance(entry, FileEntry):
            self._box.send_alone([first])
            return self._send_file(run, first, entry)
        if isinstance(entry, DirectoryEntry):
            return _job(self._send_directory(run, first, entry))
        if isinstance(entry, SealEntry):
            self._check_whole(entry)
            self._api.seal_job(self._jobs.server_id(run, entry.run, entry.job), entry.shard)
        else:
            self._send_status(run, entry)
        return None

    def _send_file(self, run: str, item: Item, entry: FileEntry) -> str:
        """Hashed first and read again to be sent, so that the server refuses what was changed in between."""
        content = entry.content
        sha256 = content.sha256 if isinstance(content, Slice) else item.sha256
        if sha256 is None:
            sha256 = hash_of(read_content(self._box, content))
            self._box.hashed(item, sha256)
        return self._send_bytes(run, item, entry, sha256)

    def _send_bytes(self, run: str, item: Item, entry: FileEntry, sha256: str) -> str:
        def blocks_from(start: int) -> Iterator[bytes]:
            item.sent_bytes = start
            return counted(read_content(self._box, entry.content, start), _counter(item))

        path, size, job_id = _sent_path(entry), entry.content.size, self._job_id(run, entry)
        if size < RESUMABLE_BYTES:
            body = blocks_from(0)
            put = self._api.put_artifact(run, path, body, size=size, sha256=sha256, key=entry.id, job_id=job_id)
            return _job(put)
        return send_resumable(
            self._api, run, path, size=size, sha256=sha256, key=entry.id, job_id=job_id, blocks_from=blocks_from
        )

    def _send_directory(self, run: str, item: Item, entry: DirectoryEntry) -> dict[str, Any]:
        def blocks() -> Iterator[bytes]:
            tar = tar_blocks(self._box.members(entry), lambda content: read_content(self._box, content))
            return gathered(tar, BLOCK_BYTES)

        if item.sha256 is None:
            self._box.hashed(item, hash_of(blocks()))
        return self._api.log_tar(
            run,
            counted(blocks(), _counter(item)),
            size=tar_size(self._box.members(entry)),
            key=entry.id,
            atomic=entry.atomic,
            directory=entry.directory,
            sha256=item.sha256,
        )

    def _send_batch(self, run: str, items: list[Item]) -> dict[str, Any]:
        """Small files, whose artifacts appear each by itself, as if each had been sent alone."""
        key = self._box.batched(items)
        entries = [item.entry for item in items if isinstance(item.entry, FileEntry)]
        members = [Member(_sent_path(entry), FILE_MODE, 0, entry.content) for entry in entries]
        body = b"".join(tar_blocks(members, lambda content: read_content(self._box, content)))
        sha256, job_id = hash_of([body]), self._job_id(run, entries[0])
        return self._api.log_tar(run, body, size=len(body), key=key, atomic=False, sha256=sha256, job_id=job_id)

    def _job_id(self, run: str, entry: FileEntry) -> str | None:
        return None if entry.job is None else self._jobs.server_id(run, entry.run, entry.job)

    def _check_whole(self, entry: SealEntry) -> None:
        """A shard that lacks a file is not complete. Raises LadingError `shard_incomplete`."""
        for item in self._box.refused():
            if isinstance(item.entry, FileEntry) and (item.entry.run, item.entry.job) == (entry.run, entry.job):
                detail = f"{entry.job.directory}: shard {entry.shard} is not complete without {item.entry.path}"
                raise LadingError("shard_incomplete", detail)

    def _send_status(self, run: str, entry: StatusEntry) -> None:
        change = {"status": entry.status}
        if entry.ended_at is not None:
            change["ended_at"] = entry.ended_at
        self._api.update_run(run, change)


def _sent_path(entry: FileEntry) -> str:
    """A job that was opened for a directory puts it before each path itself."""
    prefix = "" if entry.job is None or not entry.job.directory else f"{entry.job.directory}/"
    return entry.path[len(prefix) :]


def _counter(item: Item) -> Callable[[int], None]:
    def count(size: int) -> None:
        item.sent_bytes += size

    return count


def _job(receipt: dict[str, Any]) -> str:
    return str(receipt["job_id"])
