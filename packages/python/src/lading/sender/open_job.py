"""Jobs that many processes fill: whoever comes first opens it, and the others get the same."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import astuple

from lading.http.api import Api
from lading.outbox.box import Box
from lading.outbox.entries import SharedJob


class JobOpener:
    """Threads may share it."""

    def __init__(self, box: Box, api: Api) -> None:
        self._box = box
        self._api = api
        self._one_at_a_time = threading.Lock()

    def server_id(self, run_id: str, run: str, job: SharedJob) -> str:
        """Raises as the API does. `run_id` is what the server calls the run; `run`, the outbox."""
        with self._one_at_a_time:
            if (run, job) not in self._box.jobs:
                self._box.job_opened(run, job, self._open(run_id, job))
            return self._box.jobs[run, job]

    def _open(self, run_id: str, job: SharedJob) -> str:
        request = {"artifact_path": job.directory, "shards": job.shards, "deadline_seconds": job.deadline_seconds}
        key = hashlib.sha256(json.dumps([run_id, *astuple(job)]).encode()).hexdigest()
        return str(self._api.open_job(run_id, request, key)["job_id"])
