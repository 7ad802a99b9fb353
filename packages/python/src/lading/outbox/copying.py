"""Copies of files that must not change meanwhile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lading.errors import LadingError
from lading.outbox.stamp import Stamp
from lading.outbox.writing import outbox_failed

BLOCK_BYTES = 1024 * 1024


def copy_guarded(source: Path, stamp: Stamp, target: Path) -> None:
    """Copies the file that `stamp` was taken of; `target` appears when it is whole.

    Raises FileChanged where it was written to since or meanwhile, LadingError `file_gone`, and OutboxFailed.
    """
    aside = target.with_name(target.name + ".part")
    try:
        original = source.open("rb")
    except OSError as error:
        detail = f'{source}: the file is gone before it was copied; keep it until then, or use capture="copy"'
        raise LadingError("file_gone", detail) from error
    try:
        with original, aside.open("wb") as copy:
            stamp.check_untouched(os.fstat(original.fileno()), str(source))
            shutil.copyfileobj(original, copy, BLOCK_BYTES)
            stamp.check_untouched(os.fstat(original.fileno()), str(source))
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise outbox_failed(error, target.parent) from error
    except LadingError:
        aside.unlink(missing_ok=True)
        raise
