"""Random histories against an independent computation: plain Python, straight from the definitions."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import pytest

from data.store import Store
from kpis.periods import Period
from kpis.scoreboard import kpi, rows
from tests.kpis.tables import START, at
from tests.kpis.varied import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = [pytest.mark.slow]

FLOWS: Final = ("orders", "invoices")
TENANTS: Final = ("acme", "globex")
WEEKS: Final = [
    Period(START + timedelta(days=7 * n), START + timedelta(days=7 * n + 7)) for n in range(-1, 3)
]
FINAL: Final = ("success", "completed_unproven", "failed")
Key = tuple[str, str]


@dataclass
class Episode:
    """One opening of an exception, in hours."""

    opened: float
    closed: float | None
    how: str | None
    case: str
    value: int | None
    lost: bool = False

    def is_open(self, moment: float) -> bool:
        return self.opened <= moment and (self.closed is None or self.closed > moment)


@dataclass
class Part:
    """What one flow knows of an ID."""

    flow: str
    opened: float
    signals: list[tuple[float, str]]
    episodes: list[Episode] = field(default_factory=list)

    def state(self, now: float) -> str | None:
        """Return the state at a moment, everything at that moment included."""
        if self.opened > now:
            return None
        good: list[tuple[float, str]] = []
        bad: list[float] = []
        proofs = [(one.closed, "success") for one in self.episodes if one.how == "recovered"]
        for time, outcome in [*self.signals, *((t, o) for t, o in proofs if t is not None)]:
            if time > now:
                continue
            if outcome == "failed" or any(one.is_open(time) for one in self.episodes):
                bad.append(time)
            else:
                good.append((time, outcome))
        if not (good or bad):
            return "in_flight"
        if any(one.is_open(now) for one in self.episodes) or not good:
            return "failed"
        last = max(time for time, _ in good)
        if bad and max(bad) > last:
            return "failed"
        return max(outcome for time, outcome in good if time == last)

    def moments(self) -> Iterable[float]:
        yield self.opened
        yield from (time for time, _ in self.signals)
        for one in self.episodes:
            yield one.opened
            if one.closed is not None:
                yield one.closed


def whole_state(parts: list[Part], now: float) -> str | None:
    states = [state for state in (part.state(now) for part in parts) if state]
    if not states:
        return None
    for state in ("failed", "in_flight", "completed_unproven"):
        if state in states:
            return state
    return "success"


def turned_at(parts: list[Part], end: float) -> float:
    """Return since when the state holds that is that of the moments just before `end`."""
    moments = sorted({time for part in parts for time in part.moments() if time < end})
    since = moments[0]
    for earlier, later in pairwise(moments):
        if whole_state(parts, earlier) != whole_state(parts, later):
            since = later
    return since


def world(seed: int) -> dict[Key, list[Part]]:
    chance = random.Random(seed)
    found: dict[Key, list[Part]] = {}
    for n in range(120):
        parts = [_part(chance, flow, f"{n}-{flow}") for flow in FLOWS if chance.random() < 0.7]
        if parts:
            found[chance.choice(TENANTS), f"SO-{n % 90}"] = parts
    return found


def _part(chance: random.Random, flow: str, name: str) -> Part:
    # Quarters of hours: two things often happen at the same moment, also at the edge of a week.
    clock = chance.randrange(-200, 450)
    opened = float(clock)
    outcomes = chance.choices(
        ("success", "failed", "completed_unproven"), (4, 3, 1), k=chance.choice((0, 1, 1, 2, 3, 4))
    )
    signals = [(opened + chance.randrange(0, 800) / 4, outcome) for outcome in outcomes]
    part = Part(flow, opened, sorted(set(signals)))
    # An error that was logged and explained by nothing always has an exception.
    needed = any(outcome == "completed_unproven" for _, outcome in signals)
    for case in range(max(needed, chance.choice((0, 0, 1, 1, 2)))):
        part.episodes += _episodes(chance, opened, f"{name}-{case}")
    return part


def _episodes(chance: random.Random, opened: float, case: str) -> list[Episode]:
    found, clock, value = [], opened + chance.randrange(0, 60), chance.choice((None, 10, 25, 400))
    for _ in range(chance.choice((1, 1, 2, 3))):
        closed = clock + chance.randrange(1, 200) if chance.random() < 0.8 else None
        how = None if closed is None else chance.choice(("recovered", "recovered", "resolved"))
        # No two episodes of a unit end at one moment: which of them is its last would be open.
        closed = closed if closed is None else closed + chance.random() / 1000
        found.append(Episode(clock, closed, how, case, value, how == "resolved" and chance.random() < 0.5))
        if closed is None:
            break
        clock = closed + chance.randrange(1, 150)
    return found


def write(store: Store, units: dict[Key, list[Part]]) -> None:
    table = Rows(store)
    for (tenant, name), parts in units.items():
        for part in parts:
            good = [time for time, outcome in part.signals if outcome != "failed"]
            bad = [time for time, outcome in part.signals if outcome == "failed"]
            last = max(part.signals, default=(0, None))[1]
            table._insert("unit", {
                "correlation_id": name, "flow": part.flow, "tenant": tenant, "opened_at": at(part.opened),
                "first_seen": at(part.opened), "last_seen": at(max(part.moments())), "outcome": last,
                "completed_at": at(max(good)) if good else None, "failed_at": at(max(bad)) if bad else None,
                "first_completed_at": at(min(good)) if good else None,
                "first_failed_at": at(min(bad)) if bad else None,
                "first_error_at": at(min(bad)) if bad else None,
                "attempts": 0, "failed_attempts": 0, "errors": 0,
            })  # fmt: skip
            for time, outcome in part.signals:
                table.signal(name, at(time), outcome, part.flow, tenant)
            _write_cases(table, tenant, name, part)
    table.write()


def _write_cases(table: Rows, tenant: str, name: str, part: Part) -> None:
    of_case: dict[str, list[Episode]] = defaultdict(list)
    for one in part.episodes:
        of_case[one.case].append(one)
    for case, episodes in of_case.items():
        last = episodes[-1]
        value = None if last.value is None else f"{last.value} EUR"
        proven = at(last.closed) if last.how == "recovered" and last.closed is not None else None
        table.case(
            case, name, opened=episodes[0].opened, flow=part.flow, tenant=tenant, episodes=len(episodes),
            state=last.how or "open", verified_at=proven, value=value,
            resolved_at=None if last.closed is None else at(last.closed),
            resolution_code=_code(last),
        )  # fmt: skip
        for number, one in enumerate(episodes, 1):
            ends = [("closed", one.closed, one.how)] if one.closed is not None else []
            for change, time, how in [("opened", one.opened, None), *ends]:
                table._insert("case_episode", {
                    "case_id": case, "episode": number, "change": change, "time": at(time), "how": how,
                    "rule": "2", "recorded_at": at(time), "code": _code(one) if how else None,
                })  # fmt: skip


def _code(one: Episode) -> str | None:
    return ("written_off" if one.lost else "duplicate") if one.how == "resolved" else None


class Expected:
    """Every figure of a period, by loops over everything."""

    def __init__(self, units: dict[Key, list[Part]], period: Period, flow: str | None) -> None:
        self.start, self.end = ((edge - START).total_seconds() / 3600 for edge in (period.start, period.end))
        # Just before an edge: nothing happens between two quarters of an hour.
        self._before = {edge: edge - 0.01 for edge in (self.start, self.end)}
        chosen = {key: [part for part in parts if flow in (None, part.flow)] for key, parts in units.items()}
        self.units = {key: parts for key, parts in chosen.items() if parts}

    def of_units(self) -> dict[str, Any]:
        ended: list[tuple[str, bool, int]] = []
        took: list[float] = []
        in_flight = 0
        for parts in self.units.values():
            now = whole_state(parts, self._before[self.end])
            in_flight += now == "in_flight"
            if now in FINAL and now != whole_state(parts, self._before[self.start]):
                ended.append((now, *self._errors(parts)))
                if now == "success":
                    began = min(part.opened for part in parts if part.opened < self.end)
                    took.append(turned_at(parts, self.end) - began)
        completed = sum(state != "failed" for state, *_ in ended)
        n = len(ended)
        right = sum(state != "failed" and not error for state, error, _ in ended)
        return {
            "K6": (statistics.median(took) * 3600 if took else None, len(took), in_flight),
            "K11": (self._share(right, completed, 100), completed, in_flight),
            "K23": (self._share(0, completed, 100), completed, in_flight),
            "K19": (self._share(sum(state == "success" for state, *_ in ended), n, 100), n, in_flight),
            "K20": (float(completed), completed, in_flight),
            "K1": (self._share(completed, completed, 100), completed, in_flight),
            "K7": (self._share(sum(error for _, error, _ in ended), n, 1000), n, in_flight),
        }

    def _errors(self, parts: list[Part]) -> tuple[bool, int]:
        """Return whether a unit had an error up to its end, and how many exceptions."""
        closed = turned_at(parts, self.end)
        cases = {one.case for part in parts for one in part.episodes if one.opened <= closed}
        # Errors of a flow that began before the end count, as soon as any of them is known.
        began = [part for part in parts if part.opened < self.end]
        failed = any(o == "failed" and t <= closed for part in began for t, o in part.signals)
        return bool(failed or cases), len(cases)

    def of_exceptions(self) -> dict[str, Any]:
        episodes = [one for parts in self.units.values() for part in parts for one in part.episodes]
        still = [one for one in episodes if self._is_open(one)]
        ended = [
            one.closed - one.opened
            for one in episodes
            if one.closed is not None and self.start <= one.closed < self.end
        ]
        median = statistics.median(ended) * 3600 if ended else None
        return {"K3": (median, len(ended), len(still)), "K16": (float(len(still)), len(still), 0)}

    def _is_open(self, one: Episode) -> bool:
        return one.opened < self.end and (one.closed is None or one.closed >= self.end)

    def of_money(self) -> dict[str, Any]:
        risk: list[int | None] = []
        recovered: list[int | None] = []
        lost: list[int | None] = []
        for parts in self.units.values():
            all_of_them = [one for part in parts for one in part.episodes]
            still = [one.value for one in all_of_them if self._is_open(one)]
            if still:
                risk.append(max((value for value in still if value), default=None))
            now, before = (self._lost_at(all_of_them, edge) for edge in (self.end, self.start))
            if now is not None and now >= self.start and before is None:
                off = [o.value for o in all_of_them if o.lost and (o.closed or 0) < self.end]
                lost.append(max((value for value in off if value), default=None))
            now, before = (self._recovered_at(all_of_them, edge) for edge in (self.end, self.start))
            if now is not None and now >= self.start and before is None:
                proven = [o.value for o in all_of_them if o.how == "recovered" and (o.closed or 0) < self.end]
                recovered.append(max((value for value in proven if value), default=None))
        return {
            name: (Decimal(sum(value or 0 for value in found)), len(found))
            for name, found in (("K8", risk), ("K9", recovered), ("K10", lost))
        }

    @classmethod
    def _recovered_at(cls, episodes: list[Episode], edge: float) -> float | None:
        last = cls._last(episodes, edge)
        return last.closed if last and last.how == "recovered" else None

    @classmethod
    def _lost_at(cls, episodes: list[Episode], edge: float) -> float | None:
        last = cls._last(episodes, edge)
        return last.closed if last and last.lost else None

    @staticmethod
    def _last(episodes: list[Episode], edge: float) -> Episode | None:
        known = [one for one in episodes if one.opened < edge]
        if not known or any(one.closed is None or one.closed >= edge for one in known):
            return None
        return max(known, key=lambda one: one.closed or 0)

    @staticmethod
    def _share(part: int, n: int, of: int) -> float | None:
        return of * part / n if n else None


@pytest.mark.parametrize("seed", [11, 12])
def test_every_figure_of_a_random_history_is_that_of_an_independent_computation(
    tmp_path: Path, seed: int
) -> None:
    units = world(seed)
    store = Store.open(tmp_path)
    try:
        write(store, units)
        reading = store.everything()
        compared = 0
        for period in WEEKS:
            for flow in (None, "orders"):
                expected = Expected(units, period, flow)
                for name, wanted in (expected.of_units() | expected.of_exceptions()).items():
                    one = kpi(reading, name, period, flow=flow)
                    value = None if one.value is None else pytest.approx(one.value)
                    assert (value, one.n, one.in_flight) == wanted, (name, period, flow)
                    compared += one.n
                for name, wanted in expected.of_money().items():
                    one = kpi(reading, name, period, flow=flow)
                    assert (one.value, one.n) == wanted, (name, period, flow)
                    assert rows(reading, name, period.start, period.end, flow)[0] == one.n
                    compared += one.n
        assert compared > 1_000  # otherwise the worlds are too empty to say anything
    finally:
        store.close()
