"""The server's own parts in this process, on a port of their own: the history is made through them.

Store, collectors, REST routes with their guard, and sweeps are those that `python app.py` runs.
They live by the examples' clock, and read files when they are asked to.
"""

from __future__ import annotations

import threading
import time as real
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from cases.sweep import settle_due, sweep
from collectors import receiver
from collectors.jsonl import Follower, spool_of
from collectors.mapping import Mapping
from collectors.source import Context
from data import clock as server_clock
from examples import clock
from server import container as containers
from server.api.app import build
from server.container import Container
from server.guard import Guard
from server.identity import sender

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.store import Store
    from data.transaction import Tx
    from server.settings import Settings


class Reading(Context):
    """Runs a source until it finds nothing more, in the thread that asks."""

    def __init__(self, store: Store, source: Follower, mapping: Mapping | None = None) -> None:
        super().__init__(store, source, threading.Event(), mapping=mapping)
        self._follower = source

    def pause(self, seconds: float) -> bool:
        """Stop where a source of a running server would wait."""
        del seconds
        self.stopping.set()
        return True

    def read(self) -> None:
        """Read what is there; `finish` waits until it is stored."""
        self.stopping.clear()
        self._follower.run(self)

    def close(self) -> None:
        """Give the files back."""
        self._follower.close()


def _nothing(_tx: Tx) -> None:
    """Change nothing."""


class Center:
    """A running center; `url` answers what a server's address answers, but for the pages."""

    def __init__(self, container: Container, url: str) -> None:
        self.container = container
        self.url = url
        settings = container.settings
        self._readings = [Reading(container.store, spool_of([settings.spool]))] if settings.spool else []
        for kind, section in settings.collectors.sources():
            source = kind.make(section, settings.collectors)
            if isinstance(source, Follower):
                mapping = section.field_mapping(settings.collectors.mappings)  # type: ignore[attr-defined]
                made = Mapping.of(mapping) if mapping else None
                self._readings.append(Reading(container.store, source, made))

    def collect(self) -> None:
        """Store everything that the programs wrote, then do what time does to cases."""
        for reading in self._readings:
            reading.read()
        # The writer waits a moment for more records; an act behind them says that there are none.
        self.container.store.act(_nothing).result()
        for reading in self._readings:
            reading.finish()
        self.let_time_pass()

    def let_time_pass(self) -> None:
        """Do what the server's clock thread does once a second."""
        settle_due(self.container.store)
        sweep(self.container.as_system())

    def close(self) -> None:
        """Give the files back."""
        for reading in self._readings:
            reading.close()


@contextmanager
def running(settings: Settings) -> Iterator[Center]:
    """Open the store and serve its routes, by the examples' clock."""
    server_clock.use(clock.now)
    container = Container.open(settings)
    containers.install(container)
    routes = receiver.routes(
        lambda: container.store, lambda: settings.collectors, sender, lambda: container.mappings
    )
    server = Served(Guard(build(routes)))
    center = Center(container, server.start())
    try:
        yield center
    finally:
        server.stop()
        center.close()
        containers.install(None)
        container.close()
        server_clock.use(None)


class Served:
    """An ASGI application on a free port of this machine, in a thread."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> str:
        """Serve, and return the address."""
        self._thread.start()
        while not self._server.started:
            real.sleep(0.005)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """Stop, and wait for it."""
        self._server.should_exit = True
        self._thread.join()
