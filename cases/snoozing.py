"""Snooze: a case leaves the open ones until a time, or until it has failed some more times.

That is no state: the case stays open, and whatever a person does with it ends the snooze.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from audit.actor import SYSTEM
from cases import lifecycle
from cases.change import Change, make
from cases.commands import AtHand, CaseCommand, Decision
from cases.errors import InvalidActError
from data import formats
from data.nouns import shallow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from access.context import RequestContext
    from cases.case import Case
    from data.transaction import Tx

LONGEST: Final = timedelta(days=90)
MOST: Final = 1_000_000
WOKEN: Final = "woken"


def is_over(case: Case, now: datetime) -> bool:
    """Return whether the time until which a case is snoozed has come."""
    return case.snoozed_until is not None and case.snoozed_until <= now


def woken_by_time(case: Case) -> Change:
    """Return a snoozed case that comes back because its time has come."""
    why = f"the time that {case.snoozed_by} had chosen has come"
    return Change(case, _awake(case), WOKEN, SYSTEM, why)


def woken_by_count(case: Case) -> Change | None:
    """Return a snoozed case that comes back because it failed often enough; None while it did not."""
    if case.snoozed_count is None or case.occurrences < case.snoozed_count:
        return None
    why = f"it has failed {case.occurrences:,} times, and {case.snoozed_by} had chosen {case.snoozed_count:,}"
    return Change(case, _awake(case), WOKEN, SYSTEM, why)


def _awake(case: Case) -> Case:
    return replace(case, **lifecycle.AWAKE)


@dataclass(frozen=True, slots=True)
class Snooze(CaseCommand):
    """Let a case leave the open ones until a time, or until it failed `more` times more, whichever is first.

    A case that the actor has claimed is released first.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
        InvalidActError: neither is given, or the time lies in the past or too far away.
        NotAllowedNowError: it does not wait for a person.
    """

    act: ClassVar = "case.snooze"
    until: datetime | None = None
    """Naive UTC."""
    more: int | None = None
    reason: str | None = None

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case as snoozed."""
        case = loaded.case
        if case.state not in lifecycle.WAITING:
            raise lifecycle.not_now(case, "snoozed")
        lifecycle.refuse_other_holder(case, ctx.actor.name)
        self.refuse_unfit(now)
        details = {"until": self.until, "more": self.more}
        why = (self.reason or "").strip() or None
        return Decision(Change(case, self._asleep(case, ctx.actor.name), "snoozed", ctx.actor, why, details))

    def refuse_unfit(self, now: datetime) -> None:
        """Refuse a time or count that no case can be snoozed for.

        Raises:
            InvalidActError: neither is given, or one lies outside of what is allowed.
        """
        if self.until is None and self.more is None:
            raise InvalidActError(
                "Choose a time until which it is snoozed, or how many failures bring it back."
            )
        if self.until is not None and not now < self.until <= now + LONGEST:
            raise InvalidActError(f"The time must lie in the next {LONGEST.days} days.")
        if self.more is not None and not 1 <= self.more <= MOST:
            raise InvalidActError(f"The number of failures must be from 1 to {MOST:,}.")

    @classmethod
    def apply_all(
        cls, tx: Tx, decided: Sequence[tuple[str, Decision]], ctx: RequestContext, now: datetime
    ) -> None:
        """Write the snoozes, behind the release of the claims among them."""
        claimed = [(act, before) for act, one in decided if (before := one.change.before) and before.holder]
        releases = [
            Change(case, lifecycle.release(case, ctx.actor.name), "released", ctx.actor, act=act)
            for act, case in claimed
        ]
        free = {case.id: case for case in make(tx, releases, now)}
        behind = [(act, _behind_release(one, free)) for act, one in decided]
        super(Snooze, cls).apply_all(tx, behind, ctx, now)

    def _asleep(self, case: Case, actor: str) -> Case:
        count = None if self.more is None else case.occurrences + self.more
        return replace(case, snoozed_by=actor, snoozed_until=self.until, snoozed_count=count)

    def apply(self, tx: Tx, decided: Decision, ctx: RequestContext, now: datetime) -> Case:
        """Write the snooze, behind the release of a claim."""
        change = decided.change
        if change.before is not None and change.before.holder:
            released = lifecycle.release(change.before, ctx.actor.name)
            (free,) = make(tx, [Change(change.before, released, "released", ctx.actor)], now)
            change = replace(change, before=free, after=self._asleep(free, ctx.actor.name))
        return CaseCommand.apply(self, tx, replace(decided, change=change), ctx, now)


def _behind_release(decided: Decision, free: Mapping[str, Case]) -> Decision:
    """Return a snooze that begins at the case as its release left it."""
    after = decided.change.after
    if after.id not in free:
        return decided
    case = free[after.id]
    asleep = replace(case, **shallow(after, lifecycle.AWAKE))
    return replace(decided, change=replace(decided.change, before=case, after=asleep))


@dataclass(frozen=True, slots=True)
class Wake(CaseCommand):
    """End the snooze of a case: it is among the open ones again.

    Raises, when performed:
        NotAllowedNowError: it is not snoozed.
    """

    act: ClassVar = "case.snooze"

    def decide(self, loaded: AtHand, ctx: RequestContext, _now: datetime) -> Decision:
        """Return the case that is not snoozed any more."""
        case = loaded.case
        if not case.is_snoozed:
            raise lifecycle.refusal(case, "woken", "it is not snoozed.")
        return Decision(Change(case, _awake(case), WOKEN, ctx.actor))


def described(case: Case, now: datetime, zone: str) -> str:
    """Return until when a case is snoozed, as text: `until 14:20, or 3 more failures`."""
    parts = []
    if case.snoozed_until:
        parts.append(f"until {formats.clock(case.snoozed_until, zone, now)}")
    if case.snoozed_count is not None:
        left = max(case.snoozed_count - case.occurrences, 0)
        parts.append(f"until {formats.count(left, 'more failure')}")
    return " or ".join(parts)
