"""The plain routes over a real store, behind the real middleware, on a real port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from collectors.sources import Sources
from server import center as centers
from server.center import Center
from server.settings import load
from tests.server.team import address as served_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    opened = Center.open(load(["--data", str(tmp_path / "store"), "--spool", str(tmp_path / "spool")], {}))
    # Nothing is started: following files has tests of its own.
    opened.collecting = Sources(opened.store, opened.settings.collectors, opened.settings.spool)
    centers.install(opened)
    yield opened
    centers.install(None)
    opened.close()


@pytest.fixture
def address(center: Center) -> str:
    assert center is centers.current()
    return served_at()


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address) as client:
        yield client
