"""Large files, over links that break: an upload goes on where it stopped (tus 1.0).

The server tells how many bytes are on its disk. The key of the entry makes it the same upload whenever it is begun, so
that nothing has to be noted here: neither a broken connection nor a kill of this process begins it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lading.errors import ServerError
from lading.http.api import Api
from lading.http.client import RetryLater

RESUMABLE_BYTES = 64 * 1024 * 1024
"""Files from here on are sent so. A smaller one is sent anew as quickly."""


def send_resumable(
    api: Api,
    run_id: str,
    path: str,
    *,
    size: int,
    sha256: str,
    key: str,
    job_id: str | None,
    blocks_from: Callable[[int], Iterator[bytes]],
) -> str:
    """The id of the job. Raises as the API does: what was sent before it did is not sent again."""
    metadata = {"path": path, "sha256": sha256, **({} if job_id is None else {"job_id": job_id})}
    upload = api.create_resumable(run_id, size=size, metadata=metadata, key=key)
    # Asking ends a request for it that the server still waits for, of a connection that is dead.
    progress = api.resumable_progress(upload)
    if progress.job_id is None:
        try:
            progress = api.append_resumable(upload, progress.offset, size, blocks_from(progress.offset))
        except ServerError as refusal:
            if refusal.code != "upload_offset_mismatch":
                raise
            # Another request was still adding to it; the next attempt asks again.
            raise RetryLater(refusal, None) from refusal
    if progress.job_id is None:
        raise RetryLater(ServerError("http_error", f"{path}: the server has all of it, and names no job"), None)
    return progress.job_id
