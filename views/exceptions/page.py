"""Exceptions: what is stuck, who holds it, whether it can be fixed, whether that worked.

Read the filters, ask for the page of cases, draw the table and the panel, act.
The address holds everything that is chosen.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from cases import queries
from cases.settling import settling
from collectors.states import SourceState
from data import formats
from data.errors import UnsnagError
from views.batches.dialog import act_on_all
from views.components.live import live
from views.exceptions import groups
from views.exceptions.arrangement import chosen_order
from views.exceptions.filters import (
    FILTERS,
    PER_PAGE,
    chosen_tab,
    count_of,
    filters,
    first_row,
    of_tab,
    tabs,
    unreadable,
)
from views.exceptions.saved import SAVED
from views.exceptions.table import case_list, claim_next
from views.kit import labels
from views.kit.acting import show_messages
from views.kit.case_acts import NO_OPERATOR
from views.kit.empty import empty, first_use
from views.kit.markdown import escape
from views.kit.panel import case_panel
from views.kit.person import page_context, who
from views.kit.state import go, keep_address, param
from views.kit.title import title

PANEL_PX: Final = 440


def page() -> None:
    """Draw the page."""
    with title("Exceptions"):
        groups.view_switch()
        st.button(
            "Claim next",
            icon=":material/bolt:",
            type="primary",
            on_click=claim_next,
            help="The most urgent open exception (key n)"
            if page_context().may("case.claim")
            else NO_OPERATOR,
            disabled=not page_context().may("case.claim"),
        )
    board()


@st.fragment(run_every="60s")
def board() -> None:
    """Draw tabs, filters, table and panel; runs again by itself when a case changes."""
    keep_address()
    live("case", key="live_cases")
    show_messages()
    ctx = page_context()
    chosen, tab = filters(is_grouped=groups.is_chosen()), chosen_tab()
    if chosen is None:
        unreadable()
        return
    if groups.is_chosen():
        groups.board(ctx, chosen)
        return
    groups.chosen_group(ctx)
    counts = queries.counts(ctx.reading, chosen, who().name)
    found = queries.listed(ctx.reading, of_tab(chosen, tab), PER_PAGE, first_row(), chosen_order())
    # The open tab counts what its list shows: a case may have moved between the two queries.
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        tabs({name: count_of(name, counts) for name in labels.TABS} | {tab: found.total})
        act_on_all(of_tab(chosen, tab), found.total, chosen)
    if waiting := labels.settling(len(settling(ctx.reading))):
        st.caption(waiting)
    if not found.total:
        _nothing(counts, tab)
        return
    opened = param("case") or None
    # One layout with and without the panel: elsewhere the table would be mounted again
    # and lose its selection, cursor and scroll position.
    with st.container(horizontal=True, gap="medium"):
        with st.container(key="queue_box"):
            case_list(found, opened, ctx.now())
        if opened:
            with st.container(border=True, width=PANEL_PX, key="case_panel"):
                _panel(opened)


def _panel(case_id: str) -> None:
    st.button(
        "Close", key="close_panel", icon=":material/close:", type="tertiary", on_click=lambda: go(case=None)
    )
    try:
        case = queries.one(page_context().reading, case_id)
    except UnsnagError as error:
        st.warning(escape(str(error)), icon=":material/search_off:")
        return
    case_panel(case)


def _nothing(counts: dict[str, int], tab: str) -> None:
    shows = labels.TABS[tab].shows
    filtered = any(param(name) for name in (*FILTERS, "group"))
    if filtered:
        _nothing_matches(shows)
    elif not any(counts.values()) and not any(source.records for source in page_context().sources()):
        first_use(shows)
    else:
        _healthy(shows, counts)
    if param("case"):
        with st.container(border=True, key="case_panel"):
            _panel(param("case"))


def _nothing_matches(shows: str) -> None:
    empty(
        ":material/filter_alt_off:",
        shows,
        "No exception matches these filters.",
        "Remove a filter, or clear all of them.",
    )
    st.button(
        "Clear filters", icon=":material/filter_alt_off:",
        on_click=lambda: go(**dict.fromkeys((*FILTERS, "group", "page", SAVED))),
    )  # fmt: skip


def _healthy(shows: str, counts: dict[str, int]) -> None:
    done = counts.get("recovered", 0) + counts.get("resolved", 0)
    healthy = sum(source.state is SourceState.RUNNING for source in page_context().sources())
    is_open = counts.get("open", 0)
    waiting = f"No exceptions in this tab; {is_open:,} open." if is_open else "No open exceptions."
    empty(
        ":material/check_circle:",
        shows,
        f"{waiting} {formats.count(done, 'exception')} recovered or resolved so far, "
        f"{formats.count(healthy, 'source')} healthy.",
        "What comes next appears here by itself.",
    )
