"""What a figure opens: its rows, its split, its definition."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import streamlit as st

from access.commands import perform
from data import formats, sheet
from data.paging import PageRequest
from kpis import display, scoreboard
from kpis.definition import definition
from server.exports import RecordExport
from views.business.looks import looks, parts_by_week
from views.kit.person import later

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kpis.chosen import Selection
    from kpis.definition import Definition
    from kpis.figure import Kpi
    from kpis.periods import Period
    from server.context import ServerContext

EXPORT_ROWS: Final = 1_000


PAGE_ROWS: Final = 20


PARTS: Final = {
    "touchless": ("Touchless", "Assisted"),
    "succeeded": ("Succeeded", "Failed"),
    "with_error": ("With an error", "Without"),
    "right": ("Right the first time", "Others"),
    "intervened": ("With an intervention", "Without"),
}
"""How the counted rows of a figure are named, and how the others are."""


def count_line(one: Kpi) -> str:
    """Return how many units a figure counts, and how many are still in flight."""
    return f"n {one.n:,} · {one.in_flight:,} in flight" if one.in_flight else f"n {one.n:,}"


def open_figure(figure: str) -> None:
    """Open the dialog of a figure or chart, on its first page of rows."""
    st.query_params["figure"] = figure
    st.session_state["business-page"] = 0


def _close() -> None:
    for name in ("figure", "view"):
        st.query_params.pop(name, None)


def dialog(ctx: ServerContext, figures: Sequence[Kpi], period: Period, work: Selection) -> None:
    """Open the dialog that the address names."""
    name = st.query_params.get("figure")
    known = {one.id: one for one in figures} | dict.fromkeys(("shape_of_work", "failures_by_step"))
    if name not in known:
        return
    meant = definition(name)
    open_dialog = st.dialog(meant.name, width="large", on_dismiss=_close)(_behind)
    open_dialog(ctx, meant, known[name], period, work)


def _behind(ctx: ServerContext, meant: Definition, one: Kpi | None, period: Period, work: Selection) -> None:
    st.markdown(meant.meaning)
    if one:
        st.caption(
            " · ".join(
                part
                for part in (display.figure(one.value, one.unit), count_line(one), display.note(one))
                if part
            )
        )
    drawn = looks(meant.id, work)
    views = ["Rows", *(["Split"] if one else []), *drawn, "Definition"]
    named = st.query_params.get("view")
    view = st.segmented_control(
        "View",
        views,
        default=named if named in views else "Rows",
        required=True,
        label_visibility="collapsed",
    )
    if view == "Rows":
        _rows(ctx, meant, period, work)
    elif view == "Split" and one:
        _split(ctx, meant, one, period, work)
    elif view in drawn:
        drawn[view](ctx, meant.id, period, work)
    else:
        _definition(meant)


def _rows(ctx: ServerContext, meant: Definition, period: Period, work: Selection) -> None:
    only = _which_rows(meant)
    place = st.session_state.setdefault("business-page", 0)
    wanted = PageRequest(PAGE_ROWS, place * PAGE_ROWS)
    page = scoreboard.page_of_rows(
        ctx.reading, meant.id, period, work.flow, wanted, only_counted=only, chosen=work.part
    )
    total, found = page.total, page.items
    if not total:
        st.caption("No rows in this period.")
        return
    shown = [_shown(row, ctx.settings.zone) for row in found]
    if meant.rows in scoreboard.AS_OF:
        shown = [{"Age" if name == "Took" else name: cell for name, cell in row.items()} for row in shown]
    st.dataframe(shown, hide_index=True, height="content", column_config=_columns())
    _pager(place, total, len(found))
    st.download_button(
        f"All {total:,} rows as CSV", data=later(lambda ctx: _csv(ctx, meant, period, work, only=only)),
        file_name=f"unsnag-{meant.id}.csv", mime="text/csv", icon=":material/download:", on_click="ignore",
        help="The export is recorded in the audit.",
    )  # fmt: skip


def _csv(
    ctx: ServerContext, meant: Definition, period: Period, work: Selection, *, only: bool | None
) -> bytes:
    """Return all rows behind a figure; the audit records the export before it starts."""
    rows: list[dict[str, Any]] = []
    wanted: PageRequest | None = PageRequest(EXPORT_ROWS)
    while wanted:
        found = scoreboard.page_of_rows(
            ctx.reading, meant.id, period, work.flow, wanted, only_counted=only, chosen=work.part
        )
        rows.extend(found.items)
        wanted = PageRequest(EXPORT_ROWS, behind=found.after) if found.after else None
    details = {"rows": len(rows), "flow": work.flow or "all", "since": str(period.start)}
    if work.part:
        details |= {work.part.field: work.part.value}
    perform(RecordExport(f"figure:{meant.id}", details), ctx)
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


def _shown(row: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return a row as the table shows it, with the same columns in the same order for all figures."""
    return {
        title: _cell(kind, _first_of(row, names), row, zone)
        for title, kind, names in _COLUMNS
        if names & row.keys()
    }


