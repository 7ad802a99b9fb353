"""Paths in a run."""

from __future__ import annotations

import os
from os import PathLike
from typing import Union

from lading.errors import LadingError

PathArgument = Union[str, "PathLike[str]"]

LEADING_ELSEWHERE = ("", ".", "..")
"""Segments that URLs are cleared of on their way (RFC 3986, 5.2.4): what is left would be another address."""


def checked_path(path: PathArgument) -> str:
    """The path of an artifact, as a request can name it. Raises LadingError `path_invalid`."""
    text = os.fspath(path)
    if any(segment in LEADING_ELSEWHERE for segment in text.split("/")):
        raise LadingError(
            "path_invalid", f'{text!r}: a path is relative, with single slashes, and without "." and ".."'
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LadingError("path_invalid", f"{text!r}: the name is not UTF-8") from error
    return text


def joined(directory: PathArgument, name: PathArgument) -> str:
    """The path of what is in a directory; the root of the run is the empty one."""
    above, below = os.fspath(directory).rstrip("/"), os.fspath(name)
    return f"{above}/{below}" if above and below else above or below
