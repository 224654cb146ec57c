"""What people do with an approval: approve it, or reject it with a reason. The answer goes to who asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cases.approval import APPROVED, REJECTED, decide
from cases.change import Change
from cases.commands import AtHand, CaseCommand, Decision
from data.clock import aware

if TYPE_CHECKING:
    from datetime import datetime

    from access.context import RequestContext
    from cases.case import Case


@dataclass(frozen=True, slots=True)
class Approve(CaseCommand):
    """Approve what an automation asks.

    Raises, when performed:
        AlreadyDecidedError: it was answered before, or nobody waits for the answer any more.
        NotAllowedNowError: it is a failure.
    """

    act: ClassVar = "case.approve"
    reason: str | None = None

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the approval."""
        return _decision(loaded.case, APPROVED, self.reason, ctx, now)


@dataclass(frozen=True, slots=True)
class Reject(CaseCommand):
    """Reject what an automation asks, with a reason.

    Raises, when performed:
        AlreadyDecidedError: it was answered before, or nobody waits for the answer any more.
        InvalidActError: the reason is too short.
        NotAllowedNowError: it is a failure.
    """

    act: ClassVar = "case.reject"
    reason: str

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the rejection."""
        return _decision(loaded.case, REJECTED, self.reason, ctx, now)


def _decision(case: Case, code: str, reason: str | None, ctx: RequestContext, now: datetime) -> Decision:
    after = decide(case, code, ctx.actor.name, reason, now)
    return Decision(Change(case, after, code, ctx.actor, after.resolution_reason, _shown(case)))


def _shown(case: Case) -> dict[str, Any]:
    """Return what the person saw when they decided: the audit keeps it."""
    return {
        "question": case.message,
        "approval_id": case.approval_id,
        "asked_at": aware(case.first_seen),
        "answer_until": aware(case.answer_until),
        "service": case.service,
    }
