"""A store whose units, exceptions and acts are written down by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.store import Store
from tests.kpis.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def tables(store: Store) -> Tables:
    return Tables(store)
