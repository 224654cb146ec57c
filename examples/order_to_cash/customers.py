"""Customers: who they are, where their invoice goes, and up to what amount they may buy on account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples import clock, storage

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
create table if not exists customers (
    ref text primary key,
    tenant text not null,
    segment text not null,
    business_unit text not null,
    email text not null unique,
    address text not null,
    vat_id text not null,
    limit_cents integer not null,
    raised_to_cents integer,
    raised_until real
);
"""


def database() -> sqlite3.Connection:
    """Return the connection to the customers' database."""
    return storage.database("customers", SCHEMA)


def add(
    ref: str,
    *,
    tenant: str,
    segment: str,
    business_unit: str,
    email: str,
    address: str,
    vat_id: str,
    limit_cents: int,
) -> None:
    """Enter a customer; one who is known stays as is."""
    database().execute(
        "insert or ignore into customers values (?, ?, ?, ?, ?, ?, ?, ?, null, null)",
        [ref, tenant, segment, business_unit, email, address, vat_id, limit_cents],
    )


def find(ref: str) -> sqlite3.Row | None:
    """Return a customer's master data."""
    row: sqlite3.Row | None = database().execute("select * from customers where ref = ?", [ref]).fetchone()
    return row


def find_by_email(email: str) -> sqlite3.Row | None:
    """Return the customer who writes from an address."""
    row: sqlite3.Row | None = (
        database().execute("select * from customers where email = ?", [email]).fetchone()
    )
    return row


def limit_cents(ref: str) -> int:
    """Return a customer's credit limit as it stands now."""
    limit: int = (
        database()
        .execute(
            "select iif(raised_until > ?, max(raised_to_cents, limit_cents), limit_cents)"
            " from customers where ref = ?",
            [clock.time(), ref],
        )
        .fetchone()[0]
    )
    return limit


def raise_limit(ref: str, *, to_cents: int, for_s: float) -> None:
    """Raise a customer's credit limit for a while."""
    database().execute(
        "update customers set raised_to_cents = ?, raised_until = ? where ref = ?",
        [to_cents, clock.time() + for_s, ref],
    )


def correct(ref: str, *, address: str, vat_id: str) -> None:
    """Correct a customer's master data."""
    database().execute("update customers set address = ?, vat_id = ? where ref = ?", [address, vat_id, ref])
