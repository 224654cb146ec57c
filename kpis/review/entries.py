"""Wins, misses and decisions of a week, and the notes on its sections."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target
from audit import trail
from data.nouns import noun, shallow
from kpis.review.errors import EntryNotFoundError
from kpis.review.written import check_draft, check_kpi, checked_text

if TYPE_CHECKING:
    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx

WIN: Final = "win"
MISS: Final = "miss"
DECISION: Final = "decision"
KINDS: Final = (WIN, MISS, DECISION)
SECTIONS: Final = {
    "promises": "Promises",
    "scoreboard": "Scoreboard",
    "shape": "Shape of work",
    "moved": "What moved",
    "hurts": "Where it hurts",
    "money": "Money",
    "backlog": "Backlog",
    "wins": "Wins and misses",
    "decisions": "Decisions and actions",
}
"""The sections of a review, in their order; each may have a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A win, a miss or a decision."""

    id: str
    version: int = 1
    week: str
    kind: str
    text: str
    why: str | None = None
    kpi: str | None = None
    actor: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """The note on a section."""

    section: str
    text: str
    actor: str
    written_at: datetime


_entry: Final = noun(Entry)
_note: Final = noun(Note)


def entries(reading: Reading, week: str) -> list[Entry]:
    """Return the wins, misses and decisions of a week, the oldest first."""
    return reading.query("review/entries", {"week": week}, into=_entry)


def notes(reading: Reading, week: str) -> list[Note]:
    """Return the notes on a week's sections."""
    return reading.query("review/notes", {"week": week}, into=_note)


@dataclass(frozen=True, slots=True)
class AddEntry(Command[None, Entry, "dict[str, Any]"]):
    """Write down a win, a miss or a decision of a week."""

    act: ClassVar = "week.write"
    week: str
    kind: str
    text: str
    why: str | None = None
    kpi: str | None = None

    def authorize(self, _loaded: None) -> Target:
        """Return the week."""
        return Target(subject=f"week:{self.week}")

    def decide(self, _loaded: None, ctx: RequestContext, now: datetime) -> Entry:
        """Return the entry.

        Raises:
            InvalidPeriodError: there is no such week.
            ConflictError: the week was frozen, or has not begun.
            EmptyTextError: it has no words.
            UnknownKpiError: there is no such KPI.
        """
        check_draft(ctx, self.week, now)
        check_kpi(self.kpi)
        text = checked_text(self.text, self.kind)
        why = self.why.strip() or None if self.why else None
        return Entry(
            id=uuid.uuid4().hex, week=self.week, kind=self.kind, text=text, why=why, kpi=self.kpi,
            actor=ctx.actor.name, written_at=now.replace(tzinfo=UTC),
        )  # fmt: skip

    def apply(self, tx: Tx, decided: Entry, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the entry."""
        _write(tx, decided, ctx, now, removed=False)
        return shallow(decided)

    def kept(self, answer: dict[str, Any]) -> Any:
        """Return the answer with its time as text."""
        return {**answer, "written_at": str(answer["written_at"])}


@dataclass(frozen=True, slots=True)
class RemoveEntry(Command["list[Entry]", Entry, "dict[str, str]"]):
    """Remove a win, a miss or a decision from a week that is a draft; the audit keeps it."""

    act: ClassVar = "week.write"
    week: str
    entry_id: str

    def load(self, tx: Tx, _ctx: RequestContext) -> list[Entry]:
        """Return the entries of the week."""
        return tx.run("review/entries", {"week": self.week}, into=_entry)

    def authorize(self, _loaded: list[Entry]) -> Target:
        """Return the week."""
        return Target(subject=f"week:{self.week}")

    def decide(self, loaded: list[Entry], ctx: RequestContext, now: datetime) -> Entry:
        """Return the entry.

        Raises:
            InvalidPeriodError: there is no such week.
            EntryNotFoundError: the week has no such entry.
            ConflictError: the week was frozen.
        """
        check_draft(ctx, self.week, now)
        found = [one for one in loaded if one.id == self.entry_id]
        if not found:
            raise EntryNotFoundError(self.week, self.entry_id)
        return found[0]

    def apply(self, tx: Tx, decided: Entry, ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Write a version that is removed."""
        _write(tx, decided, ctx, now, removed=True)
        return {"week": self.week, "id": decided.id}


def _write(tx: Tx, one: Entry, ctx: RequestContext, now: datetime, *, removed: bool) -> None:
    row = shallow(one, ("id", "week", "kind", "text", "why", "kpi"))
    version = one.version + removed
    tx.run(
        "review/insert_entry",
        {**row, "version": version, "removed": removed, "actor": ctx.actor.name, "now": now},
    )
    verb = f"{one.kind} removed" if removed else f"{one.kind} added"
    trail.write(tx, [trail.Entry(verb, ctx.actor, subject=f"week:{one.week}", details=row)], now)


@dataclass(frozen=True, slots=True)
class WriteNote(Command[None, None, "dict[str, str]"]):
    """Write the note on a section of a week; without words the note is removed."""

    act: ClassVar = "week.write"
    week: str
    section: str
    text: str

    def authorize(self, _loaded: None) -> Target:
        """Return the week."""
        return Target(subject=f"week:{self.week}")

    def decide(self, _loaded: None, ctx: RequestContext, now: datetime) -> None:
        """Refuse what is no week, or one that was frozen.

        Raises:
            InvalidPeriodError: there is no such week.
            ConflictError: the week was frozen, or has not begun.
        """
        check_draft(ctx, self.week, now)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Write the note."""
        row = {"week": self.week, "section": self.section, "text": self.text.strip()}
        tx.run("review/insert_note", {**row, "actor": ctx.actor.name, "now": now})
        entry = trail.Entry("note written", ctx.actor, subject=f"week:{self.week}", details=row)
        trail.write(tx, [entry], now)
        return {**row, "actor": ctx.actor.name}
