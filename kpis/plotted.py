"""What plots show beside the figures: ages, hours, the spread of times, and the trend of each part."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from data.clock import stored
from data.nouns import noun
from kpis import periods, scoreboard
from kpis.definition import definition
from kpis.figure import Counted
from kpis.periods import week_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.store import Reading
    from kpis.chosen import Selection
    from kpis.periods import Period

WEEKS: Final = 13
"""Twelve weeks say what is usual; the last one is judged."""


@dataclass(frozen=True, slots=True)
class Set:
    """Something that people set for a figure: a target, an objective or a baseline; empty: none."""

    set_at: datetime
    kind: str
    number: float | None
    name: str | None


_set: Final = noun(Set)


def ages(reading: Reading, period: Period, flow: str | None) -> list[tuple[float, int, int]]:
    """Return seconds, ended, and leaving: exceptions that ended in a period, or are open at its end."""
    return _rows(reading, "kpis/ages_of_cases", period, flow=flow)


def failures_by_hour(reading: Reading, period: Period, flow: str | None) -> list[tuple[int, int, int]]:
    """Return weekday (1 is Monday), hour of the business time zone, and how many units failed at a step."""
    return _rows(reading, "kpis/failures_by_hour", period, flow=flow, zone=period.zone)


def spread_of_times(reading: Reading, period: Period, flow: str | None, by: str) -> list[tuple[Any, ...]]:
    """Return name, n, p10, p25, median, p75 and p90 of the seconds that units took, by part of a split."""
    return _rows(reading, "kpis/spread_of_times", period, flow=flow, by=by)


def trends_by(
    reading: Reading, kpi_id: str, parts: Sequence[Period], work: Selection, by: str
) -> dict[str, list[Counted | None]]:
    """Return a figure of each part of a split in each of some periods; None where it has none."""
    found: defaultdict[str, list[Counted | None]] = defaultdict(lambda: [None] * len(parts))
    for one in scoreboard.counted_by(reading, definition(kpi_id), parts, work.flow, by, chosen=work.part):
        found[one.key or ""][one.period - 1] = one
    return dict(found)


def weeks(reading: Reading, period: Period) -> list[Period]:
    """Return the ISO week in which a period ends, up to there, and the twelve before it that have records."""
    began = min(scoreboard.flows(reading).values(), default=period.start)
    name = week_of(period.end - timedelta(microseconds=1), period.zone)
    found = periods.back(periods.week(name, period.zone).until(period.end), WEEKS)
    return [one for one in found if one.end > began]


def by_week(reading: Reading, kpi_id: str, parts: Sequence[Period], work: Selection) -> list[Counted]:
    """Return a figure in each of some weeks."""
    counted = scoreboard.counted_by(reading, definition(kpi_id), parts, work.flow, None, chosen=work.part)
    found = {one.period: one for one in counted}
    return [found.get(place) or Counted(period=place, value=None) for place in range(1, len(parts) + 1)]


def marks(reading: Reading, kpi_id: str, flow: str | None) -> list[Set]:
    """Return what people set for a figure, the first one first."""
    return reading.query("kpis/marks", {"kpi": kpi_id, "flow": flow}, into=_set)


def _rows(reading: Reading, statement: str, period: Period, **more: Any) -> list[tuple[Any, ...]]:
    edges = {"from": stored(period.start), "to": stored(period.end)}
    return [tuple(row.values()) for row in reading.query(statement, {**edges, **more})]
