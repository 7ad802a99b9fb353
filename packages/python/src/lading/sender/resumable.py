"""Large files, over links that break: an upload goes on where it stopped (tus 1.0).

The server tells how many bytes are on its disk. The key of the entry makes it the same upload whenever it is begun, so
that nothing has to be noted here: neither a broken connection nor a kill of this process begins it anew.

The file is hashed while it is sent. Its digest goes with the last bytes, so that the server compares before it accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lading.errors import ServerError
from lading.http.api import Api, Resumed
from lading.http.client import RetryLater
from lading.outbox.digest_so_far import BlocksOf, DigestSoFar
from lading.sender.bodies import counted

RESUMABLE_BYTES = 64 * 1024 * 1024
"""Files from here on are sent so. A smaller one is sent anew as quickly."""

LAST_BYTES = 1024 * 1024
"""Sent by themselves, from memory, with the digest of all."""


@dataclass(frozen=True)
class ResumableFile:
    path: str
    size: int
    key: str
    """The Idempotency-Key."""
    job_id: str | None
    sha256: str | None
    """Where it was taken already."""
    so_far: DigestSoFar
    blocks_of: BlocksOf
    sent: Callable[[int], None]
    """Told how many bytes the server has, and then how many go."""


def send_resumable(api: Api, run_id: str, file: ResumableFile) -> str:
    """The id of the job. Raises as the API does: what was sent before it did is not sent again."""
    metadata = {"path": file.path, **({} if file.job_id is None else {"job_id": file.job_id})}
    upload = api.create_resumable(run_id, size=file.size, metadata=metadata, key=file.key)
    # Asking ends a request for it that the server still waits for, of a connection that is dead.
    progress = api.resumable_progress(upload)
    if progress.job_id is None:
        try:
            progress = _send_rest(api, upload, file, progress.offset)
        except ServerError as refusal:
            if refusal.code != "upload_offset_mismatch":
                raise
            # Another request was still adding to it; the next attempt asks again.
            raise RetryLater(refusal, None) from refusal
    if progress.job_id is None:
        raise RetryLater(ServerError("http_error", f"{file.path}: the server has all of it, and names no job"), None)
    return progress.job_id


def _send_rest(api: Api, upload: str, file: ResumableFile, offset: int) -> Resumed:
    file.sent(offset)
    end = file.size - LAST_BYTES
    if offset < end:
        offset = api.append_resumable(upload, offset, end, counted(_body(file, offset, end), file.sent)).offset
    last = b"".join(file.blocks_of(offset, file.size))
    sha256 = file.sha256 or file.so_far.with_last(file.blocks_of, offset, last)
    progress = api.append_resumable(upload, offset, file.size, last, sha256=sha256)
    file.sent(len(last))
    return progress


def _body(file: ResumableFile, start: int, end: int) -> Iterable[bytes]:
    return file.so_far.passing(file.blocks_of, start, end) if file.sha256 is None else file.blocks_of(start, end)
