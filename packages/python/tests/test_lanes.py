"""Requests of a directory that are sent at once."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Trackers
from lading.sender.lanes import Lanes

Program = Callable[..., "subprocess.CompletedProcess[str]"]


def test_two_are_done_at_once_and_a_third_waits() -> None:
    both = threading.Barrier(2, timeout=20)
    done: list[int] = []

    def meet(number: int) -> None:
        both.wait()
        done.append(number)

    with Lanes(2) as lanes:
        for number in range(4):
            lanes.run(lambda number=number: meet(number))
    assert sorted(done) == [0, 1, 2, 3]


def test_what_fails_is_raised_when_all_have_ended() -> None:
    failed = threading.Event()
    done: list[str] = []

    def fail() -> None:
        failed.set()
        raise ValueError("first")

    def go_on() -> None:
        failed.wait(20)
        done.append("second")

    lanes = Lanes(2)
    with pytest.raises(ValueError, match="first"), lanes:
        lanes.run(fail)
        lanes.run(go_on)
    assert done == ["second"]


def test_where_no_thread_can_be_begun_it_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done: list[int] = []
    with Lanes(2) as lanes:
        for number in range(3):
            lanes.run(lambda number=number: done.append(number))
    assert done == [0, 1, 2]


LOG_AND_END = """
import sys
from lading import ExperimentTracker
run = ExperimentTracker().start_run("directory last")
run.log_artifacts(sys.argv[1], "tree")
print(run.id)
"""


def test_a_directory_of_several_tars_is_sent_at_the_end_of_a_program(
    program: Program, trackers: Trackers, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(5):
        (tree / f"{number}.bin").write_bytes(os.urandom(7_000_000))
    ended = program("-c", LOG_AND_END, str(tree), timeout=120)
    assert ended.returncode == 0, ended.stderr
    run = trackers().run(ended.stdout.strip())
    run.wait(timeout=60)
    assert {artifact["path"]: artifact["size"] for artifact in run.list_artifacts("tree")} == {
        f"tree/{number}.bin": 7_000_000 for number in range(5)
    }
