"""One file, by the way that its size asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lading.http.api import Api
from lading.outbox.box import Box
from lading.outbox.entries import Content
from lading.sender.bodies import counted, read_content
from lading.sender.resumable import RESUMABLE_BYTES, send_resumable


@dataclass(frozen=True)
class FileToSend:
    path: str
    content: Content
    sha256: str
    key: str
    """The Idempotency-Key."""
    job_id: str | None
    """The open job that it belongs to."""


def send_file(api: Api, box: Box, run_id: str, file: FileToSend, sent: Callable[[int], None]) -> str:
    """The id of the job. `sent` is told how many bytes went; of a large file, first how many the server had already."""

    def blocks_from(start: int) -> Iterator[bytes]:
        sent(start)
        return counted(read_content(box, file.content, start), sent)

    path, size, sha256, key, job_id = file.path, file.content.size, file.sha256, file.key, file.job_id
    if size < RESUMABLE_BYTES:
        body = blocks_from(0)
        return str(api.put_artifact(run_id, path, body, size=size, sha256=sha256, key=key, job_id=job_id)["job_id"])
    return send_resumable(api, run_id, path, size=size, sha256=sha256, key=key, job_id=job_id, blocks_from=blocks_from)
