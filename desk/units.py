"""Everything of one unit of work, or of one trace, in the order in which it happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from data.clock import aware
from desk.carrying import Carried, carrying
from desk.cases import act, aware_row, shape
from desk.errors import TraceNotFoundError, UnitNotFoundError
from desk.settling import settling
from traces.record import of_rows
from traces.tree import JOINS_FOR_US, Tree, segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.store import Reading
    from traces.record import Record

    Row = dict[str, Any]

MAX_ROWS: Final = 2_000
"""Spans, and logs, of one unit that are returned at most; `truncated` says how many there are."""

_SPAN_NAMES: Final = (
    "trace_id", "span_id", "parent_span_id", "name", "kind", "service", "flow", "step", "attempt",
    "status", "status_message", "role", "outcome", "dependency", "duration_ns", "correlation_id",
    "error_type", "error_class", "retry_id", "source",
)  # fmt: skip
_LOG_NAMES: Final = (
    "time", "severity", "severity_number", "message", "logger", "service", "flow", "step", "attempt",
    "trace_id", "span_id", "correlation_id", "source", "error_class", "error_code",
)  # fmt: skip
MENTIONED: Final = "mentioned"
"""State of an ID that records only name, in a text or an attribute: no record belongs to it."""
JOINS_FOR: Final = timedelta(microseconds=JOINS_FOR_US)
_ALWAYS: Final = (datetime(1, 1, 1), datetime(9999, 1, 1))  # noqa: DTZ001 - naive UTC, as stored


def unit(reading: Reading, correlation_id: str) -> Row:
    """Return a unit with its spans, logs, cases and acts, oldest first. Times are aware.

    Raises:
        UnitNotFoundError: no record within the scope carries this correlation ID.
    """
    correlation_id = _spelled(reading, correlation_id)
    rows = reading.query("units/unit", {"correlation_id": correlation_id})
    mentions = reading.query("units/logs_mentioning", {"id": correlation_id, "limit": MAX_ROWS})
    if not rows:
        return _mentioned(reading, correlation_id, mentions)
    bounds = min(r["first_seen"] for r in rows) - JOINS_FOR, max(r["last_seen"] for r in rows) + JOINS_FOR
    cases = [shape(r) for r in reading.query("units/cases", {"correlation_id": correlation_id})]
    return {
        "correlation_id": correlation_id,
        "flows": [r["flow"] for r in rows],
        **_summary(rows, cases),
        **_telemetry(reading, "correlation", correlation_id, bounds, mentions),
        "cases": cases,
        "settling": settling(reading, correlation_id),
        "acts": [act(r) for r in reading.query("units/acts", {"correlation_id": correlation_id})],
    }


def _mentioned(reading: Reading, correlation_id: str, mentions: list[Row]) -> Row:
    """Return what is known of an ID that no record belongs to: the records that name it."""
    carried = Carried()
    if not reading.query("units/traces_or_runs", {"q": correlation_id}):
        carried = carrying(reading, correlation_id, MAX_ROWS)
    spans = carried.spans
    logs = sorted(
        {row["record_id"]: row for row in (*carried.logs, *mentions)}.values(), key=itemgetter("time")
    )
    if not spans and not logs:
        raise UnitNotFoundError(correlation_id)
    nothing = ("completed_at", "value", "tenant", "business_unit", "customer", "segment", "environment")
    spellings = carried.spellings
    return {
        "correlation_id": next(iter(spellings)) if len(spellings) == 1 else correlation_id,
        "flows": [],
        "state": MENTIONED,
        "opened_at": aware(min(row["time"] for row in (*spans, *logs))),
        "last_seen": aware(max(row["time"] for row in (*spans, *logs))),
        "attempts": 0,
        "failed_attempts": 0,
        **dict.fromkeys(nothing),
        "spans": _spans(reading, spans, _ALWAYS),
        "logs": [shape_log(row) for row in logs],
        "truncated": carried.truncated,
        "cases": [],
        "settling": [],
        "acts": [],
    }


def _spelled(reading: Reading, correlation_id: str) -> str:
    """Return the ID as records spell it: a look-up ignores case where that leaves one ID."""
    found = [row["correlation_id"] for row in reading.query("units/spelled", {"id": correlation_id})]
    return found[0] if len(found) == 1 else correlation_id


def trace(reading: Reading, trace_id: str) -> Row:
    """Return the spans and logs of one trace, oldest first.

    Raises:
        TraceNotFoundError: no record within the scope carries this trace ID.
    """
    found = _telemetry(reading, "trace", trace_id, _ALWAYS)
    if not found["spans"] and not found["logs"]:
        raise TraceNotFoundError(trace_id)
    return {"trace_id": trace_id, **found}


def search(reading: Reading, text: str, limit: int = 20) -> list[Row]:
    """Return what the text names: units, cases, traces, runs, customers.

    Where nothing is called exactly so, every record is asked whether it carries the text as an ID.
    """
    text = text.strip()
    if not text:
        return []
    hits = reading.query("units/search", {"q": text, "limit": limit})
    hits += reading.query("units/traces_or_runs", {"q": text})
    if not any(text.lower() in _names(hit) for hit in hits):
        hits = [*_carried_hits(reading, text), *hits]
    return [aware_row(hit) for hit in hits[:limit]]


def _names(hit: Row) -> tuple[str, ...]:
    """Return what a hit is called, in small letters."""
    if hit["kind"] == "customer":
        return (hit["id"].lower(), hit["title"].lower())
    return (hit["id"].lower(),)


def _carried_hits(reading: Reading, text: str) -> list[Row]:
    """Return a hit for each spelling of an ID that records only carry."""
    return [
        {
            "kind": "unit",
            "id": spelling,
            "title": f"carried by {len(times)} record{'' if len(times) == 1 else 's'}",
            "time": max(times),
            "state": MENTIONED,
        }
        for spelling, times in carrying(reading, text, MAX_ROWS).spellings.items()
    ]


def recent(reading: Reading, *, failed: bool = False, named: bool = False, limit: int = 50) -> list[Row]:
    """Return the units that were seen last, newest first.

    Args:
        reading: The store within a scope.
        failed: Only units that failed at least once.
        named: Only units that a business ID, a run or a request names, not those that only a trace does.
        limit: How many at most.
    """
    rows = reading.query("units/recent", {"failed": failed, "named": named, "limit": limit})
    return [aware_row(row) for row in rows]


def _telemetry(
    reading: Reading, by: str, value: str, bounds: tuple[datetime, datetime], mentions: Sequence[Row] = ()
) -> Row:
    params = {"id": value, "low": bounds[0], "high": bounds[1], "limit": MAX_ROWS}
    spans = reading.query(f"units/spans_by_{by}", params)
    logs = reading.query(f"units/logs_by_{by}", params)
    if by == "correlation":
        spans, logs = _of_unit(value, spans, logs)
    totals = {"spans": spans[0]["total"] if spans else 0, "logs": logs[0]["total"] if logs else 0}
    # Lines of others that name this unit: each line once, in the order of time.
    logs = sorted({row["record_id"]: row for row in (*logs, *mentions)}.values(), key=itemgetter("time"))
    return {
        "spans": _spans(reading, spans, bounds),
        "logs": [shape_log(row) for row in logs],
        "truncated": totals if max(totals.values()) > MAX_ROWS else None,
    }


def _of_unit(correlation_id: str, spans: list[Row], logs: list[Row]) -> tuple[list[Row], list[Row]]:
    """Leave out what stands in a trace of the unit, but belongs to the run around it or to another unit."""
    made = of_rows(spans, logs)
    trees: dict[str | None, list[Record]] = {}
    for record in made.values():
        trees.setdefault(record.trace, []).append(record)
    mine = {
        record.rid
        for records in trees.values()
        for part in segments(records)
        for tree in (Tree(part),)
        for record in part
        if correlation_id in (record.cid, record.run, record.technical, tree.unit(record).id)
    }
    return [row for row in spans if row["record_id"] in mine], [
        row for row in logs if row["record_id"] in mine
    ]


def _summary(rows: list[Row], cases: list[Row]) -> Row:
    valued = next((r for r in rows if r["value_amount"] is not None), None)
    first = rows[0]
    return {
        "state": state(rows, cases),
        "opened_at": aware(min(r["opened_at"] for r in rows)),
        "completed_at": aware(max((r["completed_at"] for r in rows if r["completed_at"]), default=None)),
        "last_seen": aware(max(r["last_seen"] for r in rows)),
        "value": {"amount": valued["value_amount"], "currency": valued["value_currency"]} if valued else None,
        "attempts": sum(r["attempts"] for r in rows),
        "failed_attempts": sum(r["failed_attempts"] for r in rows),
        **{name: first[name] for name in ("tenant", "business_unit", "customer", "segment", "environment")},
    }


def state(rows: list[Row], cases: list[Row]) -> str:
    """Return where the unit stands: in_flight, completed, failed, recovered, or how its last part ended."""
    if any(_failed(row) and row["outcome"] in (None, "in_flight", "failed") for row in rows):
        return "failed"
    for outcome in ("partial", "completed_with_errors", "completed_unproven"):
        if any(row["outcome"] == outcome for row in rows):
            return outcome
    if any(_failed(row) for row in rows):
        return "failed"
    if rows and all(row["outcome"] == "ended" for row in rows):
        return "ended"
    if all(row["completed_at"] for row in rows):
        return "recovered" if any(case["state"] == "recovered" for case in cases) else "completed"
    return "in_flight"


def _failed(row: Row) -> bool:
    return bool(row["failed_at"] and (row["completed_at"] is None or row["completed_at"] < row["failed_at"]))


def _spans(reading: Reading, rows: list[Row], bounds: tuple[datetime, datetime]) -> list[Row]:
    asked = {"traces": list({row["trace_id"] for row in rows}), "low": bounds[0], "high": bounds[1]}
    found = reading.query("units/reused_span_ids", asked) if rows else []
    reused = {(row["trace_id"], row["span_id"]) for row in found}
    return [_span(row, id_reused=(row["trace_id"], row["span_id"]) in reused) for row in rows]


def _span(row: Row, *, id_reused: bool) -> Row:
    return {
        "record_id": row["record_id"],
        "id_reused": id_reused,
        **{name: row[name] for name in _SPAN_NAMES},
        "start": aware(row["time"]),
        "end": aware(row["end_time"]),
        "attributes": _parsed(row["attributes"], {}),
        "resource": _parsed(row["resource"], {}),
        "events": _parsed(row["events"], []),
        "links": _parsed(row["links"], []),
    }


def shape_log(row: Row) -> Row:
    """Turn a stored log record into the one that doors show."""
    exception = None
    if row["error_type"] or row["exception_message"] or row["stacktrace"]:
        exception = {
            "type": row["error_type"],
            "message": row["exception_message"],
            "stacktrace": row["stacktrace"],
        }
    return {
        **{name: row[name] for name in _LOG_NAMES},
        "time": aware(row["time"]),
        "mentions": row["mentions"] or [],
        "exception": exception,
        "attributes": {**_parsed(row["attributes"], {}), **_parsed(row["data"], {})},
    }


def _parsed(text: str | None, empty: Any) -> Any:
    return orjson.loads(text) if text else empty
