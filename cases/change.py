"""The one place where a case changes: compare-and-set on its version, with its audit entry."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from audit import trail
from cases import service_rules
from cases.errors import IllegalTransitionError
from cases.lifecycle import ENDED, PENDING, allowed
from data.errors import ConflictError
from data.nouns import noun
from traces import fingerprint_1
from traces.outcome import RULE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from audit.actor import Actor
    from cases.case import Case
    from data.transaction import Tx


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a case: `before` becomes `after`. `before` is None where the case is being opened."""

    before: Case | None
    after: Case
    verb: str
    actor: Actor
    reason: str | None = None
    details: Mapping[str, Any] | None = None
    act: str | None = None
    """The act in the audit; None: the one that the transaction performs."""

    def made(self, now: datetime) -> Case:
        """Return the case as it is once the change is made: numbered, and dated."""
        if self.before is None:
            return replace(self.after, version=1, updated_at=now, free_from_version=1)
        if not allowed(self.verb, self.before.state, self.after.state):
            raise IllegalTransitionError(self.verb, self.before.state, self.after.state)
        comes_back = self.before.state in ENDED and self.after.state in PENDING
        return replace(
            self.after,
            version=self.before.version + 1,
            updated_at=now,
            episodes=self.after.episodes + comes_back,
            **_free_versions(self.before, self.after),
            **_taken_up(self, now, comes_back=comes_back),
        )


def _taken_up(change: Change, now: datetime, *, comes_back: bool) -> dict[str, Any]:
    """Return when somebody first took a case up in its episode, where that changes."""
    after = change.after
    if comes_back:
        return {"reopened_at": after.last_seen, "triaged_at": None, "escalation_level": None}
    is_taken_up = after.holder is not None or change.verb == "resolved"
    if not is_taken_up or after.triaged_at is not None:
        return {}
    return {"triaged_at": now, "escalation_level": None}


def _free_versions(before: Case, after: Case) -> dict[str, Any]:
    """Return between which of its versions nobody held a case, where its holder changes."""
    if before.holder == after.holder:
        return {}
    if after.holder is None:
        return {"free_from_version": before.version + 1, "free_to_version": None}
    return {"free_to_version": before.version if before.holder is None else None}


def make(tx: Tx, changes: Sequence[Change], now: datetime) -> list[Case]:
    """Make changes, each of another case, and return the cases after; `now` is naive UTC.

    Raises:
        ConflictError: a case has moved on since it was read. Nothing of the transaction may be kept.
    """
    if not changes:
        return []
    tx.topics.add("case")
    after = [_timed(tx, change, change.made(now)) for change in changes]
    pairs = list(zip(changes, after, strict=True))
    _insert(tx, [case for change, case in pairs if change.before is None])
    _update(tx, [case for change, case in pairs if change.before is not None])
    _write_episodes(tx, pairs, now)
    trail.write(tx, [_entry(change, case) for change, case in pairs if change.verb], now)
    return after


DUE_CHANGED: Final = "due_changed"
"""The verb of a change after which the due times are asked for again, whatever else it changes."""
_DATED_BY: Final = attrgetter(
    "tenant", "flow", "step", "error_class", "severity", "first_seen", "reopened_at", "answer_until"
)
"""What the due times and the owner of a case follow."""


def _timed(tx: Tx, change: Change, case: Case) -> Case:
    """Return a live case with its due times and its owner; one that has ended keeps its own."""
    before = change.before
    is_dated = before is not None and before.due_at and _DATED_BY(before) == _DATED_BY(case)
    if case.state not in PENDING or (is_dated and change.verb != DUE_CHANGED):
        return case
    return replace(case, **service_rules.current(tx).stated_of(case))


def _insert(tx: Tx, cases: list[Case]) -> None:
    if cases:
        tx.view_rows("changed_case", [case.row() for case in cases], like="exception_case")
        tx.run("cases/insert_cases")


def _update(tx: Tx, cases: list[Case]) -> None:
    if not cases:
        return
    tx.view_rows("changed_case", [case.row() for case in cases], like="exception_case")
    if len(tx.run("cases/update_cases")) != len(cases):
        raise ConflictError("Someone was faster: the exception has changed meanwhile. Look at it again.")


def _write_episodes(tx: Tx, pairs: Sequence[tuple[Change, Case]], now: datetime) -> None:
    """Add to the history of openings and closings what these changes are."""
    rows = [row for change, case in pairs for row in _episodes(change, case, now)]
    if rows:
        tx.view_rows("new_episode", rows, like="case_episode")
        tx.run("cases/insert_episodes")


_KEPT: Final = {
    "people_at": "people_at", "code": "resolution_code", "recovered_by": "recovered_by",
    "triaged_at": "triaged_at", "triage_due_at": "triage_due_at", "due_at": "due_at",
}  # fmt: skip
"""What an episode keeps of its case when it ends, by the name of the column."""


def _episodes(change: Change, case: Case, now: datetime) -> list[dict[str, Any]]:
    was_live = change.before is not None and change.before.state in PENDING
    is_live = case.state in PENDING
    base = {"case_id": case.id, "episode": case.episodes, "rule": RULE, "recorded_at": now}
    ended = {"how": case.state, **{name: getattr(case, column) for name, column in _KEPT.items()}}
    if is_live and not was_live:
        time = case.first_seen if change.before is None else case.last_seen
        return [{**base, "change": "opened", "time": time, "how": None}]
    if was_live and not is_live:
        time = case.verified_at or case.resolved_at or now
        return [{**base, **ended, "change": "closed", "time": time}]
    if not is_live and case.verified_at and change.before and not change.before.verified_at:
        return [{**base, **ended, "change": "verified", "time": case.verified_at}]
    return []


