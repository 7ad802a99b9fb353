"""Processes that are killed, and what becomes of what they had logged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import TESTS, Trackers, program_environment, wait_delivered, wait_until
from lading import ExperimentTracker
from servers import Gate
from trainer import LARGE, calls_of

Program = Callable[..., "subprocess.CompletedProcess[str]"]
NAMES = ["small.txt", "config.json", "large.bin", "copied.bin", "tree", "bytes.bin"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "tree" / "empty").mkdir(parents=True)
    for name in ("large.bin", "copied.bin", "tree/large.bin"):
        (folder / name).write_bytes(os.urandom(LARGE))
    (folder / "tree" / "small.txt").write_text("small")
    return folder


def expected(calls: int) -> list[str]:
    tree = ["tree/empty", "tree/large.bin", "tree/small.txt"]
    return sorted(path for name in NAMES[:calls] for path in (tree if name == "tree" else [name]))


@pytest.mark.parametrize("calls", range(8))
def test_what_was_logged_before_a_kill_is_there_once_after_a_sync(
    calls: int, program: Program, files: Path, outbox: Path, tracker: ExperimentTracker
) -> None:
    killed = program(str(TESTS / "trainer.py"), str(files), str(calls))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    synced = program("-m", "lading", "sync")
    assert synced.returncode == 0, synced.stderr
    run = tracker.run(killed.stdout.strip())
    assert wait_delivered(tracker, run.id) == len(expected(calls))
    assert sorted(artifact["path"].rstrip("/") for artifact in run.list_artifacts()) == expected(calls)
    assert tracker.api.run(run.id)["status"] == ("FINISHED" if calls == 7 else "RUNNING")
    assert [folder for folder in outbox.iterdir() if folder != tracker.session.box.folder] == []


def test_what_was_logged_without_a_server_and_killed_is_there_once_after_a_sync(
    program: Program, files: Path, tracker: ExperimentTracker, gate: Gate
) -> None:
    gate.shut()
    killed = program(str(TESTS / "trainer.py"), str(files), "7", settings={"LADING_URL": gate.url})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout.startswith("offline-")
    gate.open()
    synced = program("-m", "lading", "sync")
    assert synced.returncode == 0, synced.stderr
    name, run_id = synced.stdout.splitlines()[0].split(" is run ")
    assert name == killed.stdout.strip()
    assert wait_delivered(tracker, run_id) == len(expected(6))
    found = [artifact["path"].rstrip("/") for artifact in tracker.run(run_id).list_artifacts()]
    assert sorted(found) == expected(6)
    assert tracker.api.run(run_id)["status"] == "FINISHED"


def test_the_next_process_sends_what_a_killed_one_left(
    program: Program, files: Path, outbox: Path, trackers: Trackers, gate: Gate
) -> None:
    gate.shut()
    killed = program(str(TESTS / "trainer.py"), str(files), "6", settings={"LADING_URL": gate.url})
    (left,) = outbox.iterdir()
    gate.open()
    tracker = trackers(gate.url)
    run_id = tracker.run(killed.stdout.strip())._record.key
    assert run_id
    experiment = tracker.api.experiment_named("killed")["experiment_id"]
    session = tracker.session
    wait_until(lambda: any(box.folder == left and not box.waiting() for box, _ in session._adopted))
    runs = tracker.api._http.request("GET", f"/api/v1/experiments/{experiment}/runs?limit=1000").json()["runs"]
    newest = runs[-1]["run_id"]
    assert wait_delivered(tracker, newest) == len(expected(6))


def test_an_upload_that_is_cut_off_by_a_kill_of_the_server_connection_goes_on(
    trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    tracker = trackers(gate.url)
    run = tracker.start_run(experiment)
    (tmp_path / "model.bin").write_bytes(os.urandom(20_000_000))
    gate.shut_after(5_000_000)
    upload = run.log_artifact(tmp_path / "model.bin")
    wait_until(lambda: tracker.session.trouble is not None)
    gate.open()
    assert upload.result(timeout=40).path == "model.bin"
    assert wait_delivered(tracker, run.id) == 1


def test_a_server_that_is_away_in_the_middle_of_a_run_costs_nothing_but_time(
    trackers: Trackers, gate: Gate, experiment: str
) -> None:
    tracker = trackers(gate.url)
    with tracker.start_run(experiment) as run:
        before = [run.log_text(str(n), f"before/{n}.txt") for n in range(50)]
        gate.shut()
        during = [run.log_text(str(n), f"during/{n}.txt") for n in range(50)]
        wait_until(lambda: tracker.session.trouble is not None)
        gate.open()
        after = [run.log_text(str(n), f"after/{n}.txt") for n in range(50)]
    tracker.flush(timeout=40)
    for upload in (*before, *during, *after):
        upload.result(timeout=40)
    assert wait_delivered(tracker, run.id) == 150
    assert len(list(run.list_artifacts())) == 150


def test_a_terminated_process_leaves_everything_for_a_sync(
    url: str, outbox: Path, program: Program, tracker: ExperimentTracker
) -> None:
    text = (
        "import lading, signal\n"
        "run = lading.ExperimentTracker().start_run('terminated')\n"
        "run.log_text('kept', 'kept.txt')\n"
        "print(run.id, flush=True)\n"
        "signal.pause()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", text], env=program_environment(url, outbox), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    busy = program("-m", "lading", "sync")
    assert busy.returncode == 3, "an outbox whose process runs is that process's to send"
    process.terminate()
    process.communicate()
    assert program("-m", "lading", "sync").returncode == 0
    assert wait_delivered(tracker, run_id) == 1


def test_the_end_of_a_program_waits_no_longer_than_it_was_told_and_says_what_is_left(
    program: Program, outbox: Path, gate: Gate
) -> None:
    gate.shut()
    text = (
        "import lading\n"
        "lading.ExperimentTracker.patience = 0.1\n"
        "lading.ExperimentTracker().start_run('away').log_text('kept', 'kept.txt')\n"
    )
    ended = program("-c", text, settings={"LADING_URL": gate.url, "LADING_EXIT_TIMEOUT": "0.5"})
    assert ended.returncode == 0
    (left,) = outbox.iterdir()
    assert f"1 upload (4 bytes) not sent yet: it is kept in {left}" in ended.stderr
    gate.open()
    assert program("-m", "lading", "sync", str(left)).returncode == 0
    assert not left.exists()


def test_offline_nothing_is_sent_until_a_sync(program: Program, tracker: ExperimentTracker, outbox: Path) -> None:
    text = (
        "import lading\n"
        "with lading.ExperimentTracker().start_run('offline') as run:\n"
        "    run.log_text('later', 'later.txt')\n"
        "    print(run.id)\n"
    )
    ended = program("-c", text, settings={"LADING_OFFLINE": "1", "LADING_URL": "http://127.0.0.1:1"})
    assert ended.returncode == 0
    assert "lading sync" in ended.stderr
    synced = program("-m", "lading", "sync", str(outbox), "--url", tracker.settings.url)
    name, run_id = synced.stdout.splitlines()[0].split(" is run ")
    assert name == ended.stdout.strip()
    assert wait_delivered(tracker, run_id) == 1
    assert tracker.api.run(run_id)["status"] == "FINISHED"


def test_a_journal_whose_last_line_was_cut_off_is_read_up_to_it(
    program: Program, files: Path, outbox: Path, tracker: ExperimentTracker, gate: Gate
) -> None:
    gate.shut()
    program(str(TESTS / "trainer.py"), str(files), "1", settings={"LADING_URL": gate.url})
    (left,) = outbox.iterdir()
    with (left / "journal").open("ab") as journal:
        journal.write(b'{"entry":"file","id":"01')
    gate.open()
    synced = program("-m", "lading", "sync")
    assert synced.returncode == 0, synced.stderr
    run_id = synced.stdout.splitlines()[0].split(" is run ")[1]
    assert wait_delivered(tracker, run_id) == 1


def test_the_calls_of_the_trainer_are_those_that_are_expected(tracker: ExperimentTracker, files: Path) -> None:
    assert [name for name, _ in calls_of(tracker.run("x"), files)] == [*NAMES, "end"]
