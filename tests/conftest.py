"""What all tests share: a real store in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.store import Store
from desk.intake import intake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_LATER = ("slow", "browser", "fault")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is quick first, whatever order chance drew: a mistake shows within a minute."""
    items.sort(key=_lateness)


def _lateness(item: pytest.Item) -> int:
    return max((place for place, name in enumerate(_LATER, 1) if item.get_closest_marker(name)), default=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a real store, with the desk's intake."""
    opened = Store.open(tmp_path / "store", intake)
    yield opened
    opened.close()
