"""A server that is away while a training goes on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from conftest import Trackers, contents, wait_until
from lading import ExperimentTracker
from servers import Gate


@pytest.mark.parametrize("away", [2, pytest.param(60, marks=pytest.mark.long)])
def test_a_training_goes_on_while_the_server_is_away_and_all_of_it_arrives(
    away: int, trackers: Trackers, gate: Gate, experiment: str, tracker: ExperimentTracker, tmp_path: Path
) -> None:
    training = trackers(gate.url)
    expected: dict[str, bytes] = {}
    slowest = 0.0
    with training.start_run(experiment) as run:

        def step(number: int) -> None:
            nonlocal slowest
            checkpoint = tmp_path / f"{number}.bin"
            checkpoint.write_bytes(os.urandom(1_500_000))
            expected[f"loss/{number}.txt"] = str(number).encode()
            expected[f"checkpoints/{number}.bin"] = checkpoint.read_bytes()
            start = time.monotonic()
            run.log_text(str(number), f"loss/{number}.txt")
            run.log_artifact(checkpoint, "checkpoints")
            slowest = max(slowest, time.monotonic() - start)

        step(0)
        gate.shut()
        end = time.monotonic() + away
        for number in range(1, 9):
            step(number)
        wait_until(lambda: training.session.trouble is not None and time.monotonic() > end, within=away + 30)
        gate.open()
        step(9)
    run.wait(timeout=away + 40)
    assert training.session.trouble is None
    assert contents(tracker, run.id, tmp_path) == expected
    # No call waits for a connection, or for its time to run out.
    assert slowest < away
    assert tracker.api.run(run.id)["status"] == "FINISHED"
