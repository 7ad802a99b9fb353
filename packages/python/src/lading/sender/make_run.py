"""Runs come to be on the server when the first of what belongs to them is sent."""

from __future__ import annotations

import threading

from lading.http.api import Api
from lading.outbox.box import Box


class RunMaker:
    """Knows the server's id of a run, and has the run made where there is none yet. Threads may share it."""

    def __init__(self, box: Box, api: Api) -> None:
        self._box = box
        self._api = api
        self._one_at_a_time = threading.Lock()

    def server_id(self, key: str) -> str:
        """Raises as the API does. A run that was made by a process that was killed before it knew is the same run."""
        with self._one_at_a_time:
            run = self._box.runs[key]
            if run.server_id is None:
                experiment = run.experiment_id or self._experiment(run.experiment or "Default")
                made = self._api.create_run(experiment, run.name, key)
                self._box.run_made(key, str(made["run_id"]))
            return self._box.runs[key].server_id or ""

    def _experiment(self, name: str) -> str:
        return str(self._api.experiment_named(name)["experiment_id"])
