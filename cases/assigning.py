"""Assign a case to a person or a team: who should look at it. Nobody holds it by that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from access import roles
from access.directory import PersonState
from cases import lifecycle, notices
from cases.change import Change
from cases.commands import AtHand, CaseCommand, Decision
from cases.errors import InvalidActError
from cases.escalation import PERSON, TEAM
from data import formats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from cases.case import Case
    from data.transaction import Tx

KINDS: Final = (PERSON, TEAM)
MAX_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Assign(CaseCommand):
    """Assign a case to a person, who gets a notice, or to a team; without `to` the assignment ends.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
        InvalidActError: there is no such person, or they may not act on the case.
        NotAllowedNowError: the case has ended.
    """

    act: ClassVar = "case.assign"
    to: str | None
    kind: str = PERSON

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case with who should look at it; an assignment by the holder renews the claim."""
        case = loaded.case
        if case.state not in lifecycle.PENDING:
            raise lifecycle.not_now(case, "assigned")
        lifecycle.refuse_other_holder(case, ctx.actor.name)
        name = checked_name(self.to, self.kind, case, ctx)
        after = replace(
            lifecycle.renewed(case, ctx.actor.name, now, ctx.limits),
            assignee=name,
            assignee_kind=self.kind if name else None,
        )
        details = {"to": name, "kind": after.assignee_kind, "was": case.assignee}
        return Decision(Change(case, after, "assigned", ctx.actor, details=details))

    def refuse_unfit(self) -> str | None:
        """Return the name without the spaces around it, None for nobody; refuse one that no case can go to.

        Raises:
            InvalidActError: it is too long, or neither of a person nor of a team.
        """
        name = " ".join((self.to or "").split()) or None
        if self.kind not in KINDS:
            raise InvalidActError(f"Choose one of: {', '.join(KINDS)}.")
        if len(name or "") > MAX_CHARS:
            raise InvalidActError(f"A name has at most {MAX_CHARS} characters.")
        return name

    def apply(self, tx: Tx, decided: Decision, ctx: RequestContext, now: datetime) -> Case:
        """Write the assignment, and the notice."""
        after = CaseCommand.apply(self, tx, decided, ctx, now)
        if after.assignee_kind == PERSON:
            notices.notify(tx, after.assignee, notices.ASSIGNED, after, by=ctx.actor, now=now)
        return after

    @classmethod
    def apply_all(
        cls, tx: Tx, decided: Sequence[tuple[str, Decision]], ctx: RequestContext, now: datetime
    ) -> None:
        """Write the assignments, and one notice to each person, about the first of them."""
        super(Assign, cls).apply_all(tx, decided, ctx, now)
        cases = [made for _, one in decided if (made := one.change.after).assignee_kind == PERSON]
        for name, count in Counter(case.assignee for case in cases).items():
            first = next(case for case in cases if case.assignee == name)
            more = f"{formats.count(count, 'exception')} at once, this is the first" if count > 1 else None
            notices.notify(tx, name, notices.ASSIGNED, first, by=ctx.actor, now=now, reason=more)


def checked_name(to: str | None, kind: str, case: Case, ctx: RequestContext) -> str | None:
    """Return the name of whom a case goes to, without what surrounds it; None for nobody.

    Raises:
        InvalidActError: there is no such person, or they may not act on the case.
    """
    name = Assign(case.id, to, kind).refuse_unfit()
    if name and kind == PERSON and not ctx.authority.local and not may_act(ctx, name, case):
        raise InvalidActError(
            f"{name} is not an active person with the operator role for this exception. "
            "Choose another person, or a team."
        )
    return name


def may_act(ctx: RequestContext, name: str, case: Case) -> bool:
    """Return whether somebody is an active person who may claim a case."""
    person = ctx.directory.people.get(name)
    if person is None or person.state != PersonState.ACTIVE:
        return False
    return roles.granting(person.grants, "case.claim", case.tenant, case.flow) is not None


def people_anywhere(ctx: RequestContext) -> list[str]:
    """Return the people who may act on any case at all; in local mode nobody is known by name."""
    people = ctx.directory.people
    return sorted(
        name
        for name, person in people.items()
        if person.state == PersonState.ACTIVE and roles.anywhere(person.grants, "case.claim")
    )


def people_for(ctx: RequestContext, case: Case) -> list[str]:
    """Return the people who may be assigned a case; in local mode nobody is known by name."""
    return sorted(name for name in ctx.directory.people if may_act(ctx, name, case))
