"""The runs that entries of an outbox belong to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class RunRecord:
    """A run. One that this package starts has a `key`, which is the same run whenever the server is asked for it.

    A run that is continued by its id has that as its key.
    """

    key: str
    server_id: str | None
    experiment: str | None = None
    """Name of the experiment."""
    experiment_id: str | None = None
    name: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"run": asdict(self)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> RunRecord:
        return cls(**record["run"])
