"""Dictionaries as bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, cast

from lading.paths import PathArgument


def dict_bytes(value: Any, path: PathArgument) -> bytes:
    """YAML or JSON, by the extension of the path; numbers, arrays and keys of numpy as the plain ones that they hold.

    Raises TypeError for what has no such form, and ModuleNotFoundError where PyYAML is not installed.
    """
    if PurePosixPath(path).suffix.lower() in (".yaml", ".yml"):
        import yaml

        plain = json.loads(_json(value))
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode()
    return (_json(value, indent=2) + "\n").encode()


def _json(value: Any, indent: int | None = None) -> str:
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, default=_plain)
    except TypeError:
        # Of keys, `json` asks nobody what they are.
        return json.dumps(_with_plain_keys(value), indent=indent, ensure_ascii=False, default=_plain)


def _with_plain_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value).items()
        return {key.item() if hasattr(key, "item") else key: _with_plain_keys(inner) for key, inner in members}
    if isinstance(value, (list, tuple)):
        return [_with_plain_keys(inner) for inner in cast("list[Any]", value)]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(cast("os.PathLike[str]", value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(cast("set[Any]", value), key=str)
    for method in ("tolist", "item", "isoformat"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"{type(value).__name__} has no form in JSON or YAML: {value!r}")
