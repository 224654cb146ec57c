"""A plain HTTP receiver that keeps the export requests of foreign programs, byte for byte."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

JSON = "application/json"
SIGNALS = ("/v1/traces", "/v1/logs")


@dataclass(frozen=True)
class Sent:
    """One export request as its exporter sent it."""

    path: str
    """`/v1/traces` or `/v1/logs`."""
    body: bytes
    content_type: str
    content_encoding: str
    at: float
    """Seconds since the epoch at which it arrived."""

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that say how to read the body."""
        encoded = {"content-encoding": self.content_encoding} if self.content_encoding else {}
        return {"content-type": self.content_type, **encoded}


@dataclass
class Recording:
    """What one scenario's programs left behind: export requests and log files."""

    requests: list[Sent] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    """Files that a collector follows by a source of the config."""
    spool: list[Path] = field(default_factory=list)
    """Files that our client left in its spool folder."""


class Capture:
    """Listens on a port of its own while its block runs. Metrics are answered and not kept."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        app = Starlette(routes=[Route("/v1/{signal}", self._receive, methods=["POST"])])
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the capture did not start"
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def address(self) -> str:
        """The base of the exporters' URLs."""
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    async def _receive(self, request: Request) -> Response:
        kind, encoding = (request.headers.get(name, "") for name in ("content-type", "content-encoding"))
        body = await request.body()
        if request.url.path in SIGNALS:
            self.requests.append(Sent(request.url.path, body, kind, encoding, time.time()))
        return Response(b"{}" if kind.startswith(JSON) else b"", media_type=kind)
