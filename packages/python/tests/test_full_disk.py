"""An outbox whose disk is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Trackers, program_environment, wait_delivered
from lading import ExperimentTracker, OutboxFailed
from lading.outbox.reserve import Reserve
from servers import Gate

PROGRAM = """
import lading, os
tracker = lading.ExperimentTracker(offline=True)
run = tracker.start_run('full')
codes = []
for n in range(8):
    try:
        upload = run.log_bytes(os.urandom(900_000), f'{n}.bin')
    except lading.LadingError as error:
        codes.append(error.code)
    else:
        if upload.sent():
            codes.append('warned')
run.log_text('small values fit', 'small.txt')
kept = [item.entry.path for item in tracker.session.box.waiting()]
print(len(kept), *sorted(set(codes)))
"""


FILLED = """
import lading, sys
lading.ExperimentTracker.patience = 0.1
tracker = lading.ExperimentTracker()
run = tracker.start_run('full')
uploads = [run.log_text('large', 'large.txt')]
(tracker.session.box.folder.parent / 'ballast').write_bytes(bytes(3_000_000))
try:
    for n in range(10_000):
        uploads.append(run.log_bytes(bytes(500), f'{n}.bin'))
except lading.LadingError as error:
    print(error.code, flush=True)
sys.stdin.readline()
tracker.flush(timeout=40)
for upload in uploads:
    upload.result(timeout=40)
print(run.id, len(uploads))
"""


FILL = """
import lading, os
def fill():
    with open(os.path.join(os.environ['LADING_OUTBOX'], 'others'), 'ab', buffering=0) as others:
        try:
            while True:
                others.write(bytes(4096))
        except OSError:
            pass
"""

SENT_WHEN_FULL = (
    FILL
    + """
from lading.cli import main
tracker = lading.ExperimentTracker(offline=True)
with tracker.start_run('full') as run:
    for n in range(1500):
        run.log_bytes(os.urandom(500), f'{n}.bin')
tracker.close()
fill()
main(['sync'])
print(os.listdir(os.environ['LADING_OUTBOX']))
"""
)

FULL_FROM_THE_START = (
    FILL
    + """
fill()
tracker = lading.ExperimentTracker()
with tracker.start_run('full') as run:
    print(run.id, run.log_text('x', 'x.txt').sent())
    print(tracker.log_text('x', 'x.txt').done())
print(os.listdir(os.environ['LADING_OUTBOX']))
"""
)

FULL_IN_A_SHARD = (
    FILL
    + """
tracker = lading.ExperimentTracker(offline=True)
with tracker.start_run('full') as run, run.shard('step-1', shard=0, shards=1) as part:
    part.log_bytes(b'x', 'x.bin')
    fill()
    part.log_bytes(os.urandom(100_000), 'y.bin')
