"""The plain routes over a real store, behind the real middleware, on a real port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from server import container as containers
from tests.server.team import address as served_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.container import Container


@pytest.fixture
def address(container: Container) -> str:
    assert container is containers.current()
    return served_at()


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client
