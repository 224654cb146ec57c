"""Each foreign program runs once a session; what it sent is replayed to a fresh Unsnag per test."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.capture import Capture
from tests.scenarios.records import records
from tests.scenarios.world import AIRFLOW, BIN, ROOT, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenarios.capture import Recording
    from tests.scenarios.expected import Row


@pytest.fixture(scope="session")
def wheel_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what the client's wheel is built from.

    A build folder in the checkout would keep files that were removed since.
    """
    source = tmp_path_factory.mktemp("client")
    shutil.copytree(ROOT / "unsnag", source / "unsnag", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    return source


@pytest.fixture(scope="session")
def environment(wheel_source: Path) -> Path:
    """Put this checkout's client into the programs' environment, as the wheel that users install."""
    return _with_client(BIN, wheel_source)


@pytest.fixture(scope="session")
def airflow_environment(wheel_source: Path) -> Path:
    """Put it into Airflow's environment too."""
    return _with_client(AIRFLOW, wheel_source)


def _with_client(place: Path, source: Path) -> Path:
    assert (place / "python").exists(), f"{place} is missing: run `make scenarios`."
    pip = [place / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    how = ["--force-reinstall", "--no-deps", "--no-build-isolation", source]
    subprocess.run([*pip, *how], check=True)
    return place


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
