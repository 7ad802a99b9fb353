"""An artifact or a directory of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from lading.downloading.fetch import fetch
from lading.errors import LadingError
from lading.http.client import Answer
from lading.progress import bar
from lading.session import Session

PATIENCE_SECONDS = 60.0


def download(session: Session, run_id: str, path: str, folder: Path) -> Path:
    """Below `folder`, each at the path that it has in the run. Where `path` is, of a file or a directory."""
    artifacts = list(_below(session, run_id, path))
    if not artifacts:
        raise LadingError("artifact_not_found", f"{path or 'the run'}: nothing is stored here")
    total = sum(artifact.get("size", 0) for artifact in artifacts)
    left = total
    with bar(session.settings.progress, "download") as shown:
        for artifact in artifacts:
            _bring(session, run_id, artifact, _target(folder, artifact["path"]))
            left -= artifact.get("size", 0)
            shown.show(left, total)
    return folder / path if path else folder


def _below(session: Session, run_id: str, path: str) -> Iterator[dict[str, Any]]:
    """The artifact of this path, or all below it."""

    def ask(request: Callable[[], Answer]) -> Answer:
        return session.patiently(request, PATIENCE_SECONDS)

    name = PurePosixPath(path).name
    if name:
        above = path[: -len(name)].rstrip("/")
        for artifact in session.api.list_artifacts(run_id, above, recursive=False, ask=ask):
            if artifact["path"] == path and not artifact["is_dir"]:
                yield artifact
                return
    yield from session.api.list_artifacts(run_id, path, recursive=True, ask=ask)


def _bring(session: Session, run_id: str, artifact: dict[str, Any], target: Path) -> None:
    if artifact["is_dir"]:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    fetch(session.api, run_id, artifact, target, lambda ask: session.patiently(ask, PATIENCE_SECONDS))


def _target(folder: Path, path: str) -> Path:
    """The server keeps no path that leaves the run; this does not rely on it."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or ".." in parts:
        raise LadingError("path_invalid", f"{path!r}: the server gave a path that leaves the folder")
    return folder.joinpath(*parts)
