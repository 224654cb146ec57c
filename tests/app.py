"""The application without its process: the container that pages and routes ask, over a store of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from collectors.sources import Sources
from server import container as containers
from server.container import Container
from server.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def local(folder: Path, **variables: str) -> Settings:
    """Return the settings of local mode, with data and spool below a folder and these variables."""
    return load(["--data", str(folder / "store"), "--spool", str(folder / "spool")], variables)


@contextmanager
def app(settings: Settings) -> Iterator[Container]:
    """Open the application. Nothing is started: following files has tests of its own."""
    container = Container.open(settings)
    container.collectors = Sources(
        container.store, settings.collectors, settings.spools, quotas=container.quotas
    )
    containers.install(container)
    try:
        yield container
    finally:
        containers.install(None)
        container.close()
