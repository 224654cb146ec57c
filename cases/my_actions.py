"""My actions: what somebody did lately to exceptions, groups and batches, and what came of each.

It is read from the audit, so nothing is left out and nothing else counts as an act. What came of an act is
the first later effect on its exception that answers it: a proof, another failure, somebody else's act.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cases import lifecycle
from data import paging
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from data.nouns import Page
    from data.paging import PageRequest
    from data.store import Reading

RECOVERED, FAILED_AGAIN, VERIFYING, WAITING = "recovered", "failed_again", "verifying", "waiting"
RESOLVED, HELD, GIVEN_BACK, TAKEN_OVER = "resolved", "held", "given_back", "taken_over"
EXPIRED, CANCELLED, SNOOZED, WOKEN = "expired", "cancelled", "snoozed", "woken"
OUTCOMES: Final = (
    RECOVERED, FAILED_AGAIN, VERIFYING, WAITING, RESOLVED, HELD, GIVEN_BACK, TAKEN_OVER, EXPIRED, CANCELLED,
    SNOOZED, WOKEN,
)  # fmt: skip
RELEASE, CANCEL_RETRY, WAKE = "release", "cancel_retry", "wake"
UNDO: Final = (RELEASE, CANCEL_RETRY, WAKE)
"""How an act can be taken back: names of routes of its exception, and of commands."""

_ENDS: Final = {
    "recovered": RECOVERED, "verified": RECOVERED, "resolved": RESOLVED, "closed": RESOLVED,
    "reopened": FAILED_AGAIN,
}  # fmt: skip
_TRY: Final = _ENDS | {
    "retry_failed": FAILED_AGAIN, "unproven": FAILED_AGAIN, "recurred": FAILED_AGAIN,
    "retry_cancelled": CANCELLED,
}  # fmt: skip
_HOLD: Final = _ENDS | {"released": GIVEN_BACK, "expired": EXPIRED, "taken_over": TAKEN_OVER}
_ANSWERS: Final[Mapping[str, Mapping[str, str]]] = {
    "retried": _TRY,
    "fixed_outside": _TRY,
    "resolved": {"verified": RECOVERED, "reopened": FAILED_AGAIN},
    "claimed": _HOLD,
    "taken_over": _HOLD,
    "snoozed": _ENDS | {"woken": WOKEN, "claimed": WOKEN},
}
"""For each act, which later effect on its exception says what came of it. Others have no outcome."""
_WAITS: Final[Mapping[tuple[str, str], str]] = {
    ("retried", lifecycle.RETRYING): WAITING,
    ("retried", lifecycle.VERIFYING): VERIFYING,
    ("fixed_outside", lifecycle.VERIFYING): VERIFYING,
}


@dataclass(frozen=True, slots=True)
class Action:
    """One act, with what came of it. Times are aware."""

    seq: int
    """Of its entry in the audit."""
    time: datetime
    verb: str
    act: str | None
    case_id: str | None
    correlation_id: str | None
    flow: str | None
    subject: str | None
    """The group or the batch, where it was no exception: `group:ID`, `batch:ID`."""
    reason: str | None
    title: str | None
    """Of the exception; None where it is gone, or was no exception."""
    state: str | None
    """Of the exception now."""
    holder: str | None
    snoozed_by: str | None
    lease_until: datetime | None
    followed_by: list[str]
    """The verbs of the later effects on the exception."""
    batch_state: str | None
    retry_waits: bool
    """Whether its retry was taken by no worker yet."""

    @property
    def outcome(self) -> str | None:
        """What came of it, one of OUTCOMES; None where an act of its kind has none."""
        answers = _ANSWERS.get(self.verb, {})
        if found := next((answers[verb] for verb in self.followed_by if verb in answers), None):
            return found
        if self.verb in ("claimed", "taken_over"):
            return HELD if self.holder else None
        if self.verb == "snoozed":
            return SNOOZED if self.snoozed_by else None
        return RESOLVED if self.verb == "resolved" else _WAITS.get((self.verb, self.state or ""))

    @property
    def undo(self) -> str | None:
        """How it can be taken back now, one of UNDO; None where it cannot."""
        if self.outcome == HELD and self.state == lifecycle.CLAIMED:
            return RELEASE
        if self.outcome == WAITING and self.retry_waits:
            return CANCEL_RETRY
        return WAKE if self.outcome == SNOOZED else None


def listed(reading: Reading, person: str, wanted: PageRequest) -> Page[Action]:
    """Return what somebody did, the latest first.

    Args:
        reading: What they may read.
        person: Whose acts.
        wanted: Which part of the list.
    """
    return paging.read(reading, "cases/my_actions", {"actor": person}, wanted, noun(Action))
