"""Keras 3: the model after each epoch, and the history at the end.

model.fit(x, y, callbacks=[LadingCallback(run)])
"""

from __future__ import annotations

from typing import Any

import keras

from lading.run import Run
from lading.scratch import ScratchFolder


class LadingCallback(keras.callbacks.Callback):
    """Logs `checkpoints/epoch-0001.keras` each `every` epochs, and `history.json`. Training does not wait for it.

    `weights_only` logs `.weights.h5` instead.
    """

    def __init__(
        self, run: Run, artifact_path: str = "checkpoints", *, every: int = 1, weights_only: bool = False
    ) -> None:
        super().__init__()
        self._run = run
        self._artifact_path = artifact_path
        self._every = every
        self._weights_only = weights_only
        self._history: list[dict[str, Any]] = []
        self._scratch: ScratchFolder | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._history = []
        self._scratch = ScratchFolder(self._run.outbox_folder)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._history.append({"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}})
        if (epoch + 1) % self._every == 0 and self._scratch is not None:
            path = self._scratch.path(f"epoch-{epoch + 1:04d}{'.weights.h5' if self._weights_only else '.keras'}")
            model: Any = self.model
            if self._weights_only:
                model.save_weights(path)
            else:
                model.save(path)
            self._run.log_artifact(path, self._artifact_path)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._run.log_dict(self._history, "history.json")
        if self._scratch is not None:
            self._scratch.close()
