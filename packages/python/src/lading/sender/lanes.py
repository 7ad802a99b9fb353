"""Work that is done at once, in threads of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType


class Lanes:
    """Up to `most` at once. Leaving the `with` waits for all, and raises what the first of them to fail has raised."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._busy: deque[_Lane] = deque()

    def run(self, work: Callable[[], None]) -> None:
        """Waits for a free lane; raises what has failed meanwhile."""
        if len(self._busy) == self._most:
            self._busy.popleft().end()
        self._busy.append(_Lane(work))

    def __enter__(self) -> Lanes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lane in self._busy:
            lane.join()
        if error is None:
            for lane in self._busy:
                lane.end()


class _Lane:
    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._do, name="lading-sender", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # At the end of a program, no thread can be begun.
            self._do()

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()

    def end(self) -> None:
        self.join()
        if self._failure is not None:
            raise self._failure

    def _do(self) -> None:
        try:
            self._work()
        except BaseException as failure:  # raised where the lane is waited for
            self._failure = failure
