"""Logs the files of training jobs to Lading, without making the training wait.

from lading import ExperimentTracker

tracker = ExperimentTracker("http://localhost:8080", tenant="acme-corp")
with tracker.start_run(experiment_name="fraud-detection") as run:
    run.log_artifact("model.pkl", artifact_path="models")
"""

from lading.errors import (
    Cancelled,
    FileChanged,
    LadingError,
    LinkRefused,
    OutboxFailed,
    ServerError,
    Unreachable,
    WaitTimeout,
)
from lading.progress import Progress
from lading.run import Run
from lading.settings import Settings
from lading.shard import Shard
from lading.tracker import ExperimentTracker
from lading.upload import Delivery, Upload
from lading.version import __version__

__all__ = [
    "Cancelled",
    "Delivery",
    "ExperimentTracker",
    "FileChanged",
    "LadingError",
    "LinkRefused",
    "OutboxFailed",
    "Progress",
    "Run",
    "ServerError",
    "Settings",
    "Shard",
    "Unreachable",
    "Upload",
    "WaitTimeout",
    "__version__",
]
