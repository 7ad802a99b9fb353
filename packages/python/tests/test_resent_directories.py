"""Directories of which the server has a part, or all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import Trackers, contents, wait_until
from lading import ExperimentTracker, FileChanged, Run
from lading.sender.resumable import RESUMABLE_BYTES
from lading.sender.send_directory import TAR_BYTES
from servers import Gate

FILES = 40
SIZE = TAR_BYTES // 16
"""So that all of them are three requests."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(FILES):
        (root / f"{number % 4}").mkdir(parents=True, exist_ok=True)
        (root / f"{number % 4}" / f"{number}.bin").write_bytes(os.urandom(SIZE))
    (root / "empty").mkdir()
    return root


@pytest.fixture
def run(trackers: Trackers, gate: Gate, experiment: str) -> Run:
    return trackers(gate.url).start_run(experiment)


def files_in(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_a_directory_of_many_requests_is_one_job(
    run: Run, tracker: ExperimentTracker, tree: Path, tmp_path: Path
) -> None:
    (tree / "large.bin").write_bytes(os.urandom(RESUMABLE_BYTES + 1))
    (tree / "middling.bin").write_bytes(os.urandom(TAR_BYTES - 1))
    upload = run.log_artifacts(tree, "d")
    delivery = upload.result(timeout=50)
    assert tracker.api.job(delivery.job_id or "")["files"]["total"] == FILES + 3
    assert upload.progress.sent == upload.progress.total
    assert contents(tracker, run.id, tmp_path) == {f"d/{path}": data for path, data in files_in(tree).items()}


def test_a_directory_that_is_logged_again_unchanged_sends_no_bytes(run: Run, tree: Path, gate: Gate) -> None:
    run.log_artifacts(tree, "d").result(timeout=50)
    before = gate.sent
    again = run.log_artifacts(tree, "d").result(timeout=50)
    assert gate.sent - before < FILES * 300
    assert not again.superseded
    assert len(list(run.list_artifacts())) == FILES + 1


def test_another_process_that_logs_the_directory_again_sends_no_bytes(
    run: Run, trackers: Trackers, tree: Path, gate: Gate
) -> None:
    run.log_artifacts(tree, "d").result(timeout=50)
    before = gate.sent
    trackers(gate.url).run(run.id).log_artifacts(tree, "d").result(timeout=50)
    assert gate.sent - before < FILES * 300


def test_of_a_directory_only_what_has_changed_is_sent(
    run: Run, tracker: ExperimentTracker, tree: Path, gate: Gate, tmp_path: Path
) -> None:
    run.log_artifacts(tree).result(timeout=50)
    (tree / "1" / "1.bin").write_bytes(os.urandom(SIZE))
    (tree / "new.txt").write_text("new")
    before = gate.sent
    run.log_artifacts(tree).result(timeout=50)
    assert SIZE < gate.sent - before < 2 * SIZE
    assert contents(tracker, run.id, tmp_path) == files_in(tree)


def test_a_directory_goes_on_where_the_link_broke(
    run: Run, tracker: ExperimentTracker, tree: Path, gate: Gate, tmp_path: Path
) -> None:
    size = FILES * SIZE
    gate.shut_after(size * 3 // 4)
    upload = run.log_artifacts(tree)
    wait_until(lambda: run._tracker.session.trouble is not None)
    sent = gate.sent
    gate.open()
    upload.result(timeout=50)
    # What was in the request that broke, and what had not begun.
    assert gate.sent - sent < size * 3 // 4
    assert contents(tracker, run.id, tmp_path) == files_in(tree)


def test_a_file_of_a_directory_that_changes_before_it_is_sent_fails_the_directory(
    run: Run, tree: Path, gate: Gate
) -> None:
    (tree / "z.bin").write_bytes(os.urandom(TAR_BYTES))
    gate.shut()
    upload = run.log_artifacts(tree)
    with (tree / "z.bin").open("r+b") as file:
        file.write(b"changed")
    gate.open()
    with pytest.raises(FileChanged, match=r"z\.bin"):
        upload.result(timeout=50)
    assert list(run.list_artifacts()) == []
