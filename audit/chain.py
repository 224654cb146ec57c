"""The hash chain over the audit: an entry that was altered, removed or added does not go unseen.

Form 2, which is written today:

    content_hash(n) = SHA-256( canonical JSON of entry n: all fields but the hashes, without nulls )
    hash(n)         = SHA-256( canonical JSON of {"content_hash": …, "prev_hash": hash(n-1), "seq": n} )

hash(0) is 64 zeros, hashes are lower-case hex. An entry can be withheld from a reader by showing its content
hash only: the chain still holds. `salt` is chance, so that nobody guesses a withheld entry from its hash.

Form 1, of entries that carry no `v`: hash(n) = SHA-256( canonical JSON of the 16 fields of that time with
nulls and prev_hash ).

Canonical JSON is RFC 8785 (JCS): sorted keys, no white space, UTF-8. Entries hold text and whole numbers
only, `details` is JSON as text: any JSON library can check them.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

START: Final = "0" * 64
FORM: Final = 2
_LINKING: Final = frozenset({"prev_hash", "hash"})
_FORM_1: Final = (
    "seq", "time", "actor", "actor_type", "kind", "verb", "case_id", "correlation_id", "flow", "step",
    "tenant", "from_state", "to_state", "reason", "details", "prev_hash",
)  # fmt: skip


class Sealed(TypedDict, total=False):
    """An entry as it is hashed: JSON without what it leaves out; `time` is text."""

    seq: int
    v: int
    time: str
    actor: str
    actor_type: str
    door: str
    credential: str
    kind: str
    act: str
    verb: str
    case_id: str
    correlation_id: str
    flow: str
    step: str
    tenant: str
    subject: str
    from_state: str
    to_state: str
    case_version: int
    holder: str
    reason: str
    details: str
    salt: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found: how many entries hold, the last one's hash, where it breaks."""

    entries: int
    head: str
    broken_at: int | None = None
    reason: str | None = None

    @property
    def intact(self) -> bool:
        """Return whether every entry is what it was when it was written."""
        return self.broken_at is None


def seal(row: Mapping[str, object], previous: str) -> Sealed:
    """Return an entry with the hashes that bind it to the one before; `time` is text, nulls are left out."""
    values = {name: value for name, value in row.items() if value is not None}
    own = {"v": FORM, "salt": secrets.token_hex(16), "prev_hash": previous}
    bound = cast("Sealed", {**values, **own})
    return {**bound, "hash": digest(bound)}


def digest(entry: Sealed) -> str:
    """Return the hash of an entry, which holds no nulls."""
    if "v" not in entry:
        return _sha(first_form(entry))
    return link(entry["seq"], content_hash(entry), entry["prev_hash"])


def first_form(entry: Sealed) -> dict[str, object]:
    """Return what the hash of an entry of form 1 covers."""
    return {name: entry.get(name) for name in _FORM_1}


def content_hash(entry: Sealed) -> str:
    """Return the hash of what an entry of form 2 says."""
    return _sha({name: value for name, value in entry.items() if name not in _LINKING})


def link(seq: int, content: str, previous: str) -> str:
    """Return the hash that binds an entry of form 2 into the chain."""
    # Canonical JSON written out: three plain fields, a million times.
    return hashlib.sha256(
        b'{"content_hash":"%b","prev_hash":"%b","seq":%d}' % (content.encode(), previous.encode(), seq)
    ).hexdigest()


def verify(entries: Iterable[Sealed], after: Verdict | None = None) -> Verdict:
    """Check entries in the order of their numbers, going on from `after` where it is given."""
    count, head = (after.entries, after.head) if after else (0, START)
    for entry in entries:
        problem = _problem(entry, count, head)
        if problem:
            return Verdict(count, head, count + 1, problem)
        count, head = entry["seq"], entry["hash"]
    return Verdict(count, head)


def _problem(entry: Sealed, count: int, head: str) -> str | None:
    seq = entry.get("seq")
    if seq != count + 1:
        return f"entry {count + 1} is missing or stands twice: {seq} follows {count}"
    if entry.get("prev_hash") != head:
        return f"entry {seq} does not continue the one before"
    if entry.get("hash") != digest(entry):
        return f"entry {seq} was altered after it was written"
    return None


def _sha(value: Mapping[str, object]) -> str:
    # The keys are ASCII, so orjson's order of bytes is the order that JCS asks for; it escapes as JCS does.
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
