"""What a retry of order-to-cash does: the same steps that the programs take, for one order.

Run by ``unsnag worker examples/order_to_cash/handlers.py``.
Every step is safe to repeat, and `shop.advance` moves an order once: a second run changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import unsnag
from examples.order_to_cash import credit_check, inbox, invoice, payment, shop, shop_intake, stock

if TYPE_CHECKING:
    from unsnag import Retry


@unsnag.handler("order-to-cash", "accept-order")
def accept_order(retry: Retry) -> None:
    """Read the row again, as corrected as it is now."""
    shop_intake.enter(inbox.find(retry.correlation_id))


@unsnag.handler("order-to-cash", "check-credit")
def check_credit(retry: Retry) -> None:
    """Ask for the limit again; the back office may have raised it."""
    credit_check.approve(shop.find(retry.correlation_id))


@unsnag.handler("order-to-cash", "reserve-stock")
def reserve_stock(retry: Retry) -> None:
    """Reserve the goods, if a delivery has come."""
    stock.fulfil(shop.find(retry.correlation_id))


@unsnag.handler("order-to-cash", "capture-payment")
def capture_payment(retry: Retry) -> None:
    """Capture the money with the key of the first try: the gateway books it once."""
    payment.settle(shop.find(retry.correlation_id))


@unsnag.handler("order-to-cash", "issue-invoice")
def issue_invoice(retry: Retry) -> None:
    """Write the invoice from the master data of today; it completes the order."""
    order = shop.find(retry.correlation_id)
    with unsnag.unit(order.number, **order.facts()):
        invoice.bill(order)
