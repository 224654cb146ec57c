"""Find a unit, a trace, a case or a run, and choose between several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from cases import queries, units
from cases.queries import CaseFilter
from cases.unit import HitKind, UnitState
from data import formats
from views.kit import labels
from views.kit.empty import empty, first_use
from views.kit.markdown import escape
from views.kit.state import go, param, preset
from views.kit.title import title
from views.recent import recent_units
from views.trace.cases import exceptions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.unit import Hit
    from server.context import ServerContext

    Place = tuple[str, str | None]

SHOWS: Final = "Everything of one unit of work: steps, time, failures, people."


STATES: Final[dict[str, tuple[str, Any, str]]] = {
    UnitState.IN_FLIGHT: ("In flight", "blue", ":material/pending:"),
    UnitState.COMPLETED: ("Completed", "green", ":material/check_circle:"),
    UnitState.FAILED: ("Failed", "red", ":material/error:"),
    UnitState.RECOVERED: ("Recovered", "green", ":material/verified:"),
    UnitState.PARTIAL: ("Partly failed", "orange", ":material/error:"),
    UnitState.WITH_ERRORS: ("Completed with errors", "orange", ":material/warning:"),
    UnitState.UNPROVEN: ("Completed, unproven", "gray", ":material/help:"),
    UnitState.ENDED: ("Ended, no success rule", "gray", ":material/stop_circle:"),
    UnitState.MENTIONED: ("Only named", "gray", ":material/format_quote:"),
}
"""The state of a unit: name, colour, icon."""


HIT_KINDS: Final = {
    HitKind.UNIT: "Unit of work",
    HitKind.CUSTOMER: "Unit of this customer",
    HitKind.TRACE: "Trace",
    HitKind.CASE: "Exception",
    HitKind.RUN: "Run",
}


def search_box() -> None:
    """Draw the title and the search box."""
    preset("trace_search", param("q") or param("id"))
    with title("Trace"):
        st.text_input(
            "Find an order, a trace, a case or a run",
            key="trace_search",
            placeholder="Find an order, a trace, a case or a run",
            label_visibility="collapsed",
            icon=":material/search:",
            width=420,
            on_change=_sought,
        )


def _sought() -> None:
    go(q=st.session_state["trace_search"].strip(), id=None, sel=None, case=None, all=None, everywhere=None)


def search(ctx: ServerContext, text: str) -> None:
    """Open the only hit, or let the user choose between several."""
    hits = units.search(ctx.reading, text, everywhere=bool(param("everywhere")))
    places = _places(ctx, hits)
    exact = {place for hit, place in zip(hits, places, strict=True) if hit.id == text and place}
    opened = exact or {place for place in places if place}
    if len(opened) == 1 and (place := opened.pop())[0] != param("id"):
        open_unit(*place)
        st.rerun()
    elif hits:
        _chooser(ctx, text, hits, places)
    else:
        _not_found(ctx, text)


def _places(ctx: ServerContext, hits: Sequence[Hit]) -> list[Place | None]:
    """Return for each hit which id, and which case of it, to open."""
    return [_place(ctx, hit) for hit in hits]


def _place(ctx: ServerContext, hit: Hit) -> Place | None:
    if hit.kind is HitKind.CASE:
        return queries.one(ctx.reading, hit.id).case.correlation_id, hit.id
    if hit.kind is HitKind.RUN:
        return (hit.title, None) if hit.title else None
    return hit.id, None


def open_unit(name: str, case: str | None = None) -> None:
    """Open a unit or a trace, and one of its cases."""
    go(id=name, case=case, q=None, sel=None, all=None)


def _chooser(ctx: ServerContext, text: str, hits: Sequence[Hit], places: Sequence[Place | None]) -> None:
    st.markdown(f"**{formats.count(len(hits), 'record')}** of **{escape(text)}**. Choose one:")
    with st.container(border=True, gap="xsmall"):
        for n, (hit, place) in enumerate(zip(hits, places, strict=True)):
            _hit(ctx, n, hit, place)


def _hit(ctx: ServerContext, n: int, hit: Hit, place: Place | None) -> None:
    columns = st.columns([30, 18, 30, 12, 10], vertical_alignment="center")
    columns[0].button(
        escape(hit.id),
        key=f"hit_{n}",
        on_click=open_unit,
        args=place or (hit.id,),
        disabled=place is None,
        type="tertiary",
        icon=":material/account_tree:",
        help=None if place else "None of its records has a correlation ID.",
    )
    columns[1].caption(HIT_KINDS[hit.kind])
    columns[2].text(hit.title or "")
    columns[3].caption(formats.ago(hit.time, ctx.now()))
    with columns[4]:
        _state_badge(hit)


def _state_badge(hit: Hit) -> None:
    state = hit.state or ""
    name, color, icon = STATES.get(state) or labels.STATES.get(state) or (state, "gray", None)
    st.badge(name, color=color, icon=icon)  # type: ignore[arg-type]


def _not_found(ctx: ServerContext, text: str) -> None:
    cases = queries.listed(ctx.reading, CaseFilter(text=text), 20).items
    own = [case for case in cases if case.correlation_id == text]
    empty(
        ":material/search_off:",
        f"No record has {escape(text)}.",
        "The exceptions below have this ID; no unit of work does." if own else _freshness(ctx),
        "Search for the beginning of the number instead.",
    )
    if not param("everywhere") and (newest := units.looked_through(ctx.reading)):
        _offer_everywhere(newest)
    exceptions_of(ctx, own)


def _offer_everywhere(newest: int) -> None:
    st.caption(
        f"An ID may stand in an attribute that no mapping names: the newest {newest:,} spans and log records"
        " were searched for that."
    )
    st.button(
        "Search the attributes of all records",
        on_click=go,
        kwargs={"everywhere": "1"},
        icon=":material/manage_search:",
        help="It takes about two seconds for a million records.",
    )


def _freshness(ctx: ServerContext) -> str:
    moment = ctx.as_of()
    if moment is None:
        return "No records have arrived since the server started."
    return f"The newest data arrived {formats.ago(moment, ctx.now())}; later records may still arrive."


def nothing_yet(ctx: ServerContext) -> None:
    """Draw the page before a unit is chosen."""
    if not any(source.records for source in ctx.sources()):
        first_use(SHOWS)
        return
    empty(
        ":material/account_tree:",
        SHOWS,
        "No unit selected.",
        "Search for an order number above, open Trace from an exception, or choose a unit below.",
    )
    recent_units(ctx, open_unit, STATES)
