"""The one place where a case changes: compare-and-set on its version, with its audit entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit import trail
from data.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from audit.actor import Actor
    from data.store import Tx

    Case = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What an act does to a case: `fields` replace the old values."""

    case: Case
    fields: Case
    verb: str
    actor: Actor
    reason: str | None = None
    details: dict[str, Any] | None = None

    @property
    def is_new(self) -> bool:
        """Tell whether the case is being opened: it has no version yet."""
        return not self.case["version"]

    def after(self, now: datetime) -> Case:
        """Return the case as it is once the change is made."""
        return {**self.case, **self.fields, "version": self.case["version"] + 1, "updated_at": now}


def make(tx: Tx, changes: Sequence[Change], now: datetime) -> list[Case]:
    """Make changes, each of another case, and return the cases after; `now` is naive UTC.

    Raises:
        ConflictError: a case has moved on since it was read. Nothing of the transaction may be kept.
    """
    if not changes:
        return []
    tx.topics.add("case")
    after = [change.after(now) for change in changes]
    _insert(tx, [case for change, case in zip(changes, after, strict=True) if change.is_new])
    _update(tx, [case for change, case in zip(changes, after, strict=True) if not change.is_new])
    trail.write(tx, [_entry(c, case) for c, case in zip(changes, after, strict=True) if c.verb], now)
    return after


def _insert(tx: Tx, cases: list[Case]) -> None:
    if cases:
        tx.view_rows("changed_case", cases, like="exception_case")
        tx.run("desk/insert_cases")


def _update(tx: Tx, cases: list[Case]) -> None:
    if not cases:
        return
    tx.view_rows("changed_case", cases, like="exception_case")
    if len(tx.run("desk/update_cases")) != len(cases):
        raise ConflictError("Someone was faster: the exception has changed meanwhile. Look at it again.")


def _entry(change: Change, after: Case) -> trail.Entry:
    return trail.Entry(
        verb=change.verb,
        actor=change.actor,
        case=after,
        from_state=None if change.is_new else change.case["state"],
        to_state=after["state"],
        reason=change.reason,
        details=change.details,
    )
