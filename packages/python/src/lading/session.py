"""What a tracker has open in one process: its outbox, its connections, its threads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from lading.errors import LadingError, Unreachable, WaitTimeout
from lading.http.api import Api
from lading.http.client import HttpClient, RetryLater
from lading.http.retry import delay_before
from lading.outbox.box import Box, Destination
from lading.outbox.item import Item
from lading.outbox.opening import create_box, take_over_all
from lading.progress import bar
from lading.sender.older import Older
from lading.sender.sender import Sender
from lading.settings import Settings

T = TypeVar("T")
log = logging.getLogger("lading")

LONGEST_LOOK_SECONDS = 0.5
"""Between two looks at what is left, for the bar."""


class Session:
    """Opens an outbox of its own, and takes up what processes that were killed left for the same server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.offline = settings.offline
        self.api = Api(HttpClient(settings, connections=settings.senders + 4))
        self._destination = Destination(settings.url, settings.tenant)
        self.box = create_box(settings.outbox, self._destination)
        self._older = Older()
        self._sender = Sender(self.box, self.api, settings.senders, offline=settings.offline, older=self._older)
        self.closed = False
        """Nothing more is sent by it."""
        self._adopted: list[tuple[Box, Sender]] = []
        self._reported: set[str] = set()
        if not self.offline:
            threading.Thread(target=self._adopt, name="lading-recovery", daemon=True).start()

    @property
    def trouble(self) -> LadingError | None:
        """Why nothing can be sent just now."""
        return self._sender.trouble

    def make_run(self, key: str, within: float) -> None:
        """Has the run made now, where the server can be reached within so many seconds. Raises what it refuses with."""
        try:
            self.patiently(lambda: self._sender.runs.server_id(key), within)
        except (Unreachable, RetryLater) as error:
            log.warning("cannot reach the server: %s; what is logged is kept in %s", error, self.box.folder)

    def patiently(self, ask: Callable[[], T], within: float) -> T:
        """Asks again, for so many seconds, where no answer comes or one that may pass."""
        end = time.monotonic() + within
        attempt = 1
        while True:
            try:
                return ask()
            except (Unreachable, RetryLater) as error:
                attempt += 1
                asked = error.retry_after if isinstance(error, RetryLater) else None
                delay = delay_before(attempt, asked)
                if time.monotonic() + delay > end:
                    raise
                time.sleep(delay)

    def flush(self, timeout: float | None) -> None:
        """Waits until all that was logged is sent. Raises WaitTimeout, and the first refusal that was not told yet."""
        if self.offline:
            raise LadingError("offline", f"nothing is sent offline; `lading sync {self.box.folder}` does it later")
        end = None if timeout is None else time.monotonic() + timeout
        with bar(self.settings.progress, "lading") as shown, self.box.changed:
            total = 0
            while left := self.box.waiting():
                size = sum(item.size - item.sent_bytes for item in left)
                total = max(total, size)
                shown.show(size, total)
                rest = LONGEST_LOOK_SECONDS if end is None else min(LONGEST_LOOK_SECONDS, end - time.monotonic())
                if rest <= 0:
                    raise WaitTimeout(f"{_described(left)} not sent within {timeout:g} seconds; {self._where()}")
                self.box.changed.wait(rest)
        self._tell_refusals()

    def close(self, timeout: float) -> str | None:
        """Sends what it can in so many seconds, then stops. What is left and where, in a sentence; None for nothing."""
        start = time.monotonic()
        told = None
        try:
            if not self.offline or self.box.waiting():
                self.flush(timeout)
        except LadingError:
            refused = len(self.box.refused())
            left = self.box.waiting()
            told = "; ".join(
                sentence
                for sentence in (
                    f"{_described(left)} not sent yet: {self._where()}" if left else "",
                    f"{refused} refused by the server or changed: kept in {self.box.folder}" if refused else "",
                )
                if sentence
            )
        rest = max(0.0, start + timeout - time.monotonic())
        for box, sender in [(self.box, self._sender), *self._adopted]:
            if sender.stop(min(rest, 1.0) if told else rest):
                box.close()
        self.closed = True
        self.box.wake_all()
        return told or None

    def abandon(self) -> None:
        """In a forked child: the parent goes on with it."""
        self.box.abandon()
        for box, _ in self._adopted:
            box.abandon()

    def _adopt(self) -> None:
        boxes: list[Box] = []
        try:
            for box in take_over_all(self.settings.outbox, self._destination):
                log.info("sending what another process left in %s", box.folder)
                older = Older()
                older.found(boxes, by=box)
                self._adopted.append((box, Sender(box, self.api, 1, older=older)))
                boxes.append(box)
        except Exception:
            log.exception("could not take up what other processes left in %s", self.settings.outbox)
        self._older.found(boxes, by=self.box)

    def _where(self) -> str:
        reason = f" ({self.trouble})" if self.trouble is not None else ""
        return f"it is kept in {self.box.folder}{reason}; the next run of a program sends it, or `lading sync`"

    def _tell_refusals(self) -> None:
        untold = [item for item in self.box.refused() if item.entry.id not in self._reported]
        self._reported.update(item.entry.id for item in untold)
        if untold and untold[0].error is not None:
            raise untold[0].error


def _described(items: list[Item]) -> str:
    size = sum(item.size for item in items)
    return f"{len(items)} upload{'s' if len(items) != 1 else ''} ({size} bytes)"
