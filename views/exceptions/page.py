"""Exceptions: what is stuck, who holds it, whether it can be fixed, whether that worked.

Read the filters, ask for the page of cases, draw the table and the panel, act.
The address holds everything that is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from cases import queries
from cases.tabs import TABS, within_tab
from collectors.states import SourceState
from data import formats
from data.errors import UnsnagError
from views.batches.dialog import act_on_all
from views.components.live import live
from views.exceptions import groups
from views.exceptions.filters import (
    FILTERS,
    asked_of_address,
    filters,
    tabs,
    unreadable,
)
from views.exceptions.saved import SAVED
from views.exceptions.table import case_list, claim_next
from views.kit.acting import show_messages
from views.kit.case_acts import NO_OPERATOR
from views.kit.empty import empty, first_use
from views.kit.markdown import escape
from views.kit.panel import case_panel
from views.kit.person import page_context, who
from views.kit.state import go, keep_address, param
from views.kit.title import title

if TYPE_CHECKING:
    from server.context import ServerContext

PANEL_PX: Final = 440


def page() -> None:
    """Draw the page."""
    board()


@st.fragment(run_every="60s")
def board() -> None:
    """Draw title, tabs, filters, table and panel.

    The tabs fetch counts and rows by themselves when a case changes, and run this again only for what they
    cannot draw. Each minute it runs for the counts of the filters.
    """
    keep_address()
    show_messages()
    ctx = page_context()
    _head(ctx)
    chosen = filters(is_grouped=groups.is_chosen())
    if chosen is None:
        unreadable()
        return
    if groups.is_chosen():
        live("case", key="live_cases")
        groups.board(ctx, chosen)
        return
    if param("group"):
        live("case", key="live_group")  # only this draws the state of the group
    groups.chosen_group(ctx)
    asked, opened = asked_of_address(), param("case") or None
    view = ctx.container.queue.view(ctx, asked)
    total = view.listed.total
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        tabs(view, asked, opened)
        act_on_all(within_tab(chosen, asked.tab, who().name), total, chosen)
    if not total:
        _nothing(view.counts, asked.tab)
        return
    # One layout with and without the panel: elsewhere the table would be mounted again
    # and lose its selection, cursor and scroll position.
    with st.container(horizontal=True, gap="medium"):
        with st.container(key="queue_box"):
            case_list(asked, view, opened, ctx.now())
        if opened:
            with st.container(border=True, width=PANEL_PX, key="case_panel"):
                _panel(opened)


def _head(ctx: ServerContext) -> None:
    """Draw the title with what acts on the whole queue, whatever the list below is narrowed to."""
    may, waits = ctx.may("case.claim"), ctx.container.queue.has_open(ctx)
    about = "The most urgent open exception (key n)" if waits else "Nothing is open."
    with title("Exceptions"):
        groups.view_switch()
        st.button(
            "Claim next", icon=":material/bolt:", type="primary", on_click=claim_next,
            help=about if may else NO_OPERATOR, disabled=not (may and waits),
        )  # fmt: skip


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
    shows = TABS[tab].shows
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
