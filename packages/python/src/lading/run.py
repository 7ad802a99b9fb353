"""A run: what artifacts belong to."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from lading.downloading.download import download
from lading.errors import LadingError, OutboxFailed, Unreachable, WaitTimeout
from lading.logger import ArtifactLogger
from lading.outbox.entries import SharedJob
from lading.outbox.runs import RunRecord
from lading.paths import PathArgument
from lading.session import Session
from lading.shard import Shard
from lading.upload import LONG_POLL_SECONDS

if TYPE_CHECKING:
    from lading.tracker import ExperimentTracker

T = TypeVar("T")
log = logging.getLogger("lading")

FINISHED, FAILED, KILLED, RUNNING = "FINISHED", "FAILED", "KILLED", "RUNNING"
EXCEPTION_FILE = "exception.txt"


class Run(ArtifactLogger):
    """Made by `ExperimentTracker.start_run`, whose `with` ends it. Threads and forked processes may share it."""

    def __init__(self, tracker: ExperimentTracker, record: RunRecord) -> None:
        self._tracker = tracker
        self._record = record

    @property
    def id(self) -> str:
        """The server's id of the run. Of a run that was started offline, and that the server does not know yet, a
        name that begins with `offline-`; `lading sync` tells which run it became."""
        server_id = self._server_id()
        return f"offline-{self._record.key}" if server_id is None else server_id

    @property
    def name(self) -> str | None:
        return self._record.name

    @property
    def outbox_folder(self) -> Path:
        """What lies on its disk is captured without copying it. Removed when all that was logged is sent."""
        return self._tracker.session.box.folder

    def shard(
        self, artifact_path: str, *, shard: int, shards: int, key: str = "", deadline_seconds: int = 86_400
    ) -> Shard:
        """One process's part of a directory that `shards` processes write together, such as a sharded checkpoint:

            with run.shard("step-1000", shard=rank, shards=world_size) as part:
                part.log_artifact(f"rank-{rank}.pt")

        Nobody waits for another. The directory is seen when all shards are complete and delivered; unless that is
        within `deadline_seconds`, the job fails and nothing is seen. A directory that is written again takes another
        `key`, the same in all processes.
        """
        if not 0 <= shard < shards:
            raise ValueError(f"shard: {shard} is not one of 0 to {shards - 1}")
        return Shard(self, SharedJob(artifact_path.strip("/"), shards, key, deadline_seconds), shard)

    def end(self, status: str = FINISHED) -> None:
        """Sets the status, FINISHED, FAILED or KILLED, after all that was logged before is sent. Does not wait."""
        ended_at = None if status == RUNNING else datetime.now(timezone.utc).isoformat()
        try:
            session, record = self._target()
            session.box.know_run(record)
            session.box.add_status(record.key, status, ended_at)
        except OutboxFailed as failure:
            if not self._warns():
                raise
            log.error("the run is not noted as %s: %s", status, failure)  # noqa: TRY400 - the sentence says it all

    def flush(self, timeout: float | None = None) -> None:
        """As `ExperimentTracker.flush`."""
        self._tracker.flush(timeout)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until all that this process has logged is sent, and all of the run that is sent, by whomever, is
        delivered. Raises as `flush` does, and WaitTimeout; what failed to be delivered, its own upload tells."""
        end = None if timeout is None else time.monotonic() + timeout
        self.flush(timeout)
        for state in ("queued", "running"):
            for job in list(self._tracker.api.jobs(self._known_id(), state, ask=self._patiently)):
                self._wait_for(str(job["job_id"]), end)

    def list_artifacts(self, path: str = "", *, recursive: bool = True) -> Iterator[dict[str, Any]]:
        """What is delivered of the run, as the API lists it: `path`, `is_dir`, `size` in bytes, `sha256` and more."""
        run_id, directory = self._known_id(), path.rstrip("/")
        return self._tracker.api.list_artifacts(run_id, directory, recursive=recursive, ask=self._patiently)

    def download_artifacts(self, path: str = "", dst: PathArgument = ".") -> Path:
        """Downloads an artifact, or a directory with all below it; the path that it has below `dst`.

        Each file is fetched in ranges at once, compared with its SHA-256, and only then given its name. What was
        fetched of a download that broke off is not fetched again. Raises LadingError `artifact_not_found`.
        """
        return download(self._tracker.session, self._known_id(), path.strip("/"), Path(dst))

    def delete_artifact(self, path: str, *, recursive: bool = False) -> None:
        """Deletes an artifact, or with `recursive` a directory with all below it, also what is on its way there."""
        self._tracker.flush()
        self._tracker.api.delete_artifact(self._known_id(), path.strip("/"), recursive=recursive)

    def __enter__(self) -> Run:
        self._tracker.entered(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """FINISHED, or FAILED with the traceback as `exception.txt`, or KILLED for an interrupt. Does not wait."""
        self._tracker.left(self)
        try:
            if error is not None and not isinstance(error, SystemExit):
                text = "".join(traceback.format_exception(kind, error, trace))
                self.log_bytes(text.encode("utf-8", "backslashreplace"), EXCEPTION_FILE)
            self.end(_status_after(error))
        except (LadingError, OSError) as failure:
            # The exception that ends the run is what its program is to see.
            if error is None and not self._warns():
                raise
            log.error("the end of run %s was not logged: %s", self._record.key, failure)  # noqa: TRY400

    def __repr__(self) -> str:
        return f"<Run {self.id}>"

    def _wait_for(self, job_id: str, end: float | None) -> None:
        while True:
            left = LONG_POLL_SECONDS if end is None else end - time.monotonic()
            if left <= 0:
                raise WaitTimeout(f"job {job_id} has not ended in time")
            wait = min(left, LONG_POLL_SECONDS)
            job = self._patiently(lambda wait=wait: self._tracker.api.job(job_id, wait))
            if job["ended_at"] is not None:
                return

    def _patiently(self, ask: Callable[[], T]) -> T:
        return self._tracker.session.patiently(ask, self._tracker.patience)

    def _target(self) -> tuple[Session, RunRecord]:
        return self._tracker.session, self._record

    def _warns(self) -> bool:
        return self._tracker.settings.on_error == "warn"

    def _server_id(self) -> str | None:
        if self._record.server_id is None:
            self._record.server_id = self._tracker.server_id_of(self._record.key)
        return self._record.server_id

    def _known_id(self) -> str:
        if self._server_id() is None:
            session, record = self._target()
            if session.offline:
                raise LadingError("offline", "the server does not know the run yet; `lading sync` makes it known")
            session.box.know_run(record)
            session.make_run(record.key, within=self._tracker.patience)
        server_id = self._server_id()
        if server_id is None:
            raise Unreachable(f"the server does not know the run yet: {self._tracker.session.trouble}")
        return server_id


def _status_after(error: BaseException | None) -> str:
    if error is None:
        return FINISHED
    if isinstance(error, SystemExit) and not error.code:
        return FINISHED
    return KILLED if isinstance(error, (KeyboardInterrupt, SystemExit)) else FAILED
