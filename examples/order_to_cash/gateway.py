"""The payment gateway: a small HTTP service of somebody else's, with bad days on a timetable.

``POST /captures`` with an ``Idempotency-Key`` books an amount once; the same key gets the first answer again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

from examples import clock, storage

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
create table if not exists captures (
    id integer primary key,
    key text not null unique,
    order_number text not null,
    amount text not null,
    currency text not null,
    captured_at real not null
);
"""


@dataclass(frozen=True)
class Phase:
    """A time of trouble: from and to in seconds of the period, and the share of requests that feel it."""

    kind: str  # slow, down, limited
    start: float
    end: float
    share: float = 1.0


@dataclass(frozen=True)
class Timetable:
    """When the gateway has trouble, again and again."""

    period_s: float
    phases: tuple[Phase, ...]
    origin: float = 0.0

    def trouble(self, now: float) -> str | None:
        """Return what a request meets at a moment; None is a good answer."""
        second = (now - self.origin) % self.period_s
        for phase in self.phases:
            if phase.start <= second < phase.end and random.random() < phase.share:
                return phase.kind
        return None


HOUR_S = 3600.0
LIVE = Timetable(6 * HOUR_S, (Phase("down", 0, 240), Phase("limited", 240, 300, share=0.7)))
"""Five minutes of trouble in every six hours, from the start on: it is down when the demonstration begins."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and how long the gateway takes for it."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = field(default_factory=lambda: random.uniform(0.03, 0.25))


def answer(timetable: Timetable, key: str, capture: dict[str, str]) -> Answer:
    """Book a capture, or have trouble."""
    match timetable.trouble(clock.time()):
        case "down":
            return Answer(503, {"error": "service unavailable"})
        case "limited":
            return Answer(429, {"error": "too many requests"}, {"Retry-After": "1"})
        case "slow":
            # The money is booked although nobody waits for the answer: why the key matters.
            return Answer(201, {"capture": book(key, capture)}, delay_s=4.0)
        case _:
            return Answer(201, {"capture": book(key, capture)})


def book(key: str, capture: dict[str, str]) -> int:
    """Write a capture into the ledger; a key that is there already keeps its first capture."""
    _ledger().execute(
        "insert or ignore into captures (key, order_number, amount, currency, captured_at)"
        " values (?, ?, ?, ?, ?)",
        [key, capture["order"], capture["amount"], capture["currency"], clock.time()],
    )
    return int(_ledger().execute("select id from captures where key = ?", [key]).fetchone()["id"])


def captures(number: str) -> int:
    """Return how often an order's money was captured."""
    rows = _ledger().execute("select count(*) from captures where order_number = ?", [number])
    return int(rows.fetchone()[0])


def _ledger() -> sqlite3.Connection:
    return storage.database("gateway", SCHEMA)


class Handler(BaseHTTPRequestHandler):
    """The HTTP side."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer; two cost 40 ms of waiting for an acknowledgement
    timetable: ClassVar[Timetable] = LIVE

    def do_POST(self) -> None:
        """Take one capture."""
        capture = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        result = answer(self.timetable, self.headers["Idempotency-Key"], capture)
        clock.sleep(result.delay_s)
        body = json.dumps(result.body).encode()
        self.send_response(result.status)
        for name, value in {**result.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet: the ledger is the log."""


class Server(ThreadingHTTPServer):
    """A server that shrugs when a client did not wait for the answer."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors other than a client who left."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve(port: int, timetable: Timetable) -> Server:
    """Return the gateway's server; the caller runs it."""
    handler = type("TimedHandler", (Handler,), {"timetable": timetable})
    return Server(("127.0.0.1", port), handler)


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8510)
    port = parser.parse_args().port
    serve(port, replace(LIVE, origin=clock.time())).serve_forever()


if __name__ == "__main__":
    main()
