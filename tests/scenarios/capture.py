"""A plain HTTP receiver that keeps the export requests of foreign programs, byte for byte."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

JSON = "application/json"


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
    """Listens on a port of its own until it is closed. Metrics are answered and not kept."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """The base of the exporters' URLs."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def keep(self, sent: Sent) -> None:
        """Keep a request, in the order of arrival."""
        self.requests.append(sent)


def _handler(capture: Capture) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kind = self.headers.get("content-type", "")
            if self.path in ("/v1/traces", "/v1/logs"):
                capture.keep(
                    Sent(self.path, body, kind, self.headers.get("content-encoding", ""), time.time())
                )
            self._answer(kind)

        def _answer(self, kind: str) -> None:
            body = b"{}" if kind.startswith(JSON) else b""
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing: what arrives is kept, not narrated."""

    return Handler
