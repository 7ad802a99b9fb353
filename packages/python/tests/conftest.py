"""What the tests run against: a real system, of which `LADING_TEST_URL` is one API and `LADING_TEST_OTHER_URL` another
(`npm test` starts it)."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lading import ExperimentTracker
from lading.ids import new_id
from servers import Gate

TENANT = "acme-corp"
TESTS = Path(__file__).parent

WITH_TORCH = ["test_lightning.py", "test_transformers.py"]
"""They need `requirements-torch.txt`, whose gigabytes are not for everybody: where it is not installed, and nobody asks
for it by LADING_TEST_TORCH, these tests are none."""

collect_ignore = (
    WITH_TORCH if importlib.util.find_spec("torch") is None and not os.environ.get("LADING_TEST_TORCH") else []
)


@pytest.fixture
def url() -> str:
    return os.environ["LADING_TEST_URL"]


@pytest.fixture
def other_url() -> str:
    """Another API process of the same system."""
    return os.environ["LADING_TEST_OTHER_URL"]


@pytest.fixture
def experiment() -> str:
    return f"tests {new_id()}"


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture(autouse=True)
def no_settings_of_this_shell(monkeypatch: pytest.MonkeyPatch, outbox: Path) -> None:
    for name in os.environ:
        if name.startswith("LADING_") and not name.startswith("LADING_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LADING_OUTBOX", str(outbox))


Trackers = Callable[..., ExperimentTracker]


@pytest.fixture
def trackers(url: str) -> Iterator[Trackers]:
    """Makes trackers, and closes them."""
    made: list[ExperimentTracker] = []

    def make(to: str | None = None, **settings: object) -> ExperimentTracker:
        made.append(ExperimentTracker(to or url, tenant=TENANT, **settings))
        return made[-1]

    yield make
    for tracker in made:
        tracker.close(timeout=1)


@pytest.fixture
def tracker(trackers: Trackers) -> ExperimentTracker:
    return trackers()


@pytest.fixture
def gate(url: str) -> Iterator[Gate]:
    """A way to the server that can be shut."""
    with Gate(url) as opened:
        yield opened


Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def program(url: str, outbox: Path) -> Program:
    """Runs a Python program as users do: with settings in the environment."""

    def run(
        *arguments: str, settings: dict[str, str] | None = None, timeout: float = 50
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        env = {**program_environment(url, outbox), **(settings or {})}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)

    return run


def program_environment(url: str, outbox: Path) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("LADING_")}
    source = str(TESTS.parent / "src")
    return {**inherited, "PYTHONPATH": source, "LADING_URL": url, "LADING_TENANT": TENANT, "LADING_OUTBOX": str(outbox)}


def contents(tracker: ExperimentTracker, run_id: str, folder: Path) -> dict[str, bytes]:
    """All that is stored of a run, by path; each compared with its digest as it is fetched."""
    target = folder / new_id()
    run = tracker.run(run_id)
    if not list(run.list_artifacts()):
        return {}
    run.download_artifacts("", target)
    return {str(file.relative_to(target)): file.read_bytes() for file in target.rglob("*") if file.is_file()}


def wait_delivered(tracker: ExperimentTracker, run_id: str) -> int:
    """Waits for the end of every job of a run; how many files they brought in all."""
    http = tracker.api._http
    jobs = http.request("GET", f"/api/v1/jobs?run_id={run_id}&limit=1000").json()["jobs"]
    ended = [tracker.api.job(job["job_id"], wait=30) for job in jobs]
    assert {job["state"] for job in ended} <= {"completed"}
    return sum(job["files"]["total"] for job in ended)


def wait_until(holds: Callable[[], bool], within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what takes minutes, unless it is asked for."""
    if os.environ.get("LADING_TEST_LONG"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tells `npm test` of each test by itself."""
    target = os.environ.get("LADING_TEST_REPORT")
    if target is None or (report.when != "call" and report.passed):
        return
    with Path(target).open("a") as file:
        file.write(json.dumps({"id": report.nodeid, "outcome": report.outcome, "text": report.longreprtext}) + "\n")
