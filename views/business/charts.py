"""The two charts: the shape of work, and failures by step."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import streamlit as st

from kpis import display, markers, scoreboard
from kpis.definition import definition
from kpis.scoreboard import Shape
from views.business.behind import open_figure
from views.business.filters import chosen, where
from views.kit.markdown import escape
from views.kit.plots.frame import GRAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from data.store import Reading
    from kpis.periods import Period
    from kpis.scoreboard import Finished, StepFailures
    from server.context import ServerContext


STEPS: Final = 10


FEW: Final = 6


MOST_CHANGES: Final = 8


SHAPES: Final = {
    Shape.TOUCHLESS: ("Touchless", "#0d9488"),
    Shape.ASSISTED: ("Assisted", "#4f46e5"),
    Shape.MANUAL: ("Closed by hand", "#d97706"),
    Shape.FAILED: ("Failed", "#dc2626"),
}


CLASS_COLORS: Final = {
    "business": "#4f46e5",
    "data": "#d97706",
    "infrastructure": "#0284c7",
    "unknown": "#94a3b8",
}


def charts(ctx: ServerContext, period: Period, flow: str | None) -> None:
    """Draw both charts."""
    left, right = st.columns([3, 2])
    with left, st.container(border=True, height="stretch"):
        _heading("shape_of_work")
        _shape(ctx, period, flow)
    with right, st.container(border=True, height="stretch"):
        _heading("failures_by_step")
        _steps(ctx, period, flow)


def _heading(chart: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{definition(chart).name}**", help=definition(chart).meaning, width="stretch")
        st.button("Open", key=f"open-{chart}", type="tertiary", on_click=open_figure, args=(chart,))


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _shapes(
    _reading: Reading, where: str, period: Period, flow: str | None, cut: tuple[str, str]
) -> list[Finished]:
    del where
    grain, zone = cut
    return scoreboard.shape_of_work(_reading, period.start, period.end, grain, flow, zone=zone)


def _shape(ctx: ServerContext, period: Period, flow: str | None) -> None:
    zone = ctx.settings.zone
    bars = _shapes(ctx.reading, where(ctx), period, flow, (chosen()[2], zone))
    if not any(any(bar.units.values()) for bar in bars):
        st.caption("No unit finished in this period.")
        return
    _legend(SHAPES.values())
    figure = _shape_figure(bars, ZoneInfo(zone))
    changes = markers.changes(ctx.reading, period.start, period.end, flow)
    for one in changes:
        moment = one.happened_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        figure.add_vline(moment, line={"color": GRAY, "width": 1.5, "dash": "dot"})
    st.plotly_chart(figure, key="shape", config={"displayModeBar": False})
    if changes:
        st.caption(escape(f"Dotted: {'; '.join(one.words for one in reversed(changes[:MOST_CHANGES]))}."))


def _shape_figure(bars: Sequence[Finished], zone: ZoneInfo) -> go.Figure:
    starts = [bar.start.astimezone(zone).replace(tzinfo=None) for bar in bars]
    # The first and the last bar are as narrow as the time they cover.
    widths = [(bar.end - bar.start) / timedelta(milliseconds=1) * 0.92 for bar in bars]
    until = [f"{bar.end.astimezone(zone):%H:%M}" for bar in bars]
    traces = [
        go.Bar(
            name=title,
            x=starts,
            y=[bar.units[shape] for bar in bars],
            offset=0,
            width=widths,
            marker={"color": color, "line": {"width": 0}},
            customdata=until,
            hovertemplate="%{x|%d %b %H:%M} to %{customdata}: <b>%{y:,}</b>",
        )
        for shape, (title, color) in SHAPES.items()
    ]
    return go.Figure(data=traces, layout=_layout(height=330, barmode="stack", xaxis={"type": "date"}))


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _failures(_reading: Reading, where: str, period: Period, flow: str | None) -> list[StepFailures]:
    del where
    return scoreboard.failures_by_step(_reading, period.start, period.end, flow)


def _steps(ctx: ServerContext, period: Period, flow: str | None) -> None:
    found = _failures(ctx.reading, where(ctx), period, flow)
    if not found:
        st.caption("No step failed in this period.")
        return
    steps = list(dict.fromkeys((row.flow, row.step) for row in found))
    classes = {row.error_class for row in found}
    _legend((display.CLASSES[name], color) for name, color in CLASS_COLORS.items() if name in classes)
    st.plotly_chart(
        _steps_figure(found, steps[:STEPS], with_flow=flow is None),
        key="steps",
        config={"displayModeBar": False},
    )
    if len(steps) > STEPS:
        st.caption(f"The {STEPS} steps with most failed units, of {len(steps)}.")


def _steps_figure(
    found: Sequence[StepFailures], steps: Sequence[tuple[str, str]], *, with_flow: bool
) -> go.Figure:
    labels = {step: _step_label(*step, with_flow=with_flow) for step in steps}
    units = {(row.flow, row.step, row.error_class): row.units for row in found}
    classes = [name for name in CLASS_COLORS if any((*step, name) in units for step in steps)]
    traces = [
        go.Bar(
            name=display.CLASSES[name],
            y=[labels[step] for step in steps],
            x=[units.get((*step, name), 0) for step in steps],
            orientation="h",
            marker={"color": CLASS_COLORS[name], "line": {"width": 0}},
            hovertemplate="%{x:,} units",
        )
        for name in classes
    ]
    axis = {"autorange": "reversed", "tickfont": {"size": 12}, "automargin": True}
    most = max(row.step_units for row in found)
    whole = {"tickformat": ",d"} | ({"dtick": 1} if most < FEW else {})
    height = 330 if len(steps) > STEPS // 2 else 60 + 40 * len(steps)
    return go.Figure(data=traces, layout=_layout(height=height, barmode="stack", xaxis=whole, yaxis=axis))


def _step_label(flow: str, step: str, *, with_flow: bool) -> str:
    parts = (_short(step), _short(flow)) if with_flow else (_short(step, 40),)
    return " · ".join(filter(None, parts)) or _short(flow)


def _short(text: str, most: int = 20) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _layout(**more: Any) -> dict[str, Any]:
    margin = {"l": 0, "r": 8, "t": 8, "b": 0}
    return {"showlegend": False, "margin": margin, "bargap": 0.25, "hovermode": "closest", **more}


def _legend(entries: Iterable[tuple[str, str]]) -> None:
    """Draw a legend above a chart: Plotly's own wraps over the bars where labels are long."""
    swatch = (
        '<span style="display:inline-block;width:.7em;height:.7em;border-radius:2px;background:{}"></span>'
    )
    entries_html = [f"<span>{swatch.format(color)} {title}</span>" for title, color in entries]
    style = "display:flex;flex-wrap:wrap;gap:.2em 1.2em;font-size:.85em;opacity:.85"
    st.html(f'<div style="{style}">{"".join(entries_html)}</div>')
