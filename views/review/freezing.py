"""The dialog that freezes a week: it shows what is frozen, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from data import formats
from kpis import freezing
from views.kit.markdown import escape
from views.kit.person import page_context
from views.review.acting import attempt
from views.review.shown import forget

if TYPE_CHECKING:
    from views.review.shown import Shown


@st.dialog("Freeze the week", width="medium")
def dialog(review: Shown) -> None:
    """Show what is frozen and ask for it. The command checks everything again."""
    content = review.content
    kept = reach(review)
    st.markdown(
        f"**{escape(review.week)}** stays as it is now: {', '.join(kept[:-1])} and {kept[-1]}. "
        "Nobody can change it later. What becomes known later is shown beside it as restated."
    )
    st.caption(
        "It is bound to the week that was frozen before by a hash, which the audit keeps too. "
        "Actions that are open are carried over to the next week."
    )
    missing = [content.figures[one].name for one in content.uncommented]
    if missing:
        st.warning(
            f"A comment is missing on {escape(', '.join(missing))}. Write it under What moved.",
            icon=":material/warning:",
        )
    name = f"Freeze {review.week}"
    if st.button(
        name, type="primary", icon=":material/ac_unit:", disabled=bool(missing), key="week_freeze_now"
    ):
        freeze(review, kept)
        st.rerun()


def reach(review: Shown) -> list[str]:
    """List what is frozen."""
    content = review.content
    comments = sum(bool(one.comment) for one in content.figures.values())
    return [
        formats.count(len(content.figures), "figure"),
        formats.count(comments, "comment"),
        formats.count(len(content.entries), "win, miss or decision", "wins, misses and decisions"),
        formats.count(len(content.promises) + len(content.actions), "action"),
        formats.count(len(content.notes), "note"),
    ]


def freeze(review: Shown, kept: list[str]) -> None:
    """Freeze the week."""
    shown: dict[str, Any] = {"kept": kept, "data_as_of": review.content.data_as_of}
    ctx = page_context()
    attempt(
        lambda: freezing.freeze(ctx, review.week, ctx.settings.zone, shown=shown),
        f"{review.week} is frozen",
    )
    forget()
