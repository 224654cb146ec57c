"""Stock: reserves the goods of an order."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

import unsnag
from examples import program, storage
from examples.order_to_cash import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger("stock")

SCHEMA = """
create table if not exists stock (
    sku text primary key,
    on_hand integer not null
);
create table if not exists reservations (
    order_number text primary key,
    sku text not null,
    quantity integer not null
);
"""


def run_once() -> None:
    """Reserve the goods of every approved order."""
    for order in shop.waiting("approved"):
        try:
            with unsnag.unit(order.number, completes=False, **order.facts()):
                fulfil(order)
        except unsnag.BusinessError as error:
            shop.hold(order, error.code)
        except unsnag.InfrastructureError as error:
            shop.hold(order, error.code, retry=True)


def fulfil(order: shop.Order) -> None:
    """Reserve an order's goods and hand it on."""
    reserve_stock(order)
    shop.advance(order, "reserved")


@unsnag.step("reserve-stock", dependency="stock-database", idempotent=True)
def reserve_stock(order: shop.Order) -> None:
    """Reserve the goods once, whatever the number of tries."""
    with transaction() as stock:
        if stock.execute("select 1 from reservations where order_number = ?", [order.number]).fetchone():
            return
        on_hand = stock.execute("select on_hand from stock where sku = ?", [order.sku]).fetchone()["on_hand"]
        if on_hand < order.quantity:
            raise unsnag.BusinessError(
                f"Stock short: {order.quantity} of {order.sku} ordered, {on_hand} on hand",
                code="stock.short",
                order=order.number,
                sku=order.sku,
                requested=order.quantity,
                on_hand=on_hand,
            )
        stock.execute("update stock set on_hand = on_hand - ? where sku = ?", [order.quantity, order.sku])
        stock.execute("insert into reservations values (?, ?, ?)", [order.number, order.sku, order.quantity])
    log.info("stock.reserved", order=order.number, sku=order.sku, quantity=order.quantity)


def on_hand(sku: str) -> int:
    """Return how many pieces are there to be reserved."""
    row = database().execute("select on_hand from stock where sku = ?", [sku]).fetchone()
    return row["on_hand"] if row else 0


def deliver(sku: str, quantity: int) -> None:
    """Book a delivery."""
    database().execute(
        "insert into stock values (?, ?) on conflict do update set on_hand = on_hand + excluded.on_hand",
        [sku, quantity],
    )


def database() -> sqlite3.Connection:
    """Return the connection to the stock database."""
    return storage.database("stock", SCHEMA)


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Change stock and reservations together; a database that stays locked is a fault of the system."""
    connection = database()
    try:
        connection.execute("begin immediate")
    except sqlite3.OperationalError as error:
        raise unsnag.InfrastructureError(
            "The stock database is locked by another program", code="stock.locked"
        ) from error
    try:
        yield connection
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def main() -> None:
    """Run as a program."""
    unsnag.init(flow="order-to-cash", service="stock")
    program.run(run_once)


if __name__ == "__main__":
    main()
