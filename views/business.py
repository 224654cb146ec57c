"""Business: what the automations achieve, in eight figures and two charts.

Read the filters, ask for the figures, draw them. Each figure opens its rows, its split and its definition.
The address says it all: `?period=7d&flow=order-to-cash&figure=K1` shows the same to everyone.
"""

from __future__ import annotations

import io
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import streamlit as st

from data import sheet
from kpis import periods, scoreboard, words
from kpis.definition import definition
from views.kit.person import here, later

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from data.store import Reading
    from kpis.definition import Definition
    from kpis.periods import Period
    from kpis.scoreboard import Kpi
    from server.center import Seat

    Row = dict[str, Any]

PERIODS: Final = {"24h": (1, 24, "hour"), "7d": (7, 14, "six hours"), "28d": (28, 28, "day")}
"""By name in the address: days, points of a sparkline, and how the shape of work is cut."""
USUAL: Final = "7d"
FRESH_S: Final = 10
"""Figures are computed at most once in so many seconds, whoever looks."""
EXPORT_ROWS: Final = 1_000
PAGE_ROWS: Final = 20
STEPS: Final = 10
FEW: Final = 6
COLUMNS: Final = 4
TILE_PX: Final = 215

SHAPES: Final = {
    "touchless": ("Touchless", "#0d9488"),
    "assisted": ("Assisted", "#4f46e5"),
    "manual": ("Closed by hand", "#d97706"),
    "failed": ("Failed", "#dc2626"),
}
CLASS_COLORS: Final = {
    "business": "#4f46e5",
    "data": "#d97706",
    "infrastructure": "#0284c7",
    "unknown": "#94a3b8",
}
SPARKS: Final[dict[str, Literal["line", "bar", "area"]]] = {
    "K20": "bar",
    "K9": "bar",
    "K8": "area",
    "K16": "area",
}
GREY: Final = "<style>[class*='st-key-few-'] [data-testid='stMetricValue'] {opacity: 0.45}</style>"
"""How a figure over few units looks."""
PARTS: Final = {
    "touchless": ("Touchless", "Assisted"),
    "succeeded": ("Succeeded", "Failed"),
    "with_error": ("With an error", "Without"),
}
"""What the counted rows of a figure are called, and the others."""


def page() -> None:
    """Draw the page."""
    center = here()
    began = scoreboard.flows(center.reading)
    period, flow = _filters(center, list(began))
    if not began:
        _empty()
        return
    figures = _figures(center.reading, _where(center), period, flow, _chosen()[1])
    _tiles(figures, compared=_has_before(period, began[flow] if flow else min(began.values())))
    _charts(center, period, flow)
    _dialog(center, figures, period, flow)


# --- filters --------------------------------------------------------------------------------------


def _filters(center: Seat, flows: Sequence[str]) -> tuple[Period, str | None]:
    """Draw the title with the filters beside it, and return what they say."""
    period = periods.last(_chosen()[0], _now(center), center.settings.zone)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Business", width="stretch", anchor=False)
        flow = _flow_filter(flows)
        _period_filter()
    st.caption(_as_of(center, period))
    return period, flow


def _flow_filter(flows: Sequence[str]) -> str | None:
    asked = st.query_params.get("flow")
    st.session_state["business-flow"] = asked if asked in flows else None
    st.selectbox(
        "Flow",
        flows,
        index=None,
        key="business-flow",
        placeholder="All flows",
        label_visibility="collapsed",
        width=240,
        on_change=_keep,
        args=("flow", "business-flow"),
    )
    return asked if asked in flows else None


def _period_filter() -> None:
    st.session_state["business-period"] = _period_name()
    st.segmented_control(
        "Period",
        list(PERIODS),
        key="business-period",
        required=True,
        label_visibility="collapsed",
        on_change=_keep,
        args=("period", "business-period"),
    )


def _keep(name: str, key: str) -> None:
    """Write what a filter says into the address."""
    value = st.session_state[key]
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def _period_name() -> str:
    asked = st.query_params.get("period", USUAL)
    return asked if asked in PERIODS else USUAL


