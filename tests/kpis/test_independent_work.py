"""Random claims, acts and retries against an independent computation, in any order of arrival."""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from data.store import Store
from kpis.periods import Period
from kpis.scoreboard import kpi, rows
from tests.kpis.tables import START, at
from tests.kpis.varied import Rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow]

WEEKS: Final = [Period(START + timedelta(days=7 * n), START + timedelta(days=7 * n + 7)) for n in range(2)]
IDLE_H: Final = 10 / 60
KPIS: Final = ("K4", "K5", "K18", "K22", "K40")


@dataclass
class World:
    """One unit with one exception, in hours: what was done on it, and how often its step was tried."""

    opened: float
    closed: float | None
    acts: list[tuple[float, str, str, str]] = field(default_factory=list)
    """When, verb, the state after it, and by whom."""
    tries: list[tuple[float, bool]] = field(default_factory=list)
    """The ends of its attempts, and whether somebody had asked for it."""

    def claimed(self) -> float | None:
        return min((time for time, _, _, kind in self.acts if kind == "human"), default=None)

    def work(self) -> list[tuple[float, float]]:
        times = [time for time, *_ in self.acts]
        following = [*times[1:], float("inf")]
        return [
            (time, min(after, time + IDLE_H))
            for (time, _, state, kind), after in zip(self.acts, following, strict=False)
            if kind == "human" and state == "claimed"
        ]


def worlds(seed: int) -> list[World]:
    chance = random.Random(seed)
    found = []
    for _ in range(220):
        opened = chance.uniform(-60, 320)
        one = World(opened, opened + chance.uniform(1, 90) if chance.random() < 0.7 else None)
        clock = opened
        for _ in range(chance.choice((0, 0, 1, 3, 6))):
            clock += chance.choice((0.02, 0.1, 0.3, 5))
            if one.closed is None or clock < one.closed:
                verb, state = chance.choice(
                    (("claimed", "claimed"), ("released", "open"), ("retried", "retrying"))
                )
                # A claim is made before it is given back.
                is_first = not one.acts
                given = ("claimed", "claimed") if is_first else (verb, state)
                one.acts.append((clock, *given, "human"))
        one.tries = [
            (opened + n, n > 1 and chance.random() < 0.4) for n in range(chance.choice((1, 1, 2, 4)))
        ]
        found.append(one)
    return found


def write(store: Store, found: list[World], order: random.Random) -> None:
    table = Rows(store)
    for n, one in enumerate(found):
        name = f"U{n}"
        ends = {"failed": one.opened} if one.closed is None else {"done": one.closed}
        table.unit(name, opened=one.opened, **ends)
        table.case(f"C{n}", name, opened=one.opened, recovered=one.closed)
        for time, verb, state, kind in one.acts:
            table.act(f"C{n}", verb, kind=kind, time=at(time), to_state=state)
        for number, (time, asked) in enumerate(one.tries, 1):
            table.attempt(
                name, "pay", time, "infrastructure" if number < len(one.tries) else None,
                attempt=number, retry_id="R" if asked else None,
            )  # fmt: skip
    for given in table._rows.values():
        order.shuffle(given)
    table.write()


def expected(found: list[World], period: Period) -> dict[str, Any]:
    """Return value and n of each figure, by loops over everything."""
    start, end = ((edge - START).total_seconds() / 3600 for edge in (period.start, period.end))
    claims = [c - one.opened for one in found if (c := one.claimed()) is not None and start <= c < end]
    ended = [one for one in found if one.closed is not None and start <= one.closed < end]
    handled = [sum(until - since for since, until in one.work()) for one in ended if one.work()]
    clipped = [
        sum(
            min(until, end) - max(since, start)
            for since, until in one.work()
            if since < end and until > start
        )
        for one in found
    ]
    retries = [time for one in found for time, _ in one.tries[1:] if start <= time < end]
    # A unit that succeeded has failed before nobody knew: its only signal is its success.
    came = [(one, one.closed if one.closed is not None else one.opened) for one in found]
    tried = [
        one.closed is not None
        for one, moment in came
        if start <= moment < end and any(time <= moment for time, _ in one.tries[1:])
    ]
    return {
        "K4": (_hours(statistics.median(claims)), len(claims)),
        "K5": (float(len(retries)), len(retries)),
        "K18": (_hours(statistics.median(handled)), len(handled)),
        "K22": (_hours(sum(clipped)), sum(length > 0 for length in clipped)),
        "K40": (100 * sum(tried) / len(tried), len(tried)),
    }


def _hours(value: float) -> Any:
    return pytest.approx(value * 3600, abs=0.01)


@pytest.mark.parametrize("seed", [21, 22])
def test_figures_of_work_are_those_of_an_independent_computation_in_any_order(
    tmp_path: Path, seed: int
) -> None:
    found = worlds(seed)
    store = Store.open(tmp_path)
    try:
        write(store, found, random.Random(seed))
        reading, compared = store.everything(), 0
        for period in WEEKS:
            for name, (value, n) in expected(found, period).items():
                one = kpi(reading, name, period)
                assert (one.value, one.n) == (value, n), (name, period)
                assert rows(reading, name, period.start, period.end)[0] == n
                compared += n
        assert compared > 400
    finally:
        store.close()
