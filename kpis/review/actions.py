"""Actions: what somebody promised in a review, carried over from week to week until it is done or dropped.

An action is never rewritten: each change is a version of its own, and the audit has each of them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target
from audit import trail
from data.errors import ConflictError
from data.nouns import noun, shallow
from kpis import periods
from kpis.review.errors import ActionNotFoundError
from kpis.review.written import check_draft, check_kpi, checked_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx

OPEN: Final = "open"
DONE: Final = "done"
DROPPED: Final = "dropped"
ENDS: Final = (DONE, DROPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action as it is now."""

    id: str
    version: int
    week: str
    """The week in whose review it was promised."""
    text: str
    owner: str
    due_on: date | None
    kpi: str | None
    """The figure that it should move."""
    state: str
    """open, done or dropped."""
    note: str | None
    """What somebody wrote when they closed it or opened it again."""
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime

    def is_overdue(self, today: date) -> bool:
        """Return whether it is open behind its due date."""
        return self.state == OPEN and self.due_on is not None and self.due_on < today


_action: Final = noun(Action)


def of_week(reading: Reading, week: str) -> list[Action]:
    """Return the actions that were promised in the review of a week, the oldest first."""
    return reading.query("review/actions", {"week": week, "id": None}, into=_action)


def all_actions(reading: Reading, state: str | None = None) -> list[Action]:
    """Return the actions of all weeks, or those in a state, the oldest first."""
    found = reading.query("review/actions", {"week": None, "id": None}, into=_action)
    return [one for one in found if state in (None, one.state)]


def place(action: Action) -> bytes:
    """Return the place of an action in the list of all."""
    return f"{action.created_at:%Y%m%d%H%M%S%f}{action.id}".encode()


def promises(reading: Reading, week: str, zone: str, today: date) -> list[Action]:
    """Return the actions of earlier weeks that are open, or ended since this week began.

    Overdue ones come first, then those due next, then those without a date, then those that ended.
    """
    begin = periods.week(week, zone).start
    found = (one for one in all_actions(reading) if one.week < week)
    return sorted(
        (one for one in found if one.state == OPEN or one.changed_at >= begin),
        key=lambda one: (
            one.state != OPEN,
            not one.is_overdue(today),
            one.due_on or date.max,
            one.created_at,
        ),
    )


