"""Directories: what is taken of them, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import contents
from lading import ExperimentTracker, LinkRefused, Run


@pytest.fixture
def run(tracker: ExperimentTracker, experiment: str) -> Run:
    return tracker.start_run(experiment)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("plots/a.png", "plots/b.svg", "data/x.csv", "data/cache/y.csv", "notes.txt", "данные/ряд 1.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "empty" / "inner").mkdir(parents=True)
    return root


def listed(run: Run) -> list[str]:
    return sorted(artifact["path"].rstrip("/") for artifact in run.list_artifacts())


def test_a_directory_arrives_with_its_empty_directories(run: Run, tree: Path) -> None:
    upload = run.log_artifacts(tree)
    upload.result(timeout=40)
    assert listed(run) == [
        "data/cache/y.csv",
        "data/x.csv",
        "empty/inner",
        "notes.txt",
        "plots/a.png",
        "plots/b.svg",
        "данные/ряд 1.txt",
    ]


def test_patterns_take_only_what_matches(run: Run, tree: Path) -> None:
    run.log_artifacts(tree, "e", patterns=["*.png", "data/**"]).result(timeout=40)
    assert listed(run) == ["e/data/cache/y.csv", "e/data/x.csv", "e/plots/a.png"]


def test_ignore_files_leave_out_what_they_name(run: Run, tree: Path) -> None:
    (tree / ".ladingignore").write_text("# caches\ncache/\n*.svg\nnotes.txt\n")
    (tree / "plots" / ".ladingignore").write_text("!b.svg\na.png\n")
    run.log_artifacts(tree).result(timeout=40)
    assert listed(run) == ["data/x.csv", "empty/inner", "plots/b.svg", "данные/ряд 1.txt"]


def test_links_are_refused_skipped_or_followed_as_told(run: Run, tree: Path) -> None:
    (tree / "link.txt").symlink_to("notes.txt")
    (tree / "plots" / "link").symlink_to("../data/cache")
    with pytest.raises(LinkRefused, match=r"link"):
        run.log_artifacts(tree, "refused")
    run.log_artifacts(tree, "skipped", patterns="*.txt", links="skip").result(timeout=40)
    run.log_artifacts(tree, "followed", patterns=["link*", "plots/link/**"], links="follow").result(timeout=40)
    assert listed(run) == [
        "followed/link.txt",
        "followed/plots/link/y.csv",
        "skipped/notes.txt",
        "skipped/данные/ряд 1.txt",
    ]


def test_a_link_to_a_directory_above_it_is_refused(run: Run, tree: Path) -> None:
    (tree / "data" / "up").symlink_to("..")
    with pytest.raises(LinkRefused, match="lies in"):
        run.log_artifacts(tree, links="follow")


def test_a_pipe_is_refused(run: Run, tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with pytest.raises(LinkRefused, match="pipe"):
        run.log_artifacts(tree)


def test_a_refused_directory_leaves_nothing_in_the_outbox(run: Run, tree: Path, outbox: Path) -> None:
    (tree / "large.bin").write_bytes(os.urandom(2_000_000))
    (tree / "z").symlink_to("notes.txt")
    with pytest.raises(LinkRefused):
        run.log_artifacts(tree)
    assert list(outbox.glob("*/files/*")) == []
    assert list(outbox.glob("*/payload/*")) == []


def test_a_directory_may_be_removed_at_once(run: Run, tracker: ExperimentTracker, tree: Path, tmp_path: Path) -> None:
    import shutil

    (tree / "model.bin").write_bytes(model := os.urandom(3_000_000))
    upload = run.log_artifacts(tree, "evaluation")
    shutil.rmtree(tree)
    upload.result(timeout=40)
    found = contents(tracker, run.id, tmp_path)
    assert found["evaluation/model.bin"] == model
    assert found["evaluation/notes.txt"] == b"notes.txt"


def test_what_is_logged_into_a_directory_after_it_wins(
    run: Run, tracker: ExperimentTracker, tree: Path, tmp_path: Path
) -> None:
    run.log_artifacts(tree, "d")
    run.log_text("newer", "d/notes.txt").result(timeout=40)
    assert contents(tracker, run.id, tmp_path)["d/notes.txt"] == b"newer"


def test_long_names_and_odd_ones_arrive(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "odd"
    names = ["a" * 200, "b" * 90 + "/" + "c" * 120, 'quote".txt', "100%.txt", "a+b c.txt", "émoji 🎉.txt"]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
        run.log_artifact(root / name, str(Path("single", name).parent))
    run.log_artifacts(root, "tree")
    run.wait(timeout=40)
    assert listed(run) == sorted(f"{kind}/{name}" for name in names for kind in ("single", "tree"))
