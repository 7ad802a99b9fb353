"""Writes sharded checkpoints from many processes, as a distributed training does, and does not wait for them.

    LADING_URL=http://localhost:8080 LADING_TENANT=acme-corp python train.py --processes 4 --megabytes 2048 --steps 3

Each rank writes its shard, logs it, and goes on. All shards of a step are one *open job* of the server: none of them
is seen before all are there. Prints for each step how long the slowest call took; ends with 1 if one took longer than
`--limit` milliseconds, or not all is delivered `--wait` seconds after the last; then it says where it is kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

from lading import ExperimentTracker, LadingError, Run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--megabytes", type=int, default=2048, help="size of one checkpoint, all shards together")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two checkpoints")
    parser.add_argument("--limit", type=float, default=1000.0, help="milliseconds that a call may take")
    parser.add_argument("--wait", type=float, default=600.0, help="seconds, at the end, for all to be delivered")
    parser.add_argument("--folder", type=Path, help="where shards are written; on the disk of LADING_OUTBOX")
    given = parser.parse_args()
    tracker = ExperimentTracker()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, tracker.start_run("checkpoints") as run:
        calls = multiprocessing.Manager().list()
        ranks = [
            multiprocessing.Process(target=train, args=(rank, run.id, Path(folder), given, calls))
            for rank in range(given.processes)
        ]
        for rank in ranks:
            rank.start()
        for rank in ranks:
            rank.join()
    try:
        run.wait(timeout=given.wait)
    except LadingError as failure:
        print(f"not all is delivered: {failure.detail}", file=sys.stderr)
        tell_calls(list(calls), given)
        return 1
    return tell(run, list(calls), given)


def train(rank: int, run_id: str, folder: Path, given: argparse.Namespace, calls: list[tuple[int, float]]) -> None:
    """One process of the training. Its outbox is its own; what is in it is sent before the process ends."""
    run = ExperimentTracker().run(run_id)
    size = given.megabytes * 1024 * 1024 // given.processes
    for step in range(given.steps):
        began = time.monotonic()
        # A name of its own for each version: what is logged is not written over.
        shard = folder / f"step-{step}-rank-{rank}.bin"
        write_shard(shard, rank, step, size)
        called = time.perf_counter()
        with run.shard(f"step-{step}", shard=rank, shards=given.processes) as part:
            part.log_artifact(shard)
        calls.append((step, (time.perf_counter() - called) * 1000))
        # The outbox has it: a training keeps only the last few.
        shard.unlink()
        time.sleep(max(0.0, given.every - (time.monotonic() - began)))


def write_shard(path: Path, rank: int, step: int, size: int) -> None:
    """Bytes that differ from shard to shard, and cost nothing to make."""
    block = os.urandom(1024 * 1024)
    with path.open("wb") as file:
        file.write(f"step {step}, rank {rank}\n".encode().ljust(64))
        while file.tell() < size:
            file.write(block[: size - file.tell()])


def tell(run: Run, calls: list[tuple[int, float]], given: argparse.Namespace) -> int:
    tell_calls(calls, given)
    stored = list(run.list_artifacts())
    print(f"run {run.id}: {len(stored)} shards are delivered, {sum(artifact['size'] for artifact in stored)} bytes")
    whole = len(stored) == given.steps * given.processes
    return 0 if whole and all(milliseconds <= given.limit for _, milliseconds in calls) else 1


def tell_calls(calls: list[tuple[int, float]], given: argparse.Namespace) -> None:
    for step in range(given.steps):
        slowest = max(milliseconds for of, milliseconds in calls if of == step)
        print(f"step {step}: {given.megabytes} MiB in {given.processes} shards; the slowest call took {slowest:.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
