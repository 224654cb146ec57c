"""Each foreign program runs once a session; what it sent is replayed to a fresh Unsnag per test."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.capture import Capture
from tests.scenarios.records import records
from tests.scenarios.world import BIN, ROOT, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenarios.capture import Recording
    from tests.scenarios.expected import Row


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Put this checkout's client into the programs' environment, as the wheel that users install.

    It is built from a copy: a build folder in the checkout would keep files that were removed since.
    """
    assert (BIN / "python").exists(), "The scenarios' environment is missing: run `make scenarios`."
    source = tmp_path_factory.mktemp("client")
    shutil.copytree(ROOT / "unsnag", source / "unsnag", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    pip = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    how = ["--force-reinstall", "--no-deps", "--no-build-isolation", source]
    subprocess.run([*pip, *how], check=True)
    return BIN


@pytest.fixture(scope="session")
def recorded(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Row], Recording]:
    """Return what runs a row's programs, the first time that it is asked, and returns what they sent."""
    assert environment == BIN
    known: dict[str, Recording] = {}

    def record(row: Row) -> Recording:
        if row.name not in known:
            with Capture() as capture:
                world = World(
                    tmp_path_factory.mktemp("world"), capture.address, arrived(capture), capture.requests
                )
                known[row.name] = row.play(world)
            told = known[row.name]
            assert told.requests or told.files or told.spool, "the programs sent nothing"
        return known[row.name]

    return record


def arrived(capture: Capture) -> Callable[[str], int]:
    """Return what tells how many spans of a name, and log records with a text, were captured."""
    return lambda name: sum(
        one.name == name if one.is_span else name in one.name for one in records(list(capture.requests))
    )
