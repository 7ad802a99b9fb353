"""Machines whose clock is off."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from conftest import Trackers, wait_delivered
from lading.http.retry import parse_retry_after
from servers import Answering, send

Program = Callable[..., "subprocess.CompletedProcess[str]"]

CLOCK = """
import datetime, sys, time
off, wall, wall_ns = float(sys.argv[1]), time.time, time.time_ns
time.time = lambda: wall() + off
time.time_ns = lambda: wall_ns() + int(off) * 10**9
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=off)
datetime.datetime = Shifted
"""

TRAINING = """
import os, pathlib, tempfile
from lading import ExperimentTracker
tracker = ExperimentTracker()
with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "large.bin").write_bytes(os.urandom(3_000_000))
    (pathlib.Path(folder) / "small.txt").write_text("small")
    with tracker.start_run("clocks") as run:
        run.log_text("a", "a.txt")
        run.log_artifacts(folder, "tree")
    run.wait(timeout=40)
    print(run.id)
"""

YEARS = 10 * 365 * 86_400


@pytest.mark.parametrize("off", [YEARS, -YEARS, 3600, -3600])
def test_all_arrives_from_a_machine_whose_clock_is_off(off: int, program: Program, trackers: Trackers) -> None:
    ended = program("-c", CLOCK + TRAINING, str(off))
    assert ended.returncode == 0, ended.stderr
    tracker = trackers()
    run = tracker.run(ended.stdout.strip())
    assert wait_delivered(tracker, run.id) == 3
    known = tracker.api.run(run.id)
    assert known["status"] == "FINISHED"
    # By the server's clock, which tells whole seconds.
    since = datetime.now(timezone.utc) - datetime.fromisoformat(known["ended_at"].replace("Z", "+00:00"))
    assert timedelta(seconds=-2) < since < timedelta(minutes=5)


def test_a_date_to_come_again_at_is_read_by_the_clock_of_who_gave_it() -> None:
    there = 2_000_000_000
    assert parse_retry_after(formatdate(there + 7, usegmt=True), formatdate(there, usegmt=True)) == 7


def test_a_proxy_that_names_a_date_is_heeded_whatever_the_clock_says(trackers: Trackers) -> None:
    there = 2_000_000_000

    def away_for_a_second(request: BaseHTTPRequestHandler, number: int) -> None:
        request.date_time_string = lambda *_: formatdate(there, usegmt=True)
        if number == 1:
            send(request, 503, b"later", Retry_After=formatdate(there + 1, usegmt=True))
        else:
            send(request, 200, b'{"jobs": [], "next_cursor": null}')

    with Answering(away_for_a_second) as server:
        tracker = trackers(server.url)
        assert tracker.session.patiently(lambda: list(tracker.api.jobs("r", "open")), within=30) == []
        assert len(server.requests) == 2
