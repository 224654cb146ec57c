"""Plain connections to a real server, for requests that no library would send."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.journeys.serving import Server


@contextlib.contextmanager
def opened(server: Server, sent: bytes = b"") -> Iterator[socket.socket]:
    """Open a plain connection and send something."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(sent)
        yield raw


def until_closed(raw: socket.socket) -> tuple[bytes, float]:
    """Read until the server closes; return what came, and after how many seconds it did."""
    since, parts = time.monotonic(), []
    with contextlib.suppress(ConnectionResetError):
        while part := raw.recv(65_536):
            parts.append(part)
    return b"".join(parts), time.monotonic() - since


def dribbled(raw: socket.socket, sent: bytes) -> float:
    """Send ten bytes a second until the server closes; return after how many seconds it did."""
    since = time.monotonic()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for byte in sent:
            raw.sendall(bytes([byte]))
            time.sleep(0.1)  # the pace of the sender that is tested
    return time.monotonic() - since


def answered(raw: socket.socket) -> bytes:
    """Read the head and the body of one small answer."""
    got = b""
    while b"\r\n\r\n" not in got or not got.endswith(b"}"):
        part = raw.recv(65_536)
        assert part, got
        got += part
    return got
