"""How files come into the outbox, and what happens when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import Trackers, contents, wait_until
from lading import Cancelled, ExperimentTracker, FileChanged, LadingError
from servers import Gate

LARGE = 3 * 1024 * 1024


@pytest.fixture
def held_back(trackers: Trackers, gate: Gate) -> ExperimentTracker:
    """A tracker whose server is away: what is logged waits."""
    gate.shut()
    tracker = trackers(gate.url)
    tracker.patience = 0.0
    return tracker


def test_a_large_file_is_captured_without_copying_it(
    held_back: ExperimentTracker, experiment: str, tmp_path: Path, outbox: Path
) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(os.urandom(LARGE))
    held_back.start_run(experiment).log_artifact(source)
    (captured,) = outbox.glob("*/files/*")
    # One inode by two names; or, with reflinks, another one with the same blocks.
    assert captured.samefile(source) or captured.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_file_that_is_removed_or_replaced_after_it_was_logged_arrives_as_it_was(
    size: int, held_back: ExperimentTracker, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    before = [os.urandom(size) for _ in range(2)]
    removed, replaced = tmp_path / "removed.bin", tmp_path / "replaced.bin"
    removed.write_bytes(before[0])
    replaced.write_bytes(before[1])
    run = held_back.start_run(experiment)
    uploads = [run.log_artifact(removed), run.log_artifact(replaced)]
    removed.unlink()
    (tmp_path / "new").write_bytes(b"another")
    (tmp_path / "new").replace(replaced)
    gate.open()
    for upload in uploads:
        upload.result(timeout=40)
    assert contents(held_back, run.id, tmp_path) == {"removed.bin": before[0], "replaced.bin": before[1]}


def test_a_small_file_may_be_written_over_at_once(
    held_back: ExperimentTracker, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    source = tmp_path / "metrics.json"
    run = held_back.start_run(experiment)
    uploads = []
    for epoch in range(3):
        source.write_text(f"epoch {epoch}")
        uploads.append(run.log_artifact(source, f"epoch-{epoch}"))
    gate.open()
    for upload in uploads:
        upload.result(timeout=40)
    found = contents(held_back, run.id, tmp_path)
    assert found == {f"epoch-{epoch}/metrics.json": f"epoch {epoch}".encode() for epoch in range(3)}


def rewrite_in_place(path: Path) -> None:
    """As torch.save does it: the file is emptied, and written anew."""
    with path.open("wb") as file:
        file.write(os.urandom(LARGE))


def test_a_large_file_that_is_written_over_fails_by_its_name_and_nothing_of_it_is_kept(
    held_back: ExperimentTracker, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    source = tmp_path / "last.ckpt"
    source.write_bytes(os.urandom(LARGE))
    run = held_back.start_run(experiment)
    upload = run.log_artifact(source)
    other = run.log_text("goes on", "other.txt")
    rewrite_in_place(source)
    gate.open()
    with pytest.raises(FileChanged, match=r"last\.ckpt: the file was written to"):
        upload.result(timeout=40)
    other.result(timeout=40)
    with pytest.raises(FileChanged):
        held_back.flush(timeout=40)
    assert contents(held_back, run.id, tmp_path) == {"other.txt": b"goes on"}


def test_a_large_file_that_is_written_over_in_a_directory_fails_by_its_name(
    held_back: ExperimentTracker, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "a.bin").write_bytes(os.urandom(LARGE))
    (folder / "b.bin").write_bytes(os.urandom(LARGE))
    run = held_back.start_run(experiment)
    upload = run.log_artifacts(folder, "checkpoint")
    rewrite_in_place(folder / "b.bin")
    gate.open()
    with pytest.raises(FileChanged, match=r"b\.bin"):
        upload.result(timeout=40)
    assert list(run.list_artifacts()) == []


def test_a_version_that_was_written_over_and_logged_again_gives_way_to_the_newer_one(
    held_back: ExperimentTracker, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    source = tmp_path / "last.ckpt"
    source.write_bytes(os.urandom(LARGE))
    run = held_back.start_run(experiment)
    first = run.log_artifact(source)
    rewrite_in_place(source)
    second = run.log_artifact(source)
    gate.open()
    assert first.result(timeout=40).superseded
    assert not second.result(timeout=40).superseded
    assert contents(held_back, run.id, tmp_path) == {"last.ckpt": source.read_bytes()}


def test_each_version_arrives_when_it_is_captured_as_a_copy(
    held_back: ExperimentTracker, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    source = tmp_path / "last.ckpt"
    run = held_back.start_run(experiment)
    versions = {}
    for step in range(3):
        source.write_bytes(os.urandom(LARGE))
        versions[f"step-{step}/last.ckpt"] = source.read_bytes()
        run.log_artifact(source, f"step-{step}", capture="copy")
    gate.open()
    run.wait(timeout=40)
    assert contents(held_back, run.id, tmp_path) == versions


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder on another file system than the outbox's."""
    folder = Path("/dev/shm") / f"lading-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    if folder.stat().st_dev == tmp_path.stat().st_dev:
        raise RuntimeError("/dev/shm is not a file system of its own")
    yield folder  # type: ignore[misc]
    for file in folder.rglob("*"):
        file.unlink()
    folder.rmdir()


