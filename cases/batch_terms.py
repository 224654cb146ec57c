"""What an act of a batch takes beside its reason, and whether a batch can be started with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from access.directory import PersonState
from cases import lifecycle
from cases.assigning import Assign
from cases.case import json_value
from cases.errors import InvalidActError, ReasonMissingError
from cases.escalating import Escalate
from cases.escalation import PERSON
from cases.snoozing import Snooze

if TYPE_CHECKING:
    from access.context import RequestContext
    from cases.batches import Batch


@dataclass(frozen=True, slots=True)
class Terms:
    """Whom a batch assigns or escalates to, or until when it snoozes."""

    to: str | None = None
    kind: str = PERSON
    until: datetime | None = None
    """Naive UTC."""
    more: int | None = None

    @classmethod
    def of_json(cls, kept: Any) -> Terms:
        """Return what was stored; nothing where a batch was stored before there was any."""
        own = json_value(kept) or {}
        until = own.get("until")
        return cls(**{**own, "until": datetime.fromisoformat(until) if until else None})

    def json(self) -> str:
        """Return it as it is stored."""
        return orjson.dumps(asdict(self)).decode()

    def assign(self, case_id: str) -> Assign:
        """Return the command that assigns a case."""
        return Assign(case_id, self.to, self.kind)

    def escalate(self, case_id: str, reason: str | None) -> Escalate:
        """Return the command that escalates a case; without a name the rules say to whom."""
        return Escalate(case_id, reason or "", self.to, self.kind)

    def snooze(self, case_id: str, reason: str | None) -> Snooze:
        """Return the command that snoozes a case."""
        return Snooze(case_id, self.until, self.more, reason)


NOTHING: Final = Terms()


def refuse_unfit(batch: Batch, ctx: RequestContext, now: datetime) -> None:
    """Refuse to start a batch whose every act would be refused.

    Raises:
        InvalidActError: nothing is to be done, or its code, reason, person, team or time is not valid.
        ReasonMissingError: a retry has no reason.
    """
    if not batch.total:
        raise InvalidActError(f"Batch {batch.id} has no exception to act on. Freeze another list.")
    if batch.act == "resolve":
        lifecycle.refuse_resolution(batch.code or "", batch.reason or "")
    if batch.act == "retry" and not batch.reason:
        raise ReasonMissingError("Give a reason: what has changed since these exceptions failed?")
    if batch.act == "snooze":
        batch.given.snooze("", batch.reason).refuse_unfit(now)
    if batch.act == "assign":
        _refuse_nobody(batch.given, ctx)
    if batch.act == "escalate":
        lifecycle.refuse_short(batch.reason or "")
        _refuse_unknown(batch.given, ctx)


def _refuse_nobody(terms: Terms, ctx: RequestContext) -> None:
    if terms.assign("").refuse_unfit() is None:
        raise InvalidActError("Name the person or the team that the exceptions are assigned to.")
    _refuse_unknown(terms, ctx)


def _refuse_unknown(terms: Terms, ctx: RequestContext) -> None:
    """Refuse a name that is none; whether the person may act is asked for each exception."""
    name = terms.assign("").refuse_unfit()
    if name is None:
        return
    person = ctx.directory.people.get(name)
    is_active = person is not None and person.state == PersonState.ACTIVE
    if terms.kind == PERSON and not ctx.authority.local and not is_active:
        raise InvalidActError(f"{name} is not an active person. Choose another person, or a team.")
