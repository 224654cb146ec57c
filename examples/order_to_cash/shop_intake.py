"""Shop intake: reads the shop's CSV files and enters clean rows as orders."""

from __future__ import annotations

import logging
from contextlib import suppress
from decimal import Decimal, InvalidOperation

import unsnag
from examples import program
from examples.order_to_cash import customers, inbox, shop

log = logging.getLogger("shop-intake")

CURRENCIES = {"EUR", "CHF", "GBP", "USD"}


def run_once() -> None:
    """Enter every new row of the drop."""
    inbox.read_files()
    for row in inbox.new_rows():
        try:
            with unsnag.unit(row["order"], completes=False, **facts(row)):
                enter(row)
        except unsnag.DataError as error:
            log.warning("order %s is set aside: %s", row["order"], error)
            inbox.mark(row["order"], "rejected")


def enter(row: dict[str, str]) -> None:
    """Enter one row as an order."""
    shop.accept(accept_order(row))
    inbox.mark(row["order"], "accepted")


@unsnag.step("accept-order", idempotent=True)
def accept_order(row: dict[str, str]) -> shop.Order:
    """Read a row strictly: a guess here is a wrong invoice later."""
    order = shop.Order(
        number=row["order"],
        tenant=row["tenant"],
        segment=row["segment"],
        business_unit=row["business_unit"],
        customer=known_customer(row),
        sku=row["sku"],
        quantity=int(row["quantity"]),
        cents=int(amount(row) * 100),
        currency=known_currency(row),
    )
    # The shop once wanted to see who got a confirmation. Unsnag masks the address.
    log.info("order %s accepted, confirmation goes to %s", order.number, row["email"])
    return order


def known_customer(row: dict[str, str]) -> str:
    """Return the customer whom the row names."""
    if not row["customer"]:
        raise unsnag.DataError(
            "The row names no customer", code="row.customer-missing", order=row["order"], tenant=row["tenant"]
        )
    if customers.find(row["customer"]) is None:
        raise unsnag.DataError(
            f"Customer {row['customer']} is not in the master data",
            code="row.customer-unknown",
            order=row["order"],
            customer=row["customer"],
        )
    return row["customer"]


def known_currency(row: dict[str, str]) -> str:
    """Return the row's currency."""
    if row["currency"] not in CURRENCIES:
        raise unsnag.DataError(
            f"Currency {row['currency']!r} is unknown; {', '.join(sorted(CURRENCIES))} are accepted",
            code="row.currency-unknown",
            order=row["order"],
            found=row["currency"],
        )
    return row["currency"]


def amount(row: dict[str, str]) -> Decimal:
    """Return the row's total."""
    try:
        return Decimal(row["total"])
    except InvalidOperation as error:
        raise unsnag.DataError(
            f"Total {row['total']!r} is no number with a decimal point",
            code="row.total-unreadable",
            order=row["order"],
            found=row["total"],
        ) from error


def facts(row: dict[str, str]) -> dict[str, object]:
    """Return what is known of a row before it is checked."""
    known: dict[str, object] = {name: row[name] for name in ("tenant", "segment", "business_unit")}
    with suppress(InvalidOperation, unsnag.DataError):  # nobody knows yet what a broken row is worth
        known |= {"value": Decimal(row["total"]), "currency": known_currency(row)}
    return known | ({"customer": row["customer"]} if row["customer"] else {})


def main() -> None:
    """Run as a program."""
    logging.basicConfig(level=logging.INFO)
    unsnag.init(flow="order-to-cash", service="shop-intake")
    program.run(run_once)


if __name__ == "__main__":
    main()
