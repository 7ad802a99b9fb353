"""The entrance: `ExperimentTracker`."""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import sys
import threading
import weakref
from dataclasses import asdict, replace
from multiprocessing import util as multiprocessing_util
from types import TracebackType
from typing import Any

from lading.errors import OutboxFailed
from lading.http.api import Api
from lading.ids import new_id
from lading.logger import ArtifactLogger
from lading.outbox.opening import find_run
from lading.outbox.runs import RunRecord
from lading.run import RUNNING, Run
from lading.session import Session
from lading.settings import Settings, read_settings

log = logging.getLogger("lading")

DEFAULT_EXPERIMENT = "Default"


class ExperimentTracker(ArtifactLogger):
    """Logs to one server, as one tenant. Threads and forked processes may share it; each process has an outbox.

    What is not given is read from the environment: see `lading.settings.Settings` for names and defaults.
    A tracker's own `log_` calls go to the run whose `with` is innermost in their thread, or else in any; after it, to
    the run that was started last; and without any, to a new run of the experiment `Default`, which ends with the
    program.

    It can be pickled, and its runs with it, for processes that are spawned: what opens there has its settings, and an
    outbox of its own. A key that is in the environment is not pickled, but read there.
    """

    patience = 10.0
    """Seconds that a call which needs an answer goes on asking a server that gives none."""

    def __init__(
        self,
        url: str | None = None,
        tenant: str | None = None,
        *,
        api_key: str | None = None,
        **settings: Any,
    ) -> None:
        given = {"url": url, "tenant": tenant, "api_key": api_key, **settings}
        known = {name: value for name, value in given.items() if value is not None}
        self.settings: Settings = replace(read_settings(), **known)
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._entered: list[tuple[int, Run]] = []
        """With the threads that entered them."""
        self._latest: Run | None = None
        self._own: Run | None = None
        _trackers.add(self)

    @property
    def session(self) -> Session:
        """What is open in this process. Opened when it is first needed."""
        with self._lock:
            if self._session is None:
                self._session = Session(self.settings)
                _close_at_exit(self)
            return self._session

    @property
    def api(self) -> Api:
        return self.session.api

    def start_run(
        self,
        experiment_name: str | None = None,
        run_name: str | None = None,
        *,
        experiment_id: str | None = None,
        run_id: str | None = None,
    ) -> Run:
        """Starts a run of an experiment, which is created where there is none of this name; or continues `run_id`.

        Asks the server, so that it raises ServerError for what would be refused later. Where the server cannot be
        reached in 10 seconds, or offline, it warns, and the run is made when there is a server again. Raises
        OutboxFailed as the calls that log do; with `on_error` as `warn` the run begins when the outbox has room.
        """
        experiment = None if experiment_id else experiment_name or DEFAULT_EXPERIMENT
        record = RunRecord(new_id(), None, experiment, experiment_id, run_name)
        run = Run(self, record) if run_id is None else self.run(run_id)
        try:
            if run_id is None:
                self._begin(record)
            else:
                self._continue(run, run_id)
        except OutboxFailed as failure:
            if not self._warns():
                raise
            log.error("the run cannot be begun yet: %s", failure)  # noqa: TRY400 - the sentence says it all
        self._latest = run
        return run

    def run(self, run_id: str) -> Run:
        """A run by its id, as it is: for the ranks and workers of a training. Asks nobody, and changes no status."""
        if run_id.startswith("offline-"):
            return Run(self, find_run(self.settings.outbox, run_id[len("offline-") :]))
        return Run(self, RunRecord(run_id, run_id))

    def create_experiment(self, name: str, artifact_location: str | None = None) -> str:
        """Creates an experiment; its id. Raises ServerError `experiment_exists`, `location_forbidden`."""
        created = self.session.patiently(lambda: self.api.create_experiment(name, artifact_location), self.patience)
        return str(created["experiment_id"])

    def flush(self, timeout: float | None = None) -> None:
        """Waits until the server has accepted all that was logged by this process.

        Raises WaitTimeout after `timeout` seconds, and what the first upload was refused with that no flush told of
        yet. The outbox keeps what is not sent, and what was refused.
        """
        self.session.flush(timeout)

    def close(self, timeout: float | None = None) -> None:
        """Sends what it can within `timeout` seconds (60 by default settings), and stops. Never raises for what is
        left: it says how much that is, and where."""
        self._end_own_run()
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            told = session.close(self.settings.exit_timeout if timeout is None else timeout)
            if told is not None:
                print(f"lading: {told}", file=sys.stderr)

    def __reduce__(self) -> tuple[Any, ...]:
        settings = asdict(self.settings)
        if settings["api_key"] == read_settings().api_key:
            del settings["api_key"]
        return _opened_elsewhere, (type(self), settings)

    def __enter__(self) -> ExperimentTracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def server_id_of(self, key: str) -> str | None:
        """What this process knows of a run already. Opens nothing."""
        session = self._session
        run = None if session is None else session.box.runs.get(key)
        return None if run is None else run.server_id

    def entered(self, run: Run) -> None:
        with self._lock:
            self._entered.append((threading.get_ident(), run))

    def left(self, run: Run) -> None:
        with self._lock:
            self._entered = [(thread, entered) for thread, entered in self._entered if entered is not run]

    def _target(self) -> tuple[Session, RunRecord]:
        with self._lock:
            run = self._innermost() or self._latest
            if run is None:
                run = self._own = self.start_run()
        return run._target()  # pyright: ignore[reportPrivateUsage]

    def _innermost(self) -> Run | None:
        """That of this thread; in one that has entered none, as a worker of a training, that of whichever thread."""
        own = [run for thread, run in self._entered if thread == threading.get_ident()]
        entered = own or [run for _, run in self._entered]
        return entered[-1] if entered else None

    def _warns(self) -> bool:
        return self.settings.on_error == "warn"

    def _begin(self, record: RunRecord) -> None:
        self.session.box.know_run(record)
        if not self.settings.offline:
            self.session.make_run(record.key, within=self.patience)

    def _continue(self, run: Run, run_id: str) -> None:
        if not self.settings.offline:
            self.session.patiently(lambda: self.api.run(run_id), self.patience)
        run.end(RUNNING)

    def _end_own_run(self) -> None:
        """The run that nobody started ends with the tracker; in a fork it is the parent's to end."""
        run, self._own = self._own, None
        if run is not None:
            run.end()

    def _forked(self) -> None:
        """In the child: locks may be held by threads that it does not have, and the outbox is the parent's."""
        self._lock = threading.RLock()
        session, self._session, self._own = self._session, None, None
        if session is not None:
            session.abandon()


def _opened_elsewhere(kind: type[ExperimentTracker], settings: dict[str, Any]) -> ExperimentTracker:
    return kind(**settings)


_trackers: weakref.WeakSet[ExperimentTracker] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for tracker in list(_trackers):
        tracker._forked()  # pyright: ignore[reportPrivateUsage]


os.register_at_fork(after_in_child=_after_fork_in_child)


def _close_at_exit(tracker: ExperimentTracker) -> None:
    """A process of multiprocessing runs its own finalizers and no others."""
    if multiprocessing.parent_process() is None:
        atexit.register(_close, tracker, os.getpid())
    else:
        multiprocessing_util.Finalize(None, _close, args=(tracker, os.getpid()), exitpriority=100)


def _close(tracker: ExperimentTracker, pid: int) -> None:
    """A forked child that ends by itself has inherited the parent's handlers."""
    if os.getpid() == pid:
        tracker.close()
