"""Figures over records, and over the ends of a flow's units."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from math import ceil
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

import polars as pl

from tests.kpis.reckoned.aims import bound
from tests.kpis.reckoned.frames import BAD, GOOD, Asked, Store, key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.kpis.reckoned.units import Figures

IN_TIME: Final = timedelta(minutes=5)
BEFORE: Final = timedelta(days=7)
FEWEST: Final = 3
"""Failures within a quarter of an hour from which on it may have missed the objective."""

End = tuple[datetime, bool]
"""When a unit ended, and whether it failed."""


def k25(store: Store, asked: Asked) -> Figures:
    """Data latency."""
    rows = pl.concat([
        store.raw["log"].rename({"time": "happened"}),
        store.raw["span"].rename({"end_time": "happened"}),
    ])  # fmt: skip
    chosen = rows if asked.flow is None else rows.filter(pl.col("flow") == asked.flow)
    chosen = chosen.with_columns(key(asked.by), late=pl.col("ingested_at") - pl.col("happened"))
    found: Figures = {}
    for number, (start, end) in enumerate(asked.periods):
        arrived = chosen.filter((pl.col("ingested_at") >= start) & (pl.col("ingested_at") < end))
        for (part,), own in arrived.group_by("key"):
            found[number, str(part)] = _latency(own["late"].to_list())
    return found


def _latency(delays: list[timedelta]) -> dict[str, float]:
    late = sum(one > IN_TIME for one in delays)
    # The whole second by which at least 95 of 100 were there; a clock that is ahead counts as no delay.
    seconds = sorted(max(0, ceil(one / timedelta(seconds=1))) for one in delays)
    n = len(seconds)
    return {
        "value": 100 * (n - late) / n,
        "n": n,
        "in_flight": 0,
        "late": late,
        "p95": seconds[-(-95 * n // 100) - 1],
    }


def k28(store: Store, asked: Asked) -> Figures:
    """Mean time to restore a flow."""
    ends = store.signal.filter(pl.col("outcome").is_in(GOOD + BAD)).sort("time")
    flows = [one for one in ends["flow"].unique().to_list() if asked.flow in (None, one)]
    took: dict[tuple[int, str], list[float | None]] = {}
    for number, (start, end) in enumerate(asked.periods):
        for flow in flows:
            own = ends.filter(pl.col("flow") == flow).select("time", pl.col("outcome").is_in(BAD)).rows()
            allowed = bound(store.tables.get("kpi_target", []), flow, end, "target")
            place = (number, flow if asked.by == "flow" else "")
            took.setdefault(place, []).extend(_incidents(own, start, end, allowed))
    return {place: _restored(times) for place, times in took.items()}


def _restored(times: list[float | None]) -> dict[str, float | None]:
    ended = [one for one in times if one is not None]
    return {
        "value": fmean(ended) if ended else None,
        "n": len(ended),
        "in_flight": len(times) - len(ended),
        "median": median(ended) if ended else None,
        "longest": max(ended, default=None),
    }


def _incidents(
    ends: Iterable[End], start: datetime, end: datetime, allowed: float | None
) -> Iterator[float | None]:
    """Yield how long each incident of a period took; None: it is not restored by the end of the period."""
    if allowed is None:
        return
    known = [one for one in ends if start - BEFORE <= one[0] < end]
    quarters = [list(own) for _, own in groupby(known, lambda one: _quarter(one[0]))]
    for missed, stretch in groupby(quarters, lambda own: _missed(own, allowed)):
        if missed:
            failures = [time for own in stretch for time, failed in own if failed]
            restored = min(
                (time for time, failed in known if time > failures[-1] and not failed), default=None
            )
            if restored is None:
                yield None
            elif restored >= start:
                yield (restored - failures[0]) / timedelta(seconds=1)


def _quarter(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def _missed(quarter: list[End], allowed: float) -> bool:
    failures = sum(failed for _, failed in quarter)
    return failures >= FEWEST and 100 * failures / len(quarter) > allowed
