"""What a week states beside its figures: trends, shape of work, what moved and why, where it hurts, money.

Everything here is plain values, so that a frozen week can keep it as JSON.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - a frozen week is read back by these types
from decimal import Decimal  # noqa: TC003 - the same
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from data.clock import stored
from data.nouns import noun
from kpis import markers, periods, scoreboard
from kpis.chosen import ALL, Selection
from kpis.definition import definition
from kpis.periods import Period, week_of
from kpis.review import moved
from kpis.review.contributions import ADDED, rounded, split
from kpis.scoreboard import Shape
from kpis.targets import Aim

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.store import Reading
    from kpis.figure import Kpi, Point
    from kpis.review.contributions import Split
    from kpis.scoreboard import StepFailures

WEEKS: Final = 13
"""Twelve weeks say what is usual; the week itself is the last point."""
MOST_STEPS: Final = 10
OLDEST: Final = 10
BANDS: Final = ("under_1h", "from_1h_to_4h", "from_4h_to_24h", "from_1d_to_7d", "over_7d")
SEVERAL: Final = "counted in several"
SERVICE_LEVELS: Final = ("K14", "K15")
"""Without an objective they say what K6 and K19 say: nobody has to comment on the same change twice."""
_HUNDREDTH: Final = Fraction(1, 100)
_TOLERATED: Final = 20
"""A twentieth of the week before may lie before the first record."""

Number = float | str | None


@dataclass(frozen=True, slots=True)
class WeekPoint:
    """A figure in one week; money as a decimal string."""

    week: str
    value: Number
    n: int


@dataclass(frozen=True, slots=True)
class ShapeOfWeek:
    """How the units of one week ended."""

    week: str
    touchless: int
    assisted: int
    manual: int
    failed: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What one part contributes to a change, in the unit of the figure; `mix` only of rates.

    What units in several parts make of it has the key `counted in several` and a total only.
    """

    key: str
    rate: float
    mix: float | None
    total: float
    before: Number
    n_before: int
    value: Number
    n: int


