"""The exceptions of a unit, each with its panel."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st

from cases import queries
from cases.lifecycle import PENDING
from data import formats
from views.kit import labels
from views.kit.markdown import escape
from views.kit.panel import case_panel
from views.kit.state import go, param

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.case import Case
    from server.context import ServerContext

    Place = tuple[str, str | None]


def exceptions_of(ctx: ServerContext, cases: Sequence[Case]) -> None:
    """Draw the cases of a unit; the one in the address is open."""
    if not cases:
        return
    st.markdown(f"#### {formats.count(len(cases), 'exception')}")
    for case in cases:
        _case(ctx, case)


def _case(ctx: ServerContext, case: Case) -> None:
    opened = param("case") == case.id
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name, color, icon = labels.state(case)
            st.badge(name, color=color, icon=icon)  # type: ignore[arg-type]
            st.markdown(f"**{escape(case.title)}**")
            st.caption(_case_line(ctx, case))
            st.space("stretch")
            st.button(
                "Close" if opened else "Open" if case.state in PENDING else "Details",
                key=f"case_{case.id}",
                icon=":material/expand_less:" if opened else ":material/expand_more:",
                on_click=go,
                kwargs={"case": None if opened else case.id},
            )
            st.html(
                f'<a class="quiet" href="/?case={quote(case.id, safe="")}" target="_self">'
                "Open in Exceptions</a>",
                width="content",
            )
        if opened:
            case_panel(queries.one(ctx.reading, case.id), key=f"panel_{case.id}")


def _case_line(ctx: ServerContext, case: Case) -> str:
    parts = [
        f"at {case.step}" if case.step else "",
        f"opened {formats.ago(case.opened_at, ctx.now())}",
        f"seen {formats.count(case.occurrences, 'time')}",
        f"held by {case.holder}" if case.holder else "",
    ]
    return escape(" · ".join(part for part in parts if part))
