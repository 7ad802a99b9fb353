"""Hugging Face transformers: each checkpoint that the Trainer saves, and its log.

Trainer(..., callbacks=[LadingCallback(run)])
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from lading.run import Run

log = logging.getLogger("lading")


class LadingCallback(TrainerCallback):
    """Logs `checkpoints/checkpoint-500`, as one directory that is seen when all of it is there, and `trainer_log.json`.

    The Trainer writes each checkpoint to a folder of its own, and may remove it (`save_total_limit`): a link keeps
    what was logged. Only the process that saves logs.
    """

    def __init__(self, run: Run, artifact_path: str = "checkpoints") -> None:
        self._run = run
        self._artifact_path = artifact_path

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        name = f"checkpoint-{state.global_step}"
        folder = Path(args.output_dir) / name
        if not state.is_world_process_zero:
            return
        if folder.is_dir():
            self._run.log_artifacts(folder, f"{self._artifact_path}/{name}")
        else:
            log.warning("%s was not logged: there is no such folder; trials of a search have their own", folder)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self._run.log_dict(state.log_history, "trainer_log.json")
