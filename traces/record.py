"""What joining needs to know of a span or of a log record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


ERROR: Final = 17
"""OpenTelemetry's severity number from which a log record is an error."""
RETRY_LOGGERS: Final = ("tenacity", "stamina", "backoff", "urllib3")
"""Libraries that log a line when they try again after a failure, under a logger of their own."""
RETRY_NOTES: Final = ("Retrying ", "Backing off ", "stamina.retry_scheduled")
"""How such a line begins where it goes through the script's logger: tenacity, backoff, stamina."""


class Record(NamedTuple):
    """A span, or a log record that says something: an ID, an error, an outcome, a retry.

    Times are microseconds since the epoch (UTC).
    """

    rid: int
    is_span: bool
    trace: str | None
    span: str | None
    parent: str | None
    service: str | None
    kind: str | None
    name: str
    """A span's name; a log record's message."""
    start: int
    end: int
    err: bool
    severity: int
    etype: str | None
    emsg: str | None
    ref: str | None
    cid: str | None
    tenant: str | None
    flow: str | None
    step: str | None
    run: str | None
    technical: str | None
    outcome: str | None
    verdict: str | None
    completes: bool | None
    part: str | None
    retry: str | None
    instance: str | None
    host: str | None
    seq: int | None
    source: str
    offset: int | None
    peer: str | None
    dependency: str | None
    http_status: int | None
    role: str | None
    route: str | None
    attempt: int | None
    stack: str | None
    logger: str | None
    partial_failed: int | None
    partial_total: int | None
    links: str | None
    actor: str | None
    """`human` where a person did it."""
    map_index: str | None
    """Which of several tasks of one step it names."""
    map_total: int | None

    @property
    def ours(self) -> bool:
        """Was it written by Unsnag's client? It reports a failure by a log record beside its spans."""
        return self.role is not None and self.seq is not None

    @property
    def clock(self) -> str | None:
        """Name what the record's times are comparable within: a process, a host, a file."""
        return self.instance or self.host or (None if self.source == "otlp" else self.source)


LOG_NAMES: Final = {
    "rid": "record_id", "trace": "trace_id", "span": "span_id", "service": "service", "name": "message",
    "start": "time", "end": "time", "severity": "severity_number", "etype": "error_type",
    "emsg": "exception_message", "ref": "exception_id", "cid": "correlation_id", "tenant": "tenant",
    "flow": "flow", "step": "step", "run": "run_id", "technical": "technical_id", "outcome": "outcome",
    "verdict": "verdict", "completes": "completes", "part": "part", "retry": "retry_id",
    "instance": "instance", "host": "host", "seq": "seq", "source": "source", "offset": "source_offset",
    "peer": "peer", "dependency": "dependency", "http_status": "http_status", "attempt": "attempt",
    "stack": "stacktrace", "logger": "logger", "actor": "actor_type", "map_index": "map_index",
    "map_total": "map_total",
}  # fmt: skip
SPAN_NAMES: Final = {
    "rid": "record_id", "trace": "trace_id", "span": "span_id", "parent": "parent_span_id",
    "service": "service", "kind": "kind", "name": "name", "start": "time", "end": "end_time",
    "etype": "error_type", "emsg": "exception_message", "ref": "exception_id", "cid": "correlation_id",
    "tenant": "tenant", "flow": "flow", "step": "step", "run": "run_id", "technical": "technical_id",
    "outcome": "outcome", "verdict": "verdict", "completes": "completes", "part": "part",
    "retry": "retry_id", "instance": "instance", "host": "host", "seq": "seq", "source": "source",
    "offset": "source_offset", "peer": "peer", "dependency": "dependency", "http_status": "http_status",
    "role": "role", "route": "route", "attempt": "attempt", "partial_failed": "partial_failed",
    "partial_total": "partial_total", "links": "links", "status": "status", "stack": "stacktrace",
    "actor": "actor_type", "map_index": "map_index", "map_total": "map_total",
}  # fmt: skip

_OLD_RUN: Final = re.compile(r"[0-9a-f]{16}")
"""The client before 0.2 numbered every process like this; a process is not a unit."""


def columns(names: dict[str, str]) -> list[str]:
    """Return the stored columns that records are made of, each once."""
    return list(dict.fromkeys(names.values()))


def of_logs(table: pa.Table) -> list[Record]:
    """Return the records of log rows; times are Arrow timestamps in microseconds."""
    return _records(
        {field: _values(table[name]) for field, name in LOG_NAMES.items()}, table.num_rows, is_span=False
    )


def of_spans(table: pa.Table) -> list[Record]:
    """Return the records of span rows."""
    return _records(
        {field: _values(table[name]) for field, name in SPAN_NAMES.items()}, table.num_rows, is_span=True
    )


def _values(column: pa.ChunkedArray) -> list[Any]:
    if column.null_count == len(column):
        return [None] * len(column)
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_pylist()  # type: ignore[no-any-return]
    return column.to_pylist()  # type: ignore[no-any-return]


def _records(columns: dict[str, list[Any]], count: int, *, is_span: bool) -> list[Record]:
    """Make records column by column: a third of the time of making each from a dictionary."""
    status, severity = columns.pop("status", None), columns.get("severity")
    failed = [value == "error" for value in status] if status else [(n or 0) >= ERROR for n in severity or ()]
    columns |= {
        "is_span": [is_span] * count,
        "severity": [number or 0 for number in severity] if severity else [0] * count,
        # A record that a mapping reads as a failure is one, whatever its status or level says.
        "err": [
            own or outcome_text == "failed"
            for own, outcome_text in zip(failed, columns["outcome"], strict=True)
        ],
        "run": [None if run is None or _OLD_RUN.fullmatch(run) else run for run in columns["run"]],
        "name": [name or "" for name in columns["name"]],
        "links": [None if links == "[]" else links for links in columns.get("links") or [None] * count],
    }
    nothing = [None] * count
    return [Record(*row) for row in zip(*(columns.get(f, nothing) for f in Record._fields), strict=True)]


def of_rows(spans: Sequence[Mapping[str, Any]], logs: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Return the records of stored rows; only what places them in their trace."""
    return _placed(spans, SPAN_NAMES, is_span=True) + _placed(logs, LOG_NAMES, is_span=False)


def _placed(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], *, is_span: bool) -> list[Record]:
    columns: dict[str, list[Any]] = {f: [row.get(name) for row in rows] for f, name in names.items()}
    untimed = [0] * len(rows)
    return _records(columns | {"start": untimed, "end": untimed}, len(rows), is_span=is_span)


def is_retry_note(record: Record) -> bool:
    """Return whether a retry library says here that it tries again."""
    if record.is_span:
        return False
    return record.name.startswith(RETRY_NOTES) or (record.logger or "").startswith(RETRY_LOGGERS)
