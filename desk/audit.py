"""The audit: one entry an act, written in the transaction of the change it tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from data.store import Tx


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a service (a worker, a script), or the system itself."""

    name: str
    kind: str = "human"


SYSTEM: Final = Actor("unsnag", "system")


@dataclass(frozen=True, slots=True)
class Entry:
    """One act on one case."""

    verb: str
    actor: Actor
    case: dict[str, Any]
    from_state: str | None
    to_state: str | None
    reason: str | None = None
    details: dict[str, Any] | None = None


def write(tx: Tx, entries: Sequence[Entry], now: datetime) -> None:
    """Append entries; `now` is naive UTC."""
    if not entries:
        return
    (head,) = tx.run("desk/audit_head")
    rows = [_row(entry, head["seq"] + n, now) for n, entry in enumerate(entries, start=1)]
    tx.view_rows("new_audit", rows, like="audit")
    tx.run("desk/insert_audit")


def _row(entry: Entry, seq: int, now: datetime) -> dict[str, Any]:
    case = entry.case
    return {
        "seq": seq,
        "time": now,
        "actor": entry.actor.name,
        "actor_type": entry.actor.kind,
        "verb": entry.verb,
        "case_id": case["id"],
        "correlation_id": case["correlation_id"],
        "flow": case["flow"],
        "step": case["step"],
        "tenant": case["tenant"],
        "from_state": entry.from_state,
        "to_state": entry.to_state,
        "reason": entry.reason,
        "details": orjson.dumps(entry.details, default=str).decode() if entry.details else None,
    }
