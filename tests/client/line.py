"""The line between a worker and the server: it notes what passes, and can lose an answer on its way back."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 16


@dataclass
class Passed:
    """One request, and the status that the server gave it."""

    path: str
    headers: dict[str, str]
    body: Any
    status: int = 0


@dataclass
class Line:
    """Forwards each connection to the server as it is."""

    server: str
    url: str = ""
    passed: list[Passed] = field(default_factory=list)
    lose: list[str] = field(default_factory=list)
    """Verbs whose next answers get lost: the server has acted, and the worker does not learn it."""

    def reports(self, verb: str) -> list[Passed]:
        return [each for each in self.passed if each.path.endswith("/" + verb)]

    def forward(self, client: socket.socket) -> None:
        sent = _whole(client)
        if sent is None:
            return
        request = _request(sent)
        port = urlsplit(self.server).port
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(sent)
            answer = b"".join(iter(lambda: server.recv(_CHUNK), b""))
        request.status = int(answer.split(b" ", 2)[1])
        self.passed.append(request)
        verb = request.path.rpartition("/")[2]
        if verb in self.lose:
            self.lose.remove(verb)
        else:
            client.sendall(answer)


def _whole(client: socket.socket) -> bytes | None:
    """Return a request, or None when the client left before it had sent all of it."""
    sent = b""
    while not _is_whole(sent):
        received = client.recv(_CHUNK)
        if not received:
            return None
        sent += received
    return sent


def _is_whole(sent: bytes) -> bool:
    _, end, body = sent.partition(b"\r\n\r\n")
    return bool(end) and len(body) >= int(_request(sent).headers["content-length"])


def _request(sent: bytes) -> Passed:
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (each.partition(":") for each in lines)}
    is_whole = len(body) == int(headers["content-length"])
    return Passed(first.split(" ")[1], headers, json.loads(body) if is_whole else None)


@contextmanager
def line(server: str) -> Iterator[Line]:
    opened = Line(server)

    class Forwarder(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            opened.forward(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forwarder) as forwarder:
        threading.Thread(target=forwarder.serve_forever, daemon=True).start()
        opened.url = f"http://127.0.0.1:{forwarder.server_address[1]}"
        yield opened
        forwarder.shutdown()
