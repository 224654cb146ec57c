"""Claim a group: all of its cases that nobody has, and what arrives while the claim lives."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from access import roles
from access.commands import Command, Target
from access.limits import Limits
from audit import trail
from audit.actor import SYSTEM
from cases import lifecycle
from cases.case import Case, CaseState
from cases.change import GROUP_CLAIMS, Change, GroupClaim, group_claims, make
from cases.errors import GroupClaimedError, GroupNotClaimedError, GroupNotFoundError
from cases.group_merges import current_group
from data.nouns import shallow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from access.context import RequestContext
    from audit.actor import Actor
    from data.transaction import Tx

CLAIM: str = "case.claim"


def subject_of(group_id: str) -> str:
    """Return what the audit calls a group."""
    return f"group:{group_id}"


# --- what arrives ---------------------------------------------------------------------------------------


def late_arrivals(cases: Iterable[Case], claims: Sequence[GroupClaim], now: datetime) -> list[Change]:
    """Return how open cases that nobody has join the claims of their groups, with the same expiry."""
    return [
        _joins(case, claim, now)
        for case in cases
        if case.state == lifecycle.OPEN and not case.is_snoozed
        for claim in claims_of(claims, case, now)[:1]
    ]


def claims_of(claims: Iterable[GroupClaim], case: Case, now: datetime) -> list[GroupClaim]:
    """Return the living claims that reach a case, the oldest first."""
    return [
        claim
        for claim in claims
        if claim.fingerprint == case.group
        and claim.lease_until > now
        and roles.reaches(claim.scope, case.tenant, case.flow)
    ]


def _joins(case: Case, claim: GroupClaim, now: datetime) -> Change:
    claimed = lifecycle.claim(case, claim.holder, now, Limits())
    after = replace(claimed, lease_until=claim.lease_until)
    why = f"its group is claimed by {claim.holder}"
    return Change(case, after, "joined", SYSTEM, why, {"group_claim": claim.id})


def overlap(one: Sequence[str] | None, other: Sequence[str] | None) -> bool:
    """Return whether two scopes have a tenant and flow in common."""
    if one is None or other is None:
        return True
    return any(_meet(a, b) for a in one for b in other)


def _meet(one: str, other: str) -> bool:
    pairs = zip(roles.parts(one), roles.parts(other), strict=True)
    return all(a == b or roles.ANY in (a, b) for a, b in pairs)


# --- the commands ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that a claim of its group leaves out, and why."""

    id: str
    correlation_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class GroupClaimed:
    """What a claim of a group reached."""

    group: str
    holder: str
    lease_until: datetime
    claimed: list[str]
    """Ids of the cases that the holder has now; those that they had are renewed."""
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class GroupAtHand:
    """The live cases of a group that the actor may claim, and the claims of groups that live."""

    group: str
    """The group that the id stands for: another one where it was merged."""
    cases: list[Case]
    claims: list[GroupClaim]


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """The changes of the cases, what is left out, and the claim of the group as it is then."""

    changes: list[Change]
    left_out: list[LeftOut]
    claim: GroupClaim
    is_new: bool


@dataclass(frozen=True, slots=True)
class GroupReleases:
    """The releases of cases, and the claims of the group that end."""

    changes: list[Change]
    claims: list[GroupClaim]


def _live_of(tx: Tx, ctx: RequestContext, group_id: str, act: str, states: Iterable[CaseState]) -> list[Case]:
    scope = ctx.authority.scope(ctx.actor, act)
    asked = {"group": group_id, "states": sorted(states)}
    found = tx.run("cases/live_of_group", asked, into=Case.of)
    return [case for case in found if roles.reaches(scope, case.tenant, case.flow)]


