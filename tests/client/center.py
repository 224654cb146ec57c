"""A small exception center: a real HTTP server that speaks the worker's protocol and remembers."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class SmallCenter:
    """Hands out retries and keeps what workers report."""

    def __init__(self, *retries: dict[str, Any], lease_s: float = 30.0) -> None:
        self.waiting = list(retries)
        self.lease_s = lease_s
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.refuse: dict[str, list[int]] = {}
        self.lost: set[str] = set()
        self.url = ""

    def heard(self, act: str) -> list[dict[str, Any]]:
        return [body for path, body, _ in self.requests if path.endswith("/" + act)]

    def keys(self, act: str) -> list[str]:
        return [headers["Idempotency-Key"] for path, _, headers in self.requests if path.endswith("/" + act)]

    def answer(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((path, body, headers))
        act = path.rpartition("/")[2]
        if self.refuse.get(act):
            return self.refuse[act].pop(0), {"title": "not now"}
        if act != "lease":
            return (410 if path.split("/")[-2] in self.lost else 200), {}
        if not self.waiting:
            return 204, None
        until = datetime.now(UTC) + timedelta(seconds=self.lease_s)
        return 200, {**self.waiting.pop(0), "lease_until": until.isoformat(), "lease_token": "t-1"}


@contextmanager
def serving(center: SmallCenter) -> Iterator[SmallCenter]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = center.answer(self.path, body, dict(self.headers))
            data = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    center.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield center
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
