"""Notes on a case: what people write for each other. A note is an entry of the audit: nobody changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from cases import lifecycle, notices
from cases.change import Change
from cases.commands import AtHand, CaseCommand, Decision
from cases.errors import InvalidActError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from access.context import RequestContext
    from cases.case import Case
    from cases.queries import AuditEntry
    from data.transaction import Tx

NOTED: Final = "noted"
MAX_CHARS: Final = 4_000
_CARRY_NOTES: Final = (NOTED, "released")


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote on a case: plain text or Markdown."""

    at: datetime
    actor: str
    text: str
    is_hand_over: bool
    """Written when the person gave the case back."""


def notes_of(history: Iterable[AuditEntry]) -> list[Note]:
    """Return the notes in the history of a case, the oldest first."""
    return [
        Note(entry.at, entry.actor, entry.reason, entry.verb != NOTED)
        for entry in history
        if entry.verb in _CARRY_NOTES and entry.reason
    ]


def checked(text: str) -> str:
    """Return the text of a note without what surrounds it.

    Raises:
        InvalidActError: there is none, or it is too long.
    """
    plain = text.replace("\0", "").strip()
    if not plain:
        raise InvalidActError("The note is empty. Write what the next person should know.")
    if len(plain) > MAX_CHARS:
        raise InvalidActError(f"The note has {len(plain):,} characters; {MAX_CHARS:,} are the most.")
    return plain


@dataclass(frozen=True, slots=True)
class AddNote(CaseCommand):
    """Write a note on a case of any holder and in any state. The holder gets a notice.

    One by the holder answers those who asked: they get a notice as well.

    Raises, when performed:
        InvalidActError: the note is empty or too long.
    """

    act: ClassVar = "case.note"
    text: str

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the note; one by the holder renews the claim."""
        after = lifecycle.renewed(loaded.case, ctx.actor.name, now, ctx.limits)
        return Decision(Change(loaded.case, after, NOTED, ctx.actor, checked(self.text)))

    def apply(self, tx: Tx, decided: Decision, ctx: RequestContext, now: datetime) -> Case:
        """Write the note, and a notice to who has the case."""
        after = CaseCommand.apply(self, tx, decided, ctx, now)
        reason = decided.change.reason
        notices.notify(tx, after.holder, notices.NOTED, after, by=ctx.actor, now=now, reason=reason)
        notices.answer(tx, after, by=ctx.actor, now=now, text=reason)
        return after
