"""The audit: one entry an act, chained, written in the transaction of the change it tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from desk import chain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from data.store import Store, Tx


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a service (a worker, a script), or the system itself."""

    name: str
    kind: str = "human"


_PAGE: Final = 50_000

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
    rows: list[dict[str, Any]] = []
    for seq, entry in enumerate(entries, start=head["seq"] + 1):
        row = chain.seal(_row(entry, seq, now), rows[-1]["hash"] if rows else head["hash"])
        rows.append(row)
    tx.view_rows("new_audit", rows, like="audit")
    tx.run("desk/insert_audit")
    tx.run("desk/move_audit_head", {"seq": rows[-1]["seq"], "hash": rows[-1]["hash"]})


def verify(store: Store) -> chain.Verdict:
    """Check the whole chain, and that it reaches the head that was written last; bounded memory."""
    (head,) = store.query("desk/audit_head")
    verdict = chain.Verdict(0, chain.START)
    while verdict.entries < head["seq"]:
        page = store.query("desk/audit_page", {"after": verdict.entries, "limit": _PAGE})
        before, verdict = verdict.entries, chain.verify(page, verdict)
        if not verdict.intact:
            return verdict
        if verdict.entries == before:
            return chain.Verdict(
                before, verdict.head, before + 1, f"entries {before + 1} to {head['seq']} are missing"
            )
    if verdict.head != head["hash"]:
        return chain.Verdict(
            verdict.entries, verdict.head, verdict.entries, "the end of the chain was altered"
        )
    return verdict


def _row(entry: Entry, seq: int, now: datetime) -> dict[str, Any]:
    case = entry.case
    return {
        "seq": seq,
        "time": now,
        "actor": entry.actor.name,
        "actor_type": entry.actor.kind,
        "kind": "effect",
        "verb": entry.verb,
        "case_id": case["id"],
        "correlation_id": case["correlation_id"],
        "flow": case["flow"],
        "step": case["step"],
        "tenant": case["tenant"],
        "from_state": entry.from_state,
        "to_state": entry.to_state,
        "reason": entry.reason,
        "details": orjson.dumps(entry.details, default=str, option=orjson.OPT_SORT_KEYS).decode()
        if entry.details
        else None,
    }
