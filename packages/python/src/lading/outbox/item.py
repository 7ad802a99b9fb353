"""An entry of the outbox, and how far it has come."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from lading.errors import LadingError
from lading.outbox.digest_so_far import DigestSoFar
from lading.outbox.entries import Content, DirectoryEntry, Entry, FileEntry, Held, Slice

WAITING = "waiting"
SENDING = "sending"
ACCEPTED = "accepted"
"""The server has the bytes, and a job that delivers them."""
REFUSED = "refused"
"""The server will not take it, or the file has changed. What it was stays in the outbox."""
CANCELLED = "cancelled"
SUPERSEDED = "superseded"
"""Another version for the same path was logged before this one was sent, and written over it."""

ENDED = (ACCEPTED, REFUSED, CANCELLED, SUPERSEDED)


@dataclass
class Item:
    """Changed by its outbox alone, under the outbox's lock."""

    entry: Entry
    state: str = WAITING
    captured: bool = True
    """False while its bytes are still being copied into the outbox."""
    batch: str | None = None
    """Key of the request that it was, or will be, sent with together with others."""
    job_id: str | None = None
    error: LadingError | None = None
    attempts: int = 0
    not_before: float = 0.0
    """Time of `time.monotonic()`, as `added`."""
    added: float = field(default_factory=time.monotonic)
    sent_bytes: int = 0
    alone: bool = False
    """It was sent by itself, and will be so again: another request would be another upload."""
    is_replayed: bool = False
    """Another process logged it, with a clock of its own."""
    digests: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    """SHA-256 of the large files of a directory, by their names in the outbox, that had to be read for it."""

    so_far: dict[str, DigestSoFar] = field(default_factory=lambda: dict[str, DigestSoFar]())
    """Of large files that are hashed while they are sent, by the same names."""

    def digest_of(self, content: Content) -> str | None:
        """SHA-256 of one of its contents, where it was taken."""
        return content.sha256 if isinstance(content, Slice) else self.digests.get(content.name)

    def so_far_of(self, content: Content) -> DigestSoFar:
        return self.so_far.setdefault("" if isinstance(content, Slice) else content.name, DigestSoFar())

    def count_sent(self, size: int) -> None:
        self.sent_bytes += size

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_first_attempt(self) -> bool:
        """Whether the server cannot have anything of it, from this process or from one before."""
        return self.attempts == 0 and not self.is_replayed

    @property
    def size(self) -> int:
        """Bytes."""
        if isinstance(self.entry, FileEntry):
            return self.entry.content.size
        return self.entry.size if isinstance(self.entry, DirectoryEntry) else 0

    @property
    def needs_copy(self) -> bool:
        """Whether its bytes may not be in the outbox yet."""
        if isinstance(self.entry, FileEntry):
            return isinstance(self.entry.content, Held) and self.entry.content.how == "copy"
        return isinstance(self.entry, DirectoryEntry)