class _ActionCommand(Command["Sequence[Action]", Action, "dict[str, Any]"]):
    """What all commands on actions have in common: they write one version."""

    __slots__ = ()
    act: ClassVar = "week.write"
    verb: ClassVar[str]
    action_id: str

    def load(self, tx: Tx, _ctx: RequestContext) -> list[Action]:
        """Return the action."""
        return tx.run("review/actions", {"week": None, "id": self.action_id}, into=_action)

    def authorize(self, _loaded: Sequence[Action]) -> Target:
        """Return the action as what the command is about."""
        return Target(subject=f"action:{self.action_id}")

    def apply(self, tx: Tx, decided: Action, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the version and its entry."""
        row = shallow(decided, ("id", "version", "week", "text", "owner", "due_on", "kpi", "state", "note"))
        tx.run("review/insert_action", {**row, "actor": ctx.actor.name, "now": now})
        entry = trail.Entry(self.verb, ctx.actor, subject=f"action:{decided.id}", details=row)
        trail.write(tx, [entry], now)
        return {**shallow(decided), "due_on": decided.due_on and decided.due_on.isoformat()}

    def kept(self, answer: dict[str, Any]) -> Any:
        """Return the answer with its times as text."""
        return {name: str(one) if isinstance(one, datetime) else one for name, one in answer.items()}


def _found(action_id: str, loaded: Sequence[Action]) -> Action:
    if not loaded:
        raise ActionNotFoundError(action_id)
    return loaded[0]


@dataclass(frozen=True, slots=True)
class AddAction(_ActionCommand):
    """Promise something in the review of a week: what, who, until when, and which figure it should move."""

    verb: ClassVar = "action added"
    week: str
    text: str
    owner: str
    due_on: date | None = None
    kpi: str | None = None

    def load(self, _tx: Tx, _ctx: RequestContext) -> list[Action]:
        """Return nothing: it is new."""
        return []

    def authorize(self, _loaded: Sequence[Action]) -> Target:
        """Return the week."""
        return Target(subject=f"week:{self.week}")

    def decide(self, _loaded: Sequence[Action], ctx: RequestContext, now: datetime) -> Action:
        """Return the first version.

        Raises:
            InvalidPeriodError: there is no such week.
            ConflictError: the week was frozen, or has not begun.
            EmptyTextError: the text or the owner has no words.
            UnknownKpiError: there is no such KPI.
        """
        check_draft(ctx, self.week, now)
        check_kpi(self.kpi)
        return Action(
            id=uuid.uuid4().hex,
            version=1,
            week=self.week,
            text=checked_text(self.text, "action"),
            owner=checked_text(self.owner, "owner of the action"),
            due_on=self.due_on,
            kpi=self.kpi,
            state=OPEN,
            note=None,
            created_by=ctx.actor.name,
            created_at=now.replace(tzinfo=UTC),
            changed_by=ctx.actor.name,
            changed_at=now.replace(tzinfo=UTC),
        )


@dataclass(frozen=True, slots=True)
class ChangeAction(_ActionCommand):
    """Change what an open action says."""

    verb: ClassVar = "action changed"
    action_id: str
    text: str
    owner: str
    due_on: date | None = None
    kpi: str | None = None

    def decide(self, loaded: Sequence[Action], ctx: RequestContext, now: datetime) -> Action:
        """Return the next version.

        Raises:
            ActionNotFoundError: there is no such action.
            ConflictError: it has ended.
            EmptyTextError: the text or the owner has no words.
            UnknownKpiError: there is no such KPI.
        """
        check_kpi(self.kpi)
        before = _found(self.action_id, loaded)
        if before.state != OPEN:
            raise ConflictError(f"The action is {before.state}, by {before.changed_by}. Open it again first.")
        return replace(
            _next(before, ctx, now),
            text=checked_text(self.text, "action"),
            owner=checked_text(self.owner, "owner of the action"),
            due_on=self.due_on,
            kpi=self.kpi,
        )


@dataclass(frozen=True, slots=True)
class CloseAction(_ActionCommand):
    """End an action: it is done, or it is dropped, which takes a reason."""

    verb: ClassVar = "action ended"
    action_id: str
    state: str
    note: str | None = None

    def decide(self, loaded: Sequence[Action], ctx: RequestContext, now: datetime) -> Action:
        """Return the next version.

        Raises:
            ActionNotFoundError: there is no such action.
            ConflictError: it has ended.
            EmptyTextError: it is dropped without a reason.
        """
        before = _found(self.action_id, loaded)
        if before.state != OPEN:
            raise ConflictError(f"The action is {before.state} already, by {before.changed_by}.")
        note = checked_text(self.note, "reason to drop it") if self.state == DROPPED else self.note
        return replace(_next(before, ctx, now), state=self.state, note=note)


@dataclass(frozen=True, slots=True)
class ReopenAction(_ActionCommand):
    """Open an action again that was called done or dropped."""

    verb: ClassVar = "action opened again"
    action_id: str
    note: str | None = None

    def decide(self, loaded: Sequence[Action], ctx: RequestContext, now: datetime) -> Action:
        """Return the next version.

        Raises:
            ActionNotFoundError: there is no such action.
            ConflictError: it is open.
        """
        before = _found(self.action_id, loaded)
        if before.state == OPEN:
            raise ConflictError("The action is open.")
        return replace(_next(before, ctx, now), state=OPEN, note=self.note)


def _next(before: Action, ctx: RequestContext, now: datetime) -> Action:
    return replace(
        before, version=before.version + 1, changed_by=ctx.actor.name, changed_at=now.replace(tzinfo=UTC)
    )
