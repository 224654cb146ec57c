"""The example programs on a simulated clock: the same programs, without the waiting."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time as real
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import tenacity.nap

import unsnag
from examples import clock
from examples.order_to_cash import (
    backoffice,
    credit_check,
    gateway,
    inbox,
    invoice,
    payment,
    shop,
    shop_intake,
    stock,
    storefront,
)
from examples.shipping import shipping
from unsnag import testing

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3600.0
DAY = 24 * HOUR
STEP_S = 1800.0
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
EXPORT_AT = 2 * HOUR

# In the order in which an order passes them: one round is enough for it.
CHAIN = {
    "shop-intake": shop_intake,
    "credit-check": credit_check,
    "stock": stock,
    "payment": payment,
    "invoice": invoice,
}
FINE = gateway.Timetable(7 * DAY, ())


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
def simulated(start: float, timetable: gateway.Timetable = FINE) -> Iterator[clock.SimulatedClock]:
    """Let the programs, the client and the retry waits of this process live by a simulated clock."""
    simulation = clock.SimulatedClock(start)
    network = payment.gateway
    clock.use(simulation)
    testing.set_clock(clock.time_ns)
    tenacity.nap.time = clock
    payment.gateway = gateway_in_this_process(timetable)
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


@dataclass
class Company:
    """All programs and the back office; ``rate`` is how much of the usual business there is."""

    rate: float = 1.0
    exports: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def open(self) -> None:
        """Begin in an empty folder."""
        storefront.open_shop()
        stock.database().execute("pragma busy_timeout = 0")
        shipping.log_to_file()

    def work(self, moment: float) -> None:
        """Let everybody work once, for the step that begins at a moment."""
        clock.sleep(random.uniform(0, STEP_S / 2))
        storefront.customers_order(moment, STEP_S, self.rate)
        is_counting = is_time(moment, 9 * HOUR, every=9 * DAY)
        if is_counting or inbox.has_new() or shop.has_due():
            self.handle_orders(is_counting=is_counting)
        unhooked_programs()
        backoffice.run_once(after_s=1.5 * HOUR)
        if is_time(moment, 0, every=6 * HOUR):
            unsnag.flush()  # the client's queue is bounded
        if is_time(moment, EXPORT_AT):
            self.exports.append(export_invoices())
        self._look_after_exports()

    def handle_orders(self, *, is_counting: bool = False) -> None:
        """Pass every order through the five programs."""
        for service, automation in CHAIN.items():
            unsnag.init(flow="order-to-cash", service=service)
            clock.sleep(random.uniform(1, 20))
            if service == "stock" and is_counting:
                with backoffice.stocktaking():
                    automation.run_once()
            else:
                automation.run_once()

    def finish_exports(self) -> None:
        """Wait for the nightly scripts that run still."""
        for process in self.exports:
            process.wait()
        self.exports.clear()

    def _look_after_exports(self) -> None:
        self.exports = [process for process in self.exports if process.poll() is None]


def unhooked_programs() -> None:
    """Let those work who know nothing of Unsnag; their logging is not to be captured here either."""
    unsnag.init(flow="shipping", service="shipping", capture_stdlib=False)
    shipping.run_once()


def is_time(moment: float, at: float, *, every: float = DAY) -> bool:
    """Say whether a time of the day lies in the step that begins at a moment."""
    return (moment - at) % every < STEP_S


def export_invoices() -> subprocess.Popen[bytes]:
    """Start the nightly script as the scheduler would have; it runs beside the others."""
    offset_s = clock.time() - real.time()
    command = [sys.executable, "-m", "unsnag", *EXPORT, "--unit", f"export-{clock.now():%Y-%m-%d}"]
    return subprocess.Popen(  # noqa: S603 - our own script
        [*command, "--", SCRIPT, f"{clock.now() - timedelta(days=1):%Y-%m-%d}"],
        env={**os.environ, "UNSNAG_CLOCK_OFFSET_S": str(offset_s)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
