"""Trainings of PyTorch Lightning, each checkpoint compared with what Lightning has written."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import contents
from lading import ExperimentTracker, Run

NAMES = ["lightning.pytorch", "pytorch_lightning"]
EVERY_EPOCH = {"every_n_epochs": 1, "save_on_train_epoch_end": True}


@pytest.fixture(params=NAMES)
def library(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


@pytest.fixture
def run(tracker: ExperimentTracker, experiment: str) -> Run:
    return tracker.start_run(experiment)


class Crash(Exception):
    pass


def module_of(library: Any, crash_in_epoch: int | None = None, width: int = 700) -> Any:
    """Its checkpoints are of 2 MB, so that they are linked and not read."""

    class Module(library.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.save_hyperparameters(
                {"layers": {"sizes": (3, width), "kind": torch.nn.Linear}, "rates": [0.1, float("nan")]}
            )
            self.layer = torch.nn.Linear(width, width)

        def training_step(self, batch: Any, number: int) -> Any:
            if crash_in_epoch is not None and self.current_epoch == crash_in_epoch:
                raise Crash
            loss = self.layer(batch).square().mean()
            self.log("loss", loss, on_epoch=True)
            self.log("bad", torch.tensor(float("nan")))
            self.log("epochs_to_go", -float(self.current_epoch))
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    return Module()


def batches(width: int = 700) -> Any:
    return torch.utils.data.DataLoader(torch.ones(4, width), batch_size=2)


class Keeper:
    """Keeps what each checkpoint was, as Lightning wrote it."""

    def __init__(self, library: Any, folder: Path) -> None:
        kept: dict[str, bytes] = {}
        self.kept = kept

        class Keeps(library.loggers.logger.DummyLogger):
            def after_save_checkpoint(self, callback: Any) -> None:
                for name in folder.glob("*.ckpt"):
                    kept[f"checkpoints/{name.name}"] = name.read_bytes()

        self.logger = Keeps()


def trainer_of(library: Any, loggers: Any, folder: Path, epochs: int, **checkpoints: Any) -> Any:
    saver = library.callbacks.ModelCheckpoint(dirpath=folder, **checkpoints)
    return library.Trainer(
        logger=loggers,
        callbacks=[saver],
        max_epochs=epochs,
        log_every_n_steps=1,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )


@pytest.fixture
def logger_of(library: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], Any]:
    """As in a program that has imported this library alone."""
    for name in NAMES:
        if name != library.__name__:
            monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delitem(sys.modules, "lading.integrations.lightning", raising=False)
    return importlib.import_module("lading.integrations.lightning").LadingLogger


def checkpoints_of(found: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in found.items() if path.startswith("checkpoints/")}


@pytest.mark.parametrize(
    "checkpoints",
    [
        pytest.param({}, id="as Lightning does it by itself"),
        pytest.param({"save_top_k": -1, **EVERY_EPOCH}, id="all"),
        pytest.param({"monitor": "epochs_to_go", "save_top_k": 1, **EVERY_EPOCH}, id="the best"),
        pytest.param({"save_last": True, "save_top_k": -1, **EVERY_EPOCH}, id="all and the last"),
        pytest.param({"save_last": True, "save_top_k": 0, **EVERY_EPOCH}, id="the last alone"),
        pytest.param({"save_last": "link", "save_top_k": -1, **EVERY_EPOCH}, id="a link to the last"),
    ],
)
def test_each_checkpoint_that_lightning_saves_arrives_as_it_was_saved(
    checkpoints: dict[str, Any],
    library: Any,
    logger_of: Callable[[Run], Any],
    tracker: ExperimentTracker,
    run: Run,
    tmp_path: Path,
) -> None:
    keeper = Keeper(library, folder := tmp_path / "saved")
    trainer = trainer_of(library, [keeper.logger, logger_of(run)], folder, 3, **checkpoints)
    trainer.fit(module_of(library), batches())
    on_disk = {f"checkpoints/{file.name}": file.read_bytes() for file in folder.glob("*.ckpt")}
    shutil.rmtree(folder)
    run.wait(timeout=40)
    found = checkpoints_of(contents(tracker, run.id, tmp_path))
    assert on_disk.keys() <= found.keys()
    assert found == {**keeper.kept, **on_disk}


def test_metrics_and_hyperparameters_are_documents_whatever_is_in_them(
    library: Any, logger_of: Callable[[Run], Any], tracker: ExperimentTracker, run: Run, tmp_path: Path
) -> None:
    trainer = trainer_of(library, logger_of(run), tmp_path / "saved", 2)
    trainer.fit(module_of(library), batches())
    run.wait(timeout=40)
    found = contents(tracker, run.id, tmp_path)
    hyperparameters = json.loads(found["hyperparameters.json"])
    assert hyperparameters["layers"]["sizes"] == [3, 700]
    assert "Linear" in hyperparameters["layers"]["kind"]
    document = json.loads(found["metrics.json"])
    assert document["status"] == "success"
    assert {entry["epoch"] for entry in document["metrics"]} == {0, 1}
    assert any(entry["bad"] != entry["bad"] for entry in document["metrics"] if "bad" in entry), "NaN stays NaN"


def test_a_training_that_crashes_has_logged_all_until_then_and_is_resumed_from_its_last_checkpoint(
    library: Any, logger_of: Callable[[Run], Any], tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    checkpoints = {"save_last": True, "save_top_k": -1, **EVERY_EPOCH}
    with pytest.raises(Crash), tracker.start_run(experiment) as run:
        trainer_of(library, logger_of(run), folder, 4, **checkpoints).fit(module_of(library, 2), batches())
    shutil.rmtree(folder)
    run.wait(timeout=40)
    found = contents(tracker, run.id, tmp_path)
    assert tracker.api.run(run.id)["status"] == "FAILED"
    assert json.loads(found["metrics.json"])["status"] == "failed"
    assert "Crash" in found["exception.txt"].decode()
    last = run.download_artifacts("checkpoints/last.ckpt", tmp_path / "back")
    with tracker.start_run(run_id=run.id) as again:
        trainer = trainer_of(library, logger_of(again), folder, 4, **checkpoints)
        trainer.fit(module_of(library), batches(), ckpt_path=last, weights_only=False)
    on_disk = {f"checkpoints/{file.name}": file.read_bytes() for file in folder.glob("*.ckpt")}
    again.wait(timeout=40)
    found = checkpoints_of(contents(tracker, run.id, tmp_path))
    assert trainer.current_epoch == 4
    assert tracker.api.run(run.id)["status"] == "FINISHED"
    assert {path for path in found if "last" not in path} == {
        f"checkpoints/epoch={n}-step={2 * n + 2}.ckpt" for n in range(4)
    }
    assert {path: found[path] for path in on_disk} == on_disk


def test_two_trainings_with_one_logger_are_two_sets_of_checkpoints(
    library: Any, logger_of: Callable[[Run], Any], tracker: ExperimentTracker, run: Run, tmp_path: Path
) -> None:
    logger, folder = logger_of(run), tmp_path / "saved"
    for _ in range(2):
        trainer_of(library, logger, folder, 1, save_last=True, **EVERY_EPOCH).fit(module_of(library), batches())
    on_disk = {f"checkpoints/{file.name}": file.read_bytes() for file in folder.glob("*.ckpt")}
    run.wait(timeout=40)
    found = contents(tracker, run.id, tmp_path)
    assert checkpoints_of(found) == on_disk
    assert len(on_disk) == 4
    assert sum(entry["step"] == 0 for entry in json.loads(found["metrics.json"])["metrics"]) == 2


def test_a_checkpoint_that_is_a_directory_is_logged_as_one(
    library: Any, logger_of: Callable[[Run], Any], tracker: ExperimentTracker, run: Run, tmp_path: Path
) -> None:
    """As sharded strategies write them."""
    folder = tmp_path / "saved"

    class Shards(importlib.import_module(f"{library.__name__}.plugins.io").TorchCheckpointIO):
        def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
            Path(path).mkdir(parents=True, exist_ok=True)
            torch.save(checkpoint["state_dict"], Path(path) / "shard-0.pt")
            (Path(path) / "meta.json").write_text(str(checkpoint["epoch"]))

    trainer = trainer_of(library, logger_of(run), folder, 2, save_top_k=-1, **EVERY_EPOCH)
    trainer.strategy.checkpoint_io = Shards()
    trainer.fit(module_of(library), batches())
    run.wait(timeout=40)
    files = {f"checkpoints/{f.relative_to(folder)}": f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    assert len(files) == 4
    assert checkpoints_of(contents(tracker, run.id, tmp_path)) == files


def test_a_logger_that_is_imported_first_is_one_for_both_names(
    program: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    text = "from lading.integrations.lightning import LadingLogger, NAMES\nimport importlib\n" + (
        "for name in NAMES:\n    assert issubclass(LadingLogger, importlib.import_module(name).loggers.Logger), name\n"
    )
    ended = program("-c", text)
    assert ended.returncode == 0, ended.stderr
