"""Trains a fraud detector on data that it makes, and logs what comes of it to Lading.

    LADING_URL=http://localhost:8080 LADING_TENANT=acme-corp python train.py

Needs a server (`npm start`), and the package: see packages/python. Then `pip install scikit-learn skl2onnx pyarrow
matplotlib PyYAML`. Ends with 1 where not all is delivered within ten minutes, and says where it is kept.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import ConfusionMatrixDisplay, classification_report, precision_recall_curve
from sklearn.model_selection import train_test_split

from lading import ExperimentTracker, LadingError, Run

WAIT_SECONDS = 600.0

CONFIG = {
    "features": ["amount", "frequency", "distance", "hour", "merchant_risk", "age_of_account"],
    "threshold": 0.5,
    "model": {"kind": "gradient_boosting", "n_estimators": 60, "max_depth": 3, "learning_rate": 0.1},
    "seed": 7,
}


@dataclass(frozen=True)
class Trained:
    """What a training gives: files in a folder, and values in memory."""

    folder: Path
    """`model.pkl`, `model.onnx`, `predictions.parquet`, and the directory `evaluation`."""
    config: dict[str, Any]
    report: str
    confusion: Figure


def train(folder: Path) -> Trained:
    """Writes the files into the folder."""
    features, frauds = make_classification(
        n_samples=4000, n_features=len(CONFIG["features"]), n_informative=4, weights=[0.95], random_state=CONFIG["seed"]
    )
    split = train_test_split(features.astype(np.float32), frauds, test_size=0.25, random_state=CONFIG["seed"])
    train_x, test_x, train_y, test_y = split
    settings = {name: value for name, value in CONFIG["model"].items() if name != "kind"}
    model = GradientBoostingClassifier(random_state=CONFIG["seed"], **settings).fit(train_x, train_y)
    scores = model.predict_proba(test_x)[:, 1]
    found = scores >= CONFIG["threshold"]

    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    (folder / "model.onnx").write_bytes(to_onnx(model, train_x[:1]).SerializeToString())
    table = pa.table({"score": scores, "predicted": found, "fraud": test_y.astype(bool)})
    pq.write_table(table, folder / "predictions.parquet")
    evaluate(folder / "evaluation", test_y, scores, model)
    report = classification_report(test_y, found, target_names=["honest", "fraud"])
    return Trained(folder, CONFIG, report, confusion_of(test_y, found))


def evaluate(folder: Path, truth: Any, scores: Any, model: Any) -> None:
    """A directory of tables, as a notebook would be fed with."""
    (folder / "curves").mkdir(parents=True)
    precision, recall, _ = precision_recall_curve(truth, scores)
    np.savetxt(folder / "curves" / "precision_recall.csv", np.column_stack([precision, recall]), delimiter=",")
    importances = zip(CONFIG["features"], model.feature_importances_)
    lines = [f"{name},{value:.6f}" for name, value in importances]
    (folder / "importances.csv").write_text("feature,importance\n" + "\n".join(lines) + "\n")


def confusion_of(truth: Any, found: Any) -> Figure:
    figure = Figure(figsize=(4, 4))
    ConfusionMatrixDisplay.from_predictions(truth, found, ax=figure.add_subplot(), colorbar=False)
    return figure


def log(run: Run, trained: Trained) -> None:
    """Each call returns at once."""
    run.log_artifact(trained.folder / "model.pkl", "models")
    run.log_artifact(trained.folder / "model.onnx", "models")
    run.log_artifact(trained.folder / "predictions.parquet", "data")
    run.log_dict(trained.config, "config/training.yaml")
    run.log_text(trained.report, "reports/classification.txt")
    run.log_figure(trained.confusion, "plots/confusion_matrix.png")
    run.log_artifacts(trained.folder / "evaluation", "evaluation")


def show(tracker: ExperimentTracker, run: Run) -> None:
    """Where each artifact can be seen."""
    base = f"{tracker.settings.url}/api/v1/experiments/runs/{run.id}/artifacts"
    for artifact in run.list_artifacts():
        print(f"{artifact['path']:36} {artifact['size']:9} bytes  {base}/{artifact['path']}")
    if tracker.settings.tenant is not None:
        # A browser names no tenant, and sees what is the default one's.
        print(f"each by: curl -H 'X-Tenant-ID: {tracker.settings.tenant}' URL", file=sys.stderr)


def main() -> None:
    tracker = ExperimentTracker()
    with tempfile.TemporaryDirectory() as folder, tracker.start_run(experiment_name="fraud-detection") as run:
        log(run, train(Path(folder)))
    try:
        run.wait(timeout=WAIT_SECONDS)
    except LadingError as failure:
        sys.exit(f"not all is delivered: {failure.detail}")
    show(tracker, run)
    print(f"run {run.id} is complete", file=sys.stderr)


if __name__ == "__main__":
    main()
