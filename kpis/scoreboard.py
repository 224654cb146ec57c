"""The scoreboard: one row of figures for everyone, each with the rows behind it.

Every KPI is one statement that answers for any number of periods at once:
the tile (this period and the one before), its sparkline and its split all come from the same text.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from data import paging, queries
from data.clock import aware, stored, utc_now
from data.nouns import noun
from data.paging import PageRequest
from kpis import periods
from kpis.chosen import Chosen, row_params
from kpis.definition import Definition, definition, definitions
from kpis.figure import Counted, Kpi, Part, Point
from kpis.held import held_units, is_over_units
from kpis.objectives import baseline
from kpis.periods import Period, cut
from unsnag.fields import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from data.nouns import Page
    from data.store import Reading
    from data.transaction import Params


MONEY: Final = "money"
_OF_PAGE: Final = ("total", "place")
SIDE_BY_SIDE: Final = 3
AS_OF: Final = ("cases_open", "units_at_risk")
"""Rows that are those of one moment, the period's end."""


class Shape(StrEnum):
    """How a finished unit can end, as the macro `unit_shape` names it."""

    TOUCHLESS = "touchless"
    ASSISTED = "assisted"
    MANUAL = "manual"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finished:
    """How many units finished between two moments, by how they ended."""

    start: datetime
    end: datetime
    units: Mapping[Shape, int]


