"""Files that a callback writes, to log them."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from pathlib import Path


class ScratchFolder:
    """A folder in the outbox of the process, so that what is written there is linked and not copied.

    Keeps the last `keep` files or directories: older ones are removed, which the outbox does not mind.
    """

    def __init__(self, outbox: Path, keep: int = 1) -> None:
        outbox.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=outbox))
        self._kept: deque[Path] = deque()
        self._keep = keep

    def path(self, name: str) -> Path:
        """Where the next one may be written. Each wants a name of its own."""
        while len(self._kept) >= self._keep:
            _remove(self._kept.popleft())
        self._kept.append(self._folder / name)
        return self._kept[-1]

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
