"""Digest fields (RFC 9530)."""

from __future__ import annotations

import base64
import binascii
import re


def digest_field(sha256_hex: str) -> str:
    """The value of `Content-Digest` or `Repr-Digest`."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256_hex)).decode()}:"


def sha256_in(field: str | None) -> str | None:
    """The SHA-256 of a digest field, in hexadecimal; None where there is none."""
    found = re.search(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]+=*):", field or "")
    if found is None:
        return None
    try:
        return base64.b64decode(found[1], validate=True).hex()
    except binascii.Error:
        return None
