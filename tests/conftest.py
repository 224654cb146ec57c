"""What all tests share: a real store in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from access import passwords
from cases.intake import intake
from data.store import FILE_NAME, Store
from tests.app import app, local
from tests.journeys.browsing import browser

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser

    from server.container import Container

# Machines that run tests are busy at times: how long an example takes says nothing here.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_LATER = ("slow", "browser", "fault", "integration")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is quick first, whatever order chance drew: a mistake shows within a minute."""
    items.sort(key=_lateness)


def _lateness(item: pytest.Item) -> int:
    return max((place for place, name in enumerate(_LATER, 1) if item.get_closest_marker(name)), default=0)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Let what a test logged reach the process that prints it, lone surrogates too, which have no UTF-8."""
    return cast("dict[str, Any] | None", _encodable((yield)))


def _encodable(value: object) -> object:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {name: _encodable(inner) for name, inner in value.items()}
        case list() | tuple():
            return type(value)(map(_encodable, value))
        case _:
            return value


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    """Start Debian's chromium for the tests of a module."""
    with browser() as running:
        yield running


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

    def from_copy(cls: type[Store], folder: Path | str, *rest: Any, **more: Any) -> Store:
        path = Path(folder) / FILE_NAME
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made / FILE_NAME, path)
        return opened(cls, folder, *rest, **more)  # type: ignore[no-any-return]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "open", classmethod(from_copy))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_company() -> Iterator[None]:
    """Commit each batch at once: a test that appends one would wait 50 ms each time for others to join it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data.writer.LINGER_S", 0.0)
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a real store, with the intake of cases."""
    opened = Store.open(tmp_path / "store", intake)
    yield opened
    opened.close()


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    """Open the application of local mode, for pages and routes."""
    with app(local(tmp_path)) as opened:
        yield opened
