"""Eight weeks of the example automations and of the people at their queue, before the demonstration begins.

The programs run on a simulated clock. Operators claim, retry and close exceptions through the REST API, and
workers carry their retries out. `examples.demo` starts it for a new store.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import random
import shutil
import sys
import time as real
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

import unsnag
from data.store import FILE_NAME
from examples import backfill, center, clock, operators, review, storage
from examples.backfill import DAY, HOUR, STEP_S
from examples.nightly_export import handlers as export_handlers
from examples.order_to_cash import backoffice, gateway, handlers, storefront
from examples.returns import returns_desk
from server.settings import load
from unsnag.retry_queue import RetryQueue
from unsnag.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

STORM_S = 70 * 60.0
"""For so long the payment gateway has been down when the demonstration begins."""
RELEASE_S = 3 * HOUR
"""For so long a new version of the shop has been writing broken rows."""
RELEASE_BROKEN = 0.2
UNSEEN_S = 4 * HOUR
"""For so long nobody has looked at the queue."""


NO_SENDING_BY_TIME = {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_BLRP_SCHEDULE_DELAY": "3600000"}


@dataclass(frozen=True)
class Week:
    """How a week was: it gets better."""

    rate: float
    """Of the usual business."""
    broken: float
    """Share of broken rows in the shop's files."""
    outages: int
    """Hours in which the payment gateway was down, slow or limited."""
    shifts: tuple[float, ...]
    """When somebody looks at the queue, in hours from the busy hour."""
    waited_h: float
    """How long an exception waits until somebody takes it."""
    fetched: tuple[int, ...]
    """Days of this week on which the accountants fetch the exported files."""


WEEKS = (
    Week(0.80, 1 / 18, 6, (5,), 3.0, (0,)),
    Week(0.82, 1 / 18, 6, (5,), 3.0, (0, 4)),
    Week(0.86, 1 / 22, 5, (-2, 5), 3.0, (0,)),
    Week(0.92, 1 / 30, 5, (-2, 5), 2.0, (0, 4)),
    Week(0.95, 1 / 40, 4, (-2, 5), 1.0, (0, 4)),
    Week(1.00, 1 / 50, 4, (-2, 5), 0.5, (0, 4)),
    Week(1.02, 1 / 60, 3, (-2, 5), 0.5, (0, 4)),
    Week(1.00, 1 / 60, 3, (-2, 5), 0.5, (1,)),
)


