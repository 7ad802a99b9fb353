"""One file, in ranges at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3

from lading.downloading.ranges import PartialFile, alone, drop_parts
from lading.errors import LadingError, ServerError, Unreachable
from lading.http.api import Api

BLOCK_BYTES = 1024 * 1024
AT_ONCE = 4

Patiently = Callable[[Callable[[], None]], None]


def fetch(api: Api, run_id: str, artifact: dict[str, Any], target: Path, patiently: Patiently) -> None:
    """Fetches what of it is not here, compares the whole with its SHA-256, and gives it its name. One that is here
    already, with this SHA-256, is not fetched.

    Raises LadingError `digest_mismatch`, with nothing left; and ServerError `precondition_failed` where the artifact
    was replaced meanwhile.
    """
    with alone(target):
        if _is_here(target, artifact):
            drop_parts(target)
        else:
            _fetch(api, run_id, artifact, target, patiently)


def _is_here(target: Path, artifact: dict[str, Any]) -> bool:
    is_of_its_size = target.is_file() and target.stat().st_size == artifact["size"]
    return is_of_its_size and _sha256_of(target) == artifact["sha256"]


def _fetch(api: Api, run_id: str, artifact: dict[str, Any], target: Path, patiently: Patiently) -> None:
    part = PartialFile(target, int(artifact["size"]), str(artifact["etag"]))

    def fetch_range(bounds: tuple[int, int]) -> None:
        patiently(lambda: _fetch_range(api, run_id, artifact, part, bounds))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lading-download") as pool:
        list(pool.map(fetch_range, part.missing()))
    if _sha256_of(part.path) != artifact["sha256"]:
        drop_parts(target)
        raise LadingError(
            "digest_mismatch", f"{artifact['path']}: what was fetched has another SHA-256; fetch it again"
        )
    part.keep(target)


def _fetch_range(api: Api, run_id: str, artifact: dict[str, Any], part: PartialFile, bounds: tuple[int, int]) -> None:
    start, end = bounds
    position = start
    headers = {
        "Range": f"bytes={start}-{end - 1}",
        "If-Match": artifact["etag"],
        "Accept-Encoding": "identity",
    }
    response = api.download(run_id, artifact["path"], headers)
    try:
        if response.status != 206:
            raise ServerError("http_error", "the server ignored the range that was asked for", response.status)
        for block in response.stream(BLOCK_BYTES):
            part.write(position, block)
            position += len(block)
    except urllib3.exceptions.HTTPError as error:
        raise Unreachable(f"{artifact['path']}: the download broke off: {error}") from error
    finally:
        response.release_conn()
    if position != end:
        raise Unreachable(f"{artifact['path']}: the download broke off at byte {position}")
    part.done(start)


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
