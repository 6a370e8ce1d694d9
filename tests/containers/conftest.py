"""Fixtures: a checkout to run compose in, and compose projects that are removed."""

import logging
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.containers.compose import Compose
from tests.engine import ROOT, engine, image

__all__ = ["engine", "image"]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository without its ignored files, such as a local .env."""
    folder = tmp_path_factory.mktemp("checkout")
    files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(files, cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    there = b"\0".join(name for name in names if name and (ROOT / name.decode()).exists())
    packed = subprocess.run(
        ["tar", "-c", "--null", "-T", "-"], cwd=ROOT, input=there, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x"], cwd=folder, input=packed.stdout, check=True)
    return folder


@pytest.fixture(scope="module")
def compose(checkout: Path, image: str) -> Iterator[Callable[..., Compose]]:
    """Make compose projects; the module's end logs their last lines and removes them."""
    made: list[Compose] = []

    def make(**settings: str) -> Compose:
        made.append(Compose(checkout, image, **settings))
        made[-1].remove()  # left by a run that was killed
        return made[-1]

    yield make
    for project in made:
        logging.getLogger(__name__).debug(project.logs())
        project.remove()
