"""The storefront: customers who order, and the CSV files that the shop drops for the automation.

About one row in 60 is broken, as files from shops are; one order in 90 comes from a company or person
whose master data was typed in wrongly.
"""

from __future__ import annotations

import csv
import math
import os
import random
import sys
from typing import TYPE_CHECKING

from examples import clock, program, storage
from examples.order_to_cash import customers, inbox, stock

if TYPE_CHECKING:
    import sqlite3

chance = random.Random()

TENANTS = {"acme": 5, "globex": 3, "initech": 2}
BUSINESS_UNITS = {
    "acme": ("home", "garden"),
    "globex": ("kitchen", "office"),
    "initech": ("office", "spare-parts"),
}
CURRENCIES = {"EUR": 92, "CHF": 4, "GBP": 2, "USD": 2}
MEDIAN_VALUE = {"retail": 75, "wholesale": 420}
SPREAD = {"retail": 0.75, "wholesale": 0.8}
LIMIT_CENTS = {"retail": 900_00, "wholesale": 2_000_00}
SKUS = [f"SKU-{n}" for n in range(100, 140)]
SCARCE = ["SKU-900", "SKU-901"]
"""Goods that are ordered from the maker only when they have run out."""

PEAK_ORDERS_AN_HOUR = 4.0
PASS_S = 5.0
QUIET = 0.1
"""What of the peak is left at night."""
WEEKEND = 0.6
PARTNER_ORDERS = 8
"""Orders in the file that a partner sends once a day, half an hour before the busy hour."""
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S

CUSTOMERS = 400
BROKEN_ROW = 1 / 60
NEW_CUSTOMER_WITH_TYPO = 1 / 90
SCARCE_GOODS = 1 / 10


def open_shop() -> None:
    """Enter the customers and fill the shelves, once."""
    known = customers.database().execute("select count(*) from customers").fetchone()[0]
    for _ in range(known, CUSTOMERS):
        register()
    for sku in SKUS + SCARCE:
        if not stock.on_hand(sku):
            stock.deliver(sku, 30 if sku in SCARCE else 1_000_000)


def register(*, typo: bool = False) -> str:
    """Enter a new customer and return the reference."""
    number = 5000 + customers.database().execute("select count(*) from customers").fetchone()[0]
    tenant = pick(TENANTS)
    segment = "wholesale" if chance.random() < 0.3 else "retail"
    address, vat_id = f"Ringstraße {number % 90 + 1}, 20095 Hamburg", f"DE{number:09d}"
    if typo:
        address, vat_id = (address, "DE12345") if segment == "wholesale" else ("", "")
    customers.add(
        f"C-{number}",
        tenant=tenant,
        segment=segment,
        business_unit=chance.choice(BUSINESS_UNITS[tenant]),
        email=f"customer{number}@mail.example",
        address=address,
        vat_id=vat_id,
        limit_cents=LIMIT_CENTS[segment],
    )
    return f"C-{number}"


def orders_an_hour(moment: float) -> float:
    """Return how many orders an hour come in: most around the busy hour, few at night, fewer at week-ends.

    ``EXAMPLES_BUSY_HOUR`` is in UTC. The demonstration names the hour in which it was started.
    """
    from_busy = (moment % DAY_S / HOUR_S - busy_hour()) / 24
    share = QUIET + (1 - QUIET) * max(0.0, math.cos(2 * math.pi * from_busy)) ** 1.5
    is_weekend = int(moment // DAY_S + 4) % 7 in (0, 6)  # 1970 began on a Thursday
    return PEAK_ORDERS_AN_HOUR * share * (WEEKEND if is_weekend else 1.0)


def customers_order(moment: float, for_s: float, rate: float = 1.0) -> None:
    """Let come in what customers order in some seconds; ``rate`` is 1 where business is as usual."""
    expected = orders_an_hour(moment) * rate * for_s / HOUR_S
    parts = 16  # as good as a Poisson draw where fewer than one order comes in a part
    count = sum(chance.random() < expected / parts for _ in range(parts))
    if count:
        place_orders(count)
    partner_at = (busy_hour() - 0.5) * HOUR_S
    if (moment - partner_at) // DAY_S != (moment + for_s - partner_at) // DAY_S:
        write_file([order("wholesale") for _ in range(PARTNER_ORDERS)])


def busy_hour() -> float:
    """Return the hour of the day, in UTC, in which most customers order."""
    return float(os.environ.get("EXAMPLES_BUSY_HOUR", "11"))


def place_orders(count: int) -> None:
    """Let as many orders come in at once."""
    write_file([order() for _ in range(count)])


def write_file(rows: list[dict[str, str]]) -> None:
    """Drop one CSV file."""
    path = storage.folder("inbox") / f"orders-{rows[0]['order']}.csv"
    with path.with_suffix(".part").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, inbox.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    path.with_suffix(".part").rename(path)  # a reader never sees half a file


def order(segment: str | None = None) -> dict[str, str]:
    """Return one row, of anybody or of a customer of a segment; now and then a broken one."""
    customer = somebody()
    while segment and customer["segment"] != segment:
        customer = somebody()
    segment = customer["segment"]
    value = math.exp(chance.gauss(math.log(MEDIAN_VALUE[segment]), SPREAD[segment]))
    row = {
        "order": f"SO-{next_number()}",
        "placed_at": clock.now().isoformat(timespec="seconds"),
        "tenant": customer["tenant"],
        "segment": segment,
        "business_unit": customer["business_unit"],
        "customer": customer["ref"],
        "email": customer["email"],
        "sku": chance.choice(SCARCE if chance.random() < SCARCE_GOODS else SKUS),
        "quantity": str(chance.choice((1, 1, 1, 2, 3))),
        "total": f"{min(max(value, 15), 4000):.2f}",
        "currency": pick(CURRENCIES),
    }
    return break_row(row) if chance.random() < BROKEN_ROW else row


def break_row(row: dict[str, str]) -> dict[str, str]:
    """Do to a row what happens to rows."""
    return row | chance.choice(
        (
            {"total": row["total"].replace(".", ",")},
            {"customer": ""},
            {"currency": "EURO", "total": row["total"]},
        )
    )


def somebody() -> sqlite3.Row:
    """Return the customer who orders."""
    if chance.random() < NEW_CUSTOMER_WITH_TYPO:
        ref = register(typo=True)
    else:
        ref = f"C-{5000 + chance.randrange(CUSTOMERS)}"
    customer = customers.find(ref)
    assert customer is not None, "open_shop() comes first"  # noqa: S101
    return customer


def next_number() -> int:
    """Return the next order's number."""
    return 1000 + int(counter().execute("insert into orders default values").lastrowid or 0)


def count() -> int:
    """Return how many orders came in."""
    return int(counter().execute("select count(*) from orders").fetchone()[0])


def counter() -> sqlite3.Connection:
    """Return the connection to the orders' numbers."""
    return storage.database("storefront", "create table if not exists orders (id integer primary key)")


def pick(weights: dict[str, int]) -> str:
    """Return one of the keys, by weight."""
    return chance.choices(list(weights), list(weights.values()))[0]


class Customers:
    """Everybody who orders while the program runs."""

    def __init__(self) -> None:
        self._since = clock.time()

    def order(self) -> None:
        """Let come in what was ordered since the last pass."""
        now = clock.time()
        customers_order(self._since, now - self._since)
        self._since = now


def main() -> None:
    """Run as a program; with ``--once`` one order comes in."""
    open_shop()
    if "--once" in sys.argv:
        place_orders(1)
    else:
        program.run(Customers().order, every_s=PASS_S)


if __name__ == "__main__":
    main()
