"""tuspy, as others use it, against the server's resumable uploads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.storage.filestorage import FileStorage

from conftest import TENANT, contents, wait_delivered, wait_until
from lading import ExperimentTracker
from servers import Gate

CHUNK = 1024 * 1024
SIZE = 5 * CHUNK + 123


@pytest.fixture
def model(tmp_path: Path) -> Path:
    source = tmp_path / "model.bin"
    source.write_bytes(os.urandom(SIZE))
    return source


def client(url: str, run_id: str) -> TusClient:
    return TusClient(f"{url}/api/v1/experiments/runs/{run_id}/resumable", headers={"X-Tenant-ID": TENANT})


def test_a_file_that_tuspy_uploads_is_delivered(
    tracker: ExperimentTracker, url: str, experiment: str, model: Path, tmp_path: Path
) -> None:
    run = tracker.start_run(experiment)
    metadata = {"path": "models/model.bin"}
    client(url, run.id).uploader(str(model), chunk_size=CHUNK, metadata=metadata).upload()
    assert wait_delivered(tracker, run.id) == 1
    assert contents(tracker, run.id, tmp_path) == {"models/model.bin": model.read_bytes()}


def test_tuspy_goes_on_where_the_link_broke(
    tracker: ExperimentTracker, gate: Gate, experiment: str, model: Path, tmp_path: Path
) -> None:
    run = tracker.start_run(experiment)
    storage = FileStorage(str(tmp_path / "storage.json"))
    known = {"chunk_size": CHUNK, "metadata": {"path": "model.bin"}, "store_url": True, "url_storage": storage}
    gate.shut_after(SIZE // 2)
    with pytest.raises(TusCommunicationError):
        client(gate.url, run.id).uploader(str(model), **known).upload()
    gate.open()
    sent = gate.sent
    again = client(gate.url, run.id).uploader(str(model), **known)
    assert 0 < again.offset < SIZE
    again.upload()
    assert gate.sent - sent < SIZE * 3 // 4
    assert wait_delivered(tracker, run.id) == 1
    assert contents(tracker, run.id, tmp_path) == {"model.bin": model.read_bytes()}


def test_tuspy_checks_its_chunks(tracker: ExperimentTracker, url: str, experiment: str, model: Path) -> None:
    run = tracker.start_run(experiment)
    uploader = client(url, run.id).uploader(
        str(model), chunk_size=CHUNK, metadata={"path": "model.bin"}, upload_checksum=True
    )
    uploader.upload()
    wait_until(lambda: wait_delivered(tracker, run.id) == 1)
