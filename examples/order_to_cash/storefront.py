"""The storefront: customers who order, and the CSV files that the shop drops for the automation.

About one row in 160 is broken, as files from shops are; one order in 250 comes from a company or person
whose master data was typed in wrongly.
"""

from __future__ import annotations

import csv
import math
import random
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

CUSTOMERS = 400
BROKEN_ROW = 1 / 160
NEW_CUSTOMER_WITH_TYPO = 1 / 250
SCARCE_GOODS = 1 / 15


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


def order() -> dict[str, str]:
    """Return one row, now and then a broken one."""
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
    counter = storage.database("storefront", "create table if not exists orders (id integer primary key)")
    return 1000 + int(counter.execute("insert into orders default values").lastrowid or 0)


def pick(weights: dict[str, int]) -> str:
    """Return one of the keys, by weight."""
    return chance.choices(list(weights), list(weights.values()))[0]


def main() -> None:
    """Run as a program: about one order every two seconds."""
    open_shop()
    program.run(lambda: place_orders(chance.choice((1, 2, 3))), every_s=4.0)


if __name__ == "__main__":
    main()
