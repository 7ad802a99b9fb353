"""Dictionaries as bytes."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any


def dict_bytes(value: Any, path: str) -> bytes:
    """YAML or JSON, by the extension of the path; numbers and arrays of numpy as the plain ones that they hold.

    Raises TypeError for what has no such form, and ModuleNotFoundError where PyYAML is not installed.
    """
    if PurePosixPath(path).suffix.lower() in (".yaml", ".yml"):
        import yaml

        plain = json.loads(json.dumps(value, default=_plain))
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode()
    return (json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n").encode()


def _plain(value: Any) -> Any:
    for method in ("tolist", "item", "isoformat"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"{type(value).__name__} has no form in JSON or YAML: {value!r}")
