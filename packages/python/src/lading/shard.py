"""A part of a directory that many processes write together."""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from lading.outbox.entries import SharedJob
from lading.paths import PathArgument, checked_path, joined
from lading.upload import Upload

if TYPE_CHECKING:
    from lading.run import Run


log = logging.getLogger("lading")


class Shard:
    """Made by `Run.shard`. Its calls take files into the outbox and return, as those of a run do.

    When its `with` ends well, the shard is complete; when the last shard of the directory is, and all files are
    delivered, they are seen all at once. After an exception it is not, nor where something of it could not be logged:
    the job ends at its deadline, with nothing.
    """

    def __init__(self, run: Run, job: SharedJob, number: int) -> None:
        self._run = run
        self._job = job
        self._number = number
        self._is_whole = True

    def log_artifact(
        self, local_path: PathArgument, artifact_path: PathArgument = "", *, capture: str = "auto"
    ) -> Upload:
        """As `Run.log_artifact`; `artifact_path` is below the directory."""
        source = Path(local_path)
        path = joined(joined(self._job.directory, artifact_path), source.name)
        return self._noted(
            self._run.take(path, lambda box, run: box.add_file(run, checked_path(path), source, capture, self._job))
        )

    def log_bytes(self, data: bytes, artifact_file: str) -> Upload:
        """As `Run.log_bytes`; `artifact_file` is below the directory."""
        path = joined(self._job.directory, artifact_file)
        return self._noted(
            self._run.take(path, lambda box, run: box.add_bytes(run, checked_path(path), data, self._job))
        )

    def __enter__(self) -> Shard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        where = f"shard {self._number} of {self._job.directory}"
        if error is not None:
            return
        if self._is_whole:
            self._run.take(where, lambda box, run: box.add_seal(run, self._job, self._number))
        else:
            log.error("%s is not complete without what could not be logged", where)

    def _noted(self, upload: Upload) -> Upload:
        self._is_whole = self._is_whole and upload.was_taken
        return upload
