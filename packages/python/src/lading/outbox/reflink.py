"""Copies that share their blocks until one of them is written to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FICLONE = 0x40049409
"""ioctl_ficlone(2): btrfs, XFS, bcachefs, overlayfs above them, and some network file systems."""


def try_reflink(source: int, target: Path) -> bool:
    """Clones the open file to a new one, in constant time. False, and no file, where the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.ioctl(fd, FICLONE, source)
    except OSError:
        target.unlink()
        return False
    else:
        return True
    finally:
        os.close(fd)
