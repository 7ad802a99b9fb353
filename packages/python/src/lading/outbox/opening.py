"""New outboxes, and those that other processes left."""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from lading.errors import LadingError, OutboxFailed
from lading.ids import new_id
from lading.outbox.box import Box, Destination, make_folders
from lading.outbox.journal import Journal, cut_torn_end, read_journal
from lading.outbox.lock import BoxLock
from lading.outbox.replay import Replayed, replay
from lading.outbox.runs import RunRecord

log = logging.getLogger("lading")

FORMAT = 1


def create_box(root: Path, destination: Destination) -> Box:
    """A new outbox in the folder, which this process owns. Raises OutboxFailed."""
    folder = root / new_id()
    try:
        return _create(folder, destination)
    except LadingError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def folders_in(root: Path) -> list[Path]:
    """The outboxes in the folder, or itself where it is one, oldest first."""
    if (root / "journal").exists():
        return [root]
    if not root.is_dir():
        return []
    return sorted(folder for folder in root.iterdir() if (folder / "journal").exists())


def take_over(folder: Path) -> Box | None:
    """The outbox of a process that has ended. None where a process still owns it, or nothing was logged to it.

    Raises OutboxFailed for one that cannot be read, as a loss of power may leave it.
    """
    lock = BoxLock.take(folder / "lock")
    if lock is None:
        return None
    try:
        cut_torn_end(folder / "journal")
        state = replay(read_journal(folder / "journal"))
        if state.header:
            return Box(folder, lock, Destination(state.header["url"], state.header["tenant"]), state)
    except (OSError, ValueError, LookupError, TypeError) as error:
        lock.release()
        detail = f"the outbox ({folder}) is damaged, or of another version: {error!r}; what was logged to it lies there"
        raise OutboxFailed("outbox_failed", detail) from error
    # Its process was killed before it could log anything.
    lock.release()
    return None


def take_over_all(root: Path, destination: Destination) -> Iterator[Box]:
    """Those for the same server and tenant that have something to send, oldest first; empty ones are removed."""
    for folder in folders_in(root):
        try:
            box = take_over(folder)
        except OutboxFailed as error:
            log.warning("%s", error)
            continue
        if box is None:
            continue
        if box.destination == destination and box.waiting():
            yield box
        else:
            box.close()


def find_run(root: Path, key: str) -> RunRecord:
    """A run that was started offline, in whichever outbox. Raises LadingError `run_not_found`."""
    for folder in folders_in(root):
        try:
            runs = replay(read_journal(folder / "journal")).runs
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("%s: cannot be read: %r", folder, error)
            continue
        if key in runs:
            return runs[key]
    raise LadingError("run_not_found", f"{root}: no outbox here knows the run offline-{key}")


def _create(folder: Path, destination: Destination) -> Box:
    make_folders(folder)
    lock = BoxLock.take(folder / "lock")
    if lock is None:
        raise RuntimeError(f"{folder}: somebody else owns an outbox that was made just now")
    try:
        _write_header(folder, destination)
        return Box(folder, lock, destination, Replayed())
    except LadingError:
        lock.release()
        raise


def _write_header(folder: Path, destination: Destination) -> None:
    journal = Journal(folder / "journal")
    header = {"box": FORMAT, "url": destination.url, "tenant": destination.tenant}
    try:
        journal.append({**header, "host": socket.gethostname(), "pid": os.getpid()})
    finally:
        journal.close()