class History:
    """The weeks, one step after the other, up to a moment."""

    def __init__(self, running: center.Center, weeks: Sequence[Week], end: float) -> None:
        self._center = running
        self._weeks = weeks
        self._end = end
        self._start = end - len(weeks) * 7 * DAY
        self._people = [operators.Operator(running.url, name) for name in operators.PEOPLE]
        self._company = backfill.Company()
        self._settled = 0
        self._workers = itertools.count(1)

    def run(self, simulation: clock.SimulatedClock) -> None:
        """Run all weeks."""
        self._company.open()
        moment = self._start
        for number, week in enumerate(self._weeks, 1):
            self._company.rate, storefront.BROKEN_ROW = week.rate, week.broken
            end = min(self._start + number * 7 * DAY, self._end)
            while moment < end:
                simulation.sleep_until(moment)
                self._step(week, moment)
                moment += STEP_S
            self._report(number)
        simulation.sleep_until(self._end)
        self._collect()
        for person in self._people:
            person.close()

    def _step(self, week: Week, moment: float) -> None:
        if moment >= self._end - RELEASE_S:
            storefront.BROKEN_ROW = RELEASE_BROKEN
        self._company.work(moment)
        since = moment - self._start
        if int(since // DAY) % 7 in week.fetched and since % DAY < STEP_S:
            backoffice.collect_exports()
        for shift in week.shifts:
            # The weeks begin and end at the busy hour.
            if (since - shift * HOUR) % DAY < STEP_S and self._is_staffed(moment, shift):
                self._work_on_queue(week, moment)

    def _is_staffed(self, moment: float, shift: float) -> bool:
        is_weekend = int(moment // DAY + 4) % 7 in (0, 6)
        return moment < self._end - UNSEEN_S and (not is_weekend or shift > 0)

    def _work_on_queue(self, week: Week, moment: float) -> None:
        """Let one person work on the queue, and the programs go on where a retry let them."""
        self._collect()
        person = self._people[int(moment // HOUR) % len(self._people)]
        self._run_retries()  # a worker announces what it can do
        worked = person.work(waited_s=week.waited_h * HOUR, run_retries=self._run_retries)
        self._settled += worked
        if worked:
            self._company.handle_orders()
            self._collect()

    def _run_retries(self) -> None:
        os.environ["UNSNAG_CLOCK_OFFSET_S"] = str(clock.time() - real.time())
        unsnag.init(flow="order-to-cash", service="unsnag-worker")
        for name, module in (("order-to-cash", handlers), ("nightly-export", export_handlers)):
            assert module.__doc__  # noqa: S101 - imported for the handlers that it registers
            # Another process number each time: the server notes a worker that it has seen just now only once.
            queue = RetryQueue(self._center.url, worker=f"{name}-{next(self._workers)}")
            Worker(queue, [name]).run_due()
        del os.environ["UNSNAG_CLOCK_OFFSET_S"]

    def _collect(self) -> None:
        self._company.finish_exports()
        returns_desk.run_once(after_s=2 * HOUR)
        returns_desk.flush()
        unsnag.flush()
        self._center.collect()
        clock.sleep(40)
        self._center.let_time_pass()  # failures that waited for the work around them

    def _report(self, number: int) -> None:
        orders = storefront.count()
        say(f"week {number} of {len(self._weeks)}: {orders} orders, {self._settled} exceptions worked on")


def timetable(weeks: Sequence[Week], end: float) -> gateway.Timetable:
    """Return when the gateway had trouble, and the storm at the end."""
    chance = random.Random(7)
    start = end - len(weeks) * 7 * DAY
    phases = []
    for number, week in enumerate(weeks):
        for day in chance.sample(range(6), week.outages):
            begin = (number * 7 + day + 1) * DAY - chance.uniform(0.2, 1.6) * HOUR
            kind = chance.choice(("down", "down", "slow", "limited"))
            share = 1.0 if kind == "down" else 0.7
            phases.append(gateway.Phase(kind, begin, begin + chance.uniform(0.3, 0.9) * HOUR, share))
    phases.append(gateway.Phase("down", end - start - STORM_S, end - start + DAY))
    return gateway.Timetable(end - start + 2 * DAY, tuple(phases), origin=start)


def make(data: Path, config: str, weeks: Sequence[Week] = WEEKS) -> None:
    """Make the history in a folder beside ``data``, and move it there when it is complete."""
    made = data.with_name(f"{data.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    start_afresh()
    spool = storage.folder("history")
    os.environ |= {"UNSNAG_SPOOL": str(spool), **NO_SENDING_BY_TIME}
    for name in ("UNSNAG_URL", "UNSNAG_TOKEN"):
        os.environ.pop(name, None)
    options = ["--data", str(made), "--spool", str(spool), "--config", config]
    settings = load(options, storage.collected())
    end = real.time()
    os.environ.setdefault("EXAMPLES_BUSY_HOUR", f"{end % DAY / HOUR:.2f}")
    start = end - len(weeks) * 7 * DAY
    with backfill.simulated(start, timetable(weeks, end)) as simulation, center.running(settings) as running:
        returns_desk.export(running.url)
        History(running, weeks, end).run(simulation)
        review.hold(running.url, settings.zone)
        returns_desk.shutdown()
        unsnag.shutdown()
    data.mkdir(parents=True, exist_ok=True)
    for path in sorted(made.iterdir(), key=lambda path: path.name == FILE_NAME):  # the store comes last
        path.replace(data / path.name)
    made.rmdir()
    shutil.rmtree(spool)


def start_afresh() -> None:
    """Forget what the programs did before: the weeks start from their beginning."""
    for path in storage.folder().glob("*.db*"):
        path.unlink()
    for name in ("inbox", "export", "logs", "history"):
        shutil.rmtree(storage.folder(name))


def quiet() -> None:
    """Let the programs' logs reach Unsnag, but not the terminal."""
    logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler()])
    renderer = structlog.processors.KeyValueRenderer()  # the default one draws for a terminal
    structlog.configure(processors=[renderer], logger_factory=structlog.ReturnLoggerFactory())


def say(text: str) -> None:
    """Print how far it is."""
    sys.stdout.write(f"demo:   {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/var"))
    parser.add_argument("--config", default="examples/unsnag.toml")
    given = parser.parse_args()
    quiet()
    make(given.data, given.config)


if __name__ == "__main__":
    main()
