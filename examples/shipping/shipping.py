"""Shipping: hands parcels to the carrier. Knows nothing of Unsnag and only writes JSON lines to a log file.

The mapping in ``examples/unsnag.toml`` says which of its fields is the correlation ID.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from examples import clock, program, storage
from examples.order_to_cash import invoice
from examples.shipping import carrier

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger("shipping")

SCHEMA = """
create table if not exists parcels (
    order_number text primary key,
    since real not null,
    tries integer not null default 0,
    handed_over_at real
);
create index if not exists parcels_by_time on parcels (since);
"""


class JsonLines(logging.Formatter):
    """One JSON object a line, in the dialect of python-json-logger."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "asctime": datetime.fromtimestamp(clock.time(), UTC).isoformat(timespec="milliseconds"),
            "levelname": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def run_once() -> None:
    """Hand every billed order to the carrier that is not on its way yet."""
    for order in to_be_shipped():
        ship(order)


def ship(order: sqlite3.Row) -> None:
    """Hand over one parcel; what the carrier refuses is tried again in the next passes."""
    fields = {
        "order_no": order["order_number"],
        "shop": order["tenant"],
        "total": f"{order['cents'] / 100:.2f}",
        "currency": order["currency"],
        "action": "hand-over",
    }
    try:
        log.info("label printed", extra={"fields": fields | {"action": "print-label"}})
        hand_over(order)
    except carrier.CarrierError:
        log.exception("carrier refused the parcel", extra={"fields": fields})
    else:
        log.info("shipment handed over", extra={"fields": fields})


def hand_over(order: sqlite3.Row) -> None:
    """Give the parcel to the carrier and count the tries."""
    number = order["order_number"]
    parcels().execute(
        "insert or ignore into parcels (order_number, since) values (?, ?)", [number, clock.time()]
    )
    parcels().execute("update parcels set tries = tries + 1 where order_number = ?", [number])
    carrier.hand_over(number, order["address"])
    parcels().execute("update parcels set handed_over_at = ? where order_number = ?", [clock.time(), number])


def to_be_shipped() -> list[sqlite3.Row]:
    """Return the invoices without a parcel on its way; after three refusals a person has to look."""
    hour_ago = clock.time() - 3600.0
    settled = parcels().execute(
        "select order_number from parcels where since > ? and (handed_over_at or tries >= 3)", [hour_ago]
    )
    numbers = {row["order_number"] for row in settled}
    rows = invoice.database().execute("select * from invoices where issued_at > ?", [hour_ago])
    return [row for row in rows if row["order_number"] not in numbers]


def parcels() -> sqlite3.Connection:
    """Return the connection to the parcels' database."""
    return storage.database("parcels", SCHEMA)


def log_to_file() -> None:
    """Send the log to the file that the collector follows."""
    handler = logging.FileHandler(storage.folder("logs") / "shipping.log", encoding="utf-8")
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def main() -> None:
    """Run as a program."""
    log_to_file()
    program.run(run_once, every_s=2.0)


if __name__ == "__main__":
    main()
