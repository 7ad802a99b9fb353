"""Paths that would lead elsewhere, and those that cannot be said in a request."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from conftest import Trackers, contents
from lading import ExperimentTracker, LadingError, Run


@pytest.fixture
def run(tracker: ExperimentTracker, experiment: str) -> Run:
    return tracker.start_run(experiment)


def test_no_path_leads_to_another_run(tracker: ExperimentTracker, run: Run, experiment: str, tmp_path: Path) -> None:
    other = tracker.start_run(experiment)
    other.log_text("precious", "model.txt", synchronous=True)
    path = f"../../{other.id}/artifacts/model.txt"
    calls: list[Callable[[], object]] = [
        lambda: run.delete_artifact(path),
        lambda: run.delete_artifact("..", recursive=True),
        lambda: run.log_text("overwritten", path),
        lambda: run.log_artifacts(tmp_path, f"../../{other.id}/artifacts"),
        lambda: tracker.api.download(run.id, path, {}),
    ]
    for call in calls:
        with pytest.raises(LadingError) as refused:
            call()
        assert refused.value.code == "path_invalid"
    tracker.flush()
    assert contents(tracker, other.id, tmp_path) == {"model.txt": b"precious"}


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/", ".", "a/./b", "a/../b", "\udcff.txt"])
def test_a_path_that_no_request_can_name_is_told_at_once(path: str, run: Run) -> None:
    with pytest.raises(LadingError) as refused:
        run.log_text("x", path)
    assert refused.value.code == "path_invalid"


def test_a_file_whose_name_is_no_text_is_told_at_once(run: Run, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.bin"
    Path(os.fsdecode(name)).write_bytes(b"x")
    with pytest.raises(LadingError) as refused:
        run.log_artifact(os.fsdecode(name))
    assert refused.value.code == "path_invalid"


def test_a_training_goes_on_after_such_a_path_where_it_is_told_to(trackers: Trackers, experiment: str) -> None:
    upload = trackers(on_error="warn").start_run(experiment).log_text("x", "../x.txt")
    with pytest.raises(LadingError) as refused:
        upload.result()
    assert refused.value.code == "path_invalid"


def test_a_path_may_be_an_object(tracker: ExperimentTracker, run: Run, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"model")
    run.log_artifact(tmp_path / "model.bin", PurePosixPath("models"))
    run.log_dict({"a": 1}, PurePosixPath("config/a.json"))
    run.wait(timeout=40)
    assert contents(tracker, run.id, tmp_path).keys() == {"models/model.bin", "config/a.json"}


def test_a_directory_with_nothing_in_it_is_told_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "empty").mkdir()
    for folder, patterns in ((tmp_path / "empty", None), (tmp_path, "*.png")):
        with pytest.raises(LadingError) as refused:
            run.log_artifacts(folder, "tree", patterns=patterns)
        assert refused.value.code == "no_file"
