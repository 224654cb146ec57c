"""The top of the page: which week, its state as text, freeze and export."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from data import formats
from kpis import periods
from server import printing
from views.kit.markdown import escape
from views.kit.person import later
from views.kit.state import go, param
from views.kit.title import title
from views.review import freezing, meeting
from views.review.files import made
from views.review.shown import shifted, usual_week

if TYPE_CHECKING:
    from server.context import ServerContext
    from views.review.shown import Shown


def chosen(ctx: ServerContext) -> str:
    """Draw the title with the week beside it, and return the week that the address names."""
    name, zone = param("week") or usual_week(ctx), ctx.settings.zone
    with title("Weekly review"):
        known = _is_week(name, zone)
        this = periods.week_of(ctx.now(), zone)
        _turn("Week before", ":material/chevron_left:", name, -1, zone, disabled=not known)
        st.markdown(f"**{escape(name)}**" if known else "", width="content")
        _turn("Next week", ":material/chevron_right:", name, 1, zone, disabled=not known or name >= this)
        st.button(
            "This week",
            key="week_this",
            type="tertiary",
            disabled=name == this,
            on_click=lambda: go(week=this),
        )
        meeting.switch()
    return name


def _is_week(name: str, zone: str) -> bool:
    try:
        periods.week(name, zone)
    except periods.InvalidPeriodError:
        return False
    return True


def _turn(label: str, icon: str, name: str, weeks: int, zone: str, *, disabled: bool) -> None:
    st.button(
        label, icon=icon, key=f"week_{weeks}", help=label, disabled=disabled, type="tertiary",
        on_click=lambda: go(week=shifted(name, weeks, zone)),
    )  # fmt: skip


def state(ctx: ServerContext, review: Shown) -> None:
    """Draw the state of the week as text, with what can be done with it."""
    with st.container(horizontal=True, vertical_alignment="center", key="week_state"):
        st.markdown(_words(review), width="stretch")
        if (
            review.may_freeze
            and review.is_over
            and st.button("Freeze…", key="week_freeze", icon=":material/ac_unit:", type="primary")
        ):
            freezing.dialog(review)
        _downloads(review)
    if not review.intact:
        st.error(
            "This week, or one that was frozen before it, was altered after it was frozen. "
            "Check the audit before you use these figures.",
            icon=":material/gpp_bad:",
        )
    if ctx.reading.scope is not None:
        st.caption("You see the figures of your scope. What people wrote is about all flows and not shown.")


def _words(review: Shown) -> str:
    zone = review.content.zone
    days = f"{_day(review.period.start, zone)} to {_last_day(review)} ({zone})"
    as_of = formats.clock(datetime.fromisoformat(review.content.data_as_of), zone)
    if review.kept:
        moment = formats.clock(datetime.fromisoformat(review.kept.frozen_at), zone)
        later = _restated(review)
        return f":blue-badge[Frozen] {days} · frozen {moment} by {escape(review.kept.actor)}{later}"
    if not review.is_over:
        return (
            f":orange-badge[Draft] {days} · still runs: compared with the same part of the week before · "
            f"data as of {as_of}"
        )
    return (
        f":orange-badge[Draft] {days} · over, not frozen: late records still change it · data as of {as_of}"
    )


def _restated(review: Shown) -> str:
    count = len(review.restated)
    return f" · :orange[{formats.count(count, 'figure')} would be different now]" if count else ""


def _day(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%a %d %b}"


def _last_day(review: Shown) -> str:
    end = review.period.whole_end or review.period.end
    return _day(end - timedelta(hours=12), review.content.zone)


def _downloads(review: Shown) -> None:
    name, work = f"unsnag-review-{review.week}{_slug(review)}", review.work
    st.download_button(
        "HTML", data=later(lambda ctx: made(ctx, review.week, work, "html")), file_name=f"{name}.html",
        mime="text/html", icon=":material/download:", on_click="ignore", key="week_html",
        help="One file that opens without a network. The export is recorded in the audit.",
    )  # fmt: skip
    st.download_button(
        "CSV", data=later(lambda ctx: made(ctx, review.week, work, "csv")), file_name=f"{name}.csv",
        mime="text/csv", icon=":material/download:", on_click="ignore", key="week_csv",
        help="The scoreboard. The export is recorded in the audit.",
    )  # fmt: skip
    has_browser = printing.browser() is not None
    st.download_button(
        "PDF", data=later(lambda ctx: made(ctx, review.week, work, "pdf")), file_name=f"{name}.pdf",
        mime="application/pdf", icon=":material/download:", on_click="ignore", key="week_pdf",
        disabled=not has_browser,
        help="The same on A4. The export is recorded in the audit." if has_browser else printing.MISSING,
    )  # fmt: skip


def _slug(review: Shown) -> str:
    """Return what the name of a file says of the work that it is about."""
    plain = "" if review.work.is_all else re.sub(r"[^A-Za-z0-9]+", "-", str(review.work)).strip("-")
    return f"-{plain}" if plain else ""
