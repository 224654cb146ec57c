"""The scoreboard: one row of figures for everyone, each with the rows behind it.

Every KPI is one statement that answers for any number of periods at once:
the tile (this period and the one before), its sparkline and its split all come from the same text.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from data.clock import aware, stored, utc_now
from kpis.definition import Definition, definition, definitions
from kpis.periods import Period, cut, evenly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from data.store import Reading

    Row = dict[str, Any]

MONEY: Final = "money"
SIDE_BY_SIDE: Final = 3
AS_OF: Final = ("cases_open", "units_at_risk")
"""Rows that are those of one moment, the period's end."""


@dataclass(frozen=True, slots=True)
class Point:
    """One KPI in one part of a period."""

    start: datetime
    end: datetime
    value: Any
    n: int


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure of one period."""

    id: str
    name: str
    value: Any
    """float, or Decimal for money; None where nothing was counted."""
    unit: str
    """As in the definition; for money the currency code."""
    n: int
    in_flight: int
    definition_version: int
    better: str
    previous: Any
    """The value of the period of the same length before."""
    previous_n: int
    floor: int
    breakdown: list[Row] = field(default_factory=list)
    """key, value, n: parts of `n` that add up to it, the biggest first."""
    trend: list[Point] = field(default_factory=list)
    details: Row = field(default_factory=dict)

    @property
    def too_few(self) -> bool:
        """Tell whether n is below the floor: the figure then says little."""
        return self.n < self.floor


def scoreboard(
    reading: Reading,
    start: datetime,
    end: datetime,
    flow: str | None = None,
    by: str | None = None,
    *,
    buckets: int = 0,
    now: datetime | None = None,
) -> list[Kpi]:
    """Return every KPI for a period, compared with the one before.

    `by` adds the split, `buckets` the trend in that many equal parts.
    A period that ends after now is cut at now, so that ages and comparisons hold.

    Raises:
        InvalidPeriodError: the period is not one.
    """
    period = _until_now(Period(start, end), now or utc_now())
    ask = partial(kpi, reading, period=period, flow=flow, by=by, buckets=buckets)
    # Half of a small statement's time is one thread's planning: side by side, 185 ms become 100.
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="kpi") as pool:
        return list(pool.map(ask, definitions()))


def kpi(
    reading: Reading,
    kpi_id: str,
    period: Period,
    *,
    flow: str | None = None,
    by: str | None = None,
    buckets: int = 0,
) -> Kpi:
    """Return one KPI for a period. A split that this KPI does not have leaves the breakdown empty.

    Raises:
        UnknownKpiError: there is no such KPI.
    """
    meant = definition(kpi_id)
    parts = _parts(period, buckets)
    found = _ask(reading, meant, [period, period.before, *parts], flow)
    row, before = found[0], found[1]
    return Kpi(
        id=meant.id,
        name=meant.name,
        value=row["value"],
        unit=_unit(meant, row, before),
        n=row["n"],
        in_flight=row["in_flight"],
        definition_version=meant.version,
        better=meant.better,
        previous=before["value"],
        previous_n=before["n"],
        floor=meant.floor,
        breakdown=_breakdown(reading, meant, period, flow, by),
        trend=_points(parts, found[2:]),
        details=row["details"],
    )


def trend(  # noqa: PLR0917 - the order of the words: which figure, from, to, in how many parts
    reading: Reading, kpi_id: str, start: datetime, end: datetime, buckets: int, flow: str | None = None
) -> list[Point]:
    """Return a KPI in `buckets` equal parts of a period, oldest first; as-of figures at each part's end.

    Raises:
        InvalidPeriodError: the period is not one.
        UnknownKpiError: there is no such KPI.
    """
    period = Period(start, end)
    parts = _parts(period, buckets)
    # The whole period goes first: it decides the currency of the parts.
    found = _ask(reading, definition(kpi_id), [period, *parts], flow)
    return _points(parts, found[1:])


def rows(  # noqa: PLR0917 - the order of the words: which figure, from, to, of which flow, which page
    reading: Reading,
    kpi_id: str,
    start: datetime,
    end: datetime,
    flow: str | None = None,
    limit: int = 50,
    offset: int = 0,
    *,
    only_counted: bool | None = None,
) -> tuple[int, list[Row]]:
    """Return how many rows stand behind a figure, and a page of them, those that hurt most first.

    The total is the figure's `n`. `counted` tells which rows make the numerator;
    `only_counted` leaves the others out (True) or keeps only the others (False); KPIs of units only.
    """
    meant = definition(kpi_id)
    period = Period(start, end)
    params = _rows_params(meant, period, flow, only_counted=only_counted)
    page = _page(reading, meant, params, limit, offset)
    total = page[0]["total"] if page else _total(reading, meant, params, offset)
    return total, [_with_times(row) for row in page]


def shape_of_work(
    reading: Reading,
    start: datetime,
    end: datetime,
    grain: str,
    flow: str | None = None,
    *,
    zone: str = "UTC",
) -> list[Row]:
    """Return `start, end, touchless, assisted, manual, failed` by hour, six hours or day of `zone`.

    Raises:
        InvalidPeriodError: the period is not one, the grain is unknown, or there are more than 1,000 parts.
    """
    edges = cut(Period(start, end), grain, zone)
    found = {
        row.pop("starts_at"): row
        for row in reading.query(
            "kpis/shape_of_work", {"edges": [stored(edge) for edge in edges], "flow": flow}
        )
    }
    nothing = dict.fromkeys(("touchless", "assisted", "manual", "failed"), 0)
    return [
        {"start": left, "end": right, **found.get(stored(left), nothing)} for left, right in pairwise(edges)
    ]


def failures_by_step(reading: Reading, start: datetime, end: datetime, flow: str | None = None) -> list[Row]:
    """Return `flow, step, class, units, failed_attempts, step_units`, the step with most units first."""
    period = Period(start, end)
    params = {"from": stored(period.start), "to": stored(period.end), "flow": flow}
    return reading.query("kpis/failures_by_step", params)


def flows(reading: Reading) -> dict[str, datetime]:
    """Return when each flow began, with its first unit or exception, by name."""
    return {row["flow"]: row["began_at"].replace(tzinfo=UTC) for row in reading.query("kpis/flows")}


def _until_now(period: Period, now: datetime) -> Period:
    return Period(period.start, now) if period.start < now < period.end else period


def _parts(period: Period, buckets: int) -> list[Period]:
    edges = evenly(period, buckets) if buckets else []
    return [Period(left, right) for left, right in pairwise(edges)]


def _ask(reading: Reading, meant: Definition, periods: Sequence[Period], flow: str | None) -> list[Row]:
    """Return one row per period, in their order."""
    found = {row["period"]: row for row in reading.query(meant.statement, _params(periods, flow, None))}
    return [found.get(place) or _nothing(meant) for place in range(1, len(periods) + 1)]


def _params(periods: Sequence[Period], flow: str | None, by: str | None) -> Row:
    return {
        "starts": [stored(period.start) for period in periods],
        "ends": [stored(period.end) for period in periods],
        "flow": flow,
        "by": by,
    }


def _nothing(meant: Definition) -> Row:
    """Return the figure of a period in which nothing was counted: no rate, but a count of zero."""
    is_count = meant.floor == 0
    return {"value": 0 if is_count else None, "n": 0, "in_flight": 0, "details": {}}


def _unit(meant: Definition, row: Row, before: Row) -> str:
    """Name the currency of money: this period's, or the one before's where this has none."""
    if meant.unit != MONEY:
        return meant.unit
    return row["details"].get("currency") or before["details"].get("currency") or MONEY


def _points(parts: Sequence[Period], found: Sequence[Row]) -> list[Point]:
    return [
        Point(part.start, part.end, row["value"], row["n"]) for part, row in zip(parts, found, strict=True)
    ]


def _breakdown(
    reading: Reading, meant: Definition, period: Period, flow: str | None, by: str | None
) -> list[Row]:
    if by not in meant.splits:
        return []
    found = reading.query(meant.statement, _params([period], flow, by))
    parts = [{"key": row["key"], "value": row["value"], "n": row["n"]} for row in found if row["n"]]
    return sorted(parts, key=lambda part: (-part["n"], part["key"]))


def _rows_params(meant: Definition, period: Period, flow: str | None, *, only_counted: bool | None) -> Row:
    params: Row = {"to": stored(period.end), "flow": flow}
    if meant.rows not in AS_OF:
        params["from"] = stored(period.start)
    if meant.rows == "units":
        params |= {"counted": meant.counted, "only_counted": only_counted}
    return params


def _page(reading: Reading, meant: Definition, params: Row, limit: int, offset: int) -> list[Row]:
    return reading.query(f"kpis/rows_{meant.rows}", {**params, "limit": limit, "offset": offset})


def _total(reading: Reading, meant: Definition, params: Row, offset: int) -> int:
    """Count the rows when the page asked for lies behind the last one."""
    first = _page(reading, meant, params, 1, 0) if offset else []
    return int(first[0]["total"]) if first else 0


def _with_times(row: Row) -> Row:
    """Return a row with aware times, without what every row repeats."""
    return {
        name: aware(value) if name.endswith("_at") else value
        for name, value in row.items()
        if name != "total"
    }
