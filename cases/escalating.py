"""Escalate a case: to the next step when its time is over, or by a person who gives a reason.

It is assigned to whom it goes, and they get a notice, as does its holder. Who holds it stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import SystemCommand, perform
from audit.actor import SYSTEM
from cases import assigning, lifecycle, notices, service_rules
from cases.case import Case
from cases.change import Change, make
from cases.commands import AtHand, CaseCommand, Decision
from cases.errors import InvalidActError
from cases.escalation import PERSON, TEAM, Addressee, Escalation
from data import formats
from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from data.transaction import Tx

ESCALATED: Final = "escalated"
TIMEOUT, MANUAL = "timeout", "manual"
_AT_ONCE: Final = 500


def escalated(case: Case, to: Addressee | None, now: datetime) -> Case:
    """Return the case one level higher, assigned to whom it goes; a snooze ends."""
    level = (case.escalation_level or 0) + 1
    risen = replace(case, escalation_level=level, escalated_at=now, **lifecycle.AWAKE)
    return replace(risen, assignee=to.name, assignee_kind=to.kind) if to else risen


def _details(case: Case, after: Case, to: Addressee | None, how: str) -> dict[str, Any]:
    goes = {"to": to.name, "kind": to.kind} if to else {"to": None}
    return {"how": how, "level": after.escalation_level, **goes, "was": case.assignee}


def _tell(tx: Tx, rules: Escalation, change: Change, after: Case, now: datetime) -> None:
    """Leave notices for those to whom a case goes, and for who holds it."""
    for person in _hearing(rules, change, after):
        notices.notify(tx, person, notices.ESCALATED, after, by=change.actor, now=now, reason=change.reason)


def _hearing(rules: Escalation, change: Change, after: Case) -> list[str | None]:
    """Return who gets a notice of an escalated case."""
    goes_to = (change.details or {}).get("to")
    to = Addressee(after.assignee_kind or "", after.assignee or "") if goes_to else None
    return list(dict.fromkeys((*rules.notified(to), after.holder)))


def _tell_once(tx: Tx, rules: Escalation, changes: Sequence[Change], now: datetime) -> None:
    """Leave one notice for each person, about the first of the cases, with how many there are."""
    by_person: dict[str | None, list[Change]] = {}
    for change in changes:
        for person in _hearing(rules, change, change.after):
            by_person.setdefault(person, []).append(change)
    for person, (first, *others) in by_person.items():
        count = formats.count(len(others) + 1, "exception")
        why = f"{first.reason} ({count} at once, this is the first)" if others else first.reason
        notices.notify(tx, person, notices.ESCALATED, first.after, by=first.actor, now=now, reason=why)


# --- by time --------------------------------------------------------------------------------------------


def escalate_overdue(ctx: RequestContext, now: datetime) -> int:
    """Escalate what has missed its time, and return how many cases that were. Cheap when there are none."""
    kept = ctx.store.remembered(service_rules.REMEMBERED) or service_rules.latest(ctx.store.query).rules
    if not ctx.store.query("cases/to_escalate", _request(kept.escalation, now)):
        return 0
    return perform(EscalateOverdue(), ctx.as_system())


def _request(rules: Escalation, now: datetime) -> dict[str, Any]:
    flows = sorted({step.flow for step in rules.steps if step.flow is not None})
    return {
        "now": now,
        "waiting": sorted(lifecycle.FOR_PEOPLE),
        "flows": flows,
        "flow_seconds": [_seconds(rules, flow) for flow in flows],
        "seconds": _seconds(rules, None),
        "limit": _AT_ONCE,
    }


def _seconds(rules: Escalation, flow: str | None) -> list[int]:
    return [int(step.after.total_seconds()) for step in rules.steps_of(flow)]


@dataclass(frozen=True, slots=True)
class EscalateOverdue(SystemCommand[int]):
    """Take the next step for each case that has missed its time; the clock performs it."""

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> int:
        """Write the changes and the notices, and return how many cases went a level up."""
        rules = service_rules.current(tx).escalation
        found = tx.run("cases/to_escalate", _request(rules, now), into=Case.of)
        changes = [_overdue(rules, case, now) for case in found]
        for change, after in zip(changes, make(tx, changes, now), strict=True):
            _tell(tx, rules, change, after, now)
        return len(changes)


def _overdue(rules: Escalation, case: Case, now: datetime) -> Change:
    step = rules.next_step(case)
    to = rules.addressee(step, case) if step else None
    after = escalated(case, to, now)
    return Change(case, after, ESCALATED, SYSTEM, _why(case, to), _details(case, after, to, TIMEOUT))


def _why(case: Case, to: Addressee | None) -> str:
    missed = "triage was due" if case.waits_for_triage else "its end was due"
    who = "and nobody has taken it up" if case.triaged_at is None else "and it has not ended"
    if case.approval_id is not None:
        missed, who = "an answer was due", "and nobody has given one"
    goes = f"; it goes to {_called(to)}" if to else "; no team owns it, so it goes to nobody"
    return f"{missed} at {case.next_due_at:%Y-%m-%d %H:%M} UTC, {who}{goes}"


def _called(to: Addressee) -> str:
    return to.name if to.kind == PERSON else f"the team {to.name}"


# --- by people ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _WithRules(AtHand):
    """A case, and the rules by which it is escalated."""

    rules: Escalation = field(default_factory=Escalation)


@dataclass(frozen=True, slots=True)
class Escalate(CaseCommand):
    """Escalate a case with a reason: to a person or a team, without `to` to the next step or its owner.

    Its holder keeps it.

    Raises, when performed:
        InvalidActError: the reason is too short, or nobody is named and no rule names anybody.
        NotAllowedNowError: the case has ended.
    """

    act: ClassVar = "case.escalate"
    reason: str
    to: str | None = None
    kind: str = PERSON

    def load(self, tx: Tx, ctx: RequestContext) -> AtHand:
        """Return the case with the rules."""
        found = CaseCommand.load(self, tx, ctx)
        return _WithRules(found.case, rules=service_rules.current(tx).escalation)

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case one level higher."""
        case, reason = loaded.case, self.reason.strip()
        if case.state not in lifecycle.PENDING:
            raise lifecycle.not_now(case, "escalated")
        lifecycle.refuse_short(reason)
        name = assigning.checked_name(self.to, self.kind, case, ctx)
        to = Addressee(self.kind, name) if name else _next(loaded)
        after = escalated(lifecycle.renewed(case, ctx.actor.name, now, ctx.limits), to, now)
        details = _details(case, after, to, MANUAL)
        return Decision(Change(case, after, ESCALATED, ctx.actor, reason, details))

    def apply(self, tx: Tx, decided: Decision, ctx: RequestContext, now: datetime) -> Case:
        """Write the change, and the notices."""
        after = CaseCommand.apply(self, tx, decided, ctx, now)
        _tell(tx, service_rules.current(tx).escalation, decided.change, after, now)
        return after

    @classmethod
    def load_all(cls, tx: Tx, commands: Sequence[Any], ctx: RequestContext) -> Sequence[AtHand | UnsnagError]:
        """Return the cases of several commands with the rules."""
        rules = service_rules.current(tx).escalation
        found = super(Escalate, cls).load_all(tx, commands, ctx)
        return [one if isinstance(one, UnsnagError) else _WithRules(one.case, rules=rules) for one in found]

    @classmethod
    def apply_all(
        cls, tx: Tx, decided: Sequence[tuple[str, Decision]], ctx: RequestContext, now: datetime
    ) -> None:
        """Write the changes, and one notice to each person."""
        super(Escalate, cls).apply_all(tx, decided, ctx, now)
        _tell_once(tx, service_rules.current(tx).escalation, [one.change for _, one in decided], now)


def _next(loaded: AtHand) -> Addressee:
    """Return to whom a case goes by the rules: those of the next step, else its owner."""
    rules, case = loaded.rules if isinstance(loaded, _WithRules) else Escalation(), loaded.case
    step = rules.next_step(case)
    if step and (to := rules.addressee(step, case)):
        return to
    if case.owner_team:
        return Addressee(TEAM, case.owner_team)
    raise InvalidActError("No rule says to whom it goes next. Name a person or a team.")
