"""Records of one trace, with only what a test cares about spelled out."""

from __future__ import annotations

import hashlib
from typing import Any

from traces.record import Record

TRACE = "0af7651916cd43dd8448eb211c80319c"
SECOND = 1_000_000


def _record(*, is_span: bool, **fields: Any) -> Record:
    start = int(fields.pop("at", 0) * SECOND)
    end = int(fields.pop("until", start / SECOND) * SECOND)
    base: dict[str, Any] = dict.fromkeys(Record._fields)
    base |= {"is_span": is_span, "trace": TRACE, "name": "work", "start": start, "end": end, "err": False}
    base |= {"severity": 0, "source": "otlp", **fields}
    identity = hashlib.blake2b(repr(sorted(base.items(), key=str)).encode(), digest_size=8)
    base["rid"] = fields.get("rid") or int.from_bytes(identity.digest())
    return Record(**base)


def span(name: str, parent: str | None = None, **fields: Any) -> Record:
    """Return a span whose id is its name; `fails` is the exception that it recorded."""
    own = {"service": "shop", "span": name, **_failing(fields)}
    return _record(is_span=True, name=name, parent=parent, **own)


def log(message: str, span: str | None = None, **fields: Any) -> Record:
    """Return an error line; `fails` is the exception that it carries."""
    own = {"severity": 17, "err": True, "service": "shop", **_failing(fields)}
    return _record(is_span=False, name=message, span=span, **own)


def _failing(fields: dict[str, Any]) -> dict[str, Any]:
    if "fails" not in fields:
        return fields
    kind, _, expected = fields.pop("fails").partition(": ")
    return {"err": True, "etype": kind, "emsg": expected, **fields}


def block(name: str, parent: str | None = None, **fields: Any) -> Record:
    """Return the span of a unit's block, as the client writes it."""
    return span(
        name,
        parent,
        **{"role": "unit", "outcome": "success", "seq": 1, "instance": "p1", "flow": "orders", **fields},
    )


def step(name: str, parent: str | None = None, **fields: Any) -> Record:
    """Return the span of one attempt of a step, as the client writes it."""
    return span(
        name,
        parent,
        **{"role": "step", "step": "pay", "seq": 1, "instance": "p1", "flow": "orders", **fields},
    )
