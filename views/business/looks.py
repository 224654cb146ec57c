"""What the dialog of a figure draws beside its rows: the weeks, the parts by week, how long, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import streamlit as st

from data import formats
from kpis import display, plotted, targets
from kpis.definition import definition, ids
from kpis.periods import week_of
from unsnag.fields import SPLITS
from views.business.filters import where
from views.kit.plots.control import Mark, Week, control
from views.kit.plots.frame import Plot, draw
from views.kit.plots.hours import Cell, hours
from views.kit.plots.multiples import Trend, multiples
from views.kit.plots.spread import Box, spread
from views.kit.plots.survival import Age, survival

if TYPE_CHECKING:
    from data.store import Reading
    from kpis.figure import Counted
    from kpis.periods import Period
    from kpis.plotted import Set
    from server.context import ServerContext

Look = Callable[["ServerContext", str, "Period", "str | None"], None]


def looks(name: str) -> dict[str, Look]:
    """Return what there is to look at of a figure or chart, by what it is called."""
    by_week = {"Weeks": weeks} if name in ids() else {}
    return by_week | _MORE.get(name, {})


def weeks(ctx: ServerContext, kpi_id: str, period: Period, flow: str | None) -> None:
    """Draw the control chart of a figure."""
    parts = plotted.weeks(ctx.reading, period)
    found = _by_week(ctx.reading, where(ctx), kpi_id, tuple(parts), flow)
    meant = definition(kpi_id)
    unit = next((one.currency for one in reversed(found) if one.currency), meant.unit)
    points = [
        Week(week_of(part.start, part.zone), _number(one), one.n, one.n < meant.floor)
        for part, one in zip(parts, found, strict=True)
    ]
    aim = targets.aims(ctx.reading, flow).get(kpi_id, targets.Aim())
    _draw(
        control(f"{meant.name} by week", unit, points, aim.target, _marks(ctx, kpi_id, flow, unit)), "weeks"
    )


def parts_by_week(ctx: ServerContext, kpi_id: str, period: Period, flow: str | None, by: str) -> None:
    """Draw a figure week by week for each part of a split."""
    parts = plotted.weeks(ctx.reading, period)
    found = _trends(ctx.reading, where(ctx), kpi_id, tuple(parts), flow, by)
    meant = definition(kpi_id)
    names = [week_of(part.start, part.zone) for part in parts]
    trends = [
        Trend(key, sum(one.n for one in line if one), tuple(_number(one) for one in line))
        for key, line in found.items()
    ]
    unit = next((one.currency for line in found.values() for one in line if one and one.currency), meant.unit)
    title = f"{meant.name} by {by.replace('_', ' ')} and week"
    _draw(multiples(title, unit, names, trends), "parts")


def still_open(ctx: ServerContext, _kpi_id: str, period: Period, flow: str | None) -> None:
    """Draw which share of the exceptions is still open after which time."""
    ages = [Age(*row) for row in plotted.ages(ctx.reading, period, flow)]
    _draw(survival("How long exceptions stay open", ages, "exceptions of the period"), "open")


def spread_of_times(ctx: ServerContext, _kpi_id: str, period: Period, flow: str | None) -> None:
    """Draw how far apart the times lie that units took."""
    by = SPLITS[0]
    boxes = [Box(*row) for row in plotted.spread_of_times(ctx.reading, period, flow, by)]
    _draw(spread(f"Time to fulfil by {by.replace('_', ' ')}", boxes), "spread")


def by_hour(ctx: ServerContext, _name: str, period: Period, flow: str | None) -> None:
    """Draw on which weekday and in which hour steps failed."""
    cells = [Cell(*row) for row in plotted.failures_by_hour(ctx.reading, period, flow)]
    _draw(hours(cells, period.zone), "hours")


_MORE: Final[dict[str, dict[str, Look]]] = {
    "K3": {"How long open": still_open},
    "K16": {"How long open": still_open},
    "K6": {"Spread": spread_of_times},
    "K14": {"Spread": spread_of_times},
    "failures_by_step": {"Hours": by_hour},
}


def _draw(plot: Plot | None, key: str) -> None:
    if plot is None:
        st.caption("Nothing to draw in this period.")
    else:
        draw(plot, f"plot-{key}")


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _by_week(
    _reading: Reading, where: str, kpi_id: str, parts: tuple[Period, ...], flow: str | None
) -> list[Counted]:
    del where
    return plotted.by_week(_reading, kpi_id, parts, flow)


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _trends(
    _reading: Reading, where: str, kpi_id: str, parts: tuple[Period, ...], flow: str | None, by: str
) -> dict[str, list[Counted | None]]:
    del where
    return plotted.trends_by(_reading, kpi_id, parts, flow, by)


def _number(one: Counted | None) -> float | None:
    return None if one is None or one.value is None else float(one.value)


def _marks(ctx: ServerContext, kpi_id: str, flow: str | None, unit: str) -> list[Mark]:
    zone = ctx.settings.zone
    return [
        Mark(week_of(one.set_at, zone), _words(one, unit)) for one in plotted.marks(ctx.reading, kpi_id, flow)
    ]


def _words(one: Set, unit: str) -> str:
    if one.kind == "baseline":
        return "baseline set" if one.name else "no baseline any more"
    if one.number is None:
        return f"no {one.kind} any more"
    text = formats.duration(one.number) if one.kind == "objective" else display.figure(one.number, unit)
    return f"{one.kind} {text}"
