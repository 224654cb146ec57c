"""Who holds a case: take over with a reason, extend a claim, release all of one's claims with a note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from access.commands import Command, Target
from cases import lifecycle, notices
from cases.case import Case
from cases.change import Change, group_claims, make
from cases.commands import AtHand, CaseCommand, Decision
from cases.group_claims import end_claims

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from access.limits import Limits
    from data.transaction import Tx


def extended(case: Case, actor: str, now: datetime, limits: Limits) -> Case:
    """Return the case with the holder's claim lasting its whole time again, counted from now.

    Raises:
        AlreadyClaimedError: someone else holds it.
        NotAllowedNowError: nobody has claimed it.
    """
    lifecycle.refuse_other_holder(case, actor)
    if case.state != lifecycle.CLAIMED:
        raise lifecycle.not_now(case, "extended")
    return lifecycle.claim(case, actor, now, limits)


def taken_over(case: Case, actor: str, reason: str, now: datetime, limits: Limits) -> Case:
    """Return the case held by `actor` instead of somebody else. A retry that runs goes on.

    Raises:
        NotAllowedNowError: nobody else holds it.
        InvalidActError: the reason is too short.
    """
    if case.holder is None:
        raise lifecycle.not_now(case, "taken over")
    if case.holder == actor:
        raise lifecycle.refusal(case, "taken over", "you have it already.")
    lifecycle.refuse_short(reason)
    lease_until = now + timedelta(seconds=limits.claim_s) if case.state == lifecycle.CLAIMED else None
    return replace(case, holder=actor, claimed_at=now, lease_until=lease_until)


@dataclass(frozen=True, slots=True)
class Extend(CaseCommand):
    """Let one's own claim last its whole time again, counted from now.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
        NotAllowedNowError: the actor has not claimed it.
    """

    act: ClassVar = "case.claim"

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the longer claim."""
        longer = extended(loaded.case, ctx.actor.name, now, ctx.limits)
        return Decision(Change(loaded.case, longer, "renewed", ctx.actor))


@dataclass(frozen=True, slots=True)
class TakeOver(CaseCommand):
    """Take a case from the person who holds it, with a reason. They get a notice.

    Raises, when performed:
        NotAllowedNowError: nobody else holds it.
        InvalidActError: the reason is too short.
    """

    act: ClassVar = "case.take_over"
    reason: str

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case with its new holder."""
        case, reason = loaded.case, self.reason.strip()
        taken = taken_over(case, ctx.actor.name, reason, now, ctx.limits)
        details = {"taken_from": case.holder}
        return Decision(Change(case, taken, "taken_over", ctx.actor, reason, details))

    def apply(self, tx: Tx, decided: Decision, ctx: RequestContext, now: datetime) -> Case:
        """Write the change, and the notice to the former holder."""
        after, before = CaseCommand.apply(self, tx, decided, ctx, now), decided.change.before
        if before is not None:
            reason = decided.change.reason
            notices.notify(tx, before.holder, notices.TAKEN_OVER, after, by=ctx.actor, now=now, reason=reason)
        return after


@dataclass(frozen=True, slots=True)
class ReleaseAll(Command["list[Case]", "list[Change]", "list[str]"]):
    """Give all of one's claims back, such as at the end of a shift; the answer is the ids of the cases.

    The note is for the next person: it stands in the history of each case. A retry that runs, and a case
    that waits for its proof, stay with the person.
    """

    act: ClassVar = "case.release"
    note: str | None = None

    @property
    def why(self) -> str | None:
        """The note, as the reason of the intent."""
        return (self.note or "").strip() or None

    def load(self, tx: Tx, ctx: RequestContext) -> list[Case]:
        """Return the cases that the actor has claimed."""
        asked = {"holder": ctx.actor.name, "states": [lifecycle.CLAIMED]}
        return tx.run("cases/held_by", asked, into=Case.of)

    def authorize(self, _loaded: list[Case]) -> Target:
        """Return anything: what one holds one may give back."""
        return Target(anywhere=True)

    def decide(self, loaded: Sequence[Case], ctx: RequestContext, _now: datetime) -> list[Change]:
        """Return the releases."""
        name = ctx.actor.name
        return [
            Change(case, lifecycle.release(case, name), "released", ctx.actor, self.why) for case in loaded
        ]

    def apply(self, tx: Tx, decided: list[Change], ctx: RequestContext, now: datetime) -> list[str]:
        """Write them, and the end of one's claims of groups."""
        released = [case.id for case in make(tx, decided, now)]
        if claims := [claim for claim in group_claims(tx) if claim.holder == ctx.actor.name]:
            end_claims(tx, claims, "group released", ctx.actor, now)
        return released

    def kept(self, answer: list[str]) -> Any:
        """Return the ids."""
        return answer
