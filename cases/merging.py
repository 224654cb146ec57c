"""Merge a group into another, end the merge, and move a case to another group.

A merge reaches what arrives later, whatever its tenant: it takes a role for everything. Moving takes one for
the case. Each is undone by its counterpart: a merge by its end, a move by another one.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from access import roles
from access.commands import Command, Target
from audit import trail
from cases import lifecycle
from cases.change import (
    GROUP_MERGES,
    Change,
    GroupMerge,
    group_claims,
    group_merges,
    root_of,
    within_group,
)
from cases.commands import AtHand, CaseCommand, Decision
from cases.errors import (
    GroupClaimedError,
    GroupMergedError,
    GroupNotFoundError,
    GroupNotMergedError,
    GroupWithinItselfError,
)
from cases.group_claims import end_claims, subject_of
from cases.group_merges import rooted
from cases.group_notes import Place
from data.nouns import noun, shallow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from audit.actor import Actor
    from cases.case import Case
    from cases.change import GroupClaim
    from data.transaction import Tx


# --- groups ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GroupsAtHand:
    """The merges that hold, which of the groups have cases, and who has claimed the group."""

    merges: list[GroupMerge]
    existing: frozenset[str]
    claims: list[GroupClaim]


@dataclass(frozen=True, slots=True)
class MergeDecision:
    """A merge that begins or ends, all merges as they are then, and the claims that end."""

    merge: GroupMerge
    merges: list[GroupMerge]
    claims: list[GroupClaim]


@dataclass(frozen=True, slots=True)
class GroupsChanged:
    """The group to look at then, and how many cases came there.

    After the end of a merge that is the group that was merged, unless all of its cases were moved elsewhere.
    """

    group: str
    cases: int


class MergeCommand(Command[GroupsAtHand, MergeDecision, GroupsChanged]):
    """Changes of what a group is part of."""

    act: ClassVar = "group.merge"
    group_id: str

    def authorize(self, _loaded: GroupsAtHand) -> Target:
        """Return the group: the role must be given for everything."""
        return Target(subject=subject_of(self.group_id))

    def kept(self, answer: GroupsChanged) -> dict[str, Any]:
        """Return the answer as JSON."""
        return asdict(answer)

    def answer_again(self, kept: dict[str, Any]) -> GroupsChanged:
        """Return the answer that was kept."""
        return GroupsChanged(**kept)


@dataclass(frozen=True, slots=True)
class MergeGroups(MergeCommand):
    """Make a group part of another: its cases, and what arrives later with its cause, are in that one.

    Raises, when performed:
        GroupClaimedError: somebody else has claimed the group; what arrives for them would go elsewhere.
        GroupMergedError: it is part of another group already.
        GroupNotFoundError: one of the two has no case.
        GroupWithinItselfError: the other group is a part of this one.
        InvalidActError: the reason is too short.
    """

    group_id: str
    into: str
    reason: str

    def load(self, tx: Tx, _ctx: RequestContext) -> GroupsAtHand:
        """Return what is known of the two groups."""
        merges = group_merges(tx)
        wanted = (self.group_id, root_of(merges, self.into))
        existing = frozenset(one for one in wanted if _places(tx, one))
        claims = [claim for claim in group_claims(tx) if claim.fingerprint == self.group_id]
        return GroupsAtHand(merges, existing, claims)

    def decide(self, loaded: GroupsAtHand, ctx: RequestContext, now: datetime) -> MergeDecision:
        """Return the merge."""
        lifecycle.refuse_short(self.reason)
        root = root_of(loaded.merges, self.into)
        _refuse_merged(loaded.merges, self.group_id)
        if root == self.group_id:
            raise GroupWithinItselfError(self.group_id, self.into)
        for wanted in (self.group_id, root):
            if wanted not in loaded.existing:
                raise GroupNotFoundError(wanted)
        _refuse_claimed(loaded.claims, ctx.actor.name, now)
        new = GroupMerge(
            id=uuid.uuid4().hex[:16],
            source=self.group_id,
            target=self.into,
            root=root,
            reason=self.reason.strip(),
            actor=ctx.actor.name,
            merged_at=now,
        )
        return MergeDecision(new, rooted([*loaded.merges, new]), loaded.claims)

    def apply(self, tx: Tx, decided: MergeDecision, ctx: RequestContext, now: datetime) -> GroupsChanged:
        """Write the merge, the groups of the cases, and the end of the claims of the group."""
        row = shallow(decided.merge) | {"ended_at": None, "ended_by": None}
        tx.view_rows("new_group_merge", [row], like="group_merge")
        tx.run("cases/insert_group_merge")
        moved = _regroup(tx, decided.merges)
        if decided.claims:
            end_claims(tx, decided.claims, "group released", ctx.actor, now)
        entry = _entry("group merged", decided.merge, ctx.actor, moved, self.reason)
        trail.write(tx, [entry], now)
        return GroupsChanged(decided.merge.root, moved)


@dataclass(frozen=True, slots=True)
class UnmergeGroup(MergeCommand):
    """Let a group that was merged be on its own again, with all that it had and all that arrived since.

    Raises, when performed:
        GroupNotMergedError: it is part of no other group.
        InvalidActError: the reason is too short.
    """

    group_id: str
    reason: str

    def load(self, tx: Tx, _ctx: RequestContext) -> GroupsAtHand:
        """Return the merges."""
        return GroupsAtHand(group_merges(tx), frozenset(), [])

    def decide(self, loaded: GroupsAtHand, _ctx: RequestContext, _now: datetime) -> MergeDecision:
        """Return the end of the merge."""
        lifecycle.refuse_short(self.reason)
        ended = next((merge for merge in loaded.merges if merge.source == self.group_id), None)
        if ended is None:
            raise GroupNotMergedError(self.group_id)
        return MergeDecision(ended, rooted(merge for merge in loaded.merges if merge is not ended), [])

    def apply(self, tx: Tx, decided: MergeDecision, ctx: RequestContext, now: datetime) -> GroupsChanged:
        """Write the end, and the groups of the cases."""
        tx.run("cases/end_group_merge", {"id": decided.merge.id, "actor": ctx.actor.name, "now": now})
        moved = _regroup(tx, decided.merges)
        entry = _entry("group unmerged", decided.merge, ctx.actor, moved, self.reason)
        trail.write(tx, [entry], now)
        return GroupsChanged(self.group_id if moved else decided.merge.root, moved)


def _refuse_merged(merges: Sequence[GroupMerge], group_id: str) -> None:
    for merge in merges:
        if merge.source == group_id:
            raise GroupMergedError(group_id, merge.root, merge.actor, merge.merged_at)


def _refuse_claimed(claims: Sequence[GroupClaim], actor: str, now: datetime) -> None:
    for claim in claims:
        if claim.holder != actor and claim.lease_until > now:
            raise GroupClaimedError(claim.holder, claim.claimed_at, claim.lease_until)


def _regroup(tx: Tx, merges: list[GroupMerge]) -> int:
    """Write where the groups whose way has changed are now, and their cases; return how many cases."""
    before = {merge.source: merge.root for merge in group_merges(tx)}
    after = {merge.source: merge.root for merge in merges}
    changed = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    rows = [{"source": one, "root": after.get(one, one)} for one in sorted(changed)]
    tx.view_rows("changed_root", rows, like="group_merge")
    tx.run("cases/reroot_group_merges")
    tx.memo[GROUP_MERGES] = merges
    tx.topics.add("case")
    return len(tx.run("cases/regroup_cases"))


def _entry(verb: str, merge: GroupMerge, actor: Actor, cases: int, reason: str) -> trail.Entry:
    details = {"merge": merge.id, "into": merge.target, "cases": cases}
    return trail.Entry(verb, actor, subject=subject_of(merge.source), reason=reason.strip(), details=details)


def _places(tx: Tx, group_id: str) -> list[Place]:
    """Return of which tenants and flows a group has cases."""
    return tx.run("cases/places_of_group", {"group": group_id}, into=noun(Place))


# --- one case -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MoveAtHand(AtHand):
    """A case, the merges that hold, and where the group that it goes to has cases."""

    merges: Sequence[GroupMerge] = ()
    places: Sequence[Place] = ()


@dataclass(frozen=True, slots=True)
class MoveCase(CaseCommand):
    """Move a case to another group, where it stays also when it fails again; None: to that of its cause.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
        GroupNotFoundError: the actor may act on no case of that group.
        InvalidActError: the reason is too short.
        NotAllowedNowError: it is in that group already.
    """

    act: ClassVar = "case.move"
    to: str | None
    reason: str

    def load(self, tx: Tx, ctx: RequestContext) -> MoveAtHand:
        """Return the case, and what is known of the group."""
        case, merges = CaseCommand.load(self, tx, ctx).case, group_merges(tx)
        places = _places(tx, root_of(merges, self.to)) if self.to else []
        return MoveAtHand(case, merges=merges, places=places)

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case in its group."""
        lifecycle.refuse_short(self.reason)
        lifecycle.refuse_other_holder(loaded.case, ctx.actor.name)
        case, after = loaded.case, self._moved(loaded, ctx)
        if after.group == case.group:
            raise lifecycle.refusal(case, "moved", "it is in that group already.")
        after = lifecycle.renewed(after, ctx.actor.name, now, ctx.limits)
        details = {"from": case.group, "to": after.group}
        return Decision(Change(case, after, "moved", ctx.actor, self.reason.strip(), details))

    def _moved(self, loaded: AtHand, ctx: RequestContext) -> Case:
        case, merges = loaded.case, loaded.merges if isinstance(loaded, MoveAtHand) else ()
        own = self.to in (None, case.fingerprint)
        scope = ctx.authority.scope(ctx.actor, self.act)
        places = loaded.places if isinstance(loaded, MoveAtHand) else ()
        if not own and not any(roles.reaches(scope, place.tenant, place.flow) for place in places):
            raise GroupNotFoundError(self.to or "")
        return within_group(replace(case, moved_group=None if own else self.to), merges)
