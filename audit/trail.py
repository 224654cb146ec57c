"""Write entries and check them: one entry an intent, a decision, an effect.

An act of a person or a service leaves three kinds of records, joined by its `act` id: what was asked for and
what was shown (intent), whether it was allowed and why (decision), what changed (effect). What the system
does by itself leaves effects only. Reading is no act, except of unmasked records and exports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import orjson

from audit import chain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from audit.actor import Actor
    from audit.checkpoints import Checkpoint, Checkpoints
    from data.transaction import Tx

INTENT: Final = "intent"
DECISION: Final = "decision"
EFFECT: Final = "effect"
_PAGE: Final = 20_000
_HEAD: Final = "audit.head"
_CASE_FIELDS: Final = ("correlation_id", "flow", "step", "tenant")


class Entries(Protocol):
    """A store whose audit can be read, or a copy of one."""

    def query(self, name: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a named statement; see `data.store.Store.query`."""

    def filled(self, name: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a named statement and leave nulls out; see `data.store.Store.filled`."""


class AuditedCase(Protocol):
    """What an entry keeps of the case it is about."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def tenant(self) -> str | None:
        """Its tenant."""

    @property
    def flow(self) -> str:
        """Its flow."""

    @property
    def step(self) -> str:
        """The step at which its unit is stuck."""

    @property
    def correlation_id(self) -> str:
        """The ID of its unit."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of an act; `case` is the case it is about, `subject` anything else."""

    verb: str
    actor: Actor
    case: AuditedCase | None = None
    from_state: str | None = None
    to_state: str | None = None
    reason: str | None = None
    details: Mapping[str, Any] | None = None
    kind: str = EFFECT
    subject: str | None = None
    act: str | None = None
    """The act that it belongs to; None: the one that the transaction performs."""
    case_version: int | None = None
    """Which version of its case it made; None: it made none."""
    holder: str | None = None
    """Who holds its case from then on."""


def write(tx: Tx, entries: Sequence[Entry], now: datetime) -> None:
    """Append entries at the transaction's end; `now` is naive UTC.

    They belong to the act that they name, or else to the one that `tx.act` names. If the transaction fails,
    none of them was written.
    """
    if not entries:
        return
    if not tx.pending:
        tx.before_commit.append(_append)
    tx.pending.extend(_row(entry, entry.act or tx.act, now) for entry in entries)


def _append(tx: Tx) -> None:
    # The writer is the only one who moves the end: it need not be read each time, which costs 0.3 ms.
    if _HEAD not in tx.memo:
        (head,) = tx.run("audit/head")
        tx.memo[_HEAD] = (head["seq"], head["hash"])
    seq, previous = tx.memo[_HEAD]
    sealed: list[chain.Sealed] = []
    for row in tx.pending:
        seq += 1
        sealed.append(chain.seal({**row, "seq": seq, "time": text_of(row["time"])}, previous))
        previous = sealed[-1]["hash"]
    rows = [
        {**pending, **row, "time": pending["time"]} for row, pending in zip(sealed, tx.pending, strict=True)
    ]
    tx.view_rows("new_audit", rows, like="audit")
    tx.run("audit/insert")
    tx.run("audit/move_head", {"seq": seq, "hash": previous})
    tx.memo[_HEAD] = (seq, previous)
    tx.topics.add("audit")


def verify(store: Entries, checkpoints: Checkpoints | None = None) -> chain.Verdict:
    """Check the whole chain, its head, and every checkpoint outside the store; bounded memory."""
    return verify_on(store, chain.Verdict(0, chain.START), checkpoints)


def verify_on(
    store: Entries, verdict: chain.Verdict, checkpoints: Checkpoints | None = None
) -> chain.Verdict:
    """Check the chain behind the entries that `verdict` has found intact.

    Checkpoints of entries that were checked before are not compared again.
    """
    (head,) = store.query("audit/head")
    seq, top = head["seq"], head["hash"]
    marks = _Marks(checkpoints, verdict.entries)
    while verdict.entries < seq:
        # The chain may grow while it is read: what is behind the head that was read is checked next time.
        page = entries_after(store, verdict.entries, min(_PAGE, seq - verdict.entries))
        before, verdict = verdict.entries, chain.verify(page, verdict)
        verdict = marks.compare(page, verdict)
        if not verdict.intact:
            return verdict
        if verdict.entries == before:
            return _broken(verdict, before + 1, f"entries {before + 1} to {seq} are missing")
    if verdict.head != top or verdict.entries != seq or _has_more(store, seq):
        return _broken(verdict, verdict.entries, "the end of the chain was altered")
    return marks.beyond(verdict)


def _has_more(store: Entries, seq: int) -> bool:
    """Return whether entries lie behind the head of the chain: a commit moves both together.

    Entries of versions before the chain have no hash, and are sealed by an upgrade.
    """
    following = entries_after(store, seq, 1)
    if not following or not following[0].get("hash"):
        return False
    (head,) = store.query("audit/head")
    return bool(head["seq"] == seq)


def holds(store: Entries, mark: Checkpoint) -> bool:
    """Return whether the store holds the entry that a checkpoint saw."""
    page = entries_after(store, mark.seq - 1, 1)
    return [(entry.get("seq"), entry.get("hash")) for entry in page] == [(mark.seq, mark.hash)]


def entries_after(store: Entries, seq: int, limit: int) -> list[chain.Sealed]:
    """Return so many entries behind one, in their order."""
    return cast("list[chain.Sealed]", store.filled("audit/page", {"after": seq, "limit": limit}))


class _Marks:
    """The checkpoints, walked along with the entries."""

    def __init__(self, checkpoints: Checkpoints | None, after: int) -> None:
        self._left = checkpoints.seen() if checkpoints else iter(())
        self._next = next(self._left, None)
        while self._next is not None and self._next.seq <= after:
            self._next = next(self._left, None)

    def compare(self, page: Sequence[chain.Sealed], verdict: chain.Verdict) -> chain.Verdict:
        """Compare the checkpoints within a page of entries that hold."""
        if not page or self._next is None:
            return verdict
        hashes = {entry["seq"]: entry["hash"] for entry in page}
        while self._next is not None and self._next.seq <= verdict.entries:
            if self._next.hash != hashes.get(self._next.seq, self._next.hash):
                words = f"entry {self._next.seq} is not the one that the checkpoint of {self._next.time} saw"
                return _broken(verdict, self._next.seq, words)
            self._next = next(self._left, None)
        return verdict

    def beyond(self, verdict: chain.Verdict) -> chain.Verdict:
        """Find a checkpoint behind the last entry: the tail was cut, or an older store was restored."""
        if self._next is None:
            return verdict
        return _broken(verdict, verdict.entries + 1, cut(verdict.entries, self._next))


def cut(entries: int, seen: Checkpoint) -> str:
    """Return what a checkpoint behind the last entry means, as a sentence."""
    return (
        f"the audit ends with entry {entries}, but a checkpoint of {seen.time} saw entry {seen.seq}: "
        "its end was cut off, or an older database was restored"
    )


def _broken(verdict: chain.Verdict, at: int, reason: str) -> chain.Verdict:
    return chain.Verdict(verdict.entries, verdict.head, at, reason)


def _row(entry: Entry, act: str | None, now: datetime) -> dict[str, Any]:
    return {
        "time": now,
        "actor": entry.actor.name,
        "actor_type": entry.actor.kind,
        "door": entry.actor.channel,
        "credential": entry.actor.credential,
        "kind": entry.kind,
        "act": act,
        "verb": entry.verb,
        "case_id": getattr(entry.case, "id", None),
        **{name: getattr(entry.case, name, None) for name in _CASE_FIELDS},
        "subject": entry.subject,
        "from_state": entry.from_state,
        "to_state": entry.to_state,
        "case_version": entry.case_version,
        "holder": entry.holder,
        "reason": entry.reason,
        "details": orjson.dumps(entry.details, default=str, option=orjson.OPT_SORT_KEYS).decode()
        if entry.details
        else None,
    }


def text_of(moment: datetime) -> str:
    """Return a UTC time as entries write it."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
