"""What commands write of people: their rows, the end of their sessions, and the audit's entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit import trail

if TYPE_CHECKING:
    from datetime import datetime

    from audit.actor import Actor
    from data.transaction import Tx


def subject_of(name: str) -> str:
    """Return what a person is called as the subject of an act."""
    return f"person:{name}"


def insert_person(tx: Tx, name: str, state: str, by: str, now: datetime, **fields: Any) -> None:
    """Add a row; `by` is who added the person."""
    row = dict.fromkeys(("password_hash", "issuer", "subject")) | fields
    tx.run("access/insert_person", {"name": name, "state": state, **row, "now": now, "by": by})
    tx.topics.add("access")


def update_person(tx: Tx, name: str, now: datetime, **fields: Any) -> None:
    """Change the named fields of a row and leave the others."""
    unchanged = dict.fromkeys(("state", "password_hash", "issuer", "subject", "signed_in_at"))
    tx.run("access/update_person", {**unchanged, **fields, "name": name, "now": now})
    tx.topics.add("access")


def end_sessions(
    tx: Tx, name: str, now: datetime, *, session_id: str | None = None, but: str | None = None
) -> list[str]:
    """End a person's sessions: all, the one with this id, or all but one. Return the ids that ended."""
    which = {"person": name, "id": session_id, "but": but, "now": now}
    ended = [row["id"] for row in tx.run("access/end_sessions", which)]
    if ended:
        tx.topics.add("access")
    return ended


def record(
    tx: Tx,
    verb: str,
    actor: Actor,
    name: str,
    now: datetime,
    *,
    details: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Write the effect of an act on a person into the audit."""
    entry = trail.Entry(verb, actor, subject=subject_of(name), reason=reason, details=details)
    trail.write(tx, [entry], now)
