"""A server that keeps tenants to quotas; `npm test` sets them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from conftest import contents
from lading import ExperimentTracker, LadingError

FULL = "full-corp"
"""Has room for one artifact."""
HASTY = "hasty-corp"
"""May send 100 bytes a second, on average over ten."""


def test_what_the_quota_has_no_room_for_is_refused_and_told_and_not_tried_again(
    url: str, experiment: str, tmp_path: Path
) -> None:
    tracker = ExperimentTracker(url, tenant=FULL)
    run = tracker.start_run(experiment)
    run.log_text("first", "a.txt")
    tracker.flush()
    run.log_text("second", "b.txt")
    with pytest.raises(LadingError) as refused:
        tracker.flush()
    assert (refused.value.code, refused.value.status, refused.value.retryable) == ("quota_exceeded", 403, False)
    assert "of 1 that are allowed" in refused.value.detail
    assert tracker.session.trouble is None
    run.wait()
    assert contents(tracker, run.id, tmp_path) == {"a.txt": b"first"}
    tracker.close()


def test_what_comes_faster_than_the_rate_waits_for_as_long_as_the_server_says_and_arrives(
    url: str, experiment: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = ExperimentTracker(url, tenant=HASTY)
    run = tracker.start_run(experiment)
    run.log_text("x" * 1_200, "first.txt")
    tracker.flush()
    with caplog.at_level(logging.WARNING, "lading"):
        run.log_text("second", "second.txt")
        tracker.flush()
    assert "too_many_bytes" in caplog.text
    run.wait()
    assert contents(tracker, run.id, tmp_path) == {"first.txt": b"x" * 1_200, "second.txt": b"second"}
    tracker.close()
