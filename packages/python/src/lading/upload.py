"""The handle of something that was logged."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.errors import Cancelled, LadingError, WaitTimeout
from lading.outbox.entries import FileEntry
from lading.outbox.item import ACCEPTED, CANCELLED, REFUSED, SUPERSEDED, Item
from lading.progress import Progress
from lading.sender.sender import cancel

if TYPE_CHECKING:
    from lading.session import Session

LONG_POLL_SECONDS = 30.0


@dataclass(frozen=True)
class Delivery:
    """What became of an upload that ended well."""

    job_id: str | None
    """None where the upload was superseded before it was sent."""
    path: str
    superseded: bool
    """A newer version of the artifact was logged meanwhile, and is the one that is there."""


class Upload:
    """What a `log_` call returns. It costs nothing to drop it: the upload goes on.

    An upload is *sent* once the server has accepted it, from when on it is the server's to keep, and *done* once it
    is delivered to the object store, or has failed. Threads may share it; forked processes may not.
    """

    def __init__(self, item: Item, session: Session | None) -> None:
        """Without a session it is one that was not taken, and has ended."""
        self._item = item
        self._open_session = session
        self._pid = os.getpid()
        self._delivery: Delivery | None = None
        self._failure: LadingError | None = None

    @property
    def path(self) -> str:
        """Where it is put in the run; of a directory, the directory."""
        entry = self._item.entry
        return entry.path if isinstance(entry, FileEntry) else getattr(entry, "directory", "")

    @property
    def job_id(self) -> str | None:
        """The server's job, once it is sent. Small files may share one."""
        return self._item.job_id

    @property
    def was_taken(self) -> bool:
        """Whether the outbox took it; what it did not, with `on_error` as `warn`, is not logged."""
        return self._open_session is not None

    @property
    def progress(self) -> Progress:
        return Progress(self._item.sent_bytes, self._item.size)

    def sent(self) -> bool:
        """Whether nothing of it is left in the outbox. Asks nobody."""
        return self._item.ended

    def done(self) -> bool:
        """Whether it has ended, well or not. Asks the server about an upload that is sent; raises as `result` does
        where no answer comes."""
        return self._look(wait=0.0)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for at most `timeout` seconds; whether it has ended, well or not."""
        try:
            self.result(timeout)
        except WaitTimeout:
            return False
        except LadingError:
            if not self._ended():
                raise
        return True

    def result(self, timeout: float | None = None) -> Delivery:
        """Waits until it is delivered.

        Raises what it failed with: ServerError with the job's own code, FileChanged, OutboxFailed, Cancelled;
        WaitTimeout after `timeout` seconds; Unreachable where the server cannot be asked; LadingError `not_sent` where
        the tracker was closed before, and `offline`.
        """
        end = None if timeout is None else time.monotonic() + timeout
        self._wait_sent(end)
        while not self._look(_left(end)):
            if end is not None and time.monotonic() >= end:
                raise WaitTimeout(f"{self.path}: job {self.job_id} has not ended within {timeout:g} seconds")
        if self._failure is not None:
            raise self._failure
        assert self._delivery is not None
        return self._delivery

    def cancel(self) -> bool:
        """Takes it back: True if it will not be delivered.

        What is being sent, or shares its job with others, or is delivered, cannot be taken back.
        """
        if self._item.ended and self._item.error is not None:
            return False
        self._check_process()
        if cancel(self._session.box, self._item):
            return True
        shared = self._item.batch is not None or getattr(self._item.entry, "job", None) is not None
        if self._item.state != ACCEPTED or shared or self._item.job_id is None:
            return self._item.state == CANCELLED
        try:
            self._session.api.cancel_job(self._item.job_id)
        except LadingError as error:
            if error.code != "job_state_conflict":
                raise
            return False
        self._look(LONG_POLL_SECONDS)
        return isinstance(self._failure, Cancelled)

    def __repr__(self) -> str:
        return f"<Upload {self.path!r}: {self._item.state}>"

    def _ended(self) -> bool:
        return self._delivery is not None or self._failure is not None

    @property
    def _session(self) -> Session:
        assert self._open_session is not None
        return self._open_session

    def _wait_sent(self, end: float | None) -> None:
        if self._item.ended:
            return
        self._check_process()
        box = self._session.box
        with box.changed:
            while not self._item.ended:
                if self._session.offline:
                    raise LadingError("offline", f"{self.path}: nothing is sent offline; it waits in {box.folder}")
                if self._session.closed:
                    detail = f"{self.path}: the tracker was closed before it was sent; it waits in {box.folder}"
                    raise LadingError("not_sent", detail)
                if end is not None and time.monotonic() >= end:
                    raise WaitTimeout(f"{self.path}: not sent yet; {self._session.trouble or 'others come first'}")
                box.changed.wait(_left(end))

    def _look(self, wait: float) -> bool:
        """Whether it has ended; holds on for up to `wait` seconds."""
        if self._ended() or not self._item.ended:
            return self._ended()
        if self._item.state in (REFUSED, CANCELLED):
            self._failure = self._item.error or Cancelled()
        elif self._item.state == SUPERSEDED or self._item.job_id is None:
            self._delivery = Delivery(None, self.path, self._item.state == SUPERSEDED)
        else:
            self._check_process()
            self._settle(self._session.patiently(lambda: self._session.api.job(self._item.job_id or "", wait), wait))
        return self._ended()

    def _settle(self, job: dict[str, Any]) -> None:
        state = job["state"]
        if state == "completed":
            superseded = 0 < job["files"]["superseded"] == job["files"]["total"]
            self._delivery = Delivery(job["job_id"], self.path, superseded)
        elif state == "cancelled":
            self._failure = Cancelled(f"{self.path}: job {job['job_id']} was cancelled")
        elif state == "failed":
            self._failure = self._failure_in(job)
            if self._failure is None:
                self._delivery = Delivery(job["job_id"], self.path, False)

    def _failure_in(self, job: dict[str, Any]) -> LadingError | None:
        """Of a job whose files are seen each by itself, this one may be among those that went well."""
        if job["atomic"] or job["files"]["total"] == 1:
            return _job_error(job.get("error") or {})
        for file in self._session.api.job_files(job["job_id"], "failed"):
            if file["path"] == self.path:
                return _job_error(file.get("error") or {})
        return None

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise LadingError("wrong_process", f"{self.path}: it was logged by process {self._pid}; ask there")


def _job_error(error: dict[str, Any]) -> LadingError:
    where = f"{error['path']}: " if "path" in error else ""
    return LadingError(error.get("code", "internal"), where + error.get("detail", "the job failed"))


def _left(end: float | None) -> float:
    """Seconds for one wait."""
    return LONG_POLL_SECONDS if end is None else max(0.0, min(LONG_POLL_SECONDS, end - time.monotonic()))