@dataclass(frozen=True, slots=True)
class StepFailures:
    """Units that failed at a step by failures of one class."""

    flow: str
    step: str
    error_class: str
    units: int
    failed_attempts: int
    step_units: int
    """Of all classes: a unit may fail at a step by several."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> StepFailures:
        """Return the failures of a row."""
        return _step_failures(row, error_class=row["class"])


_step_failures: Final = noun(StepFailures)


def scoreboard(
    reading: Reading,
    start: datetime,
    end: datetime,
    flow: str | None = None,
    by: str | None = None,
    *,
    buckets: int = 0,
    now: datetime | None = None,
    zone: str = "UTC",
) -> list[Kpi]:
    """Return every KPI for a period, compared with the one before.

    `by` adds the split, `buckets` the trend in that many equal parts.
    A period that ends after now is cut at now, and the one before at the same point of the clock of `zone`.

    Raises:
        InvalidPeriodError: the period is not one.
    """
    period = Period(start, end, zone).until(now or utc_now())
    return board(reading, period, flow, by, parts=periods.parts(period, buckets))


def board(
    reading: Reading,
    period: Period,
    flow: str | None = None,
    by: str | None = None,
    *,
    parts: Sequence[Period] = (),
    chosen: Chosen | None = None,
) -> list[Kpi]:
    """Return every KPI for a period, compared with the one before, with `parts` as its trend.

    `chosen` takes one part of a split, and no `by` then; KPIs that are not split by its field are left out.
    """
    ask = partial(_kpi, period=period, flow=flow, by=by, parts=parts, chosen=chosen)
    units, others = _by_noun(chosen)
    params = {**_edges([period, period.before, *parts]), "flow": flow}
    # Half of a small statement's time is one thread's planning: side by side, 185 ms become 100.
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="kpi") as pool:
        over_units = pool.submit(_over_units, reading, params, ask, units)
        found = [*pool.map(partial(ask, reading), others), *over_units.result()]
    places = {kpi_id: place for place, kpi_id in enumerate(definitions())}
    return sorted(found, key=lambda one: places[one.id])


def board_by(reading: Reading, periods: Sequence[Period], by: str) -> dict[str, list[Counted]]:
    """Return what every KPI that is split by a field counts in each period and part, by KPI."""
    units, others = _by_noun(Chosen(by, ""))
    with held_units(reading, {**_edges(periods), "flow": None}) as held:
        pairs = [*((held, one) for one in units), *((reading, one) for one in others)]
        return {one.id: counted_by(source, one, periods, None, by) for source, one in pairs}


def _by_noun(chosen: Chosen | None) -> tuple[list[Definition], list[Definition]]:
    """Return the KPIs over units in periods, which share their rows, and the others."""
    every = [one for one in definitions().values() if chosen is None or chosen.field in one.splits]
    return [one for one in every if is_over_units(one)], [one for one in every if not is_over_units(one)]


def _over_units(
    reading: Reading, params: Params, ask: Callable[[Reading, Definition], Kpi], meant: Sequence[Definition]
) -> list[Kpi]:
    with held_units(reading, params) as held:
        return [ask(held, one) for one in meant]


def kpi(
    reading: Reading,
    kpi_id: str,
    period: Period,
    *,
    flow: str | None = None,
    by: str | None = None,
    buckets: int = 0,
    chosen: Chosen | None = None,
) -> Kpi:
    """Return one KPI for a period. A split that this KPI does not have leaves the breakdown empty.

    `chosen` takes one part of a split that this KPI has.

    Raises:
        UnknownKpiError: there is no such KPI.
    """
    parts = periods.parts(period, buckets)
    meant = definition(kpi_id)
    return _kpi(reading, meant, period=period, flow=flow, by=by, parts=parts, chosen=chosen)


def _kpi(
    reading: Reading,
    meant: Definition,
    *,
    period: Period,
    flow: str | None,
    by: str | None,
    parts: Sequence[Period],
    chosen: Chosen | None,
) -> Kpi:
    found = _ask(reading, meant, [period, period.before, *parts], flow, chosen)
    now, before = found[0], found[1]
    return Kpi(
        id=meant.id,
        name=meant.name,
        value=now.value,
        unit=_unit(meant, now, before),
        n=now.n,
        in_flight=now.in_flight,
        definition_version=meant.version,
        better=meant.better,
        previous=before.value,
        previous_n=before.n,
        floor=meant.floor,
        breakdown=_breakdown(reading, meant, period, flow, by, chosen=chosen),
        trend=_points(parts, found[2:]),
        details=now.details,
    )


def trend(  # noqa: PLR0917 - the order of the words: which figure, from, to, in how many parts
    reading: Reading,
    kpi_id: str,
    start: datetime,
    end: datetime,
    buckets: int,
    flow: str | None = None,
    *,
    zone: str = "UTC",
) -> list[Point]:
    """Return a KPI in `buckets` equal parts of a period, oldest first; as-of figures at each part's end.

    Raises:
        InvalidPeriodError: the period is not one.
        UnknownKpiError: there is no such KPI.
    """
    period = Period(start, end, zone)
    parts = periods.parts(period, buckets)
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
    chosen: Chosen | None = None,
) -> tuple[int, list[dict[str, Any]]]:
    """Return how many rows stand behind a figure, and a page of them, worst first; see `page_of_rows`."""
    wanted = PageRequest(limit, offset)
    found = page_of_rows(
        reading, kpi_id, Period(start, end), flow, wanted, only_counted=only_counted, chosen=chosen
    )
    return found.total, found.items


def page_of_rows(
    reading: Reading,
    kpi_id: str,
    period: Period,
    flow: str | None,
    wanted: PageRequest,
    *,
    only_counted: bool | None = None,
    chosen: Chosen | None = None,
) -> Page[dict[str, Any]]:
    """Return a page of the rows behind a figure, those that hurt most first.

    The total is the figure's `n`. `counted` states which rows make the numerator;
    `only_counted` leaves the others out (True) or keeps only the others (False); KPIs of units only.
    `chosen` takes one part of a split that this KPI has.
    """
    meant = definition(kpi_id)
    params = dict(_rows_params(meant, period, flow, only_counted=only_counted))
    if queries.takes(f"kpis/rows_{meant.rows}", "part"):
        params |= row_params(chosen)
    return paging.read(reading, f"kpis/rows_{meant.rows}", params, wanted, _with_times)


def shape_of_work(
    reading: Reading,
    start: datetime,
    end: datetime,
    grain: str,
    flow: str | None = None,
    *,
    zone: str = "UTC",
) -> list[Finished]:
    """Return how units finished by hour, six hours or day of `zone`.

    Raises:
        InvalidPeriodError: the period is not one, the grain is unknown, or there are more than 1,000 parts.
    """
    edges = cut(Period(start, end), grain, zone)
    return shapes(reading, [Period(left, right) for left, right in pairwise(edges)], flow)


def shapes(
    reading: Reading, parts: Sequence[Period], flow: str | None = None, chosen: Chosen | None = None
) -> list[Finished]:
    """Return how units finished in each of some periods, in their order."""
    params = {**_edges(parts), "flow": flow, **row_params(chosen)}
    units = {
        (row["period"], row["shape"]): row["units"] for row in reading.query("kpis/shape_of_work", params)
    }
    return [
        Finished(part.start, part.end, {shape: units.get((place, shape), 0) for shape in Shape})
        for place, part in enumerate(parts, 1)
    ]


def failures_by_step(
    reading: Reading,
    start: datetime,
    end: datetime,
    flow: str | None = None,
    chosen: Chosen | None = None,
) -> list[StepFailures]:
    """Return which steps units failed at, by class, the step with most units first."""
    period = Period(start, end)
    edges = {"from": stored(period.start), "to": stored(period.end)}
    params = {**edges, "flow": flow, **row_params(chosen)}
    return reading.query("kpis/failures_by_step", params, into=StepFailures.of)


def flows(reading: Reading) -> dict[str, datetime]:
    """Return when each flow began, with its first unit or exception, by name."""
    return {row["flow"]: row["began_at"].replace(tzinfo=UTC) for row in reading.query("kpis/flows")}


def _ask(
    reading: Reading,
    meant: Definition,
    periods: Sequence[Period],
    flow: str | None,
    chosen: Chosen | None = None,
) -> list[Counted]:
    """Return what was counted in each period, in their order."""
    found = {one.period: one for one in counted_by(reading, meant, periods, flow, None, chosen=chosen)}
    return [found.get(place) or _nothing(meant) for place in range(1, len(periods) + 1)]


def counted_by(
    reading: Reading,
    meant: Definition,
    periods: Sequence[Period],
    flow: str | None,
    by: str | None,
    *,
    chosen: Chosen | None = None,
) -> list[Counted]:
    """Return what was counted in each period and part of a split; parts without anything have no row."""
    split_by = chosen.split_by(by) if chosen else by
    params = _params(reading, meant, periods, flow, split_by)
    found = reading.query(meant.statement, params, into=Counted.of)
    return chosen.of(found, by) if chosen else found


def _params(
    reading: Reading, meant: Definition, periods: Sequence[Period], flow: str | None, by: str | None
) -> Params:
    more: dict[str, object] = {"zone": periods[0].zone} if queries.takes(meant.statement, "zone") else {}
    if queries.takes(meant.statement, "baseline_start"):
        base = baseline(reading, flow)
        more |= {"baseline_start": base.starts_at, "baseline_end": base.ends_at, "mix": SPLITS[0]}
    return {**more, **_edges(periods), "flow": flow, "by": by}


def _edges(periods: Sequence[Period]) -> dict[str, Any]:
    return {
        "starts": [stored(period.start) for period in periods],
        "ends": [stored(period.end) for period in periods],
    }


def _nothing(meant: Definition) -> Counted:
    """Return the figure of a period in which nothing was counted: no rate, but a count of zero."""
    is_count = meant.floor == 0
    return Counted(value=0 if is_count else None)


def _unit(meant: Definition, now: Counted, before: Counted) -> str:
    """Name the currency of money: this period's, or the one before's where this has none."""
    if meant.unit != MONEY:
        return meant.unit
    return now.currency or before.currency or MONEY


def _points(parts: Sequence[Period], found: Sequence[Counted]) -> list[Point]:
    return [Point(part.start, part.end, one.value, one.n) for part, one in zip(parts, found, strict=True)]


def _breakdown(
    reading: Reading,
    meant: Definition,
    period: Period,
    flow: str | None,
    by: str | None,
    *,
    chosen: Chosen | None = None,
) -> list[Part]:
    if by not in meant.splits:
        return []
    found = counted_by(reading, meant, [period], flow, by, chosen=chosen)
    parts = [Part(one.key or "", one.value, one.n) for one in found if one.n]
    return sorted(parts, key=lambda part: (-part.n, part.key))


def _rows_params(meant: Definition, period: Period, flow: str | None, *, only_counted: bool | None) -> Params:
    params: dict[str, object] = {"to": stored(period.end), "flow": flow}
    if meant.rows not in AS_OF:
        params["from"] = stored(period.start)
    if meant.rows == "units":
        params |= {"counted": meant.counted, "only_counted": only_counted}
    return params


def _with_times(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with aware times, without what every row repeats. Rows count unless they deny it."""
    times = {name: aware(value) for name, value in row.items() if name.endswith("_at")}
    return {"counted": True, **{name: row[name] for name in row if name not in _OF_PAGE}, **times}
