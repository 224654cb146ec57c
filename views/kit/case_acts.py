"""What a person can do with a case: who has it, how long a claim lasts, and the buttons for the acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import streamlit as st

from cases.case import RetryState
from cases.commands import CaseCommand, Claim, Release
from cases.holding import Extend
from cases.lifecycle import CLAIMED, LIVE, OPEN, PENDING, RETRYING, UNPROVABLE, WAITING, is_fixed_outside
from cases.snoozing import Wake
from data import formats
from views.kit.acting import act
from views.kit.asking import ask_dialog
from views.kit.dialogs import (
    cancel_retry_dialog,
    fixed_outside_dialog,
    resolve_dialog,
    retry_dialog,
    return_dialog,
    take_over_dialog,
)
from views.kit.markdown import escape
from views.kit.moving import move_dialog
from views.kit.person import page_context, who
from views.kit.sorting import assign_dialog, escalate_dialog, note_dialog, snooze_dialog

if TYPE_CHECKING:
    from datetime import datetime

    from streamlit.delta_generator import DeltaGenerator

    from cases.case import Case
    from cases.queries import CaseDetail

NO_OPERATOR: Final = "Read-only: acting needs the operator role."
WARN_AT: Final = 0.2
"""A claim warns its holder when this part of its time is left."""


def is_free(case: Case) -> bool:
    """Return whether the person at the page may act on a case: nobody else has it."""
    return case.holder in (None, who().name)


def holder_note(case: Case, now: datetime) -> None:
    """Say who else has the case and until when, or that one's own claim ends soon."""
    if case.state not in LIVE or case.holder is None:
        return
    if not is_free(case):
        st.info(_held_by_another(case, now), icon=":material/front_hand:")
    elif case.state == CLAIMED and ends_soon(case.lease_until, now):
        left = max((case.lease_until - now).total_seconds(), 0) if case.lease_until else 0
        text = (
            f"Your claim ends in {formats.duration(left, coarse=True)}. Extend it, or the exception returns."
        )
        st.warning(text, icon=":material/timer:")


def _held_by_another(case: Case, now: datetime) -> str:
    zone = page_context().settings.zone
    until = ""
    if case.lease_until:
        left = formats.duration(max((case.lease_until - now).total_seconds(), 0), coarse=True)
        until = f" until {formats.clock(case.lease_until, zone, now)} ({left} left)"
    last = f" Last change {formats.ago(case.updated_at, now)}." if case.updated_at else ""
    return (
        f"{escape(case.holder or '')} has this exception{until}.{last} You can read it, ask, or take it over."
    )


def ends_soon(lease_until: datetime | None, now: datetime) -> bool:
    """Return whether 80 % of a claim's time has passed."""
    whole = page_context().limits.claim_s
    return lease_until is not None and (lease_until - now).total_seconds() <= WARN_AT * whole


def buttons(detail: CaseDetail, key: str) -> None:
    """Draw the buttons for what this person may do now."""
    case = detail.case
    if not page_context().may("case.claim", case):
        trace_link(case)
        st.caption(f":material/lock: {NO_OPERATOR}")
        return
    with st.container(horizontal=True, gap="small"):
        if not is_free(case):
            _others(case, key)
        else:
            _holding(case, key)
            _settling(detail, key)
            _more(case, key)
        trace_link(case)


def _others(case: Case, key: str) -> None:
    """Draw what one can do with the case of another."""
    if case.state in LIVE and st.button("Ask…", key=f"{key}_ask", icon=":material/contact_support:"):
        ask_dialog(case.id)
    if case.state in LIVE and st.button("Take over…", key=f"{key}_take_over", icon=":material/swap_horiz:"):
        take_over_dialog(case.id)
    _escalate(case, key)
    _note(case, key)


def _holding(case: Case, key: str) -> None:
    if case.state == OPEN:
        st.button(
            "Claim", key=f"{key}_claim", type="primary", icon=":material/front_hand:",
            on_click=_act, args=([Claim(case.id)],), kwargs={"token": _token(case, "claim")},
        )  # fmt: skip
    if case.state == CLAIMED and ends_soon(case.lease_until, page_context().now()):
        st.button(
            "Extend", key=f"{key}_extend", type="primary", icon=":material/more_time:",
            on_click=_act, args=([Extend(case.id)],), kwargs={"token": _token(case, "extend")},
        )  # fmt: skip
    if case.state == CLAIMED or is_fixed_outside(case):
        st.button(
            "Release", key=f"{key}_release", icon=":material/undo:",
            on_click=_act, args=([Release(case.id)],), kwargs={"token": _token(case, "release")},
        )  # fmt: skip


