"""Choose one of the other groups of exceptions, for a merge or a move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cases import groups
from cases.queries import CaseFilter
from views.kit.person import page_context

if TYPE_CHECKING:
    from cases.groups import Group


def choose_group(label: str, without: str, key: str) -> str | None:
    """Offer all groups but one, the most open exceptions first; return the id of the chosen one."""
    ctx = page_context()
    found = groups.listed(ctx.reading, CaseFilter(), ctx.now(), is_open=None, limit=groups.MAX_ROWS)
    offered = {group.id: _name(group) for group in found.items if group.id != without}
    chosen: str | None = st.selectbox(
        label, list(offered), index=None, key=key, placeholder="Type a part of its title",
        format_func=offered.__getitem__,
    )  # fmt: skip
    if found.total <= groups.MAX_ROWS:
        return chosen
    typed = st.text_input(
        f"Or its ID: only {groups.MAX_ROWS} of {found.total:,} groups are listed", key=f"{key}_id"
    )
    return typed.strip() or chosen


def _name(group: Group) -> str:
    """Return a group as the list names it; its ID distinguishes groups with the same title."""
    return f"{group.title} · {group.live_cases:,} open of {group.all_cases:,} · {group.id[:6]}"
