"""`.ladingignore` files: what is left out of a directory, in the syntax of `.gitignore`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pathspec

IGNORE_FILE = ".ladingignore"


@dataclass(frozen=True)
class Ignored:
    """The rules that hold in a directory: those of the directories above it, and its own, which win."""

    rules: tuple[tuple[str, pathspec.GitIgnoreSpec], ...] = ()

    def below(self, folder: Path, prefix: str) -> Ignored:
        """With the rules of this directory, whose path in the tree ends in a slash, or is empty."""
        try:
            text = (folder / IGNORE_FILE).read_text("utf-8")
        except FileNotFoundError:
            return self
        return Ignored((*self.rules, (prefix, pathspec.GitIgnoreSpec.from_lines(text.splitlines()))))

    def leaves_out(self, path: str) -> bool:
        """`path` is in the tree; that of a directory ends in a slash."""
        for prefix, spec in reversed(self.rules):
            verdict = spec.check_file(path[len(prefix) :]).include
            if verdict is not None:
                return verdict
        return False
