"""Who owns an outbox: the process that holds a lock on it, for as long as it lives."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from lading.outbox.writing import outbox_failed


class BoxLock:
    """flock(2): the kernel lets go of it when the process dies, however it dies. Over NFS it holds between hosts."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, path: Path) -> BoxLock | None:
        """None where another holds it, or the outbox is gone. Raises OutboxFailed: some file systems have none."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise outbox_failed(error, path) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return None
            raise outbox_failed(error, path) from error
        # Its owner may have removed the outbox between the two calls.
        if os.fstat(fd).st_nlink == 0:
            os.close(fd)
            return None
        return cls(fd)

    def release(self) -> None:
        os.close(self._fd)
