"""How a file that is being changed is told from one that is not."""

from __future__ import annotations

import os
from dataclasses import dataclass

from lading.errors import FileChanged


@dataclass(frozen=True)
class Stamp:
    """What the file system says of a file's content, without reading it.

    The time of the inode (`ctime`) changes with renames and links too, so that it tells only of a file that
    nothing but a reader should touch meanwhile: one that is copied.
    """

    size: int
    mtime_ns: int
    inode: int
    device: int
    ctime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev, stat.st_ctime_ns)

    def check_content(self, now: os.stat_result, source: str) -> None:
        """For a hard link, whose original may be renamed or removed. Raises FileChanged."""
        seen = (now.st_size, now.st_mtime_ns, now.st_ino)
        if seen != (self.size, self.mtime_ns, self.inode):
            raise changed(source)

    def check_untouched(self, now: os.stat_result, source: str) -> None:
        """For a file that is read where it lies. Raises FileChanged."""
        if Stamp.of(now) != self:
            raise changed(source)


def changed(source: str) -> FileChanged:
    return FileChanged(
        f"{source}: the file was written to after it was logged, and before it was sent; "
        'log it when it is complete, give each version a name of its own, or use capture="copy"'
    )
