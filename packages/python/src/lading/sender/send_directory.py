"""A directory, of which only that is sent which the server does not have.

A small one, of which nothing can be there yet, is one request. Any other fills an open job: the server is asked which
files are needed, small ones go together as tars, large ones by themselves, and what an attempt that was cut off has
brought is not sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count, islice
from typing import Any

from lading.errors import Cancelled, FileChanged, ServerError
from lading.http.api import Api
from lading.http.client import RetryLater
from lading.outbox.box import Box
from lading.outbox.entries import DirectoryEntry, Slice
from lading.outbox.item import Item
from lading.outbox.members import Member
from lading.sender.bodies import hash_of, read_content
from lading.sender.lanes import Lanes
from lading.sender.send_file import FileToSend, send_file
from lading.sender.tar import tar_of, tar_size_at_most

TAR_BYTES = 16 * 1024 * 1024
"""Of one request, which is made in memory."""
TARS_AT_ONCE = 2
"""So that one is read and hashed while the server takes the other."""
ALONE_BYTES = TAR_BYTES // 2
"""A file from here on is a request of its own."""
PLAN_FILES = 5000
"""Files that are asked for at once; the server takes 10,000."""


class DirectorySender:
    """Raises as the API does, and for what cannot be read. Every attempt for an entry is the same job."""

    def __init__(self, box: Box, api: Api) -> None:
        self._box = box
        self._api = api

    def send(self, run_id: str, item: Item, entry: DirectoryEntry) -> str:
        """The id of the job."""
        if entry.is_new and tar_size_at_most(entry.files, entry.size) <= TAR_BYTES:
            return self._send_whole(run_id, item, entry)
        job = self._open(run_id, entry)
        job_id = str(job["job_id"])
        if job["state"] == "open":
            self._fill(run_id, job_id, item, entry)
        return job_id

    def _send_whole(self, run_id: str, item: Item, entry: DirectoryEntry) -> str:
        body = self._tar(self._box.members(entry))
        job = self._api.log_tar(
            run_id,
            body,
            sha256=hash_of([body]),
            key=entry.id,
            atomic=entry.atomic,
            directory=entry.directory,
        )
        item.sent_bytes = item.size
        return str(job["job_id"])

    def _open(self, run_id: str, entry: DirectoryEntry) -> dict[str, Any]:
        """The job of this entry; another, where the one before has failed without being whole."""
        request = {"artifact_path": entry.directory, "atomic": entry.atomic}
        keys = (entry.id if number == 1 else f"{entry.id}-{number}" for number in count(1))
        job = next(job for key in keys if (job := self._api.open_job(run_id, request, key))["state"] != "failed")
        if job["state"] == "cancelled":
            raise Cancelled(f"{entry.directory}/: job {job['job_id']} was cancelled")
        return job

    def _fill(self, run_id: str, job_id: str, item: Item, entry: DirectoryEntry) -> None:
        item.sent_bytes = 0
        try:
            with Lanes(TARS_AT_ONCE) as lanes:
                for group in _groups(self._needed(run_id, job_id, item, entry)):
                    if _is_alone(group[0]):
                        self._send_alone(run_id, job_id, item, entry, group[0])
                    else:
                        lanes.run(partial(self._send_tar, run_id, job_id, item, entry, group))
            self._api.seal_job(job_id)
        except FileChanged:
            self._api.cancel_job(job_id)
            raise
        except ServerError as refusal:
            if refusal.code != "job_state_conflict":
                raise
            # It has ended meanwhile, at its deadline perhaps: the next attempt sees how.
            raise RetryLater(refusal, None) from refusal

    def _needed(self, run_id: str, job_id: str, item: Item, entry: DirectoryEntry) -> Iterator[Member]:
        members = iter(self._box.members(entry))
        while page := list(islice(members, PLAN_FILES)):
            if entry.is_new and item.is_first_attempt:
                yield from page
                continue
            asked = [(member.path, member.size, self._sha256(item, member)) for member in page if member.content]
            needed = self._api.plan(run_id, job_id, asked) if asked else set[str]()
            for member in page:
                if member.content is None or member.path in needed:
                    yield member
                else:
                    self._count(item, member.size)

    def _send_tar(self, run_id: str, job_id: str, item: Item, entry: DirectoryEntry, group: list[Member]) -> None:
        body = self._tar(group)
        sha256 = hash_of([body])
        # What is needed may be another set at the next attempt, and another request then.
        self._api.log_tar(run_id, body, sha256=sha256, key=f"{entry.id}-{sha256[:32]}", job_id=job_id)
        self._count(item, sum(member.size for member in group))

    def _send_alone(self, run_id: str, job_id: str, item: Item, entry: DirectoryEntry, member: Member) -> None:
        content = member.content
        assert content is not None
        key = f"{entry.id}-{hashlib.sha256(member.path.encode()).hexdigest()[:32]}"
        file = FileToSend(member.path, content, key, job_id, item.digest_of(content), item.so_far_of(content))
        send_file(self._api, self._box, run_id, file, partial(self._count, item))

    def _count(self, item: Item, size: int) -> None:
        """Of several threads."""
        with self._box.changed:
            item.count_sent(size)

    def _tar(self, members: Iterable[Member]) -> bytes:
        with self._box.reading() as slices:
            return tar_of(members, lambda content: read_content(self._box, content, slices=slices))

    def _sha256(self, item: Item, member: Member) -> str:
        content = member.content
        assert content is not None
        if isinstance(content, Slice):
            return content.sha256
        if content.name not in item.digests:
            item.digests[content.name] = hash_of(read_content(self._box, content))
        return item.digests[content.name]


def _groups(members: Iterable[Member]) -> Iterator[list[Member]]:
    """What goes in one request each."""
    group: list[Member] = []
    size = 0
    for member in members:
        if _is_alone(member):
            yield [member]
            continue
        if group and tar_size_at_most(len(group) + 1, size + member.size) > TAR_BYTES:
            yield group
            group, size = [], 0
        group.append(member)
        size += member.size
    if group:
        yield group


def _is_alone(member: Member) -> bool:
    return member.size >= ALONE_BYTES
