"""The version that was logged last is the one that is there, whichever process logged it, and whatever came between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import Program, Trackers, contents, wait_until
from lading import ExperimentTracker, FileChanged
from lading.outbox.box import Destination
from lading.outbox.item import ACCEPTED
from lading.outbox.opening import create_box
from lading.outbox.runs import RunRecord
from lading.sender.older import MOST_PASSED, Older
from servers import Gate

LARGE = 20_000_000
KILLED = """
import os, signal, sys
from lading import ExperimentTracker
ExperimentTracker().run(sys.argv[1]).log_artifact(sys.argv[2], 'checkpoints')
os.kill(os.getpid(), signal.SIGKILL)
"""


def log_and_be_killed(program: Program, gate: Gate, run_id: str, folder: Path, size: int) -> bytes:
    folder.mkdir()
    (folder / "last.ckpt").write_bytes(data := os.urandom(size))
    program("-c", KILLED, run_id, str(folder / "last.ckpt"), settings={"LADING_URL": gate.url})
    return data


def test_a_training_that_goes_on_after_a_kill_is_not_written_over_by_what_it_logged_before(
    program: Program, trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    run_id = trackers().start_run(experiment).id
    gate.shut()
    log_and_be_killed(program, gate, run_id, tmp_path / "before", LARGE)
    tracker = trackers(gate.url)
    run = tracker.run(run_id)
    run.log_text("newer", "checkpoints/last.ckpt")
    gate.open()
    run.wait(timeout=40)
    wait_until(lambda: not any(box.waiting() for box, _ in tracker.session._adopted))
    run.wait(timeout=40)
    assert contents(tracker, run_id, tmp_path) == {"checkpoints/last.ckpt": b"newer"}


def test_what_two_killed_processes_left_arrives_in_their_order(
    program: Program, trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    run_id = trackers().start_run(experiment).id
    gate.shut()
    log_and_be_killed(program, gate, run_id, tmp_path / "first", LARGE)
    newest = log_and_be_killed(program, gate, run_id, tmp_path / "second", 2_000_000)
    tracker = trackers(gate.url)
    wait_until(lambda: len(tracker.session._adopted) == 2)
    gate.open()
    wait_until(lambda: not any(box.waiting() for box, _ in tracker.session._adopted))
    tracker.run(run_id).wait(timeout=40)
    assert contents(tracker, run_id, tmp_path) == {"checkpoints/last.ckpt": newest}


def test_a_version_that_was_refused_gives_way_to_a_newer_one_that_is_accepted(
    trackers: Trackers, gate: Gate, experiment: str, outbox: Path, tmp_path: Path
) -> None:
    source = tmp_path / "last.ckpt"
    source.write_bytes(os.urandom(3_000_000))
    tracker: ExperimentTracker = trackers(gate.url)
    run = tracker.start_run(experiment)
    gate.shut()
    refused = run.log_artifact(source)
    source.write_bytes(newer := os.urandom(3_000_000))
    gate.open()
    with pytest.raises(FileChanged):
        refused.result(timeout=40)
    run.log_artifact(source)
    run.wait(timeout=40)
    assert contents(tracker, run.id, tmp_path) == {"last.ckpt": newer}
    tracker.close(timeout=40)
    assert list(outbox.iterdir()) == [], "nothing is left that a sync would send over it"


def test_what_is_logged_now_waits_for_a_large_backlog_and_passes_a_small_one(tmp_path: Path) -> None:
    older, newer = (create_box(tmp_path, Destination("http://127.0.0.1:9", None)) for _ in range(2))
    older.know_run(RunRecord("run", None, "experiment", None, None))
    items = [older.add_bytes("run", str(number), b"") for number in range(MOST_PASSED + 1)]
    backlog = Older()
    assert not backlog.may_be_passed
    backlog.found([older], by=newer)
    assert not backlog.may_be_passed
    older.end(items[:1], ACCEPTED, job="job")
    assert backlog.may_be_passed
    older.close()
    newer.close()