def _settling(detail: CaseDetail, key: str) -> None:
    """Draw what brings a case to its end."""
    case, refusal = detail.case, retry_refusal(detail)
    if case.state in WAITING:
        kind: Any = "primary" if case.state == CLAIMED else "secondary"
        if st.button(
            "Retry…", key=f"{key}_retry", type=kind, icon=":material/replay:",
            disabled=refusal is not None, help=refusal,
        ):  # fmt: skip
            retry_dialog([case.id])
    provable = case.state in WAITING and case.unit_kind not in UNPROVABLE
    if provable and st.button("Fixed outside…", key=f"{key}_fixed_outside", icon=":material/build:"):
        fixed_outside_dialog(case.id)
    if _waits_for_worker(detail) and st.button(
        "Cancel retry…",
        key=f"{key}_cancel_retry",
        icon=":material/block:",
        help="No worker has taken it yet.",
    ):
        cancel_retry_dialog(case.id)
    if case.state in LIVE and st.button("Resolve…", key=f"{key}_resolve", icon=":material/task_alt:"):
        resolve_dialog([case.id])


def assigning(case: Case, key: str) -> None:
    """Draw what one can do with an approval beside answering it."""
    with _menu(key):
        _note(case, key)
        if case.state in PENDING and _opens("Assign…", f"{key}_assign", ":material/assignment_ind:", key):
            assign_dialog([case.id])
        _escalate(case, key)


def _more(case: Case, key: str) -> None:
    """Draw what is needed less often."""
    with _menu(key):
        _note(case, key)
        if case.is_snoozed:
            st.button(
                "End the snooze", key=f"{key}_wake", icon=":material/alarm:",
                on_click=_act, args=([Wake(case.id)],), kwargs={"token": _token(case, "wake")},
            )  # fmt: skip
        elif case.state in WAITING and _opens("Snooze…", f"{key}_snooze", ":material/snooze:", key):
            snooze_dialog([case.id])
        assignable = case.state in LIVE
        if assignable and _opens("Assign…", f"{key}_assign", ":material/assignment_ind:", key):
            assign_dialog([case.id])
        _escalate(case, key)
        if _opens("Move to another group…", f"{key}_move", ":material/drive_file_move:", key):
            move_dialog(case.id)
        claimed = case.state == CLAIMED
        if claimed and _opens("Return with a note…", f"{key}_return", ":material/undo:", key):
            return_dialog(case.id)


def _menu(key: str) -> DeltaGenerator:
    """Return the menu of what is needed less often.

    A menu that is closed gets another key. Setting it to closed works only where the browser has drawn it as
    open, which it leaves out where the answers to two quick clicks arrive together.
    """
    times = st.session_state.get(f"{key}_closed", 0)
    return st.popover("More", icon=":material/more_horiz:", key=f"{key}_more_{times}", on_change="rerun")


def _opens(label: str, name: str, icon: str, key: str) -> bool:
    """Draw a button of the menu that opens a dialog; the menu closes, as it would lie over the dialog."""
    return st.button(label, key=name, icon=icon, on_click=_close_menu, args=(key,))


def _close_menu(key: str) -> None:
    st.session_state[f"{key}_closed"] = st.session_state.get(f"{key}_closed", 0) + 1


def _escalate(case: Case, key: str) -> None:
    if case.state in PENDING and _opens("Escalate…", f"{key}_escalate", ":material/north_east:", key):
        escalate_dialog([case.id])


def _note(case: Case, key: str) -> None:
    if _opens("Note…", f"{key}_note", ":material/sticky_note_2:", key):
        note_dialog(case.id)


def trace_link(case: Case) -> None:
    """Draw the way to the trace of the unit."""
    address = f"/trace?id={quote(case.correlation_id, safe='')}"
    st.link_button("Trace", address, icon=":material/account_tree:")


def retry_refusal(detail: CaseDetail) -> str | None:
    """Return why this person cannot retry the case now; None where they can."""
    case = detail.case
    if case.replay_safe is False and not page_context().may("case.retry_unsafe", case):
        return "Not safe to replay: retrying this step needs the approver role."
    if detail.retry_refusal:
        return escape(f"Cannot be retried now: {detail.retry_refusal}")
    return None


def _waits_for_worker(detail: CaseDetail) -> bool:
    run = detail.retries[-1] if detail.retries else None
    return detail.case.state == RETRYING and run is not None and run.state == RetryState.QUEUED


def _act(commands: list[CaseCommand], token: str) -> None:
    act(commands, token=token)


def _token(case: Case, verb: str) -> str:
    # The version makes the click on this very state of the case one act, however often it is sent.
    return f"{verb}:{who().name}:{case.version}"
