"""The border between collectors and store: columns of normalised, masked values.

A collector fills a `Batch`; every column of a table has the same length.
Times are `int` microseconds since the epoch (UTC); `attributes`, `resource`, `events` and `links`
are JSON text; money is `decimal.Decimal`; ids are lower-case hex.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from unsnag.fields import FIELDS

if TYPE_CHECKING:
    from datetime import date

_TEXT: Final = pa.string()
_TIME: Final = pa.timestamp("us")
_MONEY: Final = pa.decimal128(18, 4)

_TYPES: Final = {
    "text": _TEXT,
    "integer": pa.int32(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "money": _MONEY,
}
_SHARED: Final = {
    **{field.name: _TYPES[field.type] for field in FIELDS},
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
    **_SHARED,
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
    **_SHARED,
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


@dataclass(frozen=True, slots=True)
class SourceItem:
    """What a source took as a whole, such as a file: an entry of its manifest."""

    name: str
    digest: str
    """SHA-256 of the content."""
    stamp: str
    """How the source knows it again without reading it."""
    size: int
    records: int = 0
    rejected: int = 0
    """Records that could not be read: they are in quarantine."""
    error: str | None = None
    """Why the rest of it was not read."""
    same_as: str | None = None
    """The name under which the same content was taken before; nothing was read then."""


@dataclass(frozen=True, slots=True)
class TextLines:
    """What was seen of the text lines of a batch."""

    unknown: int = 0
    """Lines that have no known layout."""
    sample: list[str] = field(default_factory=list)
    """Some of these, masked."""
    layouts: list[str] = field(default_factory=list)
    """Names of the layouts that the others have."""


@dataclass(frozen=True, slots=True)
class WatchedField:
    """How often the records of a batch had a field that a mapping relies on, in their order."""

    part: str
    """Which resources the mapping is for, where it names some."""
    kind: str
    """log or span."""
    field: str
    names: str
    """What it is taken from; with other names it is counted from zero."""
    owner: str
    """Who answers for the flow, as the mapping names them."""
    records: int
    having: int
    lead: int
    """Records before the first that had it."""
    run: int
    """Records behind the last that had it."""
    longest: int
    """The longest row without it between two that had it."""
    wrong: str
    """What stood there instead in one of the records behind."""

    def then(self, later: WatchedField) -> WatchedField:
        """Return both together, where `later` came behind this."""
        comes = later.having > 0
        return replace(
            later,
            records=self.records + later.records,
            having=self.having + later.having,
            lead=self.lead if self.having else self.lead + later.lead,
            run=later.run if comes else self.run + later.run,
            longest=max(self.longest, later.longest, self.run + later.lead if comes and self.having else 0),
            wrong=later.wrong if comes else later.wrong or self.wrong,
        )

    def row(self) -> dict[str, Any]:
        """Return it as a row of the store."""
        kept = asdict(self)
        return {**kept, "having_it": kept.pop("having")}


@dataclass(frozen=True, slots=True)
class Used:
    """What a batch takes of a quota, or what was refused over one; see `collectors.quotas`."""

    day: date
    kind: str
    name: str
    records: int = 0
    bytes: int = 0
    refused_requests: int = 0
    refused_records: int = 0

    def plus(self, more: Used) -> Used:
        """Return both together."""
        sums = {name: getattr(self, name) + getattr(more, name) for name in USED_COLUMNS[3:]}
        return replace(self, **sums)


USED_COLUMNS: Final = tuple(one.name for one in fields(Used))


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
    text: TextLines = field(default_factory=TextLines)
    """What was seen of its text lines: counted with the source."""
    watched: list[WatchedField] = field(default_factory=list)
    """What came of the fields that its mappings rely on."""
    cursor: str | None = None
    """How far the source has read behind this batch, as JSON; None: as far as before."""
    items: list[SourceItem] = field(default_factory=list)
    """What the source has taken as a whole with this batch."""
    span_table: pa.Table | None = None
    """Spans that were read as columns of Arrow: they come beside the others."""
    used: list[Used] = field(default_factory=list)
    """What it takes of quotas."""

    def without_records(self) -> Batch:
        """Return what the batch brings beside records: offsets, cursor, items, and what was dropped."""
        return replace(self, logs=empty_logs(), spans=empty_spans(), span_table=None, quarantined=[])

    def by_row(self) -> Batch:
        """Return the same with all spans in columns of Python values, so that each can be looked at."""
        if self.span_table is None:
            return self
        made = columns_of(self.span_table, SPAN_COLUMNS)
        spans = {name: [*values, *made[name]] for name, values in self.spans.items()}
        return replace(self, spans=spans, span_table=None)

    @property
    def moves_source(self) -> bool:
        """Return whether the batch brings anything beside records."""
        return bool(self.offsets or self.dropped or self.cursor is not None or self.items or self.used)

    @property
    def spans_by_column(self) -> int:
        """Count the spans that were read as columns."""
        return 0 if self.span_table is None else self.span_table.num_rows

    def __len__(self) -> int:
        """Count the records: logs, spans and quarantined ones."""
        spans = len(self.spans["record_id"]) + self.spans_by_column
        return len(self.logs["record_id"]) + spans + len(self.quarantined)


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


def columns_of(table: pa.Table, schema: dict[str, pa.DataType]) -> Columns:
    """Turn an Arrow table into columns, with times as numbers again."""
    times = {name for name, kind in schema.items() if kind == _TIME}
    return {
        name: (table[name].cast(pa.int64()) if name in times else table[name]).to_pylist() for name in schema
    }


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    # Half of the columns hold nothing in most batches: counting costs a tenth of converting.
    if values.count(None) == len(values):
        return pa.nulls(len(values), kind)
    return pa.array(values, type=kind)
