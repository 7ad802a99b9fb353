"""The journal of an outbox: a line of JSON for each thing that happened."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lading.outbox.writing import CLOSED, open_append, write_whole


class Journal:
    """Appends records, which are never changed.

    What is appended at once is one write: when `append` returns, the kernel has it, and no kill of the process takes
    it away. A loss of power may: nothing is flushed to the disk.
    """

    def __init__(self, path: Path) -> None:
        self._fd = open_append(path)

    def append(self, *records: dict[str, Any]) -> None:
        """Raises OutboxFailed, and leaves no half of a record that a later one could be taken for part of."""
        write_whole(self._fd, b"".join(map(_line, records)))

    def close(self) -> None:
        """What is appended afterwards is refused."""
        fd, self._fd = self._fd, CLOSED
        if fd != CLOSED:
            os.close(fd)


def _line(record: dict[str, Any]) -> bytes:
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return line.encode("utf-8", "surrogatepass") + b"\n"


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The records, oldest first. A last line without its end was being written when the process was killed."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line.decode("utf-8", "surrogatepass"))


def cut_torn_end(path: Path) -> None:
    """So that what is appended next begins a line of its own."""
    with path.open("rb+") as file:
        whole = 0
        for line in file:
            whole += len(line) if line.endswith(b"\n") else 0
        file.truncate(whole)
