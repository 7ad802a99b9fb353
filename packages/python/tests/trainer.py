"""A training that is killed after one of its calls: `trainer.py FOLDER CALLS`. Prints the id of its run."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from lading import ExperimentTracker, Run

LARGE = 3 * 1024 * 1024


def calls_of(run: Run, folder: Path) -> list[tuple[str, object]]:
    """Each with the paths that it brings."""
    return [
        ("small.txt", lambda: run.log_text("small", "small.txt")),
        ("config.json", lambda: run.log_dict({"a": 1}, "config.json")),
        ("large.bin", lambda: run.log_artifact(folder / "large.bin")),
        ("copied.bin", lambda: run.log_artifact(folder / "copied.bin", capture="copy")),
        ("tree", lambda: run.log_artifacts(folder / "tree", "tree")),
        ("bytes.bin", lambda: run.log_bytes(os.urandom(1000), "bytes.bin")),
        ("end", run.end),
    ]


def main() -> None:
    folder, calls = Path(sys.argv[1]), int(sys.argv[2])
    ExperimentTracker.patience = 0.2
    run = ExperimentTracker().start_run("killed", run_name=f"after {calls}")
    print(run.id, flush=True)
    for _, call in calls_of(run, folder)[:calls]:
        call()  # type: ignore[operator]
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
