"""Large files over links that break."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Trackers, program_environment, wait_delivered, wait_until
from lading import ExperimentTracker, FileChanged, Run, Upload
from lading.sender.resumable import RESUMABLE_BYTES
from servers import Gate

Program = Callable[..., "subprocess.CompletedProcess[str]"]

SIZE = RESUMABLE_BYTES + 12_345


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    source = tmp_path / "checkpoint.bin"
    source.write_bytes(os.urandom(SIZE))
    return source


def cut_in_half(tracker: ExperimentTracker, run: Run, gate: Gate, checkpoint: Path) -> tuple[Upload, int]:
    """The upload, and how many bytes have passed the gate, which is shut."""
    gate.shut_after(SIZE // 2)
    upload = run.log_artifact(checkpoint, "models")
    wait_until(lambda: tracker.session.trouble is not None)
    return upload, gate.sent


def test_a_large_file_goes_on_where_the_link_broke(
    trackers: Trackers, gate: Gate, experiment: str, checkpoint: Path, tmp_path: Path
) -> None:
    tracker = trackers(gate.url)
    run = tracker.start_run(experiment)
    upload, sent = cut_in_half(tracker, run, gate, checkpoint)
    gate.open()
    assert upload.result(timeout=50).path == "models/checkpoint.bin"
    assert wait_delivered(tracker, run.id) == 1
    # All of it once, and what was on the way when the link broke.
    assert gate.sent - sent < SIZE * 3 // 4
    run.download_artifacts("", tmp_path / "back")
    assert (tmp_path / "back" / "models" / "checkpoint.bin").read_bytes() == checkpoint.read_bytes()


def test_a_large_value_from_memory_goes_on_where_the_link_broke(
    trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    tracker = trackers(gate.url)
    run = tracker.start_run(experiment)
    gate.shut_after(SIZE // 2)
    upload = run.log_bytes(data := os.urandom(SIZE), "models/checkpoint.bin")
    wait_until(lambda: tracker.session.trouble is not None)
    sent = gate.sent
    assert len(list(tracker.session.box.files.iterdir())) == 1, "it is in a file, to be read in blocks"
    gate.open()
    upload.result(timeout=50)
    assert gate.sent - sent < SIZE * 3 // 4
    run.download_artifacts("", tmp_path / "back")
    assert (tmp_path / "back" / "models" / "checkpoint.bin").read_bytes() == data
    assert list(tracker.session.box.files.iterdir()) == []


LOG = """
import sys
from lading import ExperimentTracker
run = ExperimentTracker().start_run("killed")
print(run.id, flush=True)
run.log_artifact(sys.argv[1], "models").result()
"""


def test_a_large_file_whose_program_is_killed_goes_on_where_it_stood(
    tracker: ExperimentTracker, gate: Gate, program: Program, outbox: Path, checkpoint: Path, tmp_path: Path
) -> None:
    gate.shut_after(SIZE // 2)
    command = [sys.executable, "-c", LOG, str(checkpoint)]
    with subprocess.Popen(
        command, env=program_environment(gate.url, outbox), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as killed:
        assert killed.stdout is not None
        run = tracker.run(killed.stdout.readline().strip())
        wait_until(lambda: not gate.is_open)
        killed.kill()
    sent = gate.sent
    gate.open()
    synced = program("-m", "lading", "sync", settings={"LADING_URL": gate.url})
    assert synced.returncode == 0, synced.stderr
    assert gate.sent - sent < SIZE * 3 // 4
    assert wait_delivered(tracker, run.id) == 1
    run.download_artifacts("", tmp_path / "back")
    assert (tmp_path / "back" / "models" / "checkpoint.bin").read_bytes() == checkpoint.read_bytes()


def test_a_large_file_that_changes_while_the_link_is_broken_fails_and_is_not_kept(
    trackers: Trackers, gate: Gate, experiment: str, checkpoint: Path
) -> None:
    tracker = trackers(gate.url)
    run = tracker.start_run(experiment)
    gate.shut_after(SIZE // 3)
    upload = run.log_artifact(checkpoint)
    wait_until(lambda: tracker.session.trouble is not None)
    with checkpoint.open("r+b") as file:
        file.seek(SIZE - 10)
        file.write(b"0123456789")
    gate.open()
    with pytest.raises(FileChanged, match=re.escape(str(checkpoint))):
        upload.result(timeout=50)
    assert list(run.list_artifacts()) == []


def test_a_large_file_goes_on_at_another_api_of_the_same_system(
    trackers: Trackers, gate: Gate, other_url: str, experiment: str, checkpoint: Path, tmp_path: Path
) -> None:
    tracker = trackers(gate.url)
    run = tracker.start_run(experiment)
    upload, sent = cut_in_half(tracker, run, gate, checkpoint)
    gate.lead_to(other_url)
    gate.open()
    upload.result(timeout=50)
    assert wait_delivered(tracker, run.id) == 1
    assert gate.sent - sent < SIZE * 3 // 4
    run.download_artifacts("", tmp_path / "back")
    assert (tmp_path / "back" / "models" / "checkpoint.bin").read_bytes() == checkpoint.read_bytes()
