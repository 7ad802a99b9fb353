"""The addresses of the server that this package uses, one method each."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from lading.errors import ServerError
from lading.http.client import Answer, Body, HttpClient
from lading.http.digests import digest_field
from lading.paths import checked_path

RUNS = "/api/v1/experiments/runs"
PAGE = 1000


TUS = {"Tus-Resumable": "1.0.0"}
"""https://tus.io/protocols/resumable-upload"""


Ask = Callable[[Callable[[], Answer]], Answer]


def _once(request: Callable[[], Answer]) -> Answer:
    return request()


@dataclass(frozen=True)
class Resumed:
    """Where a resumable upload stands."""

    offset: int
    """Bytes that are on the server's disk."""
    job_id: str | None
    """The job that it became, once it is whole."""


class Api:
    """Lading's HTTP API. Each method is one request, and raises as `HttpClient.request` does."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def server_time(self) -> float | None:
        return self._http.server_time()

    def experiment_named(self, name: str) -> dict[str, Any]:
        """The experiment of this name, which is created where there is none."""
        query = urlencode({"name": name})
        found = self._http.request("GET", f"/api/v1/experiments?{query}").json()["experiments"]
        if found:
            return found[0]
        try:
            return self.create_experiment(name)
        except ServerError as error:
            if error.code != "experiment_exists":
                raise
            # Another process created it in between; or it is deleted, which the server says when asked for a run.
            found = self._http.request("GET", f"/api/v1/experiments?{query}").json()["experiments"]
            if not found:
                raise
            return found[0]

    def create_experiment(self, name: str, artifact_location: str | None = None) -> dict[str, Any]:
        body = {"name": name}
        if artifact_location is not None:
            body["artifact_location"] = artifact_location
        return self._http.request("POST", "/api/v1/experiments", json_body=body).json()

    def create_run(self, experiment_id: str, name: str | None, key: str) -> dict[str, Any]:
        """Starts a run. The same key is the same run, however often it is asked for."""
        path = f"/api/v1/experiments/{quote(experiment_id, safe='')}/runs"
        body = {} if name is None else {"name": name}
        return self._http.request("POST", path, json_body=body, headers={"Idempotency-Key": key}).json()

    def run(self, run_id: str) -> dict[str, Any]:
        return self._http.request("GET", _run(run_id)).json()

    def update_run(self, run_id: str, change: Mapping[str, Any]) -> dict[str, Any]:
        return self._http.request("PATCH", _run(run_id), json_body=change).json()

    def put_artifact(
        self, run_id: str, path: str, body: Body, *, size: int, sha256: str, key: str, job_id: str | None = None
    ) -> dict[str, Any]:
        """Sends one file, to an open job where one is given; refused unless its bytes have this SHA-256."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Repr-Digest": digest_field(sha256),
            "Idempotency-Key": key,
        }
        query = "" if job_id is None else f"?{urlencode({'job_id': job_id})}"
        return self._http.request("PUT", _artifact(run_id, path) + query, body=body, headers=headers).json()

    def create_resumable(self, run_id: str, *, size: int, metadata: Mapping[str, str], key: str) -> str:
        """Begins a resumable upload; its address. The same key is the same upload."""
        headers = {
            **TUS,
            "Upload-Length": str(size),
            "Upload-Metadata": _upload_metadata(metadata),
            "Idempotency-Key": key,
        }
        answer = self._http.request("POST", f"{_run(run_id)}/resumable", headers=headers)
        return urlsplit(answer.headers["location"]).path

    def resumable_progress(self, upload: str) -> Resumed:
        return _resumed(self._http.request("HEAD", upload, headers=TUS))

    def append_resumable(self, upload: str, offset: int, end: int, body: Body, *, sha256: str | None = None) -> Resumed:
        """Sends the bytes from `offset` to `end`. The SHA-256 is that of the whole file; it goes with its last."""
        headers = {
            **TUS,
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(end - offset),
            "Upload-Offset": str(offset),
        }
        if sha256 is not None:
            headers["Upload-Metadata"] = _upload_metadata({"sha256": sha256})
        return _resumed(self._http.request("PATCH", upload, body=body, headers=headers))

    def log_tar(
        self,
        run_id: str,
        body: bytes,
        *,
        sha256: str,
        key: str,
        atomic: bool = False,
        directory: str = "",
        job_id: str | None = None,
    ) -> dict[str, Any]:
        """Sends many files as one tar, and one job; or to an open job, which has its own directory."""
        query = {"atomic": "true" if atomic else "false"} if job_id is None else {"job_id": job_id}
        if directory:
            query["artifact_path"] = directory
        headers = {
            "Content-Type": "application/x-tar",
            "Content-Digest": digest_field(sha256),
            "Idempotency-Key": key,
        }
        path = f"{_run(run_id)}/log-artifacts?{urlencode(query)}"
        return self._http.request("POST", path, body=body, headers=headers).json()

    def open_job(self, run_id: str, request: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The job that all who come with this key get."""
        headers = {"Idempotency-Key": key}
        return self._http.request("POST", f"{_run(run_id)}/uploads", json_body=request, headers=headers).json()

    def plan(self, run_id: str, job_id: str, files: Iterable[tuple[str, int, str]]) -> set[str]:
        """Of these files (path below the job's directory, bytes, SHA-256), the paths that are neither in the job nor in
        the run. At most 10,000."""
        asked = [{"path": path, "size": size, "sha256": sha256} for path, size, sha256 in files]
        path = f"{_run(run_id)}/uploads/{quote(job_id, safe='')}/plan"
        return set(self._http.request("POST", path, json_body={"files": asked}).json()["needed"])

    def seal_job(self, job_id: str, shard: int | None = None) -> None:
        """No file comes to the job any more; or none of this shard. Twice is success."""
        body = {} if shard is None else {"shard": shard}
        self._http.request("POST", f"{_job(job_id)}/seal", json_body=body)

    def list_artifacts(
        self, run_id: str, directory: str, *, recursive: bool, ask: Ask = _once
    ) -> Iterator[dict[str, Any]]:
        """Of each page, `ask` says for how long it is asked for."""
        query = {"path": directory, "recursive": "true" if recursive else "false", "limit": str(PAGE)}
        return self._pages(f"{_run(run_id)}/artifacts", query, "artifacts", ask)

    def delete_artifact(self, run_id: str, path: str, *, recursive: bool) -> None:
        query = "?recursive=true" if recursive else ""
        self._http.request("DELETE", _artifact(run_id, path) + query)

    def download(self, run_id: str, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """The bytes, to be read and released by the caller."""
        return self._http.stream(_artifact(run_id, path), headers)

    def job(self, job_id: str, wait: float = 0) -> dict[str, Any]:
        """The job; the answer is held back for up to `wait` seconds (60 by default settings) until it has ended."""
        query = f"?wait={wait:.3f}" if wait > 0 else ""
        return self._http.request("GET", f"{_job(job_id)}{query}").json()

    def jobs(self, run_id: str, state: str, *, ask: Ask = _once) -> Iterator[dict[str, Any]]:
        return self._pages("/api/v1/jobs", {"run_id": run_id, "state": state, "limit": str(PAGE)}, "jobs", ask)

    def job_files(self, job_id: str, state: str) -> Iterator[dict[str, Any]]:
        return self._pages(f"{_job(job_id)}/files", {"state": state, "limit": str(PAGE)}, "files")

    def cancel_job(self, job_id: str) -> None:
        self._http.request("POST", f"{_job(job_id)}/cancel")

    def _pages(self, path: str, query: dict[str, str], member: str, ask: Ask = _once) -> Iterator[dict[str, Any]]:
        cursor: str | None = ""
        while cursor is not None:
            asked = urlencode({**query, **({"cursor": cursor} if cursor else {})})
            page = ask(lambda asked=asked: self._http.request("GET", f"{path}?{asked}")).json()
            yield from page[member]
            cursor = page["next_cursor"]


def _upload_metadata(values: Mapping[str, str]) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def _resumed(answer: Answer) -> Resumed:
    return Resumed(int(answer.headers["upload-offset"]), answer.headers.get("lading-job-id"))


def _run(run_id: str) -> str:
    return f"{RUNS}/{quote(run_id, safe='')}"


def _artifact(run_id: str, path: str) -> str:
    return f"{_run(run_id)}/artifacts/{quote(checked_path(path), safe='/')}"


def _job(job_id: str) -> str:
    return f"/api/v1/jobs/{quote(job_id, safe='')}"
