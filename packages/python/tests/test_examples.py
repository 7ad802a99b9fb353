"""The examples, as they stand."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import contents
from lading import ExperimentTracker
from lading.figures import figure_bytes
from lading.values import dict_bytes

EXAMPLES = Path(__file__).parents[3] / "examples"
Program = Callable[..., "subprocess.CompletedProcess[str]"]


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), EXAMPLES / name / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_the_fraud_detection_logs_comes_back_byte_for_byte(tracker: ExperimentTracker, tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx")
    example = load("fraud-detection")
    folder = tmp_path / "training"
    folder.mkdir()
    trained = example.train(folder)
    with tracker.start_run("fraud-detection") as run:
        example.log(run, trained)
    run.wait(timeout=40)
    assert contents(tracker, run.id, tmp_path) == {
        "models/model.pkl": (folder / "model.pkl").read_bytes(),
        "models/model.onnx": (folder / "model.onnx").read_bytes(),
        "data/predictions.parquet": (folder / "predictions.parquet").read_bytes(),
        "config/training.yaml": dict_bytes(trained.config, "training.yaml"),
        "reports/classification.txt": trained.report.encode(),
        "plots/confusion_matrix.png": figure_bytes(trained.confusion, "confusion_matrix.png"),
        "evaluation/importances.csv": (folder / "evaluation" / "importances.csv").read_bytes(),
        "evaluation/curves/precision_recall.csv": (
            folder / "evaluation" / "curves" / "precision_recall.csv"
        ).read_bytes(),
    }
    types = {artifact["path"]: artifact["type"] for artifact in run.list_artifacts()}
    assert types["models/model.onnx"] != types["reports/classification.txt"]


def test_the_fraud_detection_prints_where_each_artifact_can_be_seen(program: Program, url: str) -> None:
    pytest.importorskip("skl2onnx")
    ended = program(str(EXAMPLES / "fraud-detection" / "train.py"))
    assert ended.returncode == 0, ended.stderr
    assert len(re.findall(f"  {url}/api/v1/experiments/runs/[^/]+/artifacts/.+", ended.stdout)) == 8


def test_checkpoints_of_four_processes_arrive_whole(program: Program) -> None:
    sizes = ["--megabytes", "64", "--steps", "2", "--every", "0.2", "--limit", "60000"]
    ended = program(str(EXAMPLES / "checkpoints" / "train.py"), *sizes)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert f"8 shards are delivered, {2 * 64 * 1024 * 1024} bytes" in ended.stdout