@dataclass(frozen=True, slots=True)
class ClaimGroup(Command[GroupAtHand, GroupDecision, GroupClaimed]):
    """Claim all live cases of a group that nobody has. What arrives while the claim lives joins it.

    Claimed again by the same person its time begins again, for the group and for what they hold of it.

    Raises, when performed:
        GroupClaimedError: somebody else has claimed the group.
        GroupNotFoundError: it has no live case that the actor may claim.
    """

    act: ClassVar = CLAIM
    group_id: str

    def load(self, tx: Tx, ctx: RequestContext) -> GroupAtHand:
        """Return the cases and the claims."""
        group = current_group(tx, self.group_id)
        cases = _live_of(tx, ctx, group, CLAIM, lifecycle.LIVE)
        return GroupAtHand(group, cases, [c for c in group_claims(tx) if c.fingerprint == group])

    def authorize(self, loaded: GroupAtHand) -> Target:
        """Return the group: only cases that the actor may claim are loaded."""
        return Target(subject=subject_of(loaded.group), anywhere=True)

    def decide(self, loaded: GroupAtHand, ctx: RequestContext, now: datetime) -> GroupDecision:
        """Return the claims."""
        if not loaded.cases:
            raise GroupNotFoundError(self.group_id)
        scope = ctx.authority.scope(ctx.actor, CLAIM)
        own = self._own_claim(loaded.claims, ctx, scope, now)
        lease_until = now + timedelta(seconds=ctx.limits.claim_s)
        claim = GroupClaim(
            id=own.id if own else uuid.uuid4().hex[:16],
            fingerprint=loaded.group,
            holder=ctx.actor.name,
            scope=own.scope if own else scope,
            claimed_at=own.claimed_at if own else now,
            lease_until=lease_until,
        )
        reasons = {case.id: why for case in loaded.cases if (why := _left_out(case, ctx.actor.name))}
        changes = [_claimed(case, claim, ctx, now) for case in loaded.cases if case.id not in reasons]
        left = [LeftOut(c.id, c.correlation_id, reasons[c.id]) for c in loaded.cases if c.id in reasons]
        return GroupDecision(changes, left, claim, is_new=own is None)

    def _own_claim(
        self, claims: list[GroupClaim], ctx: RequestContext, scope: Sequence[str] | None, now: datetime
    ) -> GroupClaim | None:
        own = None
        for claim in claims:
            if claim.holder == ctx.actor.name:
                own = claim
            elif claim.lease_until > now and overlap(claim.scope, scope):
                raise GroupClaimedError(claim.holder, claim.claimed_at, claim.lease_until)
        return own

    def apply(self, tx: Tx, decided: GroupDecision, ctx: RequestContext, now: datetime) -> GroupClaimed:
        """Write the changes, the claim, and an entry of the group."""
        cases, claim = make(tx, decided.changes, now), decided.claim
        _keep_claim(tx, claim, is_new=decided.is_new)
        counted = {"claim": claim.id, "claimed": len(cases), "left_out": len(decided.left_out)}
        subject = subject_of(claim.fingerprint)
        trail.write(tx, [trail.Entry("group claimed", ctx.actor, subject=subject, details=counted)], now)
        ids = [case.id for case in cases]
        return GroupClaimed(claim.fingerprint, claim.holder, claim.lease_until, ids, decided.left_out)

    def kept(self, answer: GroupClaimed) -> dict[str, Any]:
        """Return the answer as JSON."""
        return asdict(answer)

    def answer_again(self, kept: dict[str, Any]) -> GroupClaimed:
        """Return the answer that was kept."""
        left = [LeftOut(**one) for one in kept.pop("left_out")]
        until = datetime.fromisoformat(kept.pop("lease_until"))
        return GroupClaimed(**kept, lease_until=until, left_out=left)


def _claimed(case: Case, claim: GroupClaim, ctx: RequestContext, now: datetime) -> Change:
    verb = "renewed" if case.state == lifecycle.CLAIMED else "claimed"
    after = lifecycle.claim(case, ctx.actor.name, now, ctx.limits)
    return Change(case, after, verb, ctx.actor, details={"group_claim": claim.id})


def _left_out(case: Case, actor: str) -> str | None:
    """Return why a claim of the group leaves a case out; None where it does not."""
    if case.state == lifecycle.CLAIMED:
        until = f" until {case.lease_until:%H:%M} UTC" if case.lease_until else ""
        return None if case.holder == actor else f"{case.holder} has it{until}"
    if case.is_snoozed:
        return f"snoozed by {case.snoozed_by}"
    if case.state == lifecycle.RETRYING:
        return f"a retry is being carried out for {case.holder}"
    if case.state == lifecycle.VERIFYING:
        return "it waits for the unit's own success signal"
    return None