def _chosen() -> tuple[int, int, str]:
    return PERIODS[_period_name()]


def _now(center: Seat) -> datetime:
    """Return the present, a few seconds coarse, so that everyone sees the same figures."""
    now = center.now()
    return now - timedelta(seconds=now.timestamp() % FRESH_S)


def _as_of(center: Seat, period: Period) -> str:
    zone = ZoneInfo(center.settings.zone)
    as_of = min(center.as_of() or period.end, period.end).astimezone(zone)
    start = period.start.astimezone(zone)
    return (
        f"Data as of {as_of:%H:%M:%S} · from {start:%d %b %H:%M} ({center.settings.zone}) · "
        f"changes compare with the {_period_name()} before"
    )


# --- figures ----------------------------------------------------------------------------------------


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _figures(_reading: Reading, where: str, period: Period, flow: str | None, buckets: int) -> list[Kpi]:
    """Return the eight figures; `where` tells stores apart."""
    del where
    return scoreboard.scoreboard(_reading, period.start, period.end, flow, buckets=buckets)


def _has_before(period: Period, began: datetime) -> bool:
    """Tell whether there is a whole period to compare with; a twentieth may be missing."""
    return began <= period.before.start + (period.end - period.start) / 20


def _where(center: Seat) -> str:
    """Return what tells stores, and what of them somebody may see, apart."""
    return f"{center.settings.data} {center.reading.scope}"


def _tiles(figures: Sequence[Kpi], *, compared: bool) -> None:
    st.html(GREY)
    with st.grid(COLUMNS, min_column_width=TILE_PX):
        for one in figures:
            _tile(one, compared=compared)


def _tile(one: Kpi, *, compared: bool) -> None:
    change = words.change(one) if compared else None
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
        st.caption(words.note(one) or " ")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(_counted(one), width="stretch")
            st.button("Open", key=f"open-{one.id}", type="tertiary", on_click=_open, args=(one.id,))


def _value(one: Kpi) -> str:
    if one.too_few:
        return words.counted(one.n, "exception" if one.unit == "seconds" else "unit")
    return words.figure(one.value, one.unit)


def _why_no_change(one: Kpi, *, compared: bool) -> str:
    if one.too_few:
        return f"too few: fewer than {one.floor}"
    if not compared:
        return "no whole period before"
    return "too few before" if one.previous is None or one.previous_n < one.floor else "no change"


def _spark(one: Kpi) -> list[float] | None:
    """Return the trend; parts in which nothing was counted stay as gaps, so that time runs evenly."""
    if one.too_few:
        return None
    values = [math.nan if point.value is None else float(point.value) for point in one.trend]
    return values if sum(map(math.isfinite, values)) > 1 else None


def _counted(one: Kpi) -> str:
    return f"n {one.n:,} · {one.in_flight:,} in flight" if one.in_flight else f"n {one.n:,}"


# --- charts -----------------------------------------------------------------------------------------


def _charts(center: Seat, period: Period, flow: str | None) -> None:
    left, right = st.columns([3, 2])
    with left, st.container(border=True, height="stretch"):
        _heading("shape_of_work")
        _shape(center, period, flow)
    with right, st.container(border=True, height="stretch"):
        _heading("failures_by_step")
        _steps(center, period, flow)


