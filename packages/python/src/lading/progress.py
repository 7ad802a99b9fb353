"""A bar on a terminal, while something is waited for."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Progress:
    """How much of an upload was sent, in bytes. A request that has to be repeated begins anew."""

    sent: int
    total: int


class Shown(Protocol):
    """Is told, now and then, what is left and what there is in all, in bytes."""

    def show(self, left: int, total: int) -> None: ...


@contextmanager
def bar(when: str, label: str) -> Generator[Shown, None, None]:
    """A tqdm bar, or nothing: by `LADING_PROGRESS`, and where tqdm is not installed."""
    tqdm: Any = _tqdm() if when == "on" or (when == "auto" and sys.stderr.isatty()) else None
    if tqdm is None:
        yield _Nothing()
        return
    with tqdm(desc=label, unit="B", unit_scale=True, unit_divisor=1024, leave=False) as shown:
        yield _Bar(shown)


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm


class _Nothing:
    def show(self, left: int, total: int) -> None:
        pass


class _Bar:
    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm

    def show(self, left: int, total: int) -> None:
        self._tqdm.total = total
        self._tqdm.n = total - left
        self._tqdm.refresh()
