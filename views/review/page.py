"""Weekly review: one week on one page, the same sections in the same order each time.

Read the week that the address names, draw its sections. A draft can be written in, a frozen week stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from data.clock import utc_now
from kpis import periods
from kpis.review import entries
from kpis.review.entries import SECTIONS
from views.business.behind import dialog, open_figure
from views.kit.acting import show_messages
from views.kit.empty import empty, first_use
from views.kit.markdown import escape
from views.kit.person import page_context
from views.review import aiming, fragments, meeting, plotted, promised, selecting, tiles, top, writing
from views.review.headlines import first_weeks, headline
from views.review.shown import as_kpi, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from kpis.review.pack import Pack
    from server.context import ServerContext
    from views.review.shown import Shown

STYLE: Final = (Path(__file__).parent / "review.css").read_text(encoding="utf-8")
_PAGE: Final = """
[class*="st-key-section_"] {border-top: 1px solid #80808040; padding-top: 10px;}
[class*="st-key-section_"] h3 {font-size: 1.25rem; padding: 4px 0;}
@media print {
    [data-testid="stSidebar"], [data-testid="stHeader"], .st-key-strip, .stButton, .stDownloadButton,
    [data-testid="stForm"] button, [data-testid="stToolbar"] {display: none !important;}
    [data-testid="stApp"], [data-testid="stAppViewContainer"], [data-testid="stMain"], .main {
        position: static !important; overflow: visible !important; height: auto !important;
    }
    .block-container {max-width: none !important; padding: 0 !important;}
}
"""
COLUMNS: Final = 4
TILE_PX: Final = 230


def page() -> None:
    """Draw the page."""
    ctx = page_context()
    st.html(f"<style>{STYLE}{_PAGE}</style>")
    name = top.chosen(ctx)
    show_messages()
    try:
        begins = periods.week(name, ctx.settings.zone).start
    except periods.InvalidPeriodError as error:
        _no_week(str(error))
        return
    if begins > utc_now():
        _no_week(f"The week {name} has not begun.")
        return
    work = selecting.selected()
    selecting.choice(ctx, work)
    review = shown(ctx, name, work)
    pack = review.content.pack
    if pack and pack.began is None and work.is_all:
        first_use("Promises, figures, what moved, where it hurts, and what was decided, week by week.")
        return
    top.state(ctx, review)
    selecting.explain(review)
    meeting.bar()
    if pack and (why := first_weeks(pack)):
        st.info(escape(why), icon=":material/hourglass_empty:")
    for section in SECTIONS:
        _section(section, ctx, review)
    figures = [as_kpi(*one) for one in review.stated]
    dialog(ctx, figures, review.period, work)


def _no_week(why: str) -> None:
    empty(
        ":material/event_busy:",
        "One week on one page.",
        escape(why),
        "Choose another week above, or write one such as 2026-W48 into the address.",
        "[The week to talk about](/review)",
    )


def _section(section: str, ctx: ServerContext, review: Shown) -> None:
    with st.container(key=f"section_{section}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"### {SECTIONS[section]}", width="stretch")
            writing.note_button(section, review)
        st.markdown(escape(headline(section, review)))
        pack = review.content.pack
        if section in _WRITTEN:
            _WRITTEN[section](review)
        elif pack is not None:
            _STATED[section](ctx, review, pack)
        writing.note(section, review)


def _promises(review: Shown) -> None:
    promised.actions(review.content.promises, review)


def _scoreboard(review: Shown) -> None:
    with st.grid(COLUMNS, min_column_width=TILE_PX):
        for kpi, one in review.stated:
            with st.container(border=True, height="stretch", key=f"tile_{kpi}", gap=None):
                st.html(fragments.box(tiles.tile(kpi, one, review)))
                with st.container(horizontal=True, gap="small"):
                    st.button(
                        "Open", key=f"open_{kpi}", type="tertiary", on_click=open_figure, args=(kpi,),
                        help="Its rows, its split, its definition and its SQL.",
                    )  # fmt: skip
                    aiming.button(kpi, one, review)


def _shape(_ctx: ServerContext, _review: Shown, pack: Pack) -> None:
    st.html(fragments.box(fragments.shape(pack.shape, pack.changes)))


def _moved(_ctx: ServerContext, review: Shown, pack: Pack) -> None:
    for one in pack.moved:
        with st.container(border=True, key=f"moved_{one.id}", gap="small"):
            st.html(fragments.box(tiles.why_moved(one, review)))
            writing.comment(one.id, review)


def _hurts(_ctx: ServerContext, _review: Shown, pack: Pack) -> None:
    plotted.hurts(pack)
    st.html(fragments.box(fragments.hurts(pack.hurts)))


def _money(_ctx: ServerContext, _review: Shown, pack: Pack) -> None:
    plotted.money(pack)
    st.html(fragments.box(fragments.money(pack.money)))


def _backlog(_ctx: ServerContext, review: Shown, pack: Pack) -> None:
    plotted.open_backlog(review, pack)
    st.html(fragments.box(fragments.backlog(pack.backlog, links=True)))


def _wins(review: Shown) -> None:
    left, right = st.columns(2)
    for place, kind, name in ((left, entries.WIN, "Wins"), (right, entries.MISS, "Misses")):
        with place:
            st.markdown(f"**{name}**")
            writing.listed(kind, review)


def _decisions(review: Shown) -> None:
    st.markdown("**Decisions**")
    writing.listed(entries.DECISION, review)
    st.markdown("**Actions**")
    promised.actions(review.content.actions, review)
    if not review.content.actions:
        st.html(fragments.box(fragments.actions([], review)))
    if review.may_write and st.button("Add an action…", key="add_action", icon=":material/add_task:"):
        promised.add(review)


_WRITTEN: Final[dict[str, Callable[[Shown], None]]] = {
    "promises": _promises,
    "scoreboard": _scoreboard,
    "wins": _wins,
    "decisions": _decisions,
}
_STATED: Final[dict[str, Callable[[ServerContext, Shown, Pack], None]]] = {
    "shape": _shape,
    "moved": _moved,
    "hurts": _hurts,
    "money": _money,
    "backlog": _backlog,
}
