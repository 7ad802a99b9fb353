"""Directories that many processes write together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import Trackers, contents
from lading import ExperimentTracker, FileChanged, LadingError
from servers import Gate


def test_a_directory_of_shards_is_seen_when_the_last_one_is_complete(
    trackers: Trackers, experiment: str, tmp_path: Path
) -> None:
    ranks = [trackers() for _ in range(3)]
    run = ranks[0].start_run(experiment)
    content = {f"step-1/rank-{rank}.bin": os.urandom(2_000_000) for rank in range(3)}
    uploads = []
    for rank, tracker in enumerate(ranks):
        tracker.flush()
        assert list(run.list_artifacts()) == []
        file = tmp_path / f"rank-{rank}.bin"
        file.write_bytes(content[f"step-1/rank-{rank}.bin"])
        with tracker.run(run.id).shard("step-1", shard=rank, shards=3) as part:
            uploads.append(part.log_artifact(file))
            uploads.append(part.log_bytes(b"%d" % rank, f"logs/{rank}.txt"))
    for upload in uploads:
        upload.result(timeout=40)
    assert len({upload.job_id for upload in uploads}) == 1
    logs = {f"step-1/logs/{rank}.txt": b"%d" % rank for rank in range(3)}
    assert contents(ranks[0], run.id, tmp_path) == {**content, **logs}


def test_a_shard_that_failed_is_not_complete(tracker: ExperimentTracker, experiment: str) -> None:
    run = tracker.start_run(experiment)
    with pytest.raises(ZeroDivisionError), run.shard("step-1", shard=0, shards=1) as part:
        upload = part.log_bytes(b"x", "x.bin")
        raise ZeroDivisionError
    tracker.flush(timeout=40)
    assert tracker.api.job(upload.job_id or "")["state"] == "open"
    assert not upload.cancel()
    tracker.api.cancel_job(upload.job_id or "")


def test_a_shard_is_not_complete_without_a_file_that_was_written_over(
    trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    gate.shut()
    tracker = trackers(gate.url)
    tracker.patience = 0.0
    run = tracker.start_run(experiment)
    shard = tmp_path / "rank-0.bin"
    shard.write_bytes(os.urandom(2_000_000))
    with run.shard("step-1", shard=0, shards=1) as part:
        other = part.log_bytes(b"x", "other.txt")
        upload = part.log_artifact(shard)
    shard.write_bytes(os.urandom(2_000_000))
    gate.open()
    with pytest.raises(FileChanged):
        upload.result(timeout=40)
    with pytest.raises(LadingError):
        tracker.flush(timeout=40)
    codes = sorted(item.error.code for item in tracker.session.box.refused() if item.error is not None)
    assert codes == ["file_changed", "shard_incomplete"]
    assert tracker.api.job(other.job_id or "")["state"] == "open"
    tracker.api.cancel_job(other.job_id or "")


def test_a_shard_has_a_number_below_their_count(tracker: ExperimentTracker) -> None:
    with pytest.raises(ValueError, match="0 to 3"):
        tracker.run("r").shard("d", shard=4, shards=4)
