"""The threads that send."""

from __future__ import annotations

import logging
import threading
import time

from lading.errors import FileChanged, LadingError, ServerError, Unreachable
from lading.http.api import Api
from lading.http.client import RetryLater
from lading.http.problem import NO_PROBLEM_DOCUMENT
from lading.http.retry import LONGEST_DELAY, delay_before
from lading.outbox.box import Box
from lading.outbox.copier import copy_all
from lading.outbox.entries import DirectoryEntry, FileEntry
from lading.outbox.item import ACCEPTED, CANCELLED, REFUSED, SENDING, SUPERSEDED, Item
from lading.sender.choose import choose, more_may_come
from lading.sender.deliver import Delivery
from lading.sender.make_run import RunMaker
from lading.sender.older import Older

log = logging.getLogger("lading")

BUSY = (429, 502, 503, 504)
"""502 and 504 are of a proxy, which finds no server."""
NOT_OF_A_SERVER = (200, 404, 407)
"""Where no problem document comes with them: of a proxy that finds no server, or wants credentials first."""
NOT_ALLOWED = (401, 403)
"""A key that has run out is no reason to give up what was logged: it waits for another."""
FULL = "quota_exceeded"
"""Of the status of NOT_ALLOWED, and yet about this artifact alone: a smaller one may have room."""
OF_ANOTHER_RUN = "run_token_refused"
"""The key is of one run: what is of others waits for a key of theirs, and that run's own goes on."""


class Sender:
    """Sends what its outbox holds, in the background, for as long as it takes. Threads are daemons."""

    def __init__(self, box: Box, api: Api, threads: int, *, offline: bool = False, older: Older | None = None) -> None:
        self._box = box
        self._older = Older([]) if older is None else older
        self._runs = RunMaker(box, api)
        self._delivery = Delivery(box, api, self._runs)
        self._stopping = False
        self._paused_until = 0.0
        self._failures = 0
        self.trouble: LadingError | None = None
        """Why nothing can be sent just now."""
        works = [self._copy] if offline else [self._copy, *[self._work] * threads]
        self._threads = [threading.Thread(target=work, name="lading-sender", daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    @property
    def runs(self) -> RunMaker:
        return self._runs

    def stop(self, timeout: float) -> bool:
        """No further request is begun. True when those under way have ended within `timeout` seconds."""
        with self._box.changed:
            self._stopping = True
        self._box.wake_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _copy(self) -> None:
        while self._is_something_to_copy():
            copy_all(self._box)

    def _is_something_to_copy(self) -> bool:
        """Waits for it. False: it is stopping."""
        with self._box.changed:
            while not self._stopping:
                if any(not item.captured and not item.ended for item in self._box.items.values()):
                    return True
                self._box.to_copy.wait()
        return False

    def _work(self) -> None:
        while (items := self._next()) is not None:
            try:
                self._send(items)
            except Exception:
                # A thread that ends here would leave these to nobody.
                log.exception("what becomes of %s is not known; it is sent again", _name(items[0]))
                self._box.put_back(items, time.monotonic() + LONGEST_DELAY)

    def _send(self, items: list[Item]) -> None:
        try:
            job = self._delivery.send(items)
        except Exception as error:
            self._failed(items, error)
        else:
            self._accepted(items, job)

    def _next(self) -> list[Item] | None:
        """Waits for something that may be sent. None: it is stopping."""
        with self._box.changed:
            while not self._stopping:
                now = time.monotonic()
                may_send = now >= self._paused_until and self._older.may_be_passed
                items = choose(self._box.items.values(), now, self._older.ahead_of(self._box)) if may_send else []
                more_in = more_may_come(items, now)
                if items and more_in <= 0:
                    for item in items:
                        item.state = SENDING
                    return items
                self._box.work.wait(more_in if items else self._until_next(now))
        return None

    def _until_next(self, now: float) -> float | None:
        """Seconds until something that rests may go on; None where nothing rests."""
        if not self._box.items:
            return None
        times = [item.not_before for item in self._box.items.values() if item.not_before > now and not item.ended]
        if self._paused_until > now:
            times.append(self._paused_until)
        return min(times) - now if times else None

    def _accepted(self, items: list[Item], job: str | None) -> None:
        with self._box.changed:
            self._failures, self._paused_until, self.trouble = 0, 0.0, None
        self._box.end(items, ACCEPTED, job=job)

    def _failed(self, items: list[Item], error: Exception) -> None:
        if isinstance(error, ServerError) and error.code == OF_ANOTHER_RUN:
            self._box.put_back(items, time.monotonic() + LONGEST_DELAY)
        elif isinstance(error, LadingError) and _meets_all(error):
            self._pause(error)
            self._box.put_back(items)
        elif isinstance(error, RetryLater):
            self._tell(error)
            delay = delay_before(items[0].attempts + 2, error.retry_after)
            self._box.put_back(items, time.monotonic() + delay)
        elif len(items) > 1:
            self._box.send_alone(items)
            self._box.put_back(items)
        else:
            self._give_up(items[0], error)

    def _pause(self, error: LadingError) -> None:
        """All threads rest: what one met, the others would."""
        with self._box.changed:
            if time.monotonic() < self._paused_until:
                return
            self._failures += 1
            asked = error.retry_after if isinstance(error, RetryLater) else None
            delay = LONGEST_DELAY if error.status in NOT_ALLOWED else delay_before(self._failures + 1, asked)
            self._paused_until = time.monotonic() + delay
            self._tell(error)

    def _tell(self, error: LadingError) -> None:
        with self._box.changed:
            # At the end of a program, a thread that writes to stderr may bring the interpreter down.
            if self.trouble is None and not self._stopping:
                log.warning("cannot send now, will go on trying: %s; kept in %s", error, self._box.folder)
            self.trouble = error

    def _give_up(self, item: Item, error: Exception) -> None:
        if isinstance(error, FileChanged) and self._logged_again(item):
            self._box.end([item], SUPERSEDED)
            return
        known = error if isinstance(error, LadingError) else LadingError("client_failed", repr(error))
        log.error("%s was not accepted: %s", _name(item), known, exc_info=None if known is error else error)
        self._box.end([item], REFUSED, error=known)

    def _logged_again(self, item: Item) -> bool:
        """A newer version of the same artifact is in the outbox: the last one is what counts."""
        if not isinstance(item.entry, FileEntry):
            return False
        versions = [
            other
            for other in self._box.waiting()
            if isinstance(other.entry, FileEntry)
            and (other.entry.run, other.entry.path) == (item.entry.run, item.entry.path)
        ]
        return versions[-1] is not item


def cancel(box: Box, item: Item) -> bool:
    """Takes the item back, unless it is being sent or has ended, or an answer for it and others may have been lost."""
    with box.changed:
        if item.state == SENDING or item.ended or item.batch is not None:
            return False
        box.end([item], CANCELLED)
        return True


def _meets_all(error: LadingError) -> bool:
    """What one request met by it, the others would."""
    if isinstance(error, ServerError):
        if error.code == NO_PROBLEM_DOCUMENT and error.status in NOT_OF_A_SERVER:
            return True
        return error.status in (*BUSY, *NOT_ALLOWED) and error.code != FULL
    return isinstance(error, Unreachable)


def _name(item: Item) -> str:
    if isinstance(item.entry, FileEntry):
        return item.entry.path
    if isinstance(item.entry, DirectoryEntry):
        return f"{item.entry.directory}/"
    return f"{type(item.entry).__name__} of run {item.entry.run}"
