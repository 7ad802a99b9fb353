"""Directories of very many files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import WeakSet

import pytest

from conftest import Trackers
from lading.ids import new_id
from lading.outbox.members import LINES_AT_ONCE, Member

Program = Callable[..., "subprocess.CompletedProcess[str]"]

TRAINING = """
import re, sys
from lading import ExperimentTracker
tracker = ExperimentTracker()
with tracker.start_run("many") as run:
    first = run.log_artifacts(sys.argv[1], "tree").result(timeout=1500)
    again = run.log_artifacts(sys.argv[1], "tree").result(timeout=1500)
    # Of this program alone: what getrusage tells begins with the peak of the process that it was forked from.
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
    print(run.id, first.job_id, again.job_id, peak // 1024)
"""


@pytest.fixture(params=[3_000, pytest.param(100_000, marks=pytest.mark.long)])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(request.param):
        if number % 1000 == 0:
            (root / str(number // 1000)).mkdir(parents=True)
        (root / str(number // 1000) / f"{number}.txt").write_bytes(os.urandom(64))
    return root


def test_thousands_of_files_are_one_job_and_are_sent_once(tree: Path, program: Program, trackers: Trackers) -> None:
    count = sum(len(names) for _, _, names in os.walk(tree))
    ended = program("-c", TRAINING, str(tree), timeout=3000)
    assert ended.returncode == 0, ended.stderr
    run_id, first, again, megabytes = ended.stdout.split()
    tracker = trackers()
    assert tracker.api.job(first)["files"]["stored"] == count
    assert tracker.api.job(again)["files"]["total"] == 0
    assert sum(1 for _ in tracker.run(run_id).list_artifacts()) == count
    assert int(megabytes) < 250


def test_few_files_of_a_directory_are_in_memory_at_once(trackers: Trackers) -> None:
    tracker = trackers(offline=True)
    run = tracker.start_run("many")
    alive: WeakSet[Member] = WeakSet()
    most = 0

    def members() -> Iterator[Member]:
        nonlocal most
        for number in range(5000):
            most = max(most, len(alive))
            member = Member(f"{number}/", 0o755, 0, None)
            alive.add(member)
            yield member

    item = tracker.session.box.add_directory(new_id(), run._record.key, "tree", members(), True)
    assert sum(1 for _ in tracker.session.box.members(item.entry)) == 5000
    assert most <= LINES_AT_ONCE + 1
