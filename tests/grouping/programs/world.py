"""What one run of a program works on: identifiers of every form, and servers that answer on this machine."""

from __future__ import annotations

import random
import socket
import string
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LETTERS = string.ascii_letters + string.digits
PEOPLE = ("Müller", "O'Brien", "Nguyen", "Garcia Lopez", "Smith", "Yılmaz", "Kowalska", "Rossi")


@dataclass(frozen=True)
class Order:
    """The order that a run works on; no two runs have the same."""

    n: int
    number: str
    uid: str
    token: str
    sku: str
    sha: str
    email: str
    person: str
    amount: str
    file: str


def order(n: int, seed: str) -> Order:
    """Return the order of run `n`."""
    dice = random.Random(f"{seed}{n}")
    number = dice.choice(("SO-{}", "INV{}", "{}", "ord_{}", "2026/{}")).format(dice.randrange(1000, 99999))
    return Order(
        n=n,
        number=number,
        uid=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        token="".join(dice.choices(LETTERS, k=dice.choice((8, 11, 22)))),
        sku=f"{dice.choice(('SHOE', 'HAT', 'BAG'))}-{dice.choice(('RED', 'BLU'))}-{dice.randrange(36, 48)}",
        sha=f"{dice.getrandbits(28):07x}",
        email=f"{dice.choice(('ann', 'bob', 'k.li'))}{dice.randrange(99)}@example.com",
        person=dice.choice(PEOPLE),
        amount=f"{dice.randrange(1, 9999)}.{dice.randrange(100):02d}",
        file=f"/srv/inbox/2026-{dice.randrange(1, 13):02d}/{dice.getrandbits(32):08x}.csv",
    )


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway:
    """An HTTP server that answers `/STATUS/...` with that status."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status = int(self.path.split("/")[1])
                self.send_response(status)
                body = b'{"order": "' + self.path.encode() + b'", "state": "open"'
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://localhost:{self._server.server_address[1]}"


CAUSES: dict[str, Callable[[Order], object]] = {}


def cause(run: Callable[[Order], object]) -> Callable[[Order], object]:
    """Note a program: whatever it raises has one cause, which is named like it."""
    CAUSES[f"{run.__module__}.{run.__name__}"] = run
    return run
