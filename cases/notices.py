"""Notices: what somebody else did to a case that a person had. Stored until that person has seen them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command
from data.nouns import Page, noun, shallow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from audit.actor import Actor
    from cases.case import Case
    from data.store import Reading
    from data.transaction import Tx

TAKEN_OVER, RESOLVED, ASSIGNED, NOTED, ESCALATED = "taken_over", "resolved", "assigned", "noted", "escalated"
ASKED, ANSWERED = "asked", "answered"
SHOWN: Final = 5
"""Notices that a page shows at once."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that `actor` did to a case that `person` had."""

    id: str
    person: str
    time: datetime
    kind: str
    actor: str
    case_id: str
    title: str
    correlation_id: str
    reason: str | None


def notify(
    tx: Tx, person: str | None, kind: str, case: Case, *, by: Actor, now: datetime, reason: str | None = None
) -> None:
    """Leave a notice for a person; none for nobody, nor for what they did themselves. `by` did it."""
    if person is None or person == by.name:
        return
    about = Notice(
        id=uuid.uuid4().hex[:16],
        person=person,
        time=now,
        kind=kind,
        actor=by.name,
        case_id=case.id,
        title=case.title,
        correlation_id=case.correlation_id,
        reason=reason,
    )
    tx.view_rows("new_notice", [shallow(about) | {"seen_at": None}], like="notice")
    tx.run("cases/insert_notices")


def answer(tx: Tx, case: Case, *, by: Actor, now: datetime, text: str | None) -> None:
    """Leave a notice for those who asked the holder about a case, where the holder wrote the note `text`."""
    if case.holder != by.name:
        return
    asked = {"case_id": case.id, "holder": by.name, "asked": ASKED, "answered": ANSWERED}
    for asker in tx.run("cases/askers", asked, into=noun(_Asker)):
        notify(tx, asker.person, ANSWERED, case, by=by, now=now, reason=text)


@dataclass(frozen=True, slots=True)
class _Asker:
    person: str


def unseen(reading: Reading, person: str, limit: int = SHOWN) -> Page[Notice]:
    """Return what a person has not seen, oldest first."""
    asked = {"person": person, "limit": limit}
    return Page.of(reading.query("cases/notices", asked), noun(Notice))


@dataclass(frozen=True, slots=True)
class SeeNotices(Command[None, None, dict[str, Any]]):
    """Say that one has seen some of one's own notices; they are not shown again."""

    act: ClassVar = "read"
    ids: Sequence[str]

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write it."""
        asked = {"person": ctx.actor.name, "ids": list(self.ids), "now": now}
        return {"seen": len(tx.run("cases/see_notices", asked))}