@dataclass(frozen=True, slots=True)
class ReleaseGroup(Command[GroupAtHand, GroupReleases, "list[str]"]):
    """Give back all cases of a group that one has claimed, and end one's claim of the group.

    The answer is the ids of the cases.

    Raises, when performed:
        GroupNotClaimedError: the actor has claimed neither the group nor any case of it.
    """

    act: ClassVar = "case.release"
    group_id: str
    note: str | None = None

    @property
    def why(self) -> str | None:
        """The note for the next person, as the reason of the intent."""
        return (self.note or "").strip() or None

    def load(self, tx: Tx, ctx: RequestContext) -> GroupAtHand:
        """Return what the actor has of the group."""
        name, group = ctx.actor.name, current_group(tx, self.group_id)
        held = _live_of(tx, ctx, group, "case.release", [lifecycle.CLAIMED])
        claims = [c for c in group_claims(tx) if (c.fingerprint, c.holder) == (group, name)]
        return GroupAtHand(group, [case for case in held if case.holder == name], claims)

    def authorize(self, loaded: GroupAtHand) -> Target:
        """Return the group: only what the actor has is loaded."""
        return Target(subject=subject_of(loaded.group), anywhere=True)

    def decide(self, loaded: GroupAtHand, ctx: RequestContext, _now: datetime) -> GroupReleases:
        """Return the releases."""
        if not loaded.cases and not loaded.claims:
            raise GroupNotClaimedError
        name = ctx.actor.name
        changes = [
            Change(case, lifecycle.release(case, name), "released", ctx.actor, self.why)
            for case in loaded.cases
        ]
        return GroupReleases(changes, loaded.claims)

    def apply(self, tx: Tx, decided: GroupReleases, ctx: RequestContext, now: datetime) -> list[str]:
        """Write the releases, and the end of the claim."""
        released = [case.id for case in make(tx, decided.changes, now)]
        if decided.claims:
            end_claims(tx, decided.claims, "group released", ctx.actor, now)
        return released


# --- what is written ------------------------------------------------------------------------------------


def _keep_claim(tx: Tx, claim: GroupClaim, *, is_new: bool) -> None:
    if is_new:
        row = shallow(claim) | {"scope": None if claim.scope is None else list(claim.scope), "ended_at": None}
        tx.view_rows("new_group_claim", [row], like="group_claim")
        tx.run("cases/insert_group_claim")
    else:
        tx.run("cases/renew_group_claim", {"id": claim.id, "lease_until": claim.lease_until})
    others = [one for one in group_claims(tx) if one.id != claim.id]
    tx.memo[GROUP_CLAIMS] = sorted([*others, claim], key=lambda one: (one.claimed_at, one.id))
    tx.topics.add("case")


def end_claims(tx: Tx, claims: Sequence[GroupClaim], verb: str, actor: Actor, now: datetime) -> None:
    """End claims of groups; the cases are not changed by it."""
    ids = [claim.id for claim in claims]
    tx.run("cases/end_group_claims", {"ids": ids, "now": now})
    tx.memo[GROUP_CLAIMS] = [one for one in group_claims(tx) if one.id not in ids]
    entries = [
        trail.Entry(
            verb,
            actor,
            subject=subject_of(claim.fingerprint),
            details={"claim": claim.id, "claim_of": claim.holder},
        )
        for claim in claims
    ]
    trail.write(tx, entries, now)
    tx.topics.add("case")


def end_overdue(tx: Tx, overdue: Iterable[str], now: datetime) -> int:
    """End the claims of groups whose time is up; return how many."""
    ids = set(overdue)
    ended = [claim for claim in group_claims(tx) if claim.id in ids]
    if ended:
        end_claims(tx, ended, "group claim expired", SYSTEM, now)
    return len(ended)
