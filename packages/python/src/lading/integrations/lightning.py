"""PyTorch Lightning: a logger that takes metrics, hyperparameters and checkpoints.

Trainer(logger=LadingLogger(run), callbacks=[ModelCheckpoint(...)])
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from lading.run import Run


class LadingLogger(Logger):
    """Logs `hyperparameters.json`, `metrics.json` at the end, and each checkpoint that a ModelCheckpoint has saved.

    A checkpoint that Lightning writes over in place, as `last.ckpt`, is copied before the training goes on.
    """

    def __init__(self, run: Run, artifact_path: str = "checkpoints") -> None:
        super().__init__()
        self._run = run
        self._artifact_path = artifact_path
        self._metrics: list[dict[str, float]] = []
        self._logged: dict[str, int] = {}

    @property
    def name(self) -> str:
        return "lading"

    @property
    def version(self) -> str:
        return self._run.id

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        plain = vars(params) if isinstance(params, Namespace) else dict(params)
        self._run.log_dict({name: _plain(value) for name, value in plain.items()}, "hyperparameters.json")

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self._metrics.append({"step": float(step or 0), **{name: float(value) for name, value in metrics.items()}})

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        saved = {checkpoint_callback.last_model_path, *checkpoint_callback.best_k_models}
        for name in sorted(str(path) for path in saved if path):
            path = Path(name)
            if path.is_file() and self._logged.get(name) != path.stat().st_mtime_ns:
                self._logged[name] = path.stat().st_mtime_ns
                capture = "copy" if name == str(checkpoint_callback.last_model_path) else "auto"
                self._run.log_artifact(path, self._artifact_path, capture=capture)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self._run.log_dict({"status": status, "metrics": self._metrics}, "metrics.json")


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None), list, dict)) else str(value)
