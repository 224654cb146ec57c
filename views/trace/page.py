"""Trace: everything of one unit of work, from capture to the end, on one page.

Find it, see its state, where the time went and what failed, act, read the story.
The address holds what is shown: `?id=SO-1001&sel=…&show=steps,people&case=…`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from cases import units
from cases.errors import TraceNotFoundError, UnitNotFoundError
from cases.settling import settling_words
from cases.unit import UnitState
from server.policies import removed_of, removed_trace, removed_words
from views.components.live import live
from views.kit.acting import show_messages
from views.kit.markdown import escape
from views.kit.person import page_context
from views.kit.state import param
from views.trace.cases import exceptions_of
from views.trace.detail import waterfall_and_detail
from views.trace.find import nothing_yet, open_unit, search, search_box
from views.trace.header import header, mentioned_header, trace_header
from views.trace.lines import story_section

if TYPE_CHECKING:
    from cases.unit import UnitDetail
    from server.context import ServerContext

UNITS: Final = 5
"""Units of a trace that was removed that are offered at most."""
_STYLE: Final = """<style>
.st-key-trace_detail {max-height: 712px; overflow-y: auto; scrollbar-width: thin;}
.facts {display: flex; flex-wrap: wrap; gap: 10px 32px; margin: 0 !important; padding: 0 !important;}
.facts div {min-width: 0;}
.facts dt, .facts dd {margin: 0 !important; padding: 0 !important;}
.facts dt, .pairs th {font-size: 11.5px; font-weight: 400; opacity: 0.65;}
.facts dd {margin: 0; font-size: 13.5px; font-weight: 500; overflow-wrap: anywhere;}
.facts dd small {font-weight: 400; opacity: 0.7; font-size: 12px;}
.pairs {width: 100%; border-collapse: collapse; font-size: 12.5px; table-layout: fixed;}
.pairs th, .pairs td {padding: 4px 0; overflow-wrap: anywhere; vertical-align: top; text-align: left;}
.pairs th {padding-right: 10px; width: 36%;}
.pairs td {white-space: pre-wrap;}
.pairs tr + tr, .story tr + tr {border-top: 1px solid color-mix(in srgb, currentColor 9%, transparent);}
.story {width: 100%; border-collapse: collapse; font-size: 13px;}
.story td, .story th {padding: 5px 12px 5px 0; vertical-align: top; text-align: left; border: 0;}
.story th {font-size: 11.5px; font-weight: 400; opacity: 0.65;}
.story .when, .story .after {white-space: nowrap; font-variant-numeric: tabular-nums;}
.story .after, .story .lane {opacity: 0.65;}
.story .after {text-align: right;}
.story .lane {white-space: nowrap; max-width: 190px; overflow: hidden; text-overflow: ellipsis;}
.story .what {width: 100%; overflow-wrap: anywhere;}
.sign {font: 17px/1.15 "Material Symbols Rounded"; font-feature-settings: "liga"; white-space: nowrap;}
@media (max-width: 1180px) {
    [data-testid="stHorizontalBlock"]:has(.st-key-trace_detail) {flex-wrap: wrap;}
    [data-testid="stHorizontalBlock"]:has(.st-key-trace_detail) > [data-testid="stColumn"] {
        flex: 1 1 100% !important; min-width: 100% !important;
    }
}
@media (max-width: 760px) {
    .story th:nth-child(2), .story .after, .story th:nth-child(3), .story .lane {display: none;}
}
a.quiet {font-size: 13px; color: inherit; text-underline-offset: 3px;}
.line {font-size: 12.5px; overflow-wrap: anywhere; white-space: pre-wrap; margin: 0 0 6px 0;}
.line small {opacity: 0.65; font-variant-numeric: tabular-nums;}
</style>"""


def page() -> None:
    """Draw the page."""
    st.html(_STYLE)
    search_box()
    if param("q"):
        search(page_context(), param("q"))
    elif param("id"):
        show(param("id"))
    else:
        nothing_yet(page_context())


@st.fragment
def show(name: str) -> None:
    """Draw the unit or the trace of this name; runs again by itself when a case changes."""
    live("case", key="live_trace")
    show_messages()
    ctx = page_context()
    try:
        _unit(ctx, units.unit(ctx.reading, name, everywhere=bool(param("everywhere"))))
    except UnitNotFoundError:
        _trace(ctx, name)


def _trace(ctx: ServerContext, name: str) -> None:
    try:
        found = units.trace(ctx.reading, name)
    except TraceNotFoundError:
        _removed_or_unknown(ctx, name)
        return
    trace_header(found)
    waterfall_and_detail(found, name)
    story_section(ctx, found)


def _removed_or_unknown(ctx: ServerContext, name: str) -> None:
    words = removed_trace(ctx.reading, name)
    if words is None:
        search(ctx, name)
        return
    st.info(escape(words), icon=":material/delete_history:")
    for unit in sorted({one.correlation_id for one in units.units_of_trace(ctx.reading, name)})[:UNITS]:
        st.button(escape(unit), icon=":material/package_2:", on_click=open_unit, args=(unit,))


def _unit(ctx: ServerContext, unit: UnitDetail) -> None:
    if unit.state is UnitState.MENTIONED:
        mentioned_header(unit)
    else:
        header(ctx, unit)
    if waiting := settling_words(len(unit.settling)):
        st.info(waiting, icon=":material/hourglass_top:")
    for one in removed_of(ctx.reading, unit.opened_at, unit.last_seen):
        st.info(escape(removed_words(one, ctx.settings.zone)), icon=":material/delete_history:")
    waterfall_and_detail(unit, unit.correlation_id)
    exceptions_of(ctx, unit.cases)
    story_section(ctx, unit, unit.acts, unit.cases)
