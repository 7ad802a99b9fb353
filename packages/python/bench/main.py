"""Lading against MLflow, each with its own server, on this machine and disk, in one run; as ratios.

    pip install mlflow urllib3 pathspec
    PYTHONPATH=packages/python/src python packages/python/bench/main.py [--quick] [calls] [many] [one]

Run in the checkout, after `npm ci`. What is measured, and what each figure means, is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lading import ExperimentTracker
from servers import lading_server, mlflow_server

KIB, MIB = 1024, 1024 * 1024
PAUSE = 0.05
"""Seconds between two checkpoints: as often as nobody saves them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="calls, many, one; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="an eighth of the bytes, a tenth of the files")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    files, checkpoint, large = (1000, 128 * MIB, 512 * MIB) if given.quick else (10_000, 1024 * MIB, 4096 * MIB)
    with tempfile.TemporaryDirectory(dir=os.environ.get("LADING_BENCH_DIR")) as name:
        folder = Path(name)
        os.environ["LADING_OUTBOX"] = str(folder / "outbox")
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        with lading_server(folder / "lading") as lading_url, mlflow_server(folder / "mlflow") as mlflow_url:
            bench = Bench(folder, lading_url, mlflow_url, given.rounds)
            measures = {
                "calls": lambda: bench.calls(checkpoint),
                "many": lambda: bench.many(files),
                "one": lambda: bench.one(large),
            }
            for name in given.what or measures:
                measures[name]()
            bench.close()
        loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
        print(f"load of the machine: {loads} on {os.cpu_count()} processors")


class Bench:
    """Each figure is the median of its rounds; Lading and MLflow take turns."""

    def __init__(self, folder: Path, lading_url: str, mlflow_url: str, rounds: int) -> None:
        import mlflow

        mlflow.set_tracking_uri(mlflow_url)
        self._mlflow = mlflow
        self._folder = folder
        self._mlflow_folder = folder / "mlflow"
        self._rounds = rounds
        self._tracker = ExperimentTracker(lading_url)
        self._run = self._tracker.start_run("bench")
        mlflow.start_run()
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        print(f"{'':44}{'Lading':>14}{'MLflow':>14}{'ratio':>9}")

    def calls(self, size: int) -> None:
        """How long a call of log_artifact keeps the training, while what was logged before it is being sent.

        A hundred checkpoints are more than a disk holds: each is taken back unless its sending has begun by the next.
        """
        source = filled(self._folder / "checkpoint.bin", size)
        ours: list[float] = []
        for number in range(100):
            start = time.perf_counter()
            upload = self._run.log_artifact(source, f"calls/{number}")
            ours.append(time.perf_counter() - start)
            time.sleep(PAUSE)
            upload.cancel()
        self._tracker.flush()
        theirs = [timed(lambda: self._mlflow.log_artifact(str(source), "calls")) for _ in range(self._rounds)]
        label = f"log_artifact of {size // MIB} MiB returns,"
        ours.sort()
        tell(f"{label} median", ours[50] * 1e3, statistics.median(theirs) * 1e3, "ms")
        tell(f"{label} p99", ours[98] * 1e3, max(theirs) * 1e3, "ms")
        source.unlink()
        self._drop("calls")

    def many(self, count: int) -> None:
        """Small files, until all are in the object store; and once more, unchanged."""
        tree = self._folder / "tree"
        tree.mkdir()
        for number in range(count):
            (tree / f"{number}.bin").write_bytes(os.urandom(10 * KIB))
        ours, again, theirs, bare = [], [], [], []
        for turn in range(self._rounds):
            bare.append(timed(lambda turn=turn: flushed_files(self._folder / f"bare-{turn}", tree)))
            log = lambda turn=turn: self._run.log_artifacts(tree, f"many/{turn}").result()  # noqa: E731
            ours.append(timed(log))
            again.append(timed(log))
            theirs.append(timed(lambda turn=turn: self._mlflow.log_artifacts(str(tree), f"many/{turn}")))
        label = f"{count} files of 10 KiB"
        by_mlflow = rate(count, theirs)
        tell(f"{label}, only written and flushed", rate(count, bare), by_mlflow, "files/s")
        tell(f"{label}, end to end", rate(count, ours), by_mlflow, "files/s")
        tell(f"{label}, again unchanged", statistics.median(again), statistics.median(theirs), "s")

    def one(self, size: int) -> None:
        """A large file, until it is in the object store."""
        source = filled(self._folder / "large.bin", size)
        ours, sent, theirs, bare = [], [], [], []
        for turn in range(self._rounds):
            bare.append(timed(lambda: flushed_copy(source, self._folder / "bare.bin")))
            start = time.perf_counter()
            upload = self._run.log_artifact(source, f"one/{turn}")
            self._tracker.flush()
            sent.append(time.perf_counter() - start)
            upload.result()
            ours.append(time.perf_counter() - start)
            self._drop("one")
            theirs.append(timed(lambda turn=turn: self._mlflow.log_artifact(str(source), f"one/{turn}")))
            shutil.rmtree(next(self._mlflow_folder.glob("objects/**/one")))
        label = f"one file of {size // MIB} MiB"
        by_mlflow = rate(size / MIB, theirs)
        tell(f"{label}, only written and flushed", rate(size / MIB, bare), by_mlflow, "MiB/s")
        tell(f"{label}, until the server has it", rate(size / MIB, sent), by_mlflow, "MiB/s")
        tell(f"{label}, end to end", rate(size / MIB, ours), by_mlflow, "MiB/s")

    def _drop(self, path: str) -> None:
        """So that the disk has room for what comes next."""
        self._run.wait()
        if any(artifact["path"].startswith(f"{path}/") for artifact in self._run.list_artifacts(path)):
            self._run.delete_artifact(path, recursive=True)

    def close(self) -> None:
        self._tracker.close()
        self._mlflow.end_run()


def rate(amount: float, takings: list[float]) -> float:
    """Of the median round, in a second."""
    return amount / statistics.median(takings)


def timed(call: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def flushed_files(target: Path, tree: Path) -> None:
    """What the disk asks for whoever keeps each file: no network, digest, proof or catalog.

    They stay, as ext4 creates files slowly where many were deleted a short while ago.
    """
    target.mkdir()
    bodies = [(path.name, path.read_bytes()) for path in tree.iterdir()]

    def write(named: tuple[str, bytes]) -> None:
        with (target / named[0]).open("xb", buffering=0) as file:
            file.write(named[1])
            os.fsync(file.fileno())

    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(write, bodies):
            pass


def flushed_copy(source: Path, target: Path) -> None:
    """The same of one file."""
    with source.open("rb") as file, target.open("xb", buffering=0) as copy:
        while block := file.read(MIB):
            copy.write(block)
        os.fsync(copy.fileno())
    target.unlink()


def filled(path: Path, size: int) -> Path:
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(block)
    return path


def tell(what: str, ours: float, theirs: float, unit: str) -> None:
    """The ratio is how many times better Lading is."""
    ratio = theirs / ours if unit in ("ms", "s") else ours / theirs
    print(f"{what:44}{ours:10.1f} {unit:>7}{theirs:10.1f} {unit:>7}{ratio:8.1f}x", flush=True)


if __name__ == "__main__":
    main()