@dataclass(frozen=True, slots=True)
class Contributions:
    """The contributions of the parts of a split; their totals add up to the change."""

    by: str
    adds_up: bool
    """False of a median: it has no parts that add up, so only the values of its parts are given."""
    change: float | None
    parts: list[Effect]


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure that deserves a talk."""

    id: str
    name: str
    unit: str
    kind: str
    """off target, unusual or changed."""
    reason: str
    splits: list[Contributions] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hurt:
    """A step at which units failed."""

    flow: str
    step: str
    error_class: str
    """That of most units."""
    units: int
    failed_attempts: int
    share: float
    """Of all failed attempts of the week, in percent."""
    units_before: int
    """Units that failed there in the week before."""


@dataclass(frozen=True, slots=True)
class MoneyOfWeek:
    """Money in one currency; None: units whose value is not known."""

    currency: str | None
    at_start: Decimal
    automatic: Decimal
    people: Decimal
    still_open: Decimal
    units_at_start: int
    units_automatic: int
    units_people: int
    units_open: int

    @property
    def came(self) -> Decimal:
        """Return what came at risk in the week, less what was closed without proof: the rest of the sum."""
        return self.still_open + self.automatic + self.people - self.at_start


@dataclass(frozen=True, slots=True)
class OldCase:
    """An exception that was open at the end of the week."""

    case_id: str
    correlation_id: str
    flow: str
    step: str
    title: str
    opened_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """What was open at the end of the week."""

    open: int
    inflow: int
    outflow: int
    expired: int
    ages: dict[str, int]
    """By band of age."""
    backlog_days: float | None
    oldest: list[OldCase]


@dataclass(frozen=True, slots=True)
class ChangeOfWeek:
    """A change of the automations in one of the weeks of the trend."""

    week: str
    kind: str
    flow: str | None
    text: str
    happened_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Pack:
    """What a week states beside its figures."""

    began: str | None
    """The first week with records; None: there are none."""
    compared: bool
    """Whether the week before is covered by records."""
    trends: dict[str, list[WeekPoint]]
    shape: list[ShapeOfWeek]
    moved: list[Moved]
    hurts: list[Hurt]
    money: list[MoneyOfWeek]
    backlog: Backlog
    changes: list[ChangeOfWeek] = field(default_factory=list)
    """Of the weeks of the trend, the latest first."""


_money: Final = noun(MoneyOfWeek)
_old_case: Final = noun(OldCase)


@dataclass(frozen=True, slots=True)
class Week:
    """A week as it is asked for: its period, cut where it still runs, and when the records began."""

    reading: Reading
    period: Period
    began: datetime | None
    work: Selection = ALL

    @classmethod
    def of(cls, reading: Reading, name: str, zone: str, now: datetime, work: Selection = ALL) -> Week:
        """Return a week by its name.

        Raises:
            InvalidPeriodError: there is no such week.
        """
        flows = scoreboard.flows(reading)
        began = flows.get(work.flow) if work.flow else min(flows.values(), default=None)
        return cls(reading, periods.week(name, zone).until(now), began, work)

    @property
    def compared(self) -> bool:
        """Return whether the week before is covered by records."""
        return self._covers(self.period.before)

    @property
    def parts(self) -> list[Period]:
        """Return the weeks of the trend, this one last; weeks that records do not cover are left out."""
        *earlier, own = periods.back(self.period, WEEKS)
        return [*filter(self._covers, earlier), own]

    def board(self) -> list[Kpi]:
        """Return the figures of the week, with their trend."""
        return self._board(self.parts)

    def figures(self) -> list[Kpi]:
        """Return the figures of the week without their trend."""
        return self._board([])

    def _board(self, parts: Sequence[Period]) -> list[Kpi]:
        work = self.work
        return scoreboard.board(self.reading, self.period, work.flow, parts=parts, chosen=work.part)

    def _covers(self, period: Period) -> bool:
        return (
            self.began is not None and self.began <= period.start + (period.end - period.start) / _TOLERATED
        )


def pack(week: Week, board: Sequence[Kpi], aims: Mapping[str, Aim]) -> Pack:
    """Return what a week states beside its figures, which are given."""
    return Pack(
        began=week_of(week.began, week.period.zone) if week.began else None,
        compared=week.compared,
        trends={one.id: [_point(point, week.period.zone) for point in one.trend] for one in board},
        shape=_shape(week),
        moved=_moved(week, board, aims),
        hurts=_hurts(week),
        money=week.reading.query("review/money", _edges(week.period) | week.work.params, into=_money),
        backlog=_backlog(week, board),
        changes=_changes(week),
    )


def is_judged(kpi_id: str, period: Period) -> bool:
    """Return whether a figure can be held against its target: a sum over the week only once it is over."""
    meant = definition(kpi_id)
    adds_up = meant.unit in (*ADDED, scoreboard.MONEY) and meant.rows not in scoreboard.AS_OF
    return period.whole_end is None or not adds_up


def plain(value: Any) -> Number:
    """Return a value as JSON keeps it; money as a decimal string, so that each digit stays."""
    if value is None:
        return None
    return float(value) if isinstance(value, int | float) else format(value, "f")


def _point(point: Point, zone: str) -> WeekPoint:
    return WeekPoint(week_of(point.start, zone), plain(point.value), point.n)


def _changes(week: Week) -> list[ChangeOfWeek]:
    start, zone = week.parts[0].start, week.period.zone
    found = markers.changes(week.reading, start, week.period.end, week.work.flow)
    return [
        ChangeOfWeek(week_of(one.happened_at, zone), one.kind, one.flow, one.text, one.happened_at, one.actor)
        for one in found
    ]


def _edges(period: Period) -> dict[str, Any]:
    return {"from": stored(period.start), "to": stored(period.end)}


def _shape(week: Week) -> list[ShapeOfWeek]:
    counted = scoreboard.shapes(week.reading, week.parts, week.work.flow, week.work.part)
    return [
        ShapeOfWeek(
            week_of(one.start, week.period.zone), **{shape.value: one.units[shape] for shape in Shape}
        )
        for one in counted
    ]


def _moved(week: Week, board: Sequence[Kpi], aims: Mapping[str, Aim]) -> list[Moved]:
    found = [(one, _reason(week, one, aims.get(one.id, Aim()))) for one in board]
    judged = [(one, why) for one, why in found if why]
    judged.sort(key=lambda pair: (pair[1].kind != "off target", -pair[1].size))
    return [
        Moved(one.id, one.name, one.unit, why.kind, why.words, _splits(week, one))
        for one, why in judged[: moved.MOST]
    ]


def _reason(week: Week, one: Kpi, aim: Aim) -> moved.Reason | None:
    earlier = [
        float(point.value) for point in one.trend[:-1] if point.value is not None and point.n >= one.floor
    ]
    if one.id in SERVICE_LEVELS and aim.target is None:
        return None
    judged = aim if is_judged(one.id, week.period) else Aim()
    return moved.reason(one, judged, earlier, compared=week.compared)


def _splits(week: Week, one: Kpi) -> list[Contributions]:
    if not week.compared:
        return []
    return [_contributions(week, one, by) for by in week.work.splits if by in definition(one.id).splits]


def _contributions(week: Week, one: Kpi, by: str) -> Contributions:
    flow, part = week.work.flow, week.work.part
    before, now = (
        scoreboard.kpi(week.reading, one.id, period, flow=flow, by=by, chosen=part)
        for period in (week.period.before, week.period)
    )
    found = split(before, now, by)
    sides = [{part.key: part for part in side.breakdown} for side in (before, now)]
    keys = [one.key for one in found.parts] if found else list(dict.fromkeys([*sides[1], *sides[0]]))
    effects = _rounded(found) if found else {}
    parts = []
    for key in keys:
        first, then = sides[0].get(key), sides[1].get(key)
        rate, mix = effects.get(key, (0.0, None))
        parts.append(
            Effect(
                key, rate, mix, round(rate + (mix or 0), 2),
                plain(first.value) if first else None, first.n if first else 0,
                plain(then.value) if then else None, then.n if then else 0,
            )
        )  # fmt: skip
    if SEVERAL in effects:
        rest = effects[SEVERAL][0]
        parts.append(Effect(SEVERAL, 0, None, rest, None, 0, None, 0))
    return Contributions(by, found is not None, _sum(parts) if found else None, parts)


def _sum(parts: Sequence[Effect]) -> float:
    return round(sum(one.total for one in parts), 2)


def _rounded(found: Split) -> dict[str, tuple[float, float | None]]:
    """Return the effects by part, rounded to hundredths so that all of them add up to the change."""
    cells = [cell for one in found.parts for cell in (one.rate, one.mix)]
    *values, several = (float(one) for one in rounded([*cells, found.several], _HUNDREDTH))
    effects: dict[str, tuple[float, float | None]] = {
        one.key: (values[2 * place], values[2 * place + 1] if found.has_mix else None)
        for place, one in enumerate(found.parts)
    }
    return effects | ({SEVERAL: (several, None)} if several else {})


def _hurts(week: Week) -> list[Hurt]:
    period = week.period
    found, before = (
        scoreboard.failures_by_step(week.reading, one.start, one.end, week.work.flow, week.work.part)
        for one in (period, period.before)
    )
    earlier = {(one.flow, one.step): one.step_units for one in before}
    steps: defaultdict[tuple[str, str], list[StepFailures]] = defaultdict(list)
    for one in found:
        steps[one.flow, one.step].append(one)
    tries = sum(one.failed_attempts for one in found) or 1
    return [_hurt(of_step, tries, earlier.get(step, 0)) for step, of_step in list(steps.items())[:MOST_STEPS]]


def _hurt(of_step: Sequence[StepFailures], tries: int, before: int) -> Hurt:
    first = max(of_step, key=lambda one: one.units)
    failed = sum(one.failed_attempts for one in of_step)
    return Hurt(
        first.flow,
        first.step,
        first.error_class,
        first.step_units,
        failed,
        round(100 * failed / tries, 1),
        before,
    )


def _backlog(week: Week, board: Sequence[Kpi]) -> Backlog:
    details = next((one.details for one in board if one.id == "K16"), {})
    start, end, work = week.period.start, week.period.end, week.work
    total, rows = scoreboard.rows(week.reading, "K16", start, end, work.flow, limit=OLDEST, chosen=work.part)
    return Backlog(
        open=total,
        inflow=details.get("inflow", 0),
        outflow=details.get("outflow", 0),
        expired=details.get("expired", 0),
        ages={band: details.get(band, 0) for band in BANDS},
        backlog_days=details.get("backlog_days"),
        oldest=[_old_case(row) for row in rows],
    )