print([type(item.entry).__name__ for item in tracker.session.box.waiting()])
"""
)


def run_on_small_disk(
    url: str, outbox: Path, program: str = PROGRAM, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        on_small_disk(outbox, program),
        env={**program_environment(url, outbox), **settings},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def on_small_disk(outbox: Path, program: str) -> list[str]:
    """A command that runs it with an outbox of 4 MiB, in a mount namespace of its own."""
    outbox.mkdir()
    script = 'mount -t tmpfs -o size=4m none "$1" && exec "$2" -c "$3"'
    command = ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    return [*command, str(outbox), sys.executable, program]


@pytest.fixture(scope="module", autouse=True)
def needs_namespaces() -> None:
    command = ["unshare", "--mount", "--user", "--map-root-user", "true"]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("the kernel allows no mount namespaces here")


def test_a_full_outbox_is_an_error_that_says_what_to_do(url: str, outbox: Path) -> None:
    ended = run_on_small_disk(url, outbox)
    assert ended.stdout.split()[1:] == ["outbox_full"], ended.stderr
    assert int(ended.stdout.split()[0]) >= 4, "what was taken before stays, and what fits is taken"


def test_a_training_goes_on_with_a_full_outbox_where_it_is_told_to(url: str, outbox: Path) -> None:
    ended = run_on_small_disk(url, outbox, LADING_ON_ERROR="warn")
    assert ended.stdout.split()[1:] == ["warned"], ended.stderr
    assert "was not logged: outbox_full" in ended.stderr
    assert "LADING_OUTBOX" in ended.stderr


def test_what_was_taken_before_the_disk_was_full_is_sent_while_it_is(
    gate: Gate, tracker: ExperimentTracker, tmp_path: Path
) -> None:
    gate.shut()
    program = subprocess.Popen(
        on_small_disk(tmp_path / "small", FILLED),
        env=program_environment(gate.url, tmp_path / "small"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "outbox_full\n"
    gate.open()
    output, errors = program.communicate("go on\n", timeout=50)
    assert program.returncode == 0, errors
    run_id, count = output.split()
    assert wait_delivered(tracker, run_id) == int(count)


def test_an_outbox_that_cannot_be_made_is_an_error_or_a_warning_as_told(trackers: Trackers, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutboxFailed, match="LADING_OUTBOX"):
        trackers(outbox=tmp_path / "file").run("r").log_text("x", "x.txt")
    upload = trackers(outbox=tmp_path / "file", on_error="warn").run("r").log_text("x", "x.txt")
    assert upload.done()
    assert not upload.cancel()
    with pytest.raises(OutboxFailed):
        upload.result()


CRASHING = """
import lading, sys
lading.ExperimentTracker.patience = 0.1
tracker = lading.ExperimentTracker(offline=True)
try:
    with tracker.start_run('full') as run:
        try:
            for n in range(10_000):
                run.log_bytes(bytes(20_000), f'{n}.bin')
        except lading.LadingError:
            raise ZeroDivisionError
except ZeroDivisionError:
    print('its own exception')
"""


def test_a_program_sees_its_own_exception_though_it_cannot_be_logged(url: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        on_small_disk(tmp_path / "small", CRASHING),
        env=program_environment(url, tmp_path / "small"),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.stdout == "its own exception\n", ended.stderr


def test_another_program_sends_what_was_logged_before_the_disk_was_full_to_the_last_byte(
    url: str, outbox: Path
) -> None:
    ended = run_on_small_disk(url, outbox, SENT_WHEN_FULL)
    assert "1501 sent, 0 refused" in ended.stdout, ended.stderr
    assert ended.stdout.splitlines()[-1] == "['others']"


def test_a_training_begins_and_ends_with_a_full_outbox_where_it_is_told_to(url: str, outbox: Path) -> None:
    ended = run_on_small_disk(url, outbox, FULL_FROM_THE_START, LADING_ON_ERROR="warn")
    assert ended.returncode == 0, ended.stderr
    first, second, left = ended.stdout.splitlines()
    assert first.startswith("offline-")
    assert (first.split()[1], second, left) == ("True", "True", "['others']")
    assert "the run cannot be begun yet: outbox_full" in ended.stderr


def test_a_shard_of_which_something_was_not_logged_is_not_complete(url: str, outbox: Path) -> None:
    ended = run_on_small_disk(url, outbox, FULL_IN_A_SHARD, LADING_ON_ERROR="warn")
    assert ended.stdout.strip() == "['FileEntry', 'StatusEntry']", ended.stderr
    assert "shard 0 of step-1 is not complete" in ended.stderr


def test_a_reserve_that_is_closed_touches_no_file_that_was_opened_since(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve")
    reserve.close()
    with (tmp_path / "checkpoint").open("wb") as another:
        with pytest.raises(OutboxFailed):
            reserve.hold(1)
        assert not reserve.give()
        reserve.close()
        another.write(b"weights")
    assert (tmp_path / "checkpoint").read_bytes() == b"weights"
