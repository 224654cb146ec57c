"""How states, classes and severities are named and coloured on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cases import approval
from cases.approving import Approve, Reject
from cases.asking import AskHolder
from cases.assigning import Assign
from cases.case import CaseState
from cases.commands import (
    CancelRetry,
    CaseCommand,
    Claim,
    Classify,
    FixedOutside,
    Release,
    Resolve,
    RetryCase,
)
from cases.escalating import Escalate
from cases.holding import Extend, TakeOver
from cases.levels import DueState
from cases.merging import MoveCase
from cases.notes import AddNote
from cases.snoozing import Snooze, Wake
from data import formats

if TYPE_CHECKING:
    from cases.case import Case, Money


CLASSES: Final = {
    "business": ("Business", "A business rule refused it"),
    "infrastructure": ("Infrastructure", "A system did not answer"),
    "data": ("Data", "The record violates its contract"),
    "unknown": ("Unknown", "Not classified"),
    "approval": ("Approval", "An automation asks a person"),
}
STATES: Final = {
    "open": ("Open", "red", ":material/error:"),
    "claimed": ("Claimed", "blue", ":material/front_hand:"),
    "retrying": ("Retrying", "orange", ":material/replay:"),
    "verifying": ("Verifying", "orange", ":material/hourglass_top:"),
    "recovered": ("Recovered", "green", ":material/check_circle:"),
    "resolved": ("Resolved", "gray", ":material/task_alt:"),
    "expired": ("Expired", "gray", ":material/timer_off:"),
    "awaiting_approval": ("Awaiting approval", "violet", ":material/how_to_reg:"),
}
SNOOZED: Final = ("Snoozed", "gray", ":material/snooze:")
"""Open, but left out for a while."""
VERIFIED: Final = ("Resolved, verified", "green", ":material/verified:")
"""A person resolved it as repaired, and a later success of the unit verified it."""
ENDED_APPROVALS: Final = {
    approval.APPROVED: ("Approved", "green", ":material/thumb_up:"),
    approval.REJECTED: ("Rejected", "orange", ":material/thumb_down:"),
    approval.APPROVED_OUTSIDE: ("Approved outside", "green", ":material/thumb_up:"),
    approval.REJECTED_OUTSIDE: ("Rejected outside", "orange", ":material/thumb_down:"),
    approval.STOPPED: ("Not answered", "gray", ":material/how_to_reg:"),
    approval.UNIT_ENDED: ("Not answered", "gray", ":material/how_to_reg:"),
}
"""How an approval ended."""
VERBS: Final = {
    "opened": "opened", "recurred": "failed again", "reopened": "came back", "claimed": "claimed by",
    "renewed": "claim renewed by", "taken_over": "taken over by", "released": "released by",
    "expired": "claim expired",
    "retried": "retry requested by", "retry_cancelled": "retry cancelled by",
    "verifying": "step ran on", "retry_failed": "retry failed on",
    "classified": "class named by", "joined": "claimed with its group",
    "noted": "note by", "assigned": "assigned by",
    "snoozed": "snoozed by", "woken": "no longer snoozed",
    "fixed_outside": "marked as fixed outside by", "verified": "verified by the unit's own success",
    "unproven": "no proof in time", "recovered": "recovered", "resolved": "resolved by",
    "rekeyed": "moved to the unit named by a later record", "merged": "merged into another exception",
    "withdrawn": "withdrawn: the failure was handled", "updated": "details updated",
    "closed": "ended", "due_changed": "due times changed", "escalated": "escalated by",
    "moved": "moved to another group by", "holder_asked": "the holder was asked by",
    "asked": "asked", "unanswered": "ended without an answer",
    "approved": "approved by", "rejected": "rejected by",
}  # fmt: skip
"""Verbs of the audit in the history of an exception; its actor follows. Others show as they are."""
DONE: Final[dict[type[CaseCommand], str]] = {
    Claim: "claimed",
    Extend: "extended",
    TakeOver: "taken over",
    Release: "released",
    Classify: "classified",
    AddNote: "noted",
    Assign: "assigned",
    Escalate: "escalated",
    MoveCase: "moved",
    AskHolder: "asked about",
    Snooze: "snoozed",
    Wake: "back among the open ones",
    RetryCase: "sent to retry",
    CancelRetry: "removed from the retry queue",
    FixedOutside: "marked as fixed outside",
    Resolve: "resolved",
    Approve: "approved",
    Reject: "rejected",
}
"""What a command did, in the message after it."""
SEVERITIES: Final = {
    "critical": ("Critical", "red", ":material/priority_high:"),
    "high": ("High", "orange", ":material/keyboard_double_arrow_up:"),
    "medium": ("Medium", "yellow", ":material/drag_handle:"),
    "low": ("Low", "gray", ":material/keyboard_arrow_down:"),
}


DUE: Final = {"breached": "Breached", "warning": "Warning", "next_hour": "Due next hour"}
"""What the queue can be narrowed to by its due times; a tab lists the unaddressed ones."""


def state(case: Case) -> tuple[str, str, str]:
    """Return the state of a case as it is shown: its name, colour and icon."""
    if case.is_snoozed:
        return SNOOZED
    if case.approval_id is not None and case.state == CaseState.RESOLVED:
        return ENDED_APPROVALS[case.resolution_code or approval.UNIT_ENDED]
    is_verified = case.state == CaseState.RESOLVED and case.verified_at is not None
    return VERIFIED if is_verified else STATES[case.state]


def amount(value: Money | None) -> str:
    """Return the value of a case or unit with its currency; a dash where it is unknown, never a zero."""
    return formats.money(value.amount, value.currency) if value else formats.MISSING


def due(case: Case, stands: DueState, left: str) -> str:
    """Return how a case stands to what is due next, with the time that is left or has passed."""
    what = "triage" if case.waits_for_triage else "end"
    if case.approval_id is not None:
        what = "answer"
    if stands == DueState.BREACHED:
        return f":red[:material/alarm: {what} overdue by {left}]"
    color = "orange" if stands == DueState.WARNING else "gray"
    return f":{color}[{what} due in {left}]"
