"""Orders on their way from the shop to the invoice: the table through which the programs work together.

An order goes accepted → approved → reserved → paid → invoiced, one program an arrow.
A program that cannot move an order holds it, with the reason, until it is released or its retry is due.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from examples import clock, storage

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
create table if not exists orders (
    number text primary key,
    tenant text not null,
    segment text not null,
    business_unit text not null,
    customer text not null,
    sku text not null,
    quantity integer not null,
    cents integer not null,
    currency text not null,
    status text not null,
    status_since real not null,
    held_for text,
    held_since real,
    holds integer not null default 0,
    retry_at real
);
create index if not exists orders_by_status on orders (status);
create index if not exists orders_by_customer on orders (customer);
"""

BEFORE = {"approved": "accepted", "reserved": "approved", "paid": "reserved", "invoiced": "paid"}
REDRIVES_S = (60.0, 240.0, 960.0)
"""Waits before the programs try by themselves what a broken system refused."""
REDRIVE_LIMIT_CENTS = 300_00
"""Above this value a person looks before anything is tried again."""


@dataclass(frozen=True)
class Order:
    """One order."""

    number: str
    tenant: str
    segment: str
    business_unit: str
    customer: str
    sku: str
    quantity: int
    cents: int
    currency: str
    status: str = "accepted"

    @property
    def total(self) -> Decimal:
        """Return what the order is worth, in its currency."""
        return Decimal(self.cents) / 100

    def facts(self) -> dict[str, Any]:
        """Return what Unsnag wants to know of a unit of work."""
        return {
            "value": self.total,
            "currency": self.currency,
            "tenant": self.tenant,
            "segment": self.segment,
            "business_unit": self.business_unit,
            "customer": self.customer,
        }


def accept(order: Order) -> None:
    """Enter an order; the same order twice is one order."""
    columns = [field.name for field in fields(Order)]
    _orders().execute(
        f"insert or ignore into orders ({', '.join(columns)}, status_since)"  # noqa: S608 - our own names
        f" values ({', '.join('?' * len(columns))}, ?)",
        [*(getattr(order, column) for column in columns), clock.time()],
    )


def find(number: str) -> Order:
    """Return an order by its number."""
    row = _orders().execute("select * from orders where number = ?", [number]).fetchone()
    if row is None:
        raise LookupError(f"There is no order {number}.")
    return _order(row)


def waiting(status: str) -> list[Order]:
    """Return the orders that the next program shall work on now, oldest first."""
    rows = _orders().execute(
        "select * from orders where status = ? and (held_for is null or retry_at <= ?)"
        " order by number limit 100",
        [status, clock.time()],
    )
    return [_order(row) for row in rows]


def has_due() -> bool:
    """Say whether a program can work on an order now."""
    row = _orders().execute(
        "select 1 from orders where status <> 'invoiced' and (held_for is null or retry_at <= ?) limit 1",
        [clock.time()],
    )
    return row.fetchone() is not None


def advance(order: Order, status: str) -> None:
    """Hand an order to the next program; an order that went on already stays where it is."""
    _orders().execute(
        "update orders set status = ?, status_since = ?,"
        " held_for = null, held_since = null, holds = 0, retry_at = null"
        " where number = ? and status = ?",
        [status, clock.time(), order.number, BEFORE[status]],
    )


def hold(order: Order, reason: str, *, retry: bool = False) -> None:
    """Set an order aside; with ``retry`` the programs try again by themselves, up to three times."""
    holds = _orders().execute("select holds from orders where number = ?", [order.number]).fetchone()["holds"]
    retry = retry and holds < len(REDRIVES_S) and order.cents <= REDRIVE_LIMIT_CENTS
    retry_at = clock.time() + REDRIVES_S[holds] if retry else None
    _orders().execute(
        "update orders set holds = holds + 1, retry_at = ?,"
        " held_for = ?, held_since = coalesce(held_since, ?)"
        " where number = ? and status = ?",
        [retry_at, reason, clock.time(), order.number, order.status],
    )


def release(number: str) -> None:
    """Let the programs work on a held order again."""
    _orders().execute(
        "update orders set held_for = null, held_since = null, holds = 0 where number = ?", [number]
    )


def held(reason: str, *, since: float) -> list[Order]:
    """Return the orders that have been held for a reason since a moment or longer."""
    rows = _orders().execute(
        "select * from orders where held_for = ? and held_since <= ? order by number", [reason, since]
    )
    return [_order(row) for row in rows]


def open_cents(customer: str) -> int:
    """Return what a customer has bought on account and not yet paid."""
    row = _orders().execute(
        "select sum(cents) as owed from orders where customer = ? and status in ('approved', 'reserved')",
        [customer],
    )
    return row.fetchone()["owed"] or 0


def _orders() -> sqlite3.Connection:
    return storage.database("shop", SCHEMA)


def _order(row: sqlite3.Row) -> Order:
    return Order(**{field.name: row[field.name] for field in fields(Order)})
