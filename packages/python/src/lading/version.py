"""The version of this package, as it was installed."""

from importlib import metadata

VERSION = metadata.version("lading")