def _entry(change: Change, after: Case) -> trail.Entry:
    return trail.Entry(
        verb=change.verb,
        actor=change.actor,
        case=after,
        from_state=change.before.state if change.before else None,
        to_state=after.state,
        reason=change.reason,
        details=change.details,
        act=change.act,
        case_version=after.version,
        holder=after.holder,
    )


# --- the class that a person named stays -------------------------------------------------------------

PERSON: Final = "person"
GROUP: Final = "group"
GROUPS: Final = "cases.classes_of_groups"


class Group(NamedTuple):
    """Failures with the same cause in one flow of one tenant: who may name a class there says it for them."""

    tenant: str | None
    flow: str
    fingerprint: str


class Word(NamedTuple):
    """The class that a person named, and who."""

    error_class: str
    actor: str


_NUMBER: Final = re.compile(r"[01]\.\d\d")


def stated(text: str | None) -> dict[str, Any]:
    """Return what a failure's record states of its class, as fields of a case."""
    parts: tuple[Any, ...] = (None, None, None)
    match (text or "").split(" "):
        case [rule, confidence, version] if _NUMBER.fullmatch(confidence) and version.isdecimal():
            parts = rule, float(confidence), int(version)
    return dict(zip(("class_rule", "class_confidence", "class_version"), parts, strict=True))


def settled(case: Case, before: Case | None, groups: Mapping[Group, Word]) -> Case:
    """Return a case with the class that a person named for it, or else for its group."""
    if before is not None and before.class_rule == PERSON and before.class_by:
        return with_class(case, before.error_class, PERSON, before.class_by)
    word = groups.get(Group(case.tenant, case.flow, case.group))
    if word is None and case.group != case.fingerprint:
        word = groups.get(Group(case.tenant, case.flow, case.fingerprint))
    if word is None and groups:
        word = groups.get(Group(case.tenant, case.flow, _under_older_rules(case)))
    return case if word is None else with_class(case, word.error_class, GROUP, word.actor)


def _under_older_rules(case: Case) -> str:
    """Return the group that a case had under the rules before: what people stated of that one holds on."""
    return fingerprint_1.fingerprint(
        flow=case.flow,
        step=case.step,
        error_type=case.error_type,
        message=case.message,
        stacktrace=case.stacktrace,
    )


def with_class(case: Case, error_class: str, how: str, actor: str) -> Case:
    """Return a case with the class that a person named, for it or for its group."""
    return replace(case, error_class=error_class, class_rule=how, class_confidence=1.0, class_by=actor)


def of_groups(tx: Tx) -> dict[Group, Word]:
    """Return the classes that people named for groups, as the writer remembers them."""
    if GROUPS not in tx.memo:
        tx.memo[GROUPS] = dict(tx.run("cases/classes_of_groups", into=_word_of_group))
    found: dict[Group, Word] = tx.memo[GROUPS]
    return found


def _word_of_group(row: Mapping[str, Any]) -> tuple[Group, Word]:
    tenant, flow, fingerprint, error_class, actor = row.values()
    return Group(tenant, flow, fingerprint), Word(error_class, actor)


# --- groups that somebody has claimed ------------------------------------------------------------------

GROUP_CLAIMS: Final = "cases.group_claims"


@dataclass(frozen=True, slots=True)
class GroupClaim:
    """A claim of all cases of a group: what arrives while it lives joins it. Times as they are stored."""

    id: str
    fingerprint: str
    holder: str
    scope: Sequence[str] | None
    """What its holder may claim; None: everything."""
    claimed_at: datetime
    lease_until: datetime


def group_claims(tx: Tx) -> list[GroupClaim]:
    """Return the claims of groups that live, the oldest first, as the writer remembers them."""
    if GROUP_CLAIMS not in tx.memo:
        tx.memo[GROUP_CLAIMS] = tx.run("cases/live_group_claims", into=noun(GroupClaim, aware=False))
    found: list[GroupClaim] = tx.memo[GROUP_CLAIMS]
    return found


# --- groups that are part of others --------------------------------------------------------------------

GROUP_MERGES: Final = "cases.group_merges"


@dataclass(frozen=True, slots=True)
class GroupMerge:
    """One group that is part of another. Times as they are stored."""

    id: str
    source: str
    target: str
    root: str
    """Where its cases are: the target, or what that is part of."""
    reason: str
    actor: str
    merged_at: datetime


def group_merges(tx: Tx) -> list[GroupMerge]:
    """Return the merges that hold, the oldest first, as the writer remembers them."""
    if GROUP_MERGES not in tx.memo:
        tx.memo[GROUP_MERGES] = tx.run("cases/live_group_merges", into=noun(GroupMerge, aware=False))
    found: list[GroupMerge] = tx.memo[GROUP_MERGES]
    return found


def root_of(merges: Iterable[GroupMerge], group_id: str) -> str:
    """Return the group that a group is part of now: itself, where it is part of no other."""
    return next((merge.root for merge in merges if merge.source == group_id), group_id)


def within_group(case: Case, merges: Iterable[GroupMerge]) -> Case:
    """Return a case in the group that it belongs to by the merges that hold."""
    root = root_of(merges, case.moved_group or case.fingerprint)
    return replace(case, joined_group=None if root == case.fingerprint else root)


def grouped(case: Case, before: Case | None, tx: Tx) -> Case:
    """Return a case, as its failures tell it, in its group and with the class that a person named."""
    return settled(within_group(case, group_merges(tx)), before, of_groups(tx))