def _heading(chart: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{definition(chart).name}**", help=definition(chart).meaning, width="stretch")
        st.button("Open", key=f"open-{chart}", type="tertiary", on_click=_open, args=(chart,))


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _shapes(
    _reading: Reading, where: str, period: Period, flow: str | None, cut: tuple[str, str]
) -> list[Row]:
    del where
    grain, zone = cut
    return scoreboard.shape_of_work(_reading, period.start, period.end, grain, flow, zone=zone)


def _shape(center: Seat, period: Period, flow: str | None) -> None:
    zone = center.settings.zone
    bars = _shapes(center.reading, _where(center), period, flow, (_chosen()[2], zone))
    if not any(bar[name] for bar in bars for name in SHAPES):
        st.caption("No unit finished in this period.")
        return
    _legend(SHAPES.values())
    st.plotly_chart(_shape_figure(bars, ZoneInfo(zone)), key="shape", config={"displayModeBar": False})


def _shape_figure(bars: Sequence[Row], zone: ZoneInfo) -> go.Figure:
    starts = [bar["start"].astimezone(zone).replace(tzinfo=None) for bar in bars]
    # The first and the last bar are as narrow as the time they stand for.
    widths = [(bar["end"] - bar["start"]) / timedelta(milliseconds=1) * 0.92 for bar in bars]
    until = [f"{bar['end'].astimezone(zone):%H:%M}" for bar in bars]
    traces = [
        go.Bar(
            name=title,
            x=starts,
            y=[bar[name] for bar in bars],
            offset=0,
            width=widths,
            marker={"color": color, "line": {"width": 0}},
            customdata=until,
            hovertemplate="%{x|%d %b %H:%M} to %{customdata}: <b>%{y:,}</b>",
        )
        for name, (title, color) in SHAPES.items()
    ]
    return go.Figure(data=traces, layout=_layout(height=330, barmode="stack", xaxis={"type": "date"}))


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _failures(_reading: Reading, where: str, period: Period, flow: str | None) -> list[Row]:
    del where
    return scoreboard.failures_by_step(_reading, period.start, period.end, flow)


def _steps(center: Seat, period: Period, flow: str | None) -> None:
    found = _failures(center.reading, _where(center), period, flow)
    if not found:
        st.caption("No step failed in this period.")
        return
    steps = list(dict.fromkeys((row["flow"], row["step"]) for row in found))
    classes = {row["class"] for row in found}
    _legend((words.CLASSES[name], color) for name, color in CLASS_COLORS.items() if name in classes)
    st.plotly_chart(
        _steps_figure(found, steps[:STEPS], with_flow=flow is None),
        key="steps",
        config={"displayModeBar": False},
    )
    if len(steps) > STEPS:
        st.caption(f"The {STEPS} steps with most failed units, of {len(steps)}.")


def _steps_figure(found: Sequence[Row], steps: Sequence[tuple[str, str]], *, with_flow: bool) -> go.Figure:
    labels = {step: _step_label(*step, with_flow=with_flow) for step in steps}
    units = {(row["flow"], row["step"], row["class"]): row["units"] for row in found}
    classes = [name for name in CLASS_COLORS if any((*step, name) in units for step in steps)]
    traces = [
        go.Bar(
            name=words.CLASSES[name],
            y=[labels[step] for step in steps],
            x=[units.get((*step, name), 0) for step in steps],
            orientation="h",
            marker={"color": CLASS_COLORS[name], "line": {"width": 0}},
            hovertemplate="%{x:,} units",
        )
        for name in classes
    ]
    axis = {"autorange": "reversed", "tickfont": {"size": 12}, "automargin": True}
    most = max(row["step_units"] for row in found)
    whole = {"tickformat": ",d"} | ({"dtick": 1} if most < FEW else {})
    height = 330 if len(steps) > STEPS // 2 else 60 + 40 * len(steps)
    return go.Figure(data=traces, layout=_layout(height=height, barmode="stack", xaxis=whole, yaxis=axis))


def _step_label(flow: str, step: str, *, with_flow: bool) -> str:
    parts = (_short(step), _short(flow)) if with_flow else (_short(step, 40),)
    return " · ".join(filter(None, parts)) or _short(flow)


def _short(text: str, most: int = 20) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _layout(**more: Any) -> Row:
    margin = {"l": 0, "r": 8, "t": 8, "b": 0}
    return {"showlegend": False, "margin": margin, "bargap": 0.25, "hovermode": "closest", **more}


def _legend(entries: Iterable[tuple[str, str]]) -> None:
    """Draw a legend above a chart: Plotly's own wraps over the bars where labels are long."""
    swatch = (
        '<span style="display:inline-block;width:.7em;height:.7em;border-radius:2px;background:{}"></span>'
    )
    words_of = [f"<span>{swatch.format(color)} {title}</span>" for title, color in entries]
    style = "display:flex;flex-wrap:wrap;gap:.2em 1.2em;font-size:.85em;opacity:.85"
    st.html(f'<div style="{style}">{"".join(words_of)}</div>')


# --- what a figure opens --------------------------------------------------------------------------------


def _open(figure: str) -> None:
    st.query_params["figure"] = figure
    st.session_state["business-page"] = 0


def _close() -> None:
    st.query_params.pop("figure", None)


def _dialog(center: Seat, figures: Sequence[Kpi], period: Period, flow: str | None) -> None:
    """Open what the address names."""
    asked = st.query_params.get("figure")
    known = {one.id: one for one in figures} | dict.fromkeys(("shape_of_work", "failures_by_step"))
    if asked not in known:
        return
    meant = definition(asked)
    open_dialog = st.dialog(meant.name, width="large", on_dismiss=_close)(_behind)
    open_dialog(center, meant, known[asked], period, flow)


def _behind(center: Seat, meant: Definition, one: Kpi | None, period: Period, flow: str | None) -> None:
    st.markdown(meant.meaning)
    if one:
        st.caption(
            " · ".join(filter(None, [words.figure(one.value, one.unit), _counted(one), words.note(one)]))
        )
    views = ["Rows", "Split", "Definition"] if one else ["Rows", "Definition"]
    view = st.segmented_control("View", views, default="Rows", required=True, label_visibility="collapsed")
    if view == "Rows":
        _rows(center, meant, period, flow)
    elif view == "Split" and one:
        _split(center, meant, one, period, flow)
    else:
        _definition(meant)


def _rows(center: Seat, meant: Definition, period: Period, flow: str | None) -> None:
    only = _which_rows(meant)
    place = st.session_state.setdefault("business-page", 0)
    total, found = scoreboard.rows(
        center.reading,
        meant.id,
        period.start,
        period.end,
        flow,
        PAGE_ROWS,
        place * PAGE_ROWS,
        only_counted=only,
    )
    if not total:
        st.caption("No rows.")
        return
    zone = ZoneInfo(center.settings.zone)
    shown = [_shown(row, zone) for row in found]
    if meant.rows in scoreboard.AS_OF:
        shown = [{"Age" if name == "Took" else name: cell for name, cell in row.items()} for row in shown]
    st.dataframe(shown, hide_index=True, height="content", column_config=_columns(shown))
    _pager(place, total, len(found))
    st.download_button(
        f"All {total:,} rows as CSV", data=later(lambda center: _csv(center, meant, period, flow, only=only)),
        file_name=f"unsnag-{meant.id}.csv", mime="text/csv", icon=":material/download:", on_click="ignore",
        help="That you took them is recorded in the audit.",
    )  # fmt: skip


def _csv(center: Seat, meant: Definition, period: Period, flow: str | None, *, only: bool | None) -> bytes:
    """Return all rows behind a figure; that they are carried away is recorded before they leave."""
    rows: list[Row] = []
    while True:
        page = (EXPORT_ROWS, len(rows))
        _, found = scoreboard.rows(
            center.reading, meant.id, period.start, period.end, flow, *page, only_counted=only
        )
        rows.extend(found)
        if len(found) < EXPORT_ROWS:
            break
    center.exported(f"figure:{meant.id}", len(rows), flow=flow or "all", since=str(period.start))
    out = io.BytesIO()
    sheet.write(rows, list(rows[0]) if rows else [], out)
    return out.getvalue()


def _which_rows(meant: Definition) -> bool | None:
    if meant.rows != "units" or meant.counted not in PARTS:
        return None
    counted, others = PARTS[meant.counted]
    chosen = st.segmented_control(
        "Rows",
        ["All", counted, others],
        default="All",
        required=True,
        label_visibility="collapsed",
        on_change=_first,
    )
    return {counted: True, others: False}.get(chosen)


def _first() -> None:
    st.session_state["business-page"] = 0


def _shown(row: Row, zone: ZoneInfo) -> Row:
    """Return a row as people read it, the same names in the same order for all figures."""
    closed, amount = row.get("closed_at") or row.get("failed_at"), row.get("value_amount")
    cells = {
        "Unit": f"/trace?id={quote(row['correlation_id'], safe='')}#{row['correlation_id']}",
        "Flow": row["flow"],
        "Step": row.get("step"),
        "Outcome": (row.get("outcome") or row.get("state") or "").replace("_", " ") or None,
        "Recovered by": row.get("recovered_by"),
        "Class": words.CLASSES.get(row.get("class") or "", row.get("class")),
        "Opened": _moment(row.get("opened_at"), zone),
        "Ended": _moment(closed, zone),
        "Took": words.duration(row["seconds"]) if row.get("seconds") is not None else None,
        "Failed attempts": row.get("failed_attempts"),
        "Acts of people": row.get("human_acts"),
        "Value": None if amount is None else words.money(amount, row.get("value_currency") or "no currency"),
    }
    return {name: value for name, value in cells.items() if name in _FIELDS and _FIELDS[name] & row.keys()}


_FIELDS: Final[dict[str, frozenset[str]]] = {
    "Unit": frozenset({"correlation_id"}),
    "Flow": frozenset({"flow"}),
    "Step": frozenset({"step"}),
    "Outcome": frozenset({"outcome", "state"}),
    "Recovered by": frozenset({"recovered_by"}),
    "Class": frozenset({"class"}),
    "Opened": frozenset({"opened_at"}),
    "Ended": frozenset({"closed_at", "failed_at"}),
    "Took": frozenset({"seconds"}),
    "Failed attempts": frozenset({"failed_attempts"}),
    "Acts of people": frozenset({"human_acts"}),
    "Value": frozenset({"value_amount"}),
}


def _moment(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else f"{moment.astimezone(zone):%d %b %H:%M:%S}"


def _columns(shown: Sequence[Row]) -> dict[str, Any]:
    del shown
    return {"Unit": st.column_config.LinkColumn("Unit", display_text=r"#(.+)$", help="Open the trace")}


def _pager(place: int, total: int, shown: int) -> None:
    first = place * PAGE_ROWS + 1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{first:,} to {first + shown - 1:,} of {total:,}", width="stretch")
        st.button("Previous", icon=":material/chevron_left:", disabled=not place, on_click=_turn, args=(-1,))
        st.button(
            "Next",
            icon=":material/chevron_right:",
            disabled=first + shown > total,
            on_click=_turn,
            args=(1,),
        )


def _turn(pages: int) -> None:
    st.session_state["business-page"] += pages


def _split(center: Seat, meant: Definition, one: Kpi, period: Period, flow: str | None) -> None:
    by = st.segmented_control(
        "By",
        meant.splits,
        default=meant.splits[0],
        required=True,
        format_func=lambda name: name.replace("_", " ").capitalize(),
        label_visibility="collapsed",
    )
    parts = scoreboard.kpi(center.reading, meant.id, period, flow=flow, by=by).breakdown
    if not parts:
        st.caption("Nothing to split.")
        return
    table = [
        {
            by.replace("_", " ").capitalize(): words.CLASSES.get(part["key"], part["key"])
            if by == "class"
            else part["key"],
            meant.name: words.figure(part["value"], one.unit),
            "n": part["n"],
            "Share of n": part["n"] / one.n,
        }
        for part in parts
    ]
    share = st.column_config.ProgressColumn("Share of n", format="percent", min_value=0, max_value=1)
    number = st.column_config.NumberColumn("n", format="localized")
    st.dataframe(table, hide_index=True, column_config={"n": number, "Share of n": share})


def _definition(meant: Definition) -> None:
    st.markdown("\n".join(f"- {rule}" for rule in meant.rules))
    better = "More is better." if meant.better == "up" else "Less is better."
    floor = f" Below {meant.floor} it is shown grey." if meant.floor else ""
    st.caption(f"Version {meant.version} · unit: {meant.unit} · {meant.grain}. {better}{floor}")
    with st.expander("SQL"):
        st.code(meant.sql, language="sql")


# --- nothing yet ------------------------------------------------------------------------------------------


def _empty() -> None:
    with st.container(border=True):
        st.markdown("**No units of work yet**")
        st.markdown(
            "Figures appear with the first unit that finishes. Hook a script with `unsnag`, "
            "or send OpenTelemetry to `/v1/traces`."
        )
