"""Merge a group into another on the page, list what is part of it, and end a merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cases.lifecycle import MIN_REASON
from cases.merging import MergeGroups, UnmergeGroup
from data import formats
from views.kit.acting import do
from views.kit.group_choice import choose_group
from views.kit.markdown import escape
from views.kit.person import page_context
from views.kit.state import go, param

if TYPE_CHECKING:
    from cases.groups import Group, Merged

_SHORT = f"The reason needs at least {MIN_REASON} characters."


def merged_parts(group: Group) -> None:
    """Draw the groups that are part of this one, each with the button that ends its merge."""
    if param("group") != group.id:
        st.caption("The group of this address was merged: it is part of this one now.")
    if not group.merged:
        return
    st.markdown(f"**Merged into this group ({len(group.merged)})**")
    for part in group.merged:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(_line(part), width="stretch")
            if page_context().may("group.merge") and st.button(
                "Unmerge…", key=f"unmerge_{part.id}", icon=":material/call_split:"
            ):
                unmerge_dialog(part)


def _line(part: Merged) -> str:
    title = escape(part.title or f"Group {part.id}, of which nothing is left")
    when = formats.ago(part.merged_at, page_context().now())
    count = formats.count(part.cases, "exception")
    return f"{title}  \n:gray[{count} · merged by {escape(part.actor)} {when}: {escape(part.reason)}]"


def merge_button(group: Group) -> None:
    """Draw the button that opens the dialog, for those who may merge."""
    if page_context().may("group.merge") and st.button("Merge…", key="merge_group", icon=":material/merge:"):
        merge_dialog(group)


@st.dialog("Merge this group into another", width="medium")
def merge_dialog(group: Group) -> None:
    """Ask for the group that stays and a reason, and merge."""
    count = formats.count(group.all_cases, "exception")
    st.markdown(f"**{escape(group.title)}**  \n:gray[{count}, {group.live_cases:,} of them open]")
    st.markdown(
        "These exceptions, and failures with the same cause that arrive later, are then in the group that "
        "you choose. The address of this group leads there. You can unmerge it at any time."
    )
    into = choose_group("Into the group", group.id, "merge_into")
    reason = st.text_area(
        "Reason", placeholder="Why is this one cause?", max_chars=2000, key="merge_reason"
    ).strip()
    sent = st.button(
        f"Merge {count}", key="merge_now", type="primary", icon=":material/merge:", disabled=into is None
    )
    if sent and len(reason) < MIN_REASON:
        st.error(_SHORT, icon=":material/warning:")
    elif sent and into:
        if changed := do(MergeGroups(group.id, into, reason), f"{count} merged"):
            go(group=changed.group, page=None)
        st.rerun()


@st.dialog("Unmerge", width="medium")
def unmerge_dialog(part: Merged) -> None:
    """Ask for a reason, and let the part be a group of its own again."""
    st.markdown(
        f"**{escape(part.title or part.id)}** becomes a group of its own again, "
        "with what arrived since it was merged."
    )
    reason = st.text_area(
        "Reason", placeholder="Why is it another cause?", max_chars=2000, key="unmerge_reason"
    ).strip()
    count = formats.count(part.cases, "exception")
    sent = st.button(f"Unmerge {count}", key="unmerge_now", type="primary", icon=":material/call_split:")
    if sent and len(reason) < MIN_REASON:
        st.error(_SHORT, icon=":material/warning:")
    elif sent:
        if changed := do(UnmergeGroup(part.id, reason), f"{count} unmerged"):
            go(group=changed.group, page=None)
        st.rerun()
