"""Copies that share their blocks until one of them is written to."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

FICLONE = 0x40049409
"""ioctl_ficlone(2): btrfs, XFS, bcachefs, overlayfs above them, and some network file systems."""

_cannot: set[int] = set()
"""Devices whose file systems have said that they know no clones: asking makes and removes a file."""


def try_reflink(source: int, target: Path) -> bool:
    """Clones the open file to a new one, in constant time. False, and no file, where the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    device = os.fstat(source).st_dev
    if device in _cannot:
        return False
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.ioctl(fd, FICLONE, source)
    except OSError as error:
        target.unlink()
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY):
            _cannot.add(device)
        return False
    else:
        return True
    finally:
        os.close(fd)
