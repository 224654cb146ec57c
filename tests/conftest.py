"""What all tests share: a real store in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from access import passwords
from data.store import FILE_NAME, Store
from desk.intake import intake

if TYPE_CHECKING:
    from collections.abc import Iterator


_LATER = ("slow", "browser", "fault", "integration")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is quick first, whatever order chance drew: a mistake shows within a minute."""
    items.sort(key=_lateness)


def _lateness(item: pytest.Item) -> int:
    return max((place for place, name in enumerate(_LATER, 1) if item.get_closest_marker(name)), default=0)


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> None:
    """Hash passwords at little cost: what argon2id costs by default is 60 ms of each of a thousand tries."""
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # type: ignore[misc]


@pytest.fixture(autouse=True, scope="session")
def _one_empty_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the schema once: a new store is a copy of the first, which saves a third of most tests' time.

    The copy is opened as any store is; that every migration is there is checked each time.
    """
    made = tmp_path_factory.mktemp("empty")
    Store.open(made).close()
    opened = Store.open.__func__  # type: ignore[attr-defined]

    def from_copy(cls: type[Store], folder: Path | str, *rest: Any) -> Store:
        path = Path(folder) / FILE_NAME
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made / FILE_NAME, path)
        return opened(cls, folder, *rest)  # type: ignore[no-any-return]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "open", classmethod(from_copy))
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a real store, with the desk's intake."""
    opened = Store.open(tmp_path / "store", intake)
    yield opened
    opened.close()
