"""What earlier processes have left for the same server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lading.outbox.box import Box
from lading.outbox.entries import Entry

MOST_PASSED = 1000
"""Entries that are looked at each time that something is chosen, under the lock that logging needs too."""


class Older:
    """Outboxes whose content goes before that of a newer one, where both are of the same artifact: a training that goes
    on after a kill logs under the names that it has logged before, and the last one is what counts."""

    def __init__(self, boxes: Iterable[Box] | None = None) -> None:
        """Without boxes, it is not known yet which there are: all waits until `found`."""
        self._boxes = None if boxes is None else list(boxes)

    @property
    def may_be_passed(self) -> bool:
        """Whether something newer may go before they are empty. A large backlog is sent first, as it was logged."""
        return self._boxes is not None and sum(box.unsent for box in self._boxes) <= MOST_PASSED

    def found(self, boxes: Iterable[Box], by: Box) -> None:
        """`by` is the newer one, which is told of each thing that it need not wait for any more."""
        self._boxes = list(boxes)
        for box in self._boxes:
            box.on_end.append(by.wake_all)
        by.wake_all()

    def ahead_of(self, box: Box) -> Iterator[Entry]:
        """What is waiting in them, with runs as the newer one calls them."""
        mine = {run.server_id or key: key for key, run in box.runs.items()}
        for older in self._boxes or ():
            for item in older.waiting():
                run = older.runs[item.entry.run].server_id or item.entry.run
                yield replace(item.entry, run=mine.get(run, run))
