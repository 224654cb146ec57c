"""What the dialog of a figure draws beside its rows: the weeks, the parts by week, how long, and when."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from data import formats
from kpis import display, markers, plotted, scoreboard, targets
from kpis.definition import definition, ids
from kpis.periods import week_of
from unsnag.fields import SPLITS
from views.business.filters import where
from views.kit.markdown import escape
from views.kit.plots.control import Mark, Week, control
from views.kit.plots.frame import Plot, draw
from views.kit.plots.hours import Cell, hours
from views.kit.plots.multiples import Trend, multiples
from views.kit.plots.spread import Box, spread
from views.kit.plots.survival import Age, survival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.store import Reading
    from kpis.chosen import Selection
    from kpis.figure import Counted
    from kpis.markers import Change
    from kpis.periods import Period
    from kpis.plotted import Set
    from server.context import ServerContext

MOST_CHANGES: Final = 8
Look = Callable[["ServerContext", str, "Period", "Selection"], None]


def looks(name: str, work: Selection) -> dict[str, Look]:
    """Return what there is to look at of a figure or chart, by what it is called.

    Of one part of a split there are the weeks only.
    """
    found: dict[str, Look] = {"Weeks": weeks} if name in ids() else {}
    return found if work.part else found | _MORE.get(name, {})


def weeks(ctx: ServerContext, kpi_id: str, period: Period, work: Selection) -> None:
    """Draw the control chart of a figure."""
    parts = plotted.weeks(ctx.reading, period)
    found = _by_week(ctx.reading, where(ctx), kpi_id, tuple(parts), work)
    meant = definition(kpi_id)
    unit = next((one.currency for one in reversed(found) if one.currency), meant.unit)
    points = [
        Week(week_of(part.start, part.zone), _number(one), one.n, one.n < meant.floor)
        for part, one in zip(parts, found, strict=True)
    ]
    aims = {} if work.part else targets.aims(ctx.reading, work.flow)
    target = aims.get(kpi_id, targets.Aim()).target
    changed = _changes(ctx, parts, work)
    marks = [*_marks(ctx, kpi_id, work.flow, unit), *(_mark(one, period.zone) for one in reversed(changed))]
    _draw(control(f"{meant.name} by week", unit, points, target, marks), "weeks")
    _before_and_after(ctx, kpi_id, changed, work)


def parts_by_week(ctx: ServerContext, kpi_id: str, period: Period, work: Selection, by: str) -> None:
    """Draw a figure week by week for each part of a split."""
    parts = plotted.weeks(ctx.reading, period)
    found = _trends(ctx.reading, where(ctx), kpi_id, tuple(parts), work, by)
    meant = definition(kpi_id)
    names = [week_of(part.start, part.zone) for part in parts]
    trends = [
        Trend(key, sum(one.n for one in line if one), tuple(_number(one) for one in line))
        for key, line in found.items()
    ]
    unit = next((one.currency for line in found.values() for one in line if one and one.currency), meant.unit)
    title = f"{meant.name} by {by.replace('_', ' ')} and week"
    changed: dict[str, str] = {}
    for one in map(partial(_mark, zone=period.zone), _changes(ctx, parts, work)):
        changed[one.week] = f"{changed[one.week]}, {one.text}" if one.week in changed else one.text
    _draw(multiples(title, unit, names, trends, changed), "parts")


def _changes(ctx: ServerContext, parts: Sequence[Period], work: Selection) -> list[Change]:
    if not parts:
        return []
    found = markers.changes(ctx.reading, parts[0].start, parts[-1].end, work.flow)
    return found[:MOST_CHANGES]


def _mark(one: Change, zone: str) -> Mark:
    return Mark(week_of(one.happened_at, zone), escape(one.words))


def _before_and_after(ctx: ServerContext, kpi_id: str, found: Sequence[Change], work: Selection) -> None:
    """Draw the figure in the days before and after each change."""
    rows = []
    for one in found:
        period = markers.around(one, markers.DAYS, ctx.settings.zone, ctx.now())
        figure = scoreboard.kpi(ctx.reading, kpi_id, period, flow=one.flow or work.flow, chosen=work.part)
        sides = ((figure.previous, figure.previous_n), (figure.value, figure.n))
        before, after = (f"{display.figure(value, figure.unit)} (n {n:,})" for value, n in sides)
        when = formats.clock(one.happened_at, ctx.settings.zone)
        row = {
            "Changed": when,
            "What": one.text,
            "Flow": one.flow or "all",
            "Kind": one.kind,
            "By": one.actor,
        }
        rows.append(row | {f"{markers.DAYS} days before": before, f"{markers.DAYS} days after": after})
    if rows:
        st.dataframe(rows, hide_index=True, height="content")
        st.caption("Both sides of a change are equally long: it is cut now, and so is the time before it.")


def still_open(ctx: ServerContext, _kpi_id: str, period: Period, work: Selection) -> None:
    """Draw which share of the exceptions is still open after which time."""
    ages = [Age(*row) for row in plotted.ages(ctx.reading, period, work.flow)]
    _draw(survival("How long exceptions stay open", ages, "exceptions of the period"), "open")


def spread_of_times(ctx: ServerContext, _kpi_id: str, period: Period, work: Selection) -> None:
    """Draw how far apart the times lie that units took."""
    by = SPLITS[0]
    boxes = [Box(*row) for row in plotted.spread_of_times(ctx.reading, period, work.flow, by)]
    _draw(spread(f"Time to fulfil by {by.replace('_', ' ')}", boxes), "spread")


def by_hour(ctx: ServerContext, _name: str, period: Period, work: Selection) -> None:
    """Draw on which weekday and in which hour steps failed."""
    cells = [Cell(*row) for row in plotted.failures_by_hour(ctx.reading, period, work.flow)]
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
    _reading: Reading, where: str, kpi_id: str, parts: tuple[Period, ...], work: Selection
) -> list[Counted]:
    del where
    return plotted.by_week(_reading, kpi_id, parts, work)


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _trends(
    _reading: Reading, where: str, kpi_id: str, parts: tuple[Period, ...], work: Selection, by: str
) -> dict[str, list[Counted | None]]:
    del where
    return plotted.trends_by(_reading, kpi_id, parts, work, by)


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
