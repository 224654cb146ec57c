"""Payment: captures the money of an order at the payment gateway, once."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import httpx
import stamina

import unsnag
from examples import program
from examples.order_to_cash import shop

if TYPE_CHECKING:
    from typing import NoReturn

log = logging.getLogger("payment")

GATEWAY = "http://127.0.0.1:8510"
TIMEOUT_S = 1.5

gateway = httpx.Client(base_url=os.environ.get("EXAMPLES_GATEWAY", GATEWAY), timeout=TIMEOUT_S)


def run_once() -> None:
    """Capture the money of every reserved order."""
    for order in shop.waiting("reserved"):
        try:
            with unsnag.unit(order.number, completes=False, **order.facts()):
                settle(order)
        except unsnag.InfrastructureError as error:
            shop.hold(order, error.code, retry=True)


def settle(order: shop.Order) -> None:
    """Capture an order's money and hand it on."""
    capture(order)
    shop.advance(order, "paid")


def worth_another_try(error: Exception) -> bool | float:
    """Try again what the gateway may get right; when it names a wait, keep to it."""
    if not isinstance(error, unsnag.InfrastructureError):
        return False
    named = getattr(error.__cause__, "response", None)
    return float(named.headers["Retry-After"]) if named and "Retry-After" in named.headers else True


@stamina.retry(on=worth_another_try, attempts=3, wait_initial=0.2, wait_max=1.0)
@unsnag.step("capture-payment", dependency="payment-gateway", idempotent=True)
def capture(order: shop.Order) -> str:
    """Ask the gateway for the money; the idempotency key makes asking twice harmless."""
    try:
        answer = gateway.post(
            "/captures",
            json={"order": order.number, "amount": str(order.total), "currency": order.currency},
            headers={"Idempotency-Key": unsnag.idempotency_key(), **unsnag.headers()},
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        fail(order, error)
    # Left over from a test: Unsnag masks the card number.
    log.info("card 4111 1111 1111 1111 charged for %s", order.number)
    return str(answer.json()["capture"])


def fail(order: shop.Order, error: httpx.HTTPError) -> NoReturn:
    """Say in our words what went wrong at the gateway."""
    if isinstance(error, httpx.TimeoutException):
        code, message = "gateway.timeout", f"The payment gateway did not answer within {TIMEOUT_S} s"
    elif not isinstance(error, httpx.HTTPStatusError):
        code, message = "gateway.unreachable", "The payment gateway cannot be reached"
    elif error.response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        code, message = "gateway.rate-limited", "The payment gateway takes no more requests for now (429)"
    else:
        code, message = (
            "gateway.unavailable",
            f"The payment gateway answered {error.response.status_code}",
        )
    raise unsnag.InfrastructureError(
        message, code=code, order=order.number, customer=order.customer, amount=f"{order.total:.2f}"
    ) from error


def main() -> None:
    """Run as a program."""
    logging.basicConfig(level=logging.INFO)
    unsnag.init(flow="order-to-cash", service="payment")
    program.run(run_once)


if __name__ == "__main__":
    main()