def _first_of(row: Mapping[str, Any], names: frozenset[str]) -> Any:
    return next((row[name] for name in row if name in names and row[name] is not None), None)


def _cell(kind: str, value: Any, row: Mapping[str, Any], zone: str) -> Any:
    if value is None or kind == "plain":
        return value
    if kind == "unit":
        return f"/trace?id={quote(value, safe='')}#{value}"
    if kind == "moment":
        return formats.clock(value, zone)
    if kind == "money":
        return formats.money(value, row.get("value_currency"))
    return _WORDS[kind](value)


_WORDS: Final[dict[str, Callable[[Any], str | None]]] = {
    "outcome": lambda value: value.replace("_", " ") or None,
    "class": lambda value: display.CLASSES.get(value, value),
    "duration": formats.duration,
    "answer": lambda value: "yes" if value else "no",
}
_COLUMNS: Final[tuple[tuple[str, str, frozenset[str]], ...]] = (
    ("Unit", "unit", frozenset({"correlation_id"})),
    ("Flow", "plain", frozenset({"flow"})),
    ("Step", "plain", frozenset({"step"})),
    ("Source", "plain", frozenset({"source"})),
    ("Outcome", "outcome", frozenset({"outcome", "state"})),
    ("Recovered by", "plain", frozenset({"recovered_by"})),
    ("Retried by", "plain", frozenset({"retried_by"})),
    ("Class", "class", frozenset({"class"})),
    ("Opened", "moment", frozenset({"opened_at"})),
    ("Happened", "moment", frozenset({"happened_at"})),
    ("Arrived", "moment", frozenset({"arrived_at"})),
    ("Claimed", "moment", frozenset({"claimed_at"})),
    ("Ended", "moment", frozenset({"closed_at", "failed_at", "ended_at"})),
    ("Took", "duration", frozenset({"seconds"})),
    ("Attempt", "plain", frozenset({"attempt"})),
    ("Failed attempts", "plain", frozenset({"failed_attempts"})),
    ("Actions by people", "plain", frozenset({"human_acts"})),
    ("Who", "answer", frozenset({"who"})),
    ("What", "answer", frozenset({"what"})),
    ("Steps", "answer", frozenset({"steps"})),
    ("Why", "answer", frozenset({"why"})),
    ("Value", "money", frozenset({"value_amount"})),
)
"""The columns of all tables in their order: title, how a cell is written, and where its value stands."""


def _columns() -> dict[str, Any]:
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


def _split(ctx: ServerContext, meant: Definition, one: Kpi, period: Period, work: Selection) -> None:
    by = st.segmented_control(
        "By",
        meant.splits,
        default=meant.splits[0],
        required=True,
        format_func=lambda name: name.replace("_", " ").capitalize(),
        label_visibility="collapsed",
    )
    parts = scoreboard.kpi(ctx.reading, meant.id, period, flow=work.flow, by=by, chosen=work.part).breakdown
    if not parts:
        st.caption("No units to split in this period.")
        return
    table = [
        {
            by.replace("_", " ").capitalize(): display.CLASSES.get(part.key, part.key)
            if by == "class"
            else part.key,
            meant.name: display.figure(part.value, one.unit),
            "n": part.n,
            "Share of n": part.n / one.n,
        }
        for part in parts
    ]
    share = st.column_config.ProgressColumn("Share of n", format="percent", min_value=0, max_value=1)
    number = st.column_config.NumberColumn("n", format="localized")
    st.dataframe(table, hide_index=True, column_config={"n": number, "Share of n": share})
    parts_by_week(ctx, meant.id, period, work, by)


def _definition(meant: Definition) -> None:
    st.markdown("\n".join(f"- {rule}" for rule in meant.rules))
    better = "More is better." if meant.better == "up" else "Less is better."
    floor = f" Below {meant.floor} it is shown grey." if meant.floor else ""
    st.caption(f"Version {meant.version} · unit: {meant.unit} · {meant.grain}. {better}{floor}")
    with st.expander("SQL"):
        st.code(meant.sql, language="sql")
