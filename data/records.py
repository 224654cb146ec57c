"""The border between collectors and store: columns of normalised, masked values.

A collector fills a `Batch`; every column of a table has the same length.
Times are `int` microseconds since the epoch (UTC); `attributes`, `resource`, `events` and `links`
are JSON text; money is `decimal.Decimal`; ids are lower-case hex.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

_TEXT: Final = pa.string()
_TIME: Final = pa.timestamp("us")
_MONEY: Final = pa.decimal128(18, 4)

_CONTEXT: Final = {
    "service": _TEXT,
    "flow": _TEXT,
    "step": _TEXT,
    "attempt": pa.int32(),
    "run_id": _TEXT,
    "correlation_id": _TEXT,
    "tenant": _TEXT,
    "business_unit": _TEXT,
    "customer": _TEXT,
    "segment": _TEXT,
    "environment": _TEXT,
    "routing": _TEXT,
    "actor_type": _TEXT,  # human, where a person carried out the step
    "part": _TEXT,
    "technical_id": _TEXT,
    "exception_id": _TEXT,
    "seq": pa.int64(),
    "instance": _TEXT,
    "host": _TEXT,
    "peer": _TEXT,
    "http_status": pa.int32(),
    "verdict": _TEXT,
    "completes": pa.bool_(),
    "dependency": _TEXT,
    "idempotency_key": _TEXT,
    "idempotent": pa.bool_(),
    "retry_id": _TEXT,
    "error_class": _TEXT,
    "error_type": _TEXT,
    "value_amount": _MONEY,
    "value_currency": _TEXT,
    "source": _TEXT,
    "source_offset": pa.int64(),
    "attributes": _TEXT,
    "resource": _TEXT,
}

LOG_COLUMNS: Final[dict[str, pa.DataType]] = {
    "record_id": pa.uint64(),
    "time": _TIME,
    "ingested_at": _TIME,
    "severity_number": pa.uint8(),
    "severity": _TEXT,
    "message": _TEXT,
    "logger": _TEXT,
    "trace_id": _TEXT,
    "span_id": _TEXT,
    "error_code": _TEXT,
    "exception_message": _TEXT,
    "stacktrace": _TEXT,
    "data": _TEXT,  # unsnag.data as JSON: what an operator needs; goes to the case
    "outcome": _TEXT,  # success or failed, where this record is the unit's own signal
    "mentions": pa.list_(_TEXT),  # IDs in the line's text that it does not belong to
    **_CONTEXT,
}

SPAN_COLUMNS: Final[dict[str, pa.DataType]] = {
    "record_id": pa.uint64(),
    "trace_id": _TEXT,
    "span_id": _TEXT,
    "parent_span_id": _TEXT,
    "name": _TEXT,
    "kind": _TEXT,
    "time": _TIME,
    "end_time": _TIME,
    "duration_ns": pa.int64(),
    "ingested_at": _TIME,
    "status": _TEXT,
    "status_message": _TEXT,
    "role": _TEXT,  # unit, step, or None
    "outcome": _TEXT,  # success, progress, partial, failed
    "exception_message": _TEXT,
    "stacktrace": _TEXT,
    "route": _TEXT,
    "partial_failed": pa.int32(),
    "partial_total": pa.int32(),
    "events": _TEXT,
    "links": _TEXT,
    **_CONTEXT,
}

Columns = dict[str, list[Any]]


def empty_logs() -> Columns:
    """Return a log table of no rows: one empty list a column."""
    return {name: [] for name in LOG_COLUMNS}


def empty_spans() -> Columns:
    """Return a span table of no rows: one empty list a column."""
    return {name: [] for name in SPAN_COLUMNS}


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that could not be read, whole, with where it came from and why."""

    source: str
    reason: str
    received_at: int
    raw: bytes
    source_offset: int | None = None
    size: int | None = None
    sender: str | None = None
    """The token it came with, where that one may not send everything."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class FileOffset:
    """How far a followed file was read: committed with the rows it brought."""

    path: str
    identity: str
    byte_offset: int


@dataclass(slots=True)
class Batch:
    """What one read of one source brought. All of it is committed, or none."""

    source: str
    kind: str
    logs: Columns = field(default_factory=empty_logs)
    spans: Columns = field(default_factory=empty_spans)
    quarantined: list[Quarantined] = field(default_factory=list)
    offsets: list[FileOffset] = field(default_factory=list)
    sender: str | None = None
    """The token it came with, where that one may not send everything."""
    dropped: int = 0
    """Records that a mapping leaves out: counted with the source, never stored."""

    def __len__(self) -> int:
        """Count the records: logs, spans and quarantined ones."""
        return len(self.logs["record_id"]) + len(self.spans["record_id"]) + len(self.quarantined)


@dataclass(frozen=True, slots=True)
class Appended:
    """What the commit of a batch did, counted per batch."""

    records: int
    duplicates: int
    quarantined: int


def to_arrow(columns: Columns, schema: dict[str, pa.DataType]) -> pa.Table:
    """Turn columns into an Arrow table.

    Raises:
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError, UnicodeEncodeError:
            a value does not fit its column.
    """
    return pa.table({name: _array(columns[name], kind) for name, kind in schema.items()})


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    # Half of the columns hold nothing in most batches: counting costs a tenth of converting.
    if values.count(None) == len(values):
        return pa.nulls(len(values), kind)
    return pa.array(values, type=kind)
