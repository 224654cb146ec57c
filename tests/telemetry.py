"""Batches as collectors make them, with only what a test cares about spelled out."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from data.clock import micros
from data.records import Batch

if TYPE_CHECKING:
    from decimal import Decimal

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def at(seconds: float) -> datetime:
    """Return a moment after the start of all tests' time."""
    return START + timedelta(seconds=seconds)


def identity(*parts: Any) -> int:
    """Return a stable record id."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest())


def log(seconds: float, message: str = "hello", **fields: Any) -> dict[str, Any]:
    """Return one log record, as columns name it."""
    time = micros(at(seconds))
    row = {
        "time": time,
        "ingested_at": time,
        "severity_number": 9,
        "severity": "info",
        "message": message,
        "source": "test",
        "attributes": "{}",
        "resource": "{}",
        **fields,
    }
    return {"record_id": identity(sorted(row.items(), key=str)), **row}


def failure(seconds: float, unit: str | None = "SO-1", step: str = "pay", **fields: Any) -> dict[str, Any]:
    """Return the error record of a failed unit."""
    return log(
        seconds,
        "unit.failed",
        **{
            "severity_number": 17,
            "severity": "error",
            "flow": "order-to-cash",
            "step": step,
            "correlation_id": unit,
            "error_class": "infrastructure",
            "error_type": "TimeoutError",
            "exception_message": "gateway did not answer within 10 s",
            "dependency": "payment-gateway",
            "outcome": "failed",
            **fields,
        },
    )


def span(start: float, end: float, name: str = "work", **fields: Any) -> dict[str, Any]:
    """Return one span, as columns name it."""
    row = {
        "trace_id": TRACE,
        "span_id": f"{identity(start, end, name, sorted(fields.items(), key=str)):016x}",
        "name": name,
        "kind": "internal",
        "time": micros(at(start)),
        "end_time": micros(at(end)),
        "duration_ns": int((end - start) * 1e9),
        "ingested_at": micros(at(end)),
        "status": "unset",
        "source": "test",
        "attributes": "{}",
        "resource": "{}",
        "events": "[]",
        "links": "[]",
        **fields,
    }
    return {"record_id": identity(row["trace_id"], row["span_id"]), **row}


def success(seconds: float, unit: str = "SO-1", value: Decimal | None = None) -> dict[str, Any]:
    """Return the span that is a unit's own success signal."""
    return span(
        seconds - 1,
        seconds,
        "order-to-cash",
        role="unit",
        outcome="success",
        flow="order-to-cash",
        correlation_id=unit,
        value_amount=value,
        value_currency="EUR" if value is not None else None,
    )


def batch(*rows: dict[str, Any], source: str = "test") -> Batch:
    """Put records into a batch; those with a span id of their own and an end are spans."""
    made = Batch(source=source, kind="jsonl")
    for row in rows:
        columns = made.spans if "end_time" in row else made.logs
        for name, values in columns.items():
            values.append(row.get(name))
    return made
