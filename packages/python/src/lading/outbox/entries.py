"""What an outbox holds: files, directories, and what becomes of runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Union

from lading.outbox.stamp import Stamp


@dataclass(frozen=True)
class Slice:
    """Bytes in a payload segment of the outbox: values from memory, and small files."""

    segment: int
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Held:
    """A file of its own in the outbox: `how` is `reflink`, `link` or `copy`.

    A copy may still be under way: until it is whole, there is no file of this name.
    """

    name: str
    source: str
    stamp: Stamp
    how: str

    @property
    def size(self) -> int:
        return self.stamp.size


Content = Union[Slice, Held]


@dataclass(frozen=True)
class SharedJob:
    """A job of the server that many processes fill, each a shard of it; the last that is complete closes it.

    Who gives the same of all of this means the same job.
    """

    directory: str
    shards: int
    key: str
    """Tells two jobs for one directory apart."""
    deadline_seconds: int


@dataclass(frozen=True)
class FileEntry:
    """One artifact. Its id is the Idempotency-Key that it is sent with."""

    id: str
    run: str
    path: str
    content: Content
    job: SharedJob | None = None


@dataclass(frozen=True)
class DirectoryEntry:
    """Many artifacts that are one job. What lies in it is in a list of its own (`members.py`)."""

    id: str
    run: str
    directory: str
    files: int
    size: int
    atomic: bool
    is_new: bool = False
    """Whether nothing can be there of it yet, so that nobody need be asked."""


@dataclass(frozen=True)
class StatusEntry:
    """The end of a run, or its beginning anew."""

    id: str
    run: str
    status: str
    ended_at: str | None


@dataclass(frozen=True)
class SealEntry:
    """A shard of a job is complete."""

    id: str
    run: str
    job: SharedJob
    shard: int


Entry = Union[FileEntry, DirectoryEntry, StatusEntry, SealEntry]

_KINDS: dict[str, type[FileEntry] | type[DirectoryEntry] | type[StatusEntry] | type[SealEntry]] = {
    "file": FileEntry,
    "directory": DirectoryEntry,
    "status": StatusEntry,
    "seal": SealEntry,
}


def entry_to_json(entry: Entry) -> dict[str, Any]:
    (kind,) = (kind for kind, of in _KINDS.items() if type(entry) is of)
    fields = asdict(entry)
    if isinstance(entry, FileEntry):
        fields["content"] = content_to_json(entry.content)
    return {"entry": kind, **fields}


def entry_from_json(record: dict[str, Any]) -> Entry:
    fields = dict(record)
    kind = _KINDS[fields.pop("entry")]
    if kind is FileEntry:
        fields["content"] = content_from_json(fields["content"])
    if fields.get("job") is not None:
        fields["job"] = SharedJob(**fields["job"])
    return kind(**fields)


def content_to_json(content: Content) -> dict[str, Any]:
    if isinstance(content, Slice):
        # There are thousands of them in a call, and `asdict` copies what it finds.
        return {
            "segment": content.segment,
            "offset": content.offset,
            "size": content.size,
            "sha256": content.sha256,
        }
    return asdict(content)


def content_from_json(fields: dict[str, Any]) -> Content:
    if "segment" in fields:
        return Slice(**fields)
    return Held(fields["name"], fields["source"], Stamp(**fields["stamp"]), fields["how"])