def test_a_file_on_another_file_system_is_copied_in_the_background(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path, elsewhere: Path
) -> None:
    source = elsewhere / "model.bin"
    source.write_bytes(os.urandom(LARGE))
    run = tracker.start_run(experiment)
    run.log_artifact(source).result(timeout=40)
    assert contents(tracker, run.id, tmp_path) == {"model.bin": source.read_bytes()}


def test_a_file_that_is_gone_before_it_was_copied_is_an_error_that_names_it(
    tracker: ExperimentTracker, experiment: str, elsewhere: Path
) -> None:
    source = elsewhere / "model.bin"
    source.write_bytes(os.urandom(LARGE))
    run = tracker.start_run(experiment)
    with tracker.session.box.changed:
        # The copy cannot begin while this is held.
        upload = run.log_artifact(source)
        source.unlink()
    with pytest.raises(LadingError, match=r"model\.bin: the file is gone"):
        upload.result(timeout=40)


def test_what_waits_can_be_taken_back(held_back: ExperimentTracker, gate: Gate, experiment: str) -> None:
    run = held_back.start_run(experiment)
    uploads = [run.log_text(str(n), f"{n}.txt") for n in range(20)]
    taken_back = [upload for upload in uploads if upload.cancel()]
    assert taken_back
    gate.open()
    for upload in taken_back:
        with pytest.raises(Cancelled):
            upload.result()
        assert upload.done()
    held_back.flush(timeout=40)
    rest = {upload.path for upload in uploads} - {upload.path for upload in taken_back}
    for upload in uploads:
        assert upload.wait(timeout=40)
    assert {artifact["path"] for artifact in run.list_artifacts()} == rest


def test_what_was_sent_together_and_may_have_arrived_cannot_be_taken_back(
    trackers: Trackers, gate: Gate, experiment: str, tmp_path: Path
) -> None:
    tracker = trackers(gate.url)
    run = tracker.start_run(experiment)
    gate.shut()
    uploads = [run.log_text(str(n), f"{n}.txt") for n in range(3)]
    wait_until(lambda: tracker.session.trouble is not None)
    assert not uploads[0].cancel()
    gate.open()
    run.wait(timeout=40)
    assert len(contents(tracker, run.id, tmp_path)) == 3


def test_what_is_asked_of_an_upload_after_its_tracker_is_closed_has_an_answer(
    held_back: ExperimentTracker, experiment: str
) -> None:
    upload = held_back.start_run(experiment).log_text("x", "x.txt")
    held_back.close(timeout=0)
    with pytest.raises(LadingError) as not_sent:
        upload.result()
    assert not_sent.value.code == "not_sent"
    assert not upload.done()


def test_what_is_no_file_cannot_be_logged(tracker: ExperimentTracker, experiment: str, tmp_path: Path) -> None:
    run = tracker.start_run(experiment)
    with pytest.raises(FileNotFoundError):
        run.log_artifact(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        run.log_artifact(tmp_path)
    with pytest.raises(ValueError, match="capture"):
        run.log_artifact(tmp_path, capture="magic")


def test_a_training_goes_on_where_it_is_told_to(trackers: Trackers, experiment: str, tmp_path: Path) -> None:
    tracker = trackers(on_error="warn")
    run = tracker.start_run(experiment)
    upload = run.log_artifact(tmp_path / "nothing")
    assert upload.done()
    with pytest.raises(LadingError, match="nothing"):
        upload.result()
    assert run.log_text("goes on", "other.txt").result(timeout=40).path == "other.txt"


def test_a_file_that_the_server_refuses_fails_with_its_reason(tracker: ExperimentTracker, experiment: str) -> None:
    run = tracker.start_run(experiment)
    good = [run.log_text("good", f"good/{n}.txt") for n in range(30)]
    bad = run.log_text("bad", "a?b.txt")
    with pytest.raises(LadingError) as refused:
        bad.result(timeout=40)
    assert (refused.value.code, refused.value.status) in [("path_invalid", 400), ("archive_entry_refused", 422)]
    for upload in good:
        assert upload.result(timeout=40).path.startswith("good/")
    with pytest.raises(LadingError):
        tracker.flush()
    tracker.flush()


def test_the_last_of_many_versions_wins(tracker: ExperimentTracker, experiment: str, tmp_path: Path) -> None:
    run = tracker.start_run(experiment)
    uploads = [run.log_text(str(n), "loss.txt") for n in range(30)]
    for upload in uploads:
        upload.result(timeout=40)
    assert contents(tracker, run.id, tmp_path) == {"loss.txt": b"29"}
