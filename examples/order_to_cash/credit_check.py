"""Credit check: may this customer buy for that much on account?"""

from __future__ import annotations

import structlog

import unsnag
from examples import program
from examples.order_to_cash import customers, shop

log = structlog.get_logger("credit-check")


def run_once() -> None:
    """Check every accepted order."""
    for order in shop.waiting("accepted"):
        try:
            with unsnag.unit(order.number, completes=False, **order.facts()):
                approve(order)
        except unsnag.BusinessError as error:
            shop.hold(order, error.code)


def approve(order: shop.Order) -> None:
    """Let an order pass when its customer is good for it."""
    check_credit(order)
    shop.advance(order, "approved")


@unsnag.step("check-credit", dependency="credit-ledger", idempotent=True)
def check_credit(order: shop.Order) -> None:
    """Compare what the customer owes and asks for with the limit as it stands now."""
    limit = customers.limit_cents(order.customer)
    owed = shop.open_cents(order.customer)
    if owed + order.cents > limit:
        raise unsnag.BusinessError(
            f"Credit limit exceeded: {order.customer} asks for {order.total} {order.currency},"
            f" owes {owed / 100:.2f} and may owe {limit / 100:.2f}",
            code="credit.limit-exceeded",
            order=order.number,
            customer=order.customer,
            requested=f"{order.total:.2f}",
            owed=f"{owed / 100:.2f}",
            limit=f"{limit / 100:.2f}",
        )
    log.info("credit.approved", order=order.number, limit=limit / 100, owed=owed / 100)


def main() -> None:
    """Run as a program."""
    unsnag.init(flow="order-to-cash", service="credit-check")
    program.run(run_once)


if __name__ == "__main__":
    main()
