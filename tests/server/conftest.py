"""The plain routes over a real store, behind the real middleware, on a real port."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from collectors import otlp
from server import center as centers
from server.api.app import build
from server.center import Center
from server.guard import Guard
from server.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    opened = Center.open(load(["--data", str(tmp_path / "store"), "--spool", str(tmp_path / "spool")], {}))
    # Nothing is followed here: sources have tests of their own.
    opened.collecting = SimpleNamespace(sources=list)  # type: ignore[assignment]
    centers.install(opened)
    yield opened
    centers.install(None)
    opened.close()


@pytest.fixture
def address(center: Center) -> Iterator[str]:
    app = Guard(build(otlp.routes(lambda: center.store, lambda: center.settings.collectors)))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address) as client:
        yield client
