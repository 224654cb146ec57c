"""What others did to cases that the person at the page had: shown until they have seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import streamlit as st

from cases import notices
from cases.notices import Notice, SeeNotices
from data import formats
from views.kit.acting import do
from views.kit.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.context import ServerContext

_DID: Final = {
    notices.TAKEN_OVER: "took over {what}, which you had claimed,",
    notices.RESOLVED: "resolved {what}, which you had just claimed,",
    notices.ASSIGNED: "assigned {what} to you",
    notices.ESCALATED: "escalated {what}",
    notices.ASKED: "asks about {what}, which you have claimed,",
    notices.ANSWERED: "answered you about {what}",
    notices.NOTED: "wrote a note on {what}, which you have claimed,",
}


def show_notices(ctx: ServerContext) -> None:
    """Draw the notices that the person has not seen, oldest first."""
    found = notices.unseen(ctx.reading, ctx.actor.name)
    if not found.items:
        return
    with st.container(border=True, gap="xxsmall", key="notices"):
        for one in found.items:
            st.markdown(_line(one, ctx))
        more = found.total - len(found.items)
        if more:
            st.caption(f"{formats.count(more, 'more notice')} after these.")
        st.button(
            "OK, seen", key="see_notices", icon=":material/check:", type="tertiary",
            on_click=_seen, args=([one.id for one in found.items],),
        )  # fmt: skip


def _line(one: Notice, ctx: ServerContext) -> str:
    what = f"{escape(one.correlation_id)} ({escape(one.title)})"
    did = _DID[one.kind].format(what=what)
    why = f": {escape(one.reason)}" if one.reason else "."
    when = formats.ago(one.time, ctx.now())
    link = f"[Open](/?case={quote(one.case_id, safe='')})"
    return f":material/notifications: **{escape(one.actor)}** {did} {when}{why} {link}"


def _seen(ids: Sequence[str]) -> None:
    do(SeeNotices(list(ids)))
