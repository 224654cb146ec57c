"""Business: what the automations achieve, in figures under five headings and two charts.

Read the filters, query the figures, draw them. Each figure opens its rows, its split and its definition.
The address holds every choice: `?period=7d&flow=order-to-cash&figure=K1` shows the same to everyone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st

from data import formats
from kpis import display, scoreboard
from kpis.chosen import Selection
from kpis.definition import GROUPS, definition
from views.business.behind import count_line, dialog, open_figure
from views.business.charts import charts
from views.business.filters import chosen, filters, where
from views.business.unruled import without_rule
from views.kit.person import page_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from data.store import Reading
    from kpis.figure import Kpi
    from kpis.periods import Period


COLUMNS: Final = 4


CHARTED: Final = "outcome"
"""The heading under which both charts stand."""


TILE_PX: Final = 215


SPARKS: Final[dict[str, Literal["line", "bar", "area"]]] = {
    "K20": "bar",
    "K9": "bar",
    "K8": "area",
    "K16": "area",
}


GREY: Final = "<style>[class*='st-key-few-'] [data-testid='stMetricValue'] {opacity: 0.75}</style>"
"""How a figure over few units looks."""


def page() -> None:
    """Draw the page."""
    ctx = page_context()
    began = scoreboard.flows(ctx.reading)
    period, flow = filters(ctx, list(began))
    if not began:
        _empty()
        return
    without_rule(ctx.reading, period, flow)
    figures = _figures(ctx.reading, where(ctx), period, flow, chosen()[1])
    st.html(GREY)
    compared = _has_before(period, began[flow] if flow else min(began.values()))
    for group in GROUPS:
        _tiles(group, [one for one in figures if definition(one.id).group == group], compared=compared)
        if group == CHARTED:
            charts(ctx, period, flow)
    dialog(ctx, figures, period, Selection(flow))


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _figures(_reading: Reading, where: str, period: Period, flow: str | None, buckets: int) -> list[Kpi]:
    """Return all figures; `where` distinguishes stores in the cache."""
    del where
    return scoreboard.scoreboard(_reading, period.start, period.end, flow, buckets=buckets, zone=period.zone)


def _has_before(period: Period, began: datetime) -> bool:
    """Return whether data covers the whole previous period; a twentieth may be missing."""
    return began <= period.before.start + (period.end - period.start) / 20


def _tiles(group: str, figures: Sequence[Kpi], *, compared: bool) -> None:
    if not figures:
        return
    st.subheader(group.capitalize(), anchor=False)
    with st.grid(COLUMNS, min_column_width=TILE_PX):
        for one in figures:
            _tile(one, compared=compared)


def _tile(one: Kpi, *, compared: bool) -> None:
    change = display.change(one) if compared else None
    look = "few" if one.too_few else "tile"
    with st.container(border=True, height="stretch", key=f"{look}-{one.id}", gap=None):
        st.metric(
            one.name,
            _value(one),
            change or _why_no_change(one, compared=compared),
            help=definition(one.id).meaning,
            delta_color=("normal" if one.better == "up" else "inverse") if change else "off",
            delta_arrow="auto" if change else "off",
            chart_data=_spark(one),
            chart_type=SPARKS.get(one.id, "line"),
        )
        st.caption(display.note(one) or " ")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(count_line(one), width="stretch")
            st.button("Open", key=f"open-{one.id}", type="tertiary", on_click=open_figure, args=(one.id,))


def _value(one: Kpi) -> str:
    if one.too_few:
        return formats.count(one.n, *display.nouns(one))
    return display.figure(one.value, one.unit)


def _why_no_change(one: Kpi, *, compared: bool) -> str:
    if one.too_few:
        return f"too few: fewer than {one.floor}"
    if not compared:
        return "no full period before"
    return "too few before" if one.previous is None or one.previous_n < one.floor else "no change"


def _spark(one: Kpi) -> list[float] | None:
    """Return the trend; parts without data stay as gaps, so that the time axis is even."""
    if one.too_few:
        return None
    values = [math.nan if point.value is None else float(point.value) for point in one.trend]
    return values if sum(map(math.isfinite, values)) > 1 else None


def _empty() -> None:
    with st.container(border=True):
        st.markdown("**No finished units of work yet**")
        st.markdown(
            "This page shows outcome, value and load of your automations, from the first finished unit on. "
            "Connect a script, a log file or OpenTelemetry on the page [Connect](/connect)."
        )
