"""Callbacks in the loops that they are for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import contents
from lading import ExperimentTracker


def test_keras_logs_a_model_that_can_be_loaded_after_each_epoch(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    os.environ["KERAS_BACKEND"] = "jax"
    keras = pytest.importorskip("keras")
    np = pytest.importorskip("numpy")
    from lading.integrations.keras import LadingCallback

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    x = np.random.default_rng(1).normal(size=(32, 3))
    with tracker.start_run(experiment) as run:
        model.fit(x, x.sum(axis=1), epochs=3, verbose=0, callbacks=[LadingCallback(run)])
    run.wait(timeout=40)
    run.download_artifacts("", tmp_path / "back")
    models = sorted((tmp_path / "back" / "checkpoints").iterdir())
    assert [file.name for file in models] == [f"epoch-000{epoch}.keras" for epoch in (1, 2, 3)]
    again = keras.saving.load_model(models[-1])
    assert np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0))
    history = json.loads((tmp_path / "back" / "history.json").read_text())
    assert [entry["epoch"] for entry in history] == [0, 1, 2]
    assert list(tracker.settings.outbox.glob("*/scratch-*")) == []


def test_a_checkpoint_of_transformers_is_logged_as_a_directory_even_if_it_is_removed_at_once(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    callbacks = pytest.importorskip("transformers.trainer_callback")
    from lading.integrations.transformers import LadingCallback

    checkpoint = tmp_path / "checkpoint-500"
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_bytes(weights := os.urandom(3_000_000))
    (checkpoint / "config.json").write_text("{}")
    state = callbacks.TrainerState(global_step=500, is_world_process_zero=True, log_history=[{"loss": 0.5}])
    control = callbacks.TrainerControl()
    with tracker.start_run(experiment) as run:
        handler = callbacks.CallbackHandler([LadingCallback(run)], None, None, None, None)
        # The real arguments need PyTorch; of them the callback reads this one.
        handler.on_save(SimpleNamespace(output_dir=str(tmp_path)), state, control)
        for file in checkpoint.iterdir():
            file.unlink()
        handler.on_train_end(SimpleNamespace(output_dir=str(tmp_path)), state, control)
    run.wait(timeout=40)
    found = contents(tracker, run.id, tmp_path)
    assert found["checkpoints/checkpoint-500/model.safetensors"] == weights
    assert found["checkpoints/checkpoint-500/config.json"] == b"{}"
    assert json.loads(found["trainer_log.json"]) == [{"loss": 0.5}]
