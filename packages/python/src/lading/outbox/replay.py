"""The state of an outbox, from its journal."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lading.errors import LadingError
from lading.outbox.entries import SharedJob, entry_from_json
from lading.outbox.item import REFUSED, Item
from lading.outbox.runs import RunRecord


@dataclass
class Replayed:
    """What has not ended, oldest first, and what was refused; and all runs."""

    header: dict[str, Any] = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType]
    items: OrderedDict[str, Item] = field(default_factory=OrderedDict)  # pyright: ignore[reportUnknownVariableType]
    runs: dict[str, RunRecord] = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType]
    jobs: dict[tuple[str, SharedJob], str] = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType]


def replay(records: Iterable[dict[str, Any]]) -> Replayed:
    """Each kind of record is told by its first member."""
    state = Replayed()
    for record in records:
        _APPLY[next(iter(record))](state, record)
    return state


def _header(state: Replayed, record: dict[str, Any]) -> None:
    state.header = record


def _run(state: Replayed, record: dict[str, Any]) -> None:
    run = RunRecord.from_json(record)
    state.runs[run.key] = run


def _made(state: Replayed, record: dict[str, Any]) -> None:
    state.runs[record["made"]].server_id = record["id"]


def _opened(state: Replayed, record: dict[str, Any]) -> None:
    run, job = record["opened"]
    state.jobs[run, SharedJob(**job)] = record["id"]


def _entry(state: Replayed, record: dict[str, Any]) -> None:
    item = Item(entry_from_json(record), is_replayed=True)
    # Whether a copy was finished, the file system knows.
    item.captured = not item.needs_copy
    state.items[item.entry.id] = item


def _batch(state: Replayed, record: dict[str, Any]) -> None:
    for entry_id in record["of"]:
        if entry_id in state.items:
            state.items[entry_id].batch = record["batch"]


def _alone(state: Replayed, record: dict[str, Any]) -> None:
    item = state.items.get(record["alone"])
    if item is not None:
        item.batch, item.alone = None, True


def _end(state: Replayed, record: dict[str, Any]) -> None:
    item = state.items.get(record["end"])
    if item is None:
        return
    if record["state"] != REFUSED:
        del state.items[record["end"]]
        return
    code, detail, status = record["error"]
    item.state, item.error = REFUSED, LadingError(code, detail, status)


def _again(state: Replayed, record: dict[str, Any]) -> None:
    item = state.items.get(record["again"])
    if item is not None:
        item.state, item.error = "waiting", None


_APPLY = {
    "box": _header,
    "run": _run,
    "made": _made,
    "opened": _opened,
    "entry": _entry,
    "batch": _batch,
    "alone": _alone,
    "end": _end,
    "again": _again,
}
