"""The one place where a case changes: compare-and-set on its version, with its audit entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit import trail
from data.errors import ConflictError
from desk import lifecycle
from traces.outcome import RULE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from audit.actor import Actor
    from data.store import Tx

    Case = dict[str, Any]
    Row = dict[str, Any]


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
    after = [_numbered(change, change.after(now)) for change in changes]
    _insert(tx, [case for change, case in zip(changes, after, strict=True) if change.is_new])
    _update(tx, [case for change, case in zip(changes, after, strict=True) if not change.is_new])
    _write_episodes(tx, changes, after, now)
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


def _numbered(change: Change, case: Case) -> Case:
    """Count the episodes: a case that comes back begins another."""
    comes_back = change.case["state"] in lifecycle.ENDED and case["state"] in lifecycle.LIVE
    return {**case, "episodes": (case["episodes"] or 1) + (comes_back and not change.is_new)}


def _write_episodes(tx: Tx, changes: Sequence[Change], after: list[Case], now: datetime) -> None:
    """Add to the history of openings and closings what these changes are."""
    rows = [row for change, case in zip(changes, after, strict=True) for row in _episode(change, case, now)]
    if rows:
        tx.view_rows("new_episode", rows, like="case_episode")
        tx.run("desk/insert_episodes")


def _episode(change: Change, case: Case, now: datetime) -> list[Row]:
    was_live = not change.is_new and change.case["state"] in lifecycle.LIVE
    is_live = case["state"] in lifecycle.LIVE
    base = {"case_id": case["id"], "episode": case["episodes"], "rule": RULE, "recorded_at": now}
    if is_live and not was_live:
        time = case["first_seen"] if change.is_new else case["last_seen"]
        return [{**base, "change": "opened", "time": time, "how": None}]
    if was_live and not is_live:
        time = case["verified_at"] or case["resolved_at"] or now
        return [{**base, "change": "closed", "time": time, "how": case["state"]}]
    return []


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
