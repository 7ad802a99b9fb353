"""PyTorch Lightning: a logger that takes metrics, hyperparameters and checkpoints.

Trainer(logger=LadingLogger(run), callbacks=[ModelCheckpoint(...)])
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lading.run import Run

NAMES = ("lightning.pytorch", "pytorch_lightning")
"""One library under two names, of which each refuses the loggers of the other."""


def _bases() -> tuple[type, ...]:
    """The `Logger` of the name that the program has imported; of all that are installed, where it has neither yet."""
    names = [name for name in NAMES if name in sys.modules]
    names = names or [name for name in NAMES if importlib.util.find_spec(name.partition(".")[0]) is not None]
    if not names:
        raise ModuleNotFoundError("lading.integrations.lightning needs `lightning`, or `pytorch_lightning`")
    return tuple(importlib.import_module(f"{name}.loggers.logger").Logger for name in names)


BASES = _bases()
_library = BASES[0].__module__.rpartition(".loggers.")[0]
rank_zero_only: Any = importlib.import_module(f"{_library}.utilities.rank_zero").rank_zero_only


class LadingLogger(*BASES):
    """Logs `hyperparameters.json`, each checkpoint that a ModelCheckpoint has saved on a disk of this machine, be it a
    file or a directory, and with it, and at the end, `metrics.json`.

    A checkpoint that Lightning writes over in place, as `last.ckpt`, is copied before the training goes on.
    """

    def __init__(self, run: Run, artifact_path: str = "checkpoints") -> None:
        super().__init__()
        self._run = run
        self._artifact_path = artifact_path
        self._metrics: list[dict[str, float]] = []
        self._logged: dict[str, tuple[int, int, int]] = {}
        self._callbacks: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return "lading"

    @property
    def version(self) -> str:
        return self._run.id

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        self._run.log_dict(_plain(vars(params) if isinstance(params, Namespace) else params), "hyperparameters.json")

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self._metrics.append({"step": float(step or 0), **{name: float(value) for name, value in metrics.items()}})

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        self._callbacks[checkpoint_callback.state_key] = checkpoint_callback
        self._log_checkpoints(checkpoint_callback)
        self._log_metrics("running")

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """With `save_last="link"`, the last link is made after all else was told of."""
        for callback in self._callbacks.values():
            self._log_checkpoints(callback)
        self._callbacks.clear()
        self._log_metrics(status)

    def _log_checkpoints(self, callback: Any) -> None:
        for path in _saved_by(callback):
            version = _version_of(path)
            if self._logged.get(str(path)) == version:
                continue
            self._logged[str(path)] = version
            is_written_over = str(path) == str(callback.last_model_path) and not path.is_symlink()
            capture = "copy" if is_written_over else "auto"
            if path.is_dir():
                self._run.log_artifacts(path, f"{self._artifact_path}/{path.name}", capture=capture)
            else:
                self._run.log_artifact(path, self._artifact_path, capture=capture)

    def _log_metrics(self, status: str) -> None:
        self._run.log_dict({"status": status, "metrics": self._metrics}, "metrics.json")


def _saved_by(callback: Any) -> Iterator[Path]:
    """What is there of it. Without a metric to monitor, a checkpoint is the best one, and among no best ones."""
    names = {
        str(name) for name in (*callback.best_k_models, callback.best_model_path, callback.last_model_path) if name
    }
    yield from (path for path in map(Path, sorted(names)) if path.exists())


def _version_of(path: Path) -> tuple[int, int, int]:
    """Another one whenever it was written again."""
    status = path.stat()
    inside = (file.stat().st_mtime_ns for file in path.rglob("*")) if path.is_dir() else ()
    return max((status.st_mtime_ns, *inside)), status.st_size, status.st_ino


def _plain(value: Any) -> Any:
    """As JSON takes it: what it has no form for, by its text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
