"""The hash chain over the audit: an entry that was altered, removed or added does not go unseen.

hash(n) = SHA-256( canonical JSON of entry n, which contains hash(n-1) ), in lower-case hex;
hash(0) is 64 zeros. Canonical JSON is RFC 8785 (JCS): sorted keys, no white space, UTF-8. Entries hold
text, whole numbers, null and nested objects of these, never fractions, so that any JSON library can
check them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    Row = dict[str, Any]

START: Final = "0" * 64
SEALED: Final = (
    "seq", "time", "actor", "actor_type", "kind", "verb", "case_id", "correlation_id", "flow", "step",
    "tenant", "from_state", "to_state", "reason", "details", "prev_hash",
)  # fmt: skip
"""The fields of an entry that its hash covers: all but the hash itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found."""

    entries: int
    head: str
    broken_at: int | None = None
    reason: str | None = None

    @property
    def intact(self) -> bool:
        """Tell whether every entry is what it was when it was written."""
        return self.broken_at is None


def seal(row: Row, previous: str) -> Row:
    """Return the stored row of an entry with the hashes that bind it to the one before."""
    bound = {**row, "prev_hash": previous}
    return {**bound, "hash": digest(bound)}


def digest(row: Row) -> str:
    """Return the hash of a stored row; `time` is naive UTC, `details` JSON text."""
    return hashlib.sha256(canonical(row)).hexdigest()


def canonical(row: Row) -> bytes:
    """Return the bytes that are hashed."""
    sealed = {name: row[name] for name in SEALED} | {"time": _text(row["time"])}
    # The keys are ASCII, so sorting by code point is the order that JCS asks for.
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def verify(rows: Iterable[Row], after: Verdict | None = None) -> Verdict:
    """Check entries in the order of their numbers, going on from `after` where it is given."""
    count, head = (after.entries, after.head) if after else (0, START)
    for row in rows:
        problem = _problem(row, count, head)
        if problem:
            return Verdict(count, head, count + 1, problem)
        count, head = row["seq"], row["hash"]
    return Verdict(count, head)


def _problem(row: Row, count: int, head: str) -> str | None:
    if row["seq"] != count + 1:
        return f"entry {count + 1} is missing or stands twice: {row['seq']} follows {count}"
    if row["prev_hash"] != head:
        return f"entry {row['seq']} does not continue the one before"
    if row["hash"] != digest(row):
        return f"entry {row['seq']} was altered after it was written"
    return None


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds") + "Z"
