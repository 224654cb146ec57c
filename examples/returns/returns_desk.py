"""Returns desk: takes goods back and refunds them. Speaks plain OpenTelemetry and knows nothing of Unsnag.

Traces and logs go out as OTLP over HTTP; the mapping in ``examples/unsnag.toml`` names its attributes.
"""

from __future__ import annotations

import os
import threading
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from examples import clock, program, storage
from examples.order_to_cash import invoice

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

SCHEMA = """
create table if not exists returns (
    order_number text primary key,
    status text not null,    -- closed, refused, waiting
    tries integer not null,
    next_try_at real not null
);
"""
RETURNED = 25
"""One order in so many comes back."""
TRY_AGAIN_S = 90.0

resource = Resource.create({"service.name": "returns-desk", "service.version": "3.2.0"})
traces = TracerProvider(resource=resource)
logs = LoggerProvider(resource=resource)
tracer = traces.get_tracer("returns-desk")
logger = logs.get_logger("returns-desk")


class GoodsUsedError(Exception):
    """The goods were used beyond a trial."""


class BankUnavailableError(ConnectionError):
    """The bank does not take the refund for now."""


def run_once(*, after_s: float = 45.0) -> None:
    """Work on every return that arrived, and again on those whose refund the bank refused."""
    for order in returned(clock.time() - after_s):
        take_back(order)


def take_back(order: sqlite3.Row) -> None:
    """Inspect the goods, refund the money, close the return."""
    number = order["order_number"]
    tries = tried(number)
    try:
        with span("return", order):
            with step("inspect-goods", order):
                inspect(number)
            with step("refund", order):
                refund(number, tries)
            with step("close-return", order):
                note(number, "closed", tries)
    except GoodsUsedError:
        note(number, "refused", tries)
    except BankUnavailableError:
        note(number, "waiting", tries + 1)


def inspect(number: str) -> None:
    """Look at the goods."""
    clock.sleep(0.05)
    if draw(number, "inspect") % 30 == 0:
        raise GoodsUsedError(f"Goods of {number} were used beyond a trial, the refund needs a decision")


def refund(number: str, tries: int) -> None:
    """Ask the bank to pay the money back."""
    clock.sleep(0.15)
    trouble = draw(number, "refund") % 25
    if trouble == 0 or (trouble == 1 and tries == 0):
        raise BankUnavailableError("The bank's refund service refused the connection")


def draw(number: str, what: str) -> int:
    """Return a number that is always the same for an order."""
    return zlib.crc32(f"{number} {what}".encode())


@contextmanager
def step(name: str, order: sqlite3.Row) -> Iterator[None]:
    """Record a step's span, and a log record in it when it fails."""
    with span(name, order):
        try:
            yield
        except Exception as error:
            tell(name, order, error)
            raise


@contextmanager
def span(name: str, order: sqlite3.Row) -> Iterator[None]:
    """Record a span by the examples' clock, which may be shifted."""
    current = tracer.start_span(name, start_time=clock.time_ns(), attributes=attributes(order))
    try:
        with trace.use_span(current, record_exception=False, set_status_on_exception=False):
            yield
    except Exception as error:
        # Without the module: run as a program it would be __main__, and one cause would look like two.
        event_fields = {"exception.type": type(error).__name__}
        current.record_exception(error, event_fields, timestamp=clock.time_ns())
        current.set_status(trace.StatusCode.ERROR, str(error))
        raise
    finally:
        current.end(clock.time_ns())


def attributes(order: sqlite3.Row) -> dict[str, str]:
    """Return this desk's own names for what a return is about."""
    return {
        "order.id": order["order_number"],
        "order.total": f"{order['cents'] / 100:.2f}",
        "order.currency": order["currency"],
        "shop.id": order["tenant"],
    }


def tell(name: str, order: sqlite3.Row, error: Exception) -> None:
    """Write a log record of a failed step."""
    logger.emit(
        LogRecord(
            timestamp=clock.time_ns(),
            context=get_current(),
            severity_number=SeverityNumber.ERROR,
            severity_text="ERROR",
            body=f"{name} failed: {error}",
            attributes=attributes(order)
            | {
                "return.step": name,
                "exception.type": type(error).__name__,
                "exception.message": str(error),
            },
        )
    )


def returned(before: float) -> list[sqlite3.Row]:
    """Return the orders that customers sent back and nobody has finished."""
    settled = desk().execute(
        "select order_number from returns where status <> 'waiting' or tries >= 3 or next_try_at > ?",
        [clock.time()],
    )
    numbers = {row["order_number"] for row in settled}
    rows = invoice.database().execute(
        "select * from invoices where issued_at between ? and ?", [before - 4 * 3600.0, before]
    )
    return [row for row in rows if comes_back(row["order_number"]) and row["order_number"] not in numbers]


def comes_back(number: str) -> bool:
    """Say whether the customer sends the goods back."""
    return draw(number, "return") % RETURNED == 0


def tried(number: str) -> int:
    """Return how often the bank refused a refund already."""
    row = desk().execute("select tries from returns where order_number = ?", [number]).fetchone()
    return row["tries"] if row else 0


def note(number: str, status: str, tries: int) -> None:
    """Remember how far a return is."""
    desk().execute(
        "insert or replace into returns values (?, ?, ?, ?)",
        [number, status, tries, clock.time() + TRY_AGAIN_S],
    )


def desk() -> sqlite3.Connection:
    """Return the connection to the desk's database."""
    return storage.database("returns", SCHEMA)


def export(endpoint: str) -> None:
    """Send traces and logs to an OTLP/HTTP receiver."""
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{endpoint}/v1/logs")))


def flush() -> None:
    """Send what waits, now: traces and logs at once."""
    sending = threading.Thread(target=logs.force_flush)
    sending.start()
    traces.force_flush()
    sending.join()


def shutdown() -> None:
    """Send what is left."""
    traces.shutdown()
    logs.shutdown()


def main() -> None:
    """Run as a program."""
    export(os.environ.get("EXAMPLES_OTLP", "http://127.0.0.1:8501"))
    program.run(run_once, every_s=5.0)
    shutdown()


if __name__ == "__main__":
    main()
