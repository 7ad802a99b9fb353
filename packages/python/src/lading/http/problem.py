"""Refusals, from RFC 9457 documents to exceptions."""

from __future__ import annotations

import json
from typing import Any

from lading.errors import ServerError
from lading.http.retry import is_retryable_status

NO_PROBLEM_DOCUMENT = "http_error"
"""The code of an answer that is not one of Lading's own."""


def error_of(status: int, body: bytes, location: str | None = None) -> ServerError:
    """The exception that an answer stands for, also that of a proxy, which sends no problem document."""
    document = _object_in(body)
    code = document.get("code")
    if not isinstance(code, str):
        text = body[:200].decode("utf-8", "replace").strip()
        detail = f"the answer was {status}, and no problem document: {text!r}"
        if location is not None and 300 <= status < 400:
            detail = f"the answer was {status}, which leads to {location}; LADING_URL is to be where the server is"
        return ServerError(NO_PROBLEM_DOCUMENT, detail, status, is_retryable_status(status))
    detail = str(document.get("detail") or document.get("title") or "")
    return ServerError(code, detail, status, bool(document.get("retryable", is_retryable_status(status))))


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        document: Any = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}  # pyright: ignore[reportUnknownVariableType]
