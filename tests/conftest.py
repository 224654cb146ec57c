"""What all tests share: a real store in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.store import Store
from desk.intake import intake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a real store, with the desk's intake."""
    opened = Store.open(tmp_path / "store", intake)
    yield opened
    opened.close()
