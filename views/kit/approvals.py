"""The panel of an approval: what an automation asks, until when, and the two answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cases import queries
from cases.approval import APPROVED, APPROVED_OUTSIDE, ENDINGS
from cases.approving import Approve, Reject
from cases.levels import DueState, due_state
from cases.lifecycle import AWAITING, MIN_REASON
from data import formats
from views.kit.acting import act
from views.kit.case_acts import assigning, trace_link
from views.kit.dialogs import dialog_token
from views.kit.markdown import escape
from views.kit.person import page_context

if TYPE_CHECKING:
    from datetime import datetime

    from cases.case import Case

NO_APPROVER = "Answering needs the approver role."


def approval_panel(case: Case, key: str, now: datetime) -> None:
    """Draw the question, its state and the buttons for what this person may do."""
    _answers(case, key)
    st.markdown(_question(case, now))
    if case.state == AWAITING:
        _waits(case, now)
    else:
        _ended(case, now)


def _answers(case: Case, key: str) -> None:
    ctx = page_context()
    may = ctx.may("case.approve", case)
    with st.container(horizontal=True, gap="small"):
        if case.state == AWAITING and may:
            if st.button("Approve…", key=f"{key}_approve", type="primary", icon=":material/thumb_up:"):
                approve_dialog(case.id)
            if st.button("Reject…", key=f"{key}_reject", icon=":material/thumb_down:"):
                reject_dialog(case.id)
        if ctx.may("case.claim", case):
            assigning(case, key)
        trace_link(case)
    if case.state == AWAITING and not may:
        st.caption(f":material/lock: {NO_APPROVER}")


def _question(case: Case, now: datetime) -> str:
    zone = page_context().settings.zone
    who = f"Step **{escape(case.step)}** of flow" if case.step else "Flow"
    times = "" if case.occurrences <= 1 else f" It was asked {case.occurrences:,} times."
    asked = f"{formats.ago(case.first_seen, now)} ({formats.clock(case.first_seen, zone, now)})"
    quote = f"  \n> {escape(case.message)}" if case.message.strip() != case.title.strip() else ""
    return (
        f"{who} **{escape(case.flow)}** asks about **{escape(case.correlation_id)}**, {asked}.{times}{quote}"
    )


def _waits(case: Case, now: datetime) -> None:
    """Say what happens, and what has happened, where nobody answers."""
    zone = page_context().settings.zone
    until = formats.clock(case.due_at, zone, now) if case.due_at else formats.MISSING
    if due_state(case, now) == DueState.BREACHED:
        st.warning(
            f"Nobody answered by {until}. It is escalated, and the automation may still be waiting: "
            "it gets your answer.",
            icon=":material/alarm:",
        )
    else:
        st.info(
            f"The automation waits for an answer until {until}. Then it is escalated.",
            icon=":material/how_to_reg:",
        )


def _ended(case: Case, now: datetime) -> None:
    zone = page_context().settings.zone
    how = ENDINGS.get(case.resolution_code or "", "Ended")
    who = f" by {escape(case.decided_by)}" if case.decided_by else ""
    when = f" at {formats.clock(case.resolved_at, zone, now)}" if case.resolved_at else ""
    reason = case.resolution_reason or ""
    why = f" {escape(reason)}" if reason and reason != how else ""
    show = st.success if case.resolution_code in (APPROVED, APPROVED_OUTSIDE) else st.info
    show(f"{how}{who}{when}.{why}", icon=":material/how_to_reg:")


@st.dialog("Approve", width="medium")
def approve_dialog(case_id: str) -> None:
    """Show what is asked, and approve it."""
    case = queries.one(page_context().reading, case_id).case
    _shown(case)
    with st.form(f"approve_{case_id}", border=False):
        reason = st.text_input("Reason (optional)", max_chars=400, placeholder="The automation gets it.")
        sent = st.form_submit_button("Approve", type="primary", icon=":material/thumb_up:")
    if sent:
        command = Approve(case_id, reason.strip() or None)
        act([command], token=dialog_token("approve", [case]), shown={"question": case.message})
        st.rerun()


@st.dialog("Reject", width="medium")
def reject_dialog(case_id: str) -> None:
    """Ask why, and reject it."""
    case = queries.one(page_context().reading, case_id).case
    _shown(case)
    with st.form(f"reject_{case_id}", border=False):
        reason = st.text_area("Reason", max_chars=2000, placeholder="Why not? The automation gets it.")
        sent = st.form_submit_button("Reject", type="primary", icon=":material/thumb_down:")
    if sent and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif sent:
        act([Reject(case_id, reason)], token=dialog_token("reject", [case]), shown={"question": case.message})
        st.rerun()


def _shown(case: Case) -> None:
    st.markdown(f"**{escape(case.message or case.title)}**")
    st.caption(f"{escape(case.flow)} · {escape(case.step)} · {escape(case.correlation_id)}")
