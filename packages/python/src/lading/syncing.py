"""Sends what processes left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lading.errors import LadingError, OutboxFailed
from lading.http.api import Api
from lading.http.client import HttpClient
from lading.outbox.box import Box
from lading.outbox.opening import folders_in, take_over
from lading.sender.sender import Sender
from lading.settings import Settings

SENDERS = 8


@dataclass(frozen=True)
class Synced:
    """What became of one outbox."""

    folder: Path
    sent: int
    refused: tuple[LadingError, ...]
    runs: dict[str, str]
    """Ids that runs were called by offline, and those of the server."""
    busy: bool = False
    """Its process still runs, and sends it itself."""


def sync(
    root: Path, settings: Settings, told: Callable[[str], None], url: str | None, tenant: str | None
) -> list[Synced]:
    """Sends each outbox to where it was meant for, or to `url` and `tenant` where they are given, for as long as it
    takes. The key of the API is that of the settings."""
    return [_sync_folder(folder, settings, told, url, tenant) for folder in folders_in(root)]


def _sync_folder(
    folder: Path, settings: Settings, told: Callable[[str], None], url: str | None, tenant: str | None
) -> Synced:
    try:
        box = take_over(folder)
    except OutboxFailed as error:
        return Synced(folder, 0, (error,), {})
    if box is None:
        return Synced(folder, 0, (), {}, busy=True)
    to = replace(settings, url=url or box.destination.url, tenant=tenant or box.destination.tenant)
    unmade = [key for key, run in box.runs.items() if run.server_id is None]
    box.try_again()
    before = len(box.waiting())
    told(f"{folder}: {before} to send to {to.url}")
    sender = Sender(box, Api(HttpClient(to)), SENDERS)
    _wait(box, sender, told)
    refused = [item.error for item in box.refused() if item.error is not None]
    made = {f"offline-{key}": box.runs[key].server_id for key in unmade}
    runs = {name: server_id for name, server_id in made.items() if server_id is not None}
    sender.stop(timeout=60.0)
    box.close()
    return Synced(folder, before - len(refused), tuple(refused), runs)


def _wait(box: Box, sender: Sender, told: Callable[[str], None]) -> None:
    trouble = None
    with box.changed:
        while box.waiting():
            if sender.trouble is not None and sender.trouble is not trouble:
                trouble = sender.trouble
                told(f"{box.folder}: {trouble}; trying again")
            box.changed.wait(1.0)
