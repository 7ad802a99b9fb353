"""The package as users install it, on each Python that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from conftest import program_environment

PACKAGE = Path(__file__).parents[1]

PROGRAM = """
import os, pathlib, sys, tempfile
import lading
from lading import ExperimentTracker
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "tree" / "empty").mkdir(parents=True)
(folder / "tree" / "large.bin").write_bytes(os.urandom(2_000_000))
tracker = ExperimentTracker()
with tracker.start_run("wheels") as run:
    run.log_text("text", "a.txt")
    run.log_dict({"a": 1}, "a.json")
    run.log_artifact(folder / "tree" / "large.bin", "models")
    run.log_artifacts(folder / "tree", "tree")
run.wait(timeout=40)
back = run.download_artifacts("", folder / "back")
assert (back / "tree" / "large.bin").read_bytes() == (folder / "tree" / "large.bin").read_bytes()
assert (back / "a.txt").read_text() == "text"
tracker.close()
print(lading.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PACKAGE, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_the_package_its_types_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    sources = (PACKAGE / "src").rglob("*")
    expected = {str(path.relative_to(PACKAGE / "src")) for path in sources if path.suffix in (".py", ".typed")}
    assert {name for name in names if ".dist-info/" not in name} == expected


def test_the_wheel_works_in_a_fresh_environment_by_its_command_too(wheel: Path, url: str, outbox: Path) -> None:
    folder = outbox.parent / "fresh"
    venv.create(folder, with_pip=True, symlinks=True)
    install(folder / "bin" / "python", str(wheel))
    used = run(folder / "bin" / "python", url, outbox)
    assert used.stdout.startswith(str(folder)), used.stderr
    command, env = [str(folder / "bin" / "lading"), "sync"], clean(program_environment(url, outbox))
    synced = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert synced.returncode == 0, synced.stderr


@pytest.fixture(scope="module")
def for_the_oldest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel with what it needs, in versions that 3.9 takes."""
    folder = tmp_path_factory.mktemp("oldest")
    for_39 = ["--target", str(folder), "--python-version", "3.9", "--only-binary", ":all:"]
    install(Path(sys.executable), *for_39, str(wheel))
    return folder


def pythons() -> list[str]:
    """This one, and all others from 3.9 on that are to be found."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    folders = sorted(Path("~/.pyenv/versions").expanduser().glob("*/bin"))
    for minor in range(9, 15):
        places = [shutil.which(f"python3.{minor}"), *(str(folder / f"python3.{minor}") for folder in folders)]
        for place in filter(None, places):
            works = Path(place).exists() and subprocess.run([place, "-c", ""], check=False, capture_output=True)
            if works and works.returncode == 0:
                found.setdefault(f"3.{minor}", place)
    return [found[version] for version in sorted(found, key=lambda version: int(version.split(".")[1]))]


@pytest.mark.parametrize("python", pythons())
def test_it_works_on_this_python(python: str, for_the_oldest: Path, url: str, outbox: Path) -> None:
    used = run(Path(python), url, outbox, PYTHONPATH=str(for_the_oldest), PYTHONWARNINGS="error")
    assert used.stdout.startswith(str(for_the_oldest)), used.stderr


def install(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    subprocess.run(command, env=clean(os.environ), check=True, capture_output=True)


def run(python: Path, url: str, outbox: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-c", PROGRAM]
    env = {**clean(program_environment(url, outbox)), **settings}
    return subprocess.run(command, env=env, cwd=outbox.parent, capture_output=True, text=True, timeout=50, check=False)


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without this checkout's sources."""
    return {name: text for name, text in environment.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
