"""An outbox that cannot be read, as a loss of power may leave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import TESTS, Program, Trackers, wait_until
from servers import Gate


@pytest.fixture
def left(program: Program, outbox: Path, gate: Gate, tmp_path: Path) -> list[Path]:
    """Of two programs that were killed: the older is damaged."""
    gate.shut()
    (tmp_path / "files").mkdir()
    for _ in range(2):
        program(str(TESTS / "trainer.py"), str(tmp_path / "files"), "1", settings={"LADING_URL": gate.url})
    folders = sorted(outbox.iterdir())
    journal = folders[0] / "journal"
    journal.write_bytes(bytes(100) + b"\n" + journal.read_bytes())
    gate.open()
    return folders


def test_a_damaged_outbox_keeps_no_other_from_being_sent(
    left: list[Path], trackers: Trackers, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = trackers(gate.url)
    tracker.flush()
    wait_until(lambda: any(box.folder == left[1] and not box.waiting() for box, _ in tracker.session._adopted))
    assert f"the outbox ({left[0]}) is damaged" in caplog.text
    assert left[0].exists(), "somebody may look after it"


def test_a_sync_says_which_outbox_is_damaged_and_sends_the_others(left: list[Path], program: Program) -> None:
    synced = program("-m", "lading", "sync")
    assert synced.returncode == 1
    assert f"the outbox ({left[0]}) is damaged" in synced.stderr
    assert f"{left[1]}: 1 sent, 0 refused" in synced.stdout
    assert not left[1].exists()
