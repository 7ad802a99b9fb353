"""The command `lading sync`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from lading.settings import SettingsError, read_settings
from lading.syncing import Synced, sync
from lading.version import __version__

EXAMPLES = """\
examples:
  lading sync                         what programs of yours left, wherever LADING_OUTBOX is
  lading sync /shared/outbox          what programs on other machines left
  lading sync --url http://lading     to another server than it was logged for

exit codes: 0 all is sent; 1 something was refused, and stays in its outbox; 2 wrong arguments;
3 some outboxes belong to programs that still run
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the exit code."""
    parser = argparse.ArgumentParser("lading", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser(
        "sync",
        help="send what was logged offline, or left by a program that was killed",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("outbox", nargs="?", type=Path, help="an outbox, or the folder of many")
    command.add_argument("--url", help="send everything to this server")
    command.add_argument("--tenant", help="send everything as this tenant")
    given = parser.parse_args(arguments)
    try:
        settings = replace(read_settings(), offline=False)
    except SettingsError as error:
        parser.error(str(error))
    outbox = given.outbox or settings.outbox
    if not outbox.is_dir():
        parser.error(f"{outbox}: no such folder") if given.outbox else print(f"{outbox}: nothing to send")
        return 0
    try:
        return _tell(sync(outbox, settings, _log, given.url, given.tenant))
    except KeyboardInterrupt:
        _log("interrupted; what is not sent stays where it is")
        return 130


def _tell(results: list[Synced]) -> int:
    for result in results:
        if result.busy:
            _log(f"{result.folder}: belongs to a program that runs, which sends it itself")
            continue
        for name, run_id in result.runs.items():
            print(f"{name} is run {run_id}")
        for error in result.refused:
            _log(f"{result.folder}: refused: {error}")
        print(f"{result.folder}: {result.sent} sent, {len(result.refused)} refused")
    if any(result.refused for result in results):
        return 1
    return 3 if any(result.busy for result in results) else 0


def _log(line: str) -> None:
    print(line, file=sys.stderr)
