"""The two servers that are compared, each by itself on the same disk."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
START_SECONDS = 120


@contextmanager
def lading_server(folder: Path) -> Generator[str, None, None]:
    """All embedded, objects in a directory: what `npm start` runs."""
    folder.mkdir()
    port = free_port()
    node = ROOT / "node_modules" / ".bin" / "node"
    settings = {"LADING_PORT": str(port), "LADING_DATA_DIR": str(folder), "LADING_LOG_LEVEL": "error"}
    command = [str(node), str(ROOT / "apps" / "lading" / "src" / "main.ts"), "up"]
    with running(command, folder, settings):
        yield waited_for(f"http://127.0.0.1:{port}", "/readyz")


@contextmanager
def mlflow_server(folder: Path) -> Generator[str, None, None]:
    """Its own server, which takes artifacts and writes them to a directory."""
    folder.mkdir()
    port = free_port()
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "objects")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), *store]
    with running(command, folder, {"MLFLOW_DISABLE_TELEMETRY": "true"}):
        yield waited_for(f"http://127.0.0.1:{port}", "/health")


@contextmanager
def running(command: list[str], folder: Path, settings: dict[str, str]) -> Generator[None, None, None]:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("LADING_")}
    with (folder / "log").open("wb") as log:
        env = {**inherited, **settings}
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def waited_for(url: str, path: str) -> str:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url + path, timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return url


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
