"""One file, by the way that its size asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lading.http.api import Api
from lading.outbox.box import Box
from lading.outbox.digest_so_far import DigestSoFar
from lading.outbox.entries import Content
from lading.sender.bodies import counted, hash_of, read_content
from lading.sender.resumable import RESUMABLE_BYTES, ResumableFile, send_resumable


@dataclass(frozen=True)
class FileToSend:
    path: str
    content: Content
    key: str
    """The Idempotency-Key."""
    job_id: str | None
    """The open job that it belongs to."""
    sha256: str | None
    """Where it was taken already."""
    so_far: DigestSoFar
    """Of a large file, which is hashed while it is sent."""


def send_file(api: Api, box: Box, run_id: str, file: FileToSend, sent: Callable[[int], None]) -> str:
    """The id of the job. `sent` is told how many bytes went; of a large file, first how many the server had already."""
    size = file.content.size
    if size < RESUMABLE_BYTES:
        return _put(api, box, run_id, file, sent)

    def blocks_of(start: int, end: int) -> Iterator[bytes]:
        return read_content(box, file.content, start, end)

    resumable = ResumableFile(file.path, size, file.key, file.job_id, file.sha256, file.so_far, blocks_of, sent)
    return send_resumable(api, run_id, resumable)


def _put(api: Api, box: Box, run_id: str, file: FileToSend, sent: Callable[[int], None]) -> str:
    """Hashed first and read again to be sent, so that the server refuses what was changed in between."""
    size, path, key, job_id = file.content.size, file.path, file.key, file.job_id
    sha256 = file.sha256 or hash_of(read_content(box, file.content))
    body = counted(read_content(box, file.content), sent)
    return str(api.put_artifact(run_id, path, body, size=size, sha256=sha256, key=key, job_id=job_id)["job_id"])
