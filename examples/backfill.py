"""Run a week of the example automations on a simulated clock: the same programs, without the waiting."""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import time as real
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import structlog
import tenacity.nap

import unsnag
from examples import clock, storage
from examples.order_to_cash import (
    backoffice,
    credit_check,
    gateway,
    invoice,
    payment,
    shop_intake,
    stock,
    storefront,
)
from examples.returns import returns_desk
from examples.shipping import shipping
from unsnag import testing

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3600.0
DAY = 24 * HOUR
STEP_S = 300.0
SCRIPT = Path(__file__).parent / "nightly_export" / "export.sh"
EXPORT = (
    "run",
    "--flow",
    "nightly-export",
    "--service",
    "nightly-export",
    "--step",
    "export-invoices",
    "--idempotent",
)

# Last program first: an order needs one round for each program, as it does in real life.
CHAIN = {
    "invoice": invoice,
    "payment": payment,
    "stock": stock,
    "credit-check": credit_check,
    "shop-intake": shop_intake,
}
ORDERS_AN_HOUR = 21.0
SHARE_OF_HOUR = (0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 0.8, 1.1, 1.4, 1.6, 1.7, 1.6)  # midnight to noon, and back
BAD_DAYS = (
    gateway.Phase("down", 1 * DAY + 10.2 * HOUR, 1 * DAY + 10.6 * HOUR),
    gateway.Phase("limited", 3 * DAY + 15 * HOUR, 3 * DAY + 15.7 * HOUR, share=0.6),
    gateway.Phase("slow", 5 * DAY + 12 * HOUR, 5 * DAY + 12.6 * HOUR, share=0.8),
    gateway.Phase("down", 6 * DAY + 14 * HOUR, 6 * DAY + 14.3 * HOUR),
)


class SameProcess(httpx.BaseTransport):
    """Carries requests to the gateway in this process; waiting only moves the clock."""

    def __init__(self, timetable: gateway.Timetable) -> None:
        self._timetable = timetable

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or let the caller run into its time-out."""
        key = request.headers["Idempotency-Key"]
        answer = gateway.answer(self._timetable, key, json.loads(request.content))
        clock.sleep(min(answer.delay_s, payment.TIMEOUT_S))
        if answer.delay_s > payment.TIMEOUT_S:
            raise httpx.ReadTimeout("timed out", request=request)
        return httpx.Response(answer.status, json=answer.body, headers=answer.headers, request=request)


@contextmanager
def simulated(start: float) -> Iterator[clock.SimulatedClock]:
    """Let the programs, the client and the retry waits of this process live by a simulated clock."""
    simulation = clock.SimulatedClock(start)
    network = payment.gateway
    clock.use(simulation)
    testing.set_clock(clock.time_ns)
    tenacity.nap.time = clock
    payment.gateway = gateway_in_this_process(
        gateway.Timetable(7 * DAY, BAD_DAYS, origin=start - start % DAY)
    )
    try:
        yield simulation
    finally:
        clock.use(clock.Clock())
        testing.set_clock(None)
        tenacity.nap.time = real
        payment.gateway = network


def gateway_in_this_process(timetable: gateway.Timetable) -> httpx.Client:
    """Return a client of a gateway that needs neither network nor patience."""
    return httpx.Client(base_url="http://gateway", transport=SameProcess(timetable))


def run(start: float, end: float) -> None:
    """Run the programs from one moment to another."""
    with simulated(start) as simulation:
        storefront.open_shop()
        stock.database().execute("pragma busy_timeout = 0")
        shipping.log_to_file()
        moment = start
        while moment < end:
            simulation.sleep_until(moment)
            one_round(moment)
            moment += STEP_S


def one_round(moment: float) -> None:
    """Let everybody work once; some things happen once a day or twice an hour."""
    customers_order(moment)
    for service, automation in CHAIN.items():
        unsnag.init(flow="order-to-cash", service=service)
        clock.sleep(random.uniform(1, 20))
        if service == "stock" and is_time(moment, 9 * HOUR, every=3 * DAY):
            with backoffice.stocktaking():
                automation.run_once()
        else:
            automation.run_once()
    unhooked_programs()
    if is_time(moment, 0, every=HOUR):
        unsnag.flush()  # a simulated hour takes 40 ms, and the client's queue is bounded
    if is_time(moment, 0, every=HOUR / 2):
        backoffice.run_once(after_s=1.5 * HOUR)
    if is_time(moment, 2 * HOUR):
        export_invoices()


def unhooked_programs() -> None:
    """Let those work who know nothing of Unsnag; their logging is not to be captured here either."""
    unsnag.init(flow="shipping", service="shipping", capture_stdlib=False)
    shipping.run_once()
    returns_desk.run_once(after_s=2 * HOUR)


def is_time(moment: float, at: float, *, every: float = DAY) -> bool:
    """Say whether a time of the day lies in the round that begins at a moment."""
    return (moment - at) % every < STEP_S


def customers_order(moment: float) -> None:
    """Let customers order: most at noon, fewer at night and at the week-end."""
    hour = int(moment % DAY // HOUR)
    weekend = int(moment // DAY + 4) % 7 in (0, 6)  # 1970 began on a Thursday
    rate = ORDERS_AN_HOUR * SHARE_OF_HOUR[min(hour, 23 - hour)] * (0.6 if weekend else 1.1)
    count = sum(random.random() < rate * STEP_S / HOUR / 10 for _ in range(10))
    if count:
        storefront.place_orders(count)


def export_invoices() -> None:
    """Run the nightly script as the scheduler would have; the week is too long for the disk quota."""
    offset_s = clock.time() - real.time()
    command = [sys.executable, "-m", "unsnag", *EXPORT, "--unit", f"export-{clock.now():%Y-%m-%d}"]
    subprocess.run(  # noqa: S603 - our own script
        [*command, "--", SCRIPT],
        env={**os.environ, "UNSNAG_CLOCK_OFFSET_S": str(offset_s)},
        check=False,
        capture_output=True,
    )


def start_afresh() -> None:
    """Forget what the programs did before: the week is told from its beginning."""
    for path in storage.folder().glob("*.db*"):
        path.unlink()
    for name in ("inbox", "export", "logs"):
        shutil.rmtree(storage.folder(name))


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=7)
    days = parser.parse_args().days
    quiet()
    start_afresh()
    returns_desk.export(os.environ.get("EXAMPLES_OTLP", "http://127.0.0.1:8501"))
    end = real.time()
    run(end - days * DAY, end)
    returns_desk.shutdown()
    unsnag.shutdown()


def quiet() -> None:
    """Let the programs' logs reach Unsnag, but not the terminal."""
    logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler()])
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


if __name__ == "__main__":
    main()
