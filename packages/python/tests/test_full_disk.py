"""An outbox whose disk is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import program_environment

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


def run_on_small_disk(url: str, outbox: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """In a file system of 4 MiB, in a mount namespace of the program's own."""
    outbox.mkdir()
    script = 'mount -t tmpfs -o size=4m none "$1" && exec "$2" -c "$3"'
    command = ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    return subprocess.run(
        [*command, str(outbox), sys.executable, PROGRAM],
        env={**program_environment(url, outbox), **settings},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


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
