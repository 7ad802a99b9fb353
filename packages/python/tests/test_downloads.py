"""Artifacts, as they come back."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from conftest import Trackers
from lading import ExperimentTracker, LadingError, Run
from lading.downloading.ranges import RANGE_BYTES
from servers import Gate


def test_a_download_goes_on_where_it_broke_off(
    tracker: ExperimentTracker, trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    content = os.urandom(3 * RANGE_BYTES + 1)
    with tracker.start_run(experiment) as run:
        run.log_bytes(content, "model.bin", synchronous=True)
    through = trackers(gate.url)
    target = tmp_path / "back"
    (artifact,) = run.list_artifacts()
    part = target / ".model.bin.lading-part"
    ranges = target / ".model.bin.lading-ranges"
    target.mkdir()
    # As a download leaves it that was killed after its second range.
    part.write_bytes(b"\0" * RANGE_BYTES + content[RANGE_BYTES : 2 * RANGE_BYTES] + b"\0" * (RANGE_BYTES + 1))
    ranges.write_text(json.dumps(artifact["etag"]) + f"\n{RANGE_BYTES}\n")
    gate.count = 0
    assert through.run(run.id).download_artifacts("model.bin", target) == target / "model.bin"
    assert (target / "model.bin").read_bytes() == content
    assert RANGE_BYTES * 2 < gate.count < RANGE_BYTES * 2 + 100_000
    assert [file.name for file in target.iterdir()] == ["model.bin"]


def test_a_download_that_is_not_what_was_stored_leaves_nothing(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    with tracker.start_run(experiment) as run:
        run.log_bytes(b"true", "x.bin", synchronous=True)
    (artifact,) = run.list_artifacts()
    (tmp_path / ".x.bin.lading-part").write_bytes(b"fake")
    (tmp_path / ".x.bin.lading-ranges").write_text(json.dumps(artifact["etag"]) + "\n0\n")
    with pytest.raises(LadingError) as mismatch:
        run.download_artifacts("x.bin", tmp_path)
    assert mismatch.value.code == "digest_mismatch"
    assert list(tmp_path.glob("*x.bin*")) == []
    run.download_artifacts("x.bin", tmp_path)
    assert (tmp_path / "x.bin").read_bytes() == b"true"


def test_an_empty_file_and_an_empty_directory_come_back(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    (tmp_path / "tree" / "empty").mkdir(parents=True)
    (tmp_path / "tree" / "nothing.txt").write_bytes(b"")
    with tracker.start_run(experiment) as run:
        run.log_artifacts(tmp_path / "tree", "tree", synchronous=True)
    back = run.download_artifacts("tree", tmp_path / "back")
    assert (back / "empty").is_dir()
    assert (back / "nothing.txt").read_bytes() == b""


def test_what_is_here_already_is_not_fetched_again(
    tracker: ExperimentTracker, trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    contents = {name: os.urandom(3_000_000) for name in ("a.bin", "b.bin", "c.bin")}
    with tracker.start_run(experiment) as run:
        for name, content in contents.items():
            run.log_bytes(content, f"tree/{name}", synchronous=True)
    run.download_artifacts("tree", tmp_path)
    (tmp_path / "tree" / "b.bin").write_bytes(bytes(3_000_000))
    (tmp_path / "tree" / "c.bin").unlink()
    through = trackers(gate.url).run(run.id)
    through.download_artifacts("tree", tmp_path)
    assert 6_000_000 < gate.count < 6_100_000
    assert {file.name: file.read_bytes() for file in (tmp_path / "tree").iterdir()} == contents


def _download(run: Run, folder: Path) -> None:
    run.download_artifacts("", folder)


def test_many_ranks_fetch_the_same_to_a_disk_that_they_share(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    with tracker.start_run(experiment) as run:
        run.log_bytes(content := os.urandom(2 * RANGE_BYTES), "model.bin", synchronous=True)
    spawn = multiprocessing.get_context("spawn")
    ranks = [spawn.Process(target=_download, args=(run, tmp_path / "shared")) for _ in range(4)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(50)
        assert rank.exitcode == 0
    assert {file.name: file.read_bytes() for file in (tmp_path / "shared").iterdir()} == {"model.bin": content}


def test_a_name_may_be_as_long_as_the_disk_takes(tracker: ExperimentTracker, experiment: str, tmp_path: Path) -> None:
    name = "é" * 125 + ".txt"
    with tracker.start_run(experiment) as run:
        run.log_text("long", name, synchronous=True)
    assert run.download_artifacts(name, tmp_path).read_text() == "long"


def test_a_list_is_asked_for_again_where_the_link_breaks(
    tracker: ExperimentTracker, trackers: Trackers, gate: Gate, experiment: str
) -> None:
    with tracker.start_run(experiment) as run:
        run.log_text("x", "x.txt", synchronous=True)
    through = trackers(gate.url).run(run.id)
    gate.shut()
    threading.Thread(target=lambda: (gate.refused.wait(30), gate.open())).start()
    assert [artifact["path"] for artifact in through.list_artifacts()] == ["x.txt"]


def test_what_is_not_there_cannot_be_downloaded(tracker: ExperimentTracker, experiment: str, tmp_path: Path) -> None:
    run = tracker.start_run(experiment)
    with pytest.raises(LadingError) as missing:
        run.download_artifacts("nothing", tmp_path)
    assert missing.value.code == "artifact_not_found"
