"""Threads, forks and spawned processes."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import threading
from pathlib import Path

import pytest

from conftest import Trackers, contents, wait_delivered
from lading import ExperimentTracker, Run


def test_threads_share_a_run(tracker: ExperimentTracker, experiment: str) -> None:
    run = tracker.start_run(experiment)

    def log(thread: int) -> None:
        for number in range(100):
            run.log_text(f"{thread} {number}", f"{thread}/{number}.txt")

    threads = [threading.Thread(target=log, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracker.flush(timeout=40)
    assert wait_delivered(tracker, run.id) == 800
    assert len(list(run.list_artifacts())) == 800


def _log_in_child(run: Run, rank: int) -> None:
    run.log_text(f"rank {rank}", f"ranks/{rank}.txt")


def test_forked_processes_log_to_the_run_of_their_parent(tracker: ExperimentTracker, experiment: str) -> None:
    run = tracker.start_run(experiment)
    run.log_text("parent", "parent.txt")
    fork = multiprocessing.get_context("fork")
    ranks = [fork.Process(target=_log_in_child, args=(run, rank)) for rank in range(4)]
    for rank in ranks:
        rank.start()
    run.log_text("parent, later", "later.txt")
    for rank in ranks:
        rank.join(30)
        assert rank.exitcode == 0
    tracker.flush(timeout=30)
    assert wait_delivered(tracker, run.id) == 6
    paths = [artifact["path"] for artifact in run.list_artifacts()]
    assert paths == ["later.txt", "parent.txt", *(f"ranks/{rank}.txt" for rank in range(4))]


def test_processes_that_are_forked_from_a_run_nobody_knows_yet_log_to_the_same_run(
    trackers: Trackers, experiment: str, outbox: Path, url: str
) -> None:
    offline = trackers("http://127.0.0.1:1", offline=True)
    run = offline.start_run(experiment)
    run.log_text("parent", "parent.txt")
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=_log_in_child, args=(run, 0))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    offline.close()

    from lading.settings import read_settings
    from lading.syncing import sync

    results = sync(outbox, read_settings(), lambda _: None, url, None)
    runs = {run_id for result in results for run_id in result.runs.values()}
    assert len(results) == 2
    assert len(runs) == 1
    online = trackers()
    assert wait_delivered(online, runs.pop()) == 2


def _log_spawned(url: str, run_id: str, rank: int) -> None:
    tracker = ExperimentTracker(url, tenant="acme-corp")
    tracker.run(run_id).log_text(f"rank {rank}", f"ranks/{rank}.txt")


def test_spawned_processes_log_to_a_run_by_its_id(tracker: ExperimentTracker, experiment: str, url: str) -> None:
    run = tracker.start_run(experiment)
    spawn = multiprocessing.get_context("spawn")
    ranks = [spawn.Process(target=_log_spawned, args=(url, run.id, rank)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(40)
        assert rank.exitcode == 0
    assert wait_delivered(tracker, run.id) == 2


def _log_with_run(run: Run, rank: int) -> None:
    run.log_text(f"rank {rank}", f"ranks/{rank}.txt")


def test_spawned_processes_are_given_the_run_itself(
    trackers: Trackers, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_API_KEY", "of the environment")
    run = trackers(senders=2).start_run(experiment)
    assert b"of the environment" not in pickle.dumps(run)
    spawn = multiprocessing.get_context("spawn")
    ranks = [spawn.Process(target=_log_with_run, args=(run, rank)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(40)
        assert rank.exitcode == 0
    assert wait_delivered(run._tracker, run.id) == 2


def test_what_copies_a_run_with_all_that_holds_it_has_the_same_run(tracker: ExperimentTracker, experiment: str) -> None:
    run = tracker.start_run(experiment)
    assert copy.deepcopy({"callbacks": [run]})["callbacks"][0] is run


def test_each_thread_logs_to_the_run_that_it_has_entered(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    all_entered = threading.Barrier(2)
    runs: dict[str, Run] = {}

    def train(name: str) -> None:
        with tracker.start_run(experiment) as run:
            runs[name] = run
            all_entered.wait(30)
            tracker.log_text(name, "name.txt")
            all_entered.wait(30)

    threads = [threading.Thread(target=train, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, run in runs.items():
        run.wait(timeout=40)
        assert contents(tracker, run.id, tmp_path) == {"name.txt": name.encode()}


def test_a_child_that_ends_without_a_word_leaves_the_outbox_of_its_parent_alone(
    tracker: ExperimentTracker, experiment: str
) -> None:
    run = tracker.start_run(experiment)
    before = run.log_text("before", "before.txt")
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    after = run.log_text("after", "after.txt")
    assert before.result(timeout=30).path == "before.txt"
    assert after.result(timeout=30).path == "after.txt"
