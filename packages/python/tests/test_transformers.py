"""Trainings of the Trainer of transformers, each checkpoint compared with what it has written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from conftest import contents
from lading import ExperimentTracker, Run
from lading.integrations.transformers import LadingCallback


class Keeps(transformers.TrainerCallback):
    """Keeps what each checkpoint was, as it was saved; then has the training crash, where that is asked for."""

    def __init__(self, crash_at: int | None = None) -> None:
        self.kept: dict[str, bytes] = {}
        self._crash_at = crash_at

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for file in Path(args.output_dir).rglob("*"):
            if file.is_file():
                self.kept[f"checkpoints/{file.relative_to(args.output_dir)}"] = file.read_bytes()
        if state.global_step == self._crash_at:
            raise ZeroDivisionError


def trainer_of(folder: Path, callbacks: list[Any], steps: int = 4, **arguments: Any) -> Any:
    """A language model of chance, whose weights are more than is read in a call."""
    config = transformers.GPT2Config(vocab_size=500, n_positions=16, n_embd=128, n_layer=2, n_head=2)
    settings = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        save_steps=1,
        logging_steps=1,
        per_device_train_batch_size=2,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **arguments,
    )
    tokens = torch.arange(16)
    examples = [{"input_ids": tokens, "labels": tokens} for _ in range(8)]
    model = transformers.GPT2LMHeadModel(config)
    return transformers.Trainer(model=model, args=settings, train_dataset=examples, callbacks=callbacks)


@pytest.fixture
def run(tracker: ExperimentTracker, experiment: str) -> Run:
    return tracker.start_run(experiment)


@pytest.mark.parametrize("limit", [1, 2, None])
def test_each_checkpoint_of_a_trainer_arrives_however_few_it_keeps(
    limit: int | None, run: Run, tracker: ExperimentTracker, tmp_path: Path
) -> None:
    keeps, folder = Keeps(), tmp_path / "saved"
    trainer_of(folder, [keeps, LadingCallback(run)], save_total_limit=limit).train()
    assert len(list(folder.glob("checkpoint-*"))) == (limit or 4)
    shutil.rmtree(folder)
    run.wait(timeout=40)
    found = contents(tracker, run.id, tmp_path)
    history = json.loads(found.pop("trainer_log.json"))
    assert found == keeps.kept
    assert {path.split("/")[1] for path in found} == {f"checkpoint-{step}" for step in range(1, 5)}
    assert [entry["step"] for entry in history if "loss" in entry] == [1, 2, 3, 4]


def test_a_trainer_that_crashed_goes_on_from_a_checkpoint_that_was_logged(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    with pytest.raises(ZeroDivisionError), tracker.start_run(experiment) as run:
        trainer_of(folder, [LadingCallback(run), Keeps(crash_at=2)], save_total_limit=1).train()
    shutil.rmtree(folder)
    run.wait(timeout=40)
    checkpoint = run.download_artifacts("checkpoints/checkpoint-2", tmp_path / "back")
    keeps = Keeps()
    with tracker.start_run(run_id=run.id) as again:
        trainer = trainer_of(folder, [keeps, LadingCallback(again)], save_total_limit=1)
        trainer.train(resume_from_checkpoint=str(checkpoint))
    again.wait(timeout=40)
    found = contents(tracker, run.id, tmp_path)
    assert trainer.state.global_step == 4
    assert tracker.api.run(run.id)["status"] == "FINISHED"
    assert keeps.kept.items() <= found.items()
    assert {path.split("/")[1] for path in found if path.startswith("checkpoints/")} == {
        f"checkpoint-{step}" for step in range(1, 5)
    }


def test_a_checkpoint_that_lies_elsewhere_is_told_of(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As in a search for hyperparameters, whose trials have folders of their own."""
    state = transformers.TrainerState(global_step=5)
    LadingCallback(run).on_save(transformers.TrainingArguments(output_dir=str(tmp_path)), state, None)
    assert "checkpoint-5" in caplog.text
