"""Lists in documents, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parents[1]


def names_in(path: Path) -> set[str]:
    return set(re.findall(r"LADING_[A-Z]+(?:_[A-Z]+)*", path.read_text()))


def settings() -> set[str]:
    return names_in(PACKAGE / "src" / "lading" / "settings.py")


def test_the_readme_names_every_setting_and_no_other() -> None:
    assert {name for name in names_in(PACKAGE / "README.md") if not name.startswith("LADING_TEST_")} == settings()


def test_the_server_knows_every_setting_of_its_clients() -> None:
    assert settings() <= names_in(ROOT / "apps" / "lading" / "src" / "settings" / "read.ts")


def test_the_readme_names_every_error_of_the_package_itself() -> None:
    source = "".join(file.read_text() for file in (PACKAGE / "src").rglob("*.py"))
    raised = set(re.findall(r'(?:Error|OutboxFailed|super\(\).__init__)\(\s*"([a-z_]+)"', source))
    told = (PACKAGE / "README.md").read_text()
    assert {code for code in raised if f"`{code}`" not in told} == set()
