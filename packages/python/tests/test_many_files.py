"""Directories of very many files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Trackers

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
