"""The dialog that moves an exception to another group."""

from __future__ import annotations

import streamlit as st

from cases import queries
from cases.lifecycle import MIN_REASON
from cases.merging import MoveCase
from views.kit.acting import act
from views.kit.dialogs import dialog_token, scope
from views.kit.group_choice import choose_group
from views.kit.person import page_context


@st.dialog("Move to another group", width="medium")
def move_dialog(case_id: str) -> None:
    """Ask for the group and a reason; one that was moved can go back."""
    case = queries.one(page_context().reading, case_id).case
    shown = scope([case])
    st.markdown(
        "The exception stays in the group that you choose, also when it fails again. "
        "Other exceptions of its cause stay where they are."
    )
    to = choose_group("Group", case.group, "move_to")
    reason = st.text_area(
        "Reason", placeholder="Why does it belong there?", max_chars=2000, key="move_reason"
    )
    with st.container(horizontal=True, gap="small"):
        moves = st.button(
            "Move it", key="move_now", type="primary", icon=":material/drive_file_move:", disabled=to is None
        )
        back = case.moved_group is not None and st.button(
            "Move it back to the group of its cause", key="move_back", icon=":material/undo:"
        )
    if (moves or back) and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif moves or back:
        command = MoveCase(case_id, to if moves else None, reason)
        act([command], token=dialog_token(f"move:{command.to}", [case]), shown=shown)
        st.rerun()
