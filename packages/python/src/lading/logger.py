"""The `log_` calls, which a tracker and a run have in common."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from os import fspath
from pathlib import Path
from typing import Any, Union

from lading.errors import LadingError
from lading.figures import figure_bytes, image_bytes
from lading.files.capture_tree import capture_tree
from lading.ids import new_id
from lading.outbox.box import Box
from lading.outbox.entries import FileEntry, Slice
from lading.outbox.item import REFUSED, Item
from lading.outbox.runs import RunRecord
from lading.paths import PathArgument, checked_path, joined
from lading.session import Session
from lading.upload import Upload
from lading.values import dict_bytes

log = logging.getLogger("lading")

Buffer = Union[bytes, bytearray, memoryview]


class ArtifactLogger(ABC):
    """Each call takes its artifact into the outbox and returns; background threads send it.

    All take `synchronous=True`, which waits until the artifact is in the object store, and raises what it failed
    with. All raise OutboxFailed where the outbox cannot take it, unless `on_error` is `warn`.
    """

    def __copy__(self) -> ArtifactLogger:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> ArtifactLogger:
        """It is a handle: what loops of others copy, with all that they hold, logs to where it did."""
        return self

    @abstractmethod
    def _target(self) -> tuple[Session, RunRecord]:
        """Where it goes."""

    @abstractmethod
    def _warns(self) -> bool:
        """Whether the training goes on when something cannot be logged."""

    def log_artifact(
        self,
        local_path: PathArgument,
        artifact_path: PathArgument = "",
        *,
        capture: str = "auto",
        synchronous: bool = False,
    ) -> Upload:
        """Logs a file; `artifact_path` is the directory of the run that it is put in.

        Do not write to the file before it is sent, unless it is at most 1 MiB, or your file system has reflinks:
        replace or remove it instead, or use `capture="copy"`, which copies it before it returns. A file that was
        written to is not sent, and the upload fails with FileChanged.
        """
        source = Path(local_path)
        path = joined(artifact_path, source.name)
        return self.take(path, lambda box, run: box.add_file(run, checked_path(path), source, capture), synchronous)

    def log_artifacts(
        self,
        local_dir: PathArgument,
        artifact_path: PathArgument = "",
        *,
        patterns: str | Iterable[str] | None = None,
        links: str = "refuse",
        capture: str = "auto",
        atomic: bool = True,
        synchronous: bool = False,
    ) -> Upload:
        """Logs a directory, with its empty directories, as one job.

        `patterns` takes only files that match one of these globs (`*.png`, `plots/**`). A `.ladingignore` in any
        directory, in the syntax of `.gitignore`, leaves out what it names. `links`: `refuse` raises LinkRefused for
        a symbolic link, `skip` leaves it out, `follow` takes what it leads to. `atomic`: none of the files is seen
        before all are there.
        """
        root = Path(local_dir)
        directory = fspath(artifact_path).strip("/")
        globs = [patterns] if isinstance(patterns, str) else list(patterns) if patterns is not None else None

        def add(box: Box, run: str) -> Item:
            entry_id = new_id()
            where = checked_path(directory) if directory else ""
            members = capture_tree(box, entry_id, root, globs, links, capture)
            return box.add_directory(entry_id, run, where, members, atomic)

        return self.take(directory, add, synchronous)

    def log_bytes(self, data: Buffer, artifact_file: PathArgument, *, synchronous: bool = False) -> Upload:
        """Logs bytes, or a bytearray or memoryview as it is now, under this path of the run."""
        path, content = fspath(artifact_file), data if isinstance(data, bytes) else memoryview(data).tobytes()
        return self.take(path, lambda box, run: box.add_bytes(run, checked_path(path), content), synchronous)

    def log_text(self, text: str, artifact_file: PathArgument, *, synchronous: bool = False) -> Upload:
        """Logs a text, as UTF-8."""
        return self.log_bytes(text.encode(), artifact_file, synchronous=synchronous)

    def log_dict(self, dictionary: Any, artifact_file: PathArgument, *, synchronous: bool = False) -> Upload:
        """Logs a dictionary or list: as YAML where the path ends in .yaml or .yml (`lading[yaml]`), else as JSON.

        What JSON has no form for is written as what it holds (arrays and tensors, sets, enums, paths, times), and NaN
        and Infinity by these names, as Python's `json` reads them and stricter readers do not.
        """
        return self.log_bytes(dict_bytes(dictionary, artifact_file), artifact_file, synchronous=synchronous)

    def log_figure(self, figure: Any, artifact_file: PathArgument, *, synchronous: bool = False) -> Upload:
        """Logs a figure of matplotlib or plotly, in the format that the path's extension names."""
        return self.log_bytes(figure_bytes(figure, artifact_file), artifact_file, synchronous=synchronous)

    def log_image(self, image: Any, artifact_file: PathArgument, *, synchronous: bool = False) -> Upload:
        """Logs an image of PIL, or an array: height x width, or height x width x 1, 3 or 4; integers from 0 to 255,
        or floats from 0 to 1. Arrays need Pillow."""
        return self.log_bytes(image_bytes(image, artifact_file), artifact_file, synchronous=synchronous)

    def take(self, path: str, add: Callable[[Box, str], Item], synchronous: bool = False) -> Upload:
        """What all calls do: has `add` put something into the outbox, and gives its handle."""
        try:
            session, run = self._target()
            session.box.know_run(run)
            item = add(session.box, run.key)
        except (LadingError, OSError) as error:
            if not self._warns():
                raise
            return Upload(_not_taken(path, error), None)
        upload = Upload(item, session)
        if synchronous:
            upload.result()
        return upload


def _not_taken(path: str, error: Exception) -> Item:
    log.error("%s was not logged: %s", path, error)
    known = error if isinstance(error, LadingError) else LadingError("client_failed", str(error))
    return Item(FileEntry("", "", path, Slice(0, 0, 0, "")), state=REFUSED, error=known)
