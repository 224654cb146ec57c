"""A plain HTTP receiver that keeps the export requests of foreign programs, byte for byte."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from tests.hosted import Hosted

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
        self._hosted = Hosted(app)

    def __enter__(self) -> Self:
        self._hosted.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._hosted.stop()

    @property
    def address(self) -> str:
        """The base of the exporters' URLs."""
        return self._hosted.address

    async def _receive(self, request: Request) -> Response:
        kind, encoding = (request.headers.get(name, "") for name in ("content-type", "content-encoding"))
        body = await request.body()
        if request.url.path in SIGNALS:
            self.requests.append(Sent(request.url.path, body, kind, encoding, time.time()))
        return Response(b"{}" if kind.startswith(JSON) else b"", media_type=kind)
