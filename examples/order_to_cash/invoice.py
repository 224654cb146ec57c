"""Invoice: writes the invoice, the last step of an order. Leaving the block is the order's success signal."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import unsnag
from examples import clock, program, storage
from examples.order_to_cash import customers, shop

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger("invoice")

VAT_ID = re.compile(r"(DE\d{9}|ATU\d{8}|FR\w{2}\d{9}|NL\d{9}B\d{2})")
SCHEMA = """
create table if not exists invoices (
    id integer primary key,
    order_number text not null unique,
    customer text not null,
    tenant text not null,
    cents integer not null,
    currency text not null,
    address text not null,
    issued_at real not null
);
create index if not exists invoices_by_time on invoices (issued_at);
"""


def run_once() -> None:
    """Write the invoice of every paid order."""
    for order in shop.waiting("paid"):
        try:
            with unsnag.unit(order.number, **order.facts()):
                bill(order)
        except unsnag.DataError as error:
            shop.hold(order, error.code)


def bill(order: shop.Order) -> None:
    """Write an order's invoice; the order is done."""
    issue_invoice(order)
    shop.advance(order, "invoiced")


@unsnag.step("issue-invoice", idempotent=True)
def issue_invoice(order: shop.Order) -> None:
    """Write the invoice once; tax law wants an address, and a VAT ID from companies."""
    customer = customers.find(order.customer)
    assert customer is not None, f"{order.number} was accepted for an unknown customer"  # noqa: S101
    check_address(order, customer)
    check_vat_id(order, customer)
    database().execute(
        "insert or ignore into invoices (order_number, customer, tenant, cents, currency, address, issued_at)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        [
            order.number,
            order.customer,
            order.tenant,
            order.cents,
            order.currency,
            customer["address"],
            clock.time(),
        ],
    )
    log.info("invoice for %s written", order.number)


def check_address(order: shop.Order, customer: sqlite3.Row) -> None:
    """Refuse to write an invoice that cannot be sent."""
    if not customer["address"]:
        raise unsnag.DataError(
            f"Customer {order.customer} has no billing address",
            code="customer.address-missing",
            order=order.number,
            customer=order.customer,
        )


def check_vat_id(order: shop.Order, customer: sqlite3.Row) -> None:
    """Refuse to bill a company whose VAT ID cannot be right."""
    if order.segment == "wholesale" and not VAT_ID.fullmatch(customer["vat_id"]):
        raise unsnag.DataError(
            f"VAT ID {customer['vat_id']!r} of customer {order.customer} is not valid",
            code="customer.vat-id-invalid",
            order=order.number,
            customer=order.customer,
            vat_id=customer["vat_id"],
        )


def database() -> sqlite3.Connection:
    """Return the connection to the invoices' database."""
    return storage.database("invoices", SCHEMA)


def main() -> None:
    """Run as a program."""
    logging.basicConfig(level=logging.INFO)
    unsnag.init(flow="order-to-cash", service="invoice")
    program.run(run_once)


if __name__ == "__main__":
    main()
