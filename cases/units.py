"""Everything of one unit of work, or of one trace, in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Final

from cases.carrying import NEWEST, Carried, carrying, leaves_out
from cases.case import Case
from cases.errors import TraceNotFoundError, UnitNotFoundError
from cases.failures import FAILED
from cases.lifecycle import RECOVERED
from cases.placing import identities
from cases.queries import AuditEntry
from cases.settling import settling
from cases.unit import (
    CONTEXT,
    Hit,
    HitKind,
    Records,
    SeenUnit,
    Totals,
    TraceDetail,
    TraceSummary,
    UnitDetail,
    UnitFlow,
    UnitOfTrace,
    UnitState,
)
from data import paging
from data.clock import stored
from data.named import deliveries
from data.nouns import Page, noun
from traces.known import remembered_times
from traces.telemetry import LogRecord, Span, SpanPlace
from traces.tree import JOINS_FOR_US
from traces.units import KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from data.paging import PageRequest
    from data.ports import Telemetry
    from data.store import Reading
    from data.transaction import Params

    Bounds = tuple[datetime, datetime]
    Deliveries = Sequence[datetime]
    """When the records of deliveries were received; see `data.named`."""

NEWEST_UNITS: Final = 500_000
"""So many of the newest units are asked for the beginning of an ID, and for a customer.

A whole ID is found at any age."""
MAX_ROWS: Final = 2_000
"""Spans, and logs, of one unit that are returned at most; `truncated` says how many there are."""

FIRST: Final[Params] = {"limit": MAX_ROWS, "offset": 0, "behind": None, "others": []}
_BEGINS: Final = 2
"""The rank of a hit that only begins with the text, as in `units/search`."""
_ID: Final = itemgetter("id")
JOINS_FOR: Final = timedelta(microseconds=JOINS_FOR_US)
_ALWAYS: Final = (datetime(1, 1, 1), datetime(9999, 1, 1))  # noqa: DTZ001 - naive UTC, as stored


def unit(reading: Reading, correlation_id: str, *, everywhere: bool = False) -> UnitDetail:
    """Return a unit with its spans, logs, cases and acts, oldest first.

    An ID that no record belongs to is looked for in the attributes of the newest records; with `everywhere`
    of all.

    Raises:
        UnitNotFoundError: no record within the scope carries this correlation ID.
    """
    asked = {"correlation_id": correlation_id}
    begun = remembered_times(reading.store, KNOWN, [correlation_id])
    flows = reading.query("units/unit", asked | begun, into=UnitFlow.of)
    named_by = deliveries(reading.store, [correlation_id])
    if not flows:
        return _without_flow(reading, correlation_id, named_by, everywhere=everywhere)
    mentions = _mentions(reading, correlation_id, named_by)
    failed = remembered_times(reading.store, FAILED, [correlation_id])
    cases = [case.aware() for case in reading.query("units/cases", asked | failed, into=Case.of)]
    bounds = bounds_of(flows)
    found = _of_unit(reading, correlation_id, flows, bounds)
    return UnitDetail(
        correlation_id=correlation_id,
        flows=[one.flow for one in flows],
        state=state(flows, cases),
        opened_at=min(one.opened_at for one in flows),
        completed_at=max((one.completed_at for one in flows if one.completed_at), default=None),
        last_seen=max(one.last_seen for one in flows),
        value=next((one.value for one in flows if one.value), None),
        attempts=sum(one.attempts for one in flows),
        failed_attempts=sum(one.failed_attempts for one in flows),
        context=flows[0].context,
        spans=found.spans,
        logs=_by_time(found.logs, mentions),
        truncated=found.truncated,
        cases=cases,
        settling=settling(reading, correlation_id),
        # Nobody acts on a failure before it happened.
        acts=reading.query("units/acts", {**asked, "since": bounds[0]}, into=AuditEntry.of),
    )


def _without_flow(
    reading: Reading, correlation_id: str, named_by: Deliveries, *, everywhere: bool
) -> UnitDetail:
    """Return the unit that is spelled otherwise, else what only mentions the ID."""
    if (other := spelled(reading, correlation_id, named_by)) != correlation_id:
        return unit(reading, other)
    mentions = _mentions(reading, correlation_id, named_by)
    return _mentioned(reading, correlation_id, mentions, named_by, everywhere=everywhere)


def _mentions(telemetry: Telemetry, correlation_id: str, named_by: Deliveries) -> list[LogRecord]:
    """Return the lines of others that name this unit."""
    if not named_by:
        return []
    asked = {"id": correlation_id, "deliveries": named_by, "limit": MAX_ROWS}
    return telemetry.query("units/logs_mentioning", asked, into=LogRecord.of)


def _mentioned(
    reading: Reading,
    correlation_id: str,
    mentions: list[LogRecord],
    named_by: Deliveries,
    *,
    everywhere: bool,
) -> UnitDetail:
    """Return what is known of an ID that no record belongs to: the records that name it."""
    carried = Carried()
    if not reading.query("units/traces_or_runs", {"q": correlation_id, "deliveries": named_by}):
        carried = carrying(reading, correlation_id, MAX_ROWS, everywhere=everywhere)
    spans, logs = carried.spans, _by_time(carried.logs, mentions)
    if not spans and not logs:
        raise UnitNotFoundError(correlation_id, None if everywhere else looked_through(reading))
    spellings = carried.spellings
    times = [span.start for span in spans] + [log.time for log in logs]
    return UnitDetail(
        correlation_id=next(iter(spellings)) if len(spellings) == 1 else correlation_id,
        state=UnitState.MENTIONED,
        opened_at=min(times),
        last_seen=max(times),
        context=dict.fromkeys(CONTEXT),
        spans=with_reused(reading, spans, _ALWAYS),
        logs=logs,
        truncated=carried.truncated,
    )


def spelled(reading: Reading, correlation_id: str, named_by: Deliveries) -> str:
    """Return the ID as records spell it: a look-up ignores case where that leaves one ID."""
    found = _units_spelled(reading, [correlation_id], named_by)
    return found[0] if len(found) == 1 else correlation_id


def looked_through(telemetry: Telemetry) -> int | None:
    """Return of how many spans and log records the attributes are read by default; None: of all there are."""
    return NEWEST if leaves_out(telemetry) else None


def _units_spelled(reading: Reading, ids: list[str], named_by: Deliveries) -> list[str]:
    """Return the IDs with a unit that are spelled like one of these but for capital letters.

    Where records of an ID were removed, in the common spellings only.
    """
    forms = sorted({form for one in ids for form in (one, one.upper(), one.lower())})
    if named_by:
        asked = {"ids": ids, "deliveries": named_by}
        forms = sorted({*forms, *reading.query("units/spelled", asked, into=_ID)})
    begun = remembered_times(reading.store, KNOWN, forms)
    return reading.query("units/units_named", {"ids": forms, **begun}, into=_ID)


def trace(reading: Reading, trace_id: str) -> TraceDetail:
    """Return the spans and logs of one trace, oldest first.

    Raises:
        TraceNotFoundError: no record within the scope carries this trace ID.
    """
    named_by = deliveries(reading.store, [trace_id])
    if not named_by:
        raise TraceNotFoundError(trace_id)
    asked = {"id": trace_id, "deliveries": named_by, "limit": MAX_ROWS}
    spans = Page.of(reading.query("units/spans_by_trace", asked), Span.of)
    logs = Page.of(reading.query("units/logs_by_trace", asked), LogRecord.of)
    if not spans.items and not logs.items:
        raise TraceNotFoundError(trace_id)
    return TraceDetail(
        trace_id=trace_id,
        spans=with_reused(reading, spans.items, _ALWAYS),
        logs=logs.items,
        truncated=_truncated(spans.total, logs.total),
    )


def units_of_trace(reading: Reading, trace_id: str) -> list[UnitOfTrace]:
    """Return the units of a trace as they were concluded, also where its records were removed."""
    return reading.query("units/units_of_trace", {"id": trace_id}, into=noun(UnitOfTrace))


def search(reading: Reading, text: str, limit: int = 20, *, everywhere: bool = False) -> list[Hit]:
    """Return what the text names: units, cases, traces, runs, customers.

    Where nothing is called exactly so, the newest records are asked whether they carry the text as an ID;
    with `everywhere` all of them.
    """
    text = text.strip()
    if not text:
        return []
    named_by = deliveries(reading.store, [text])
    ids = _units_spelled(reading, [text], named_by)
    begun = remembered_times(reading.store, KNOWN, ids)
    asked = {"q": text, "ids": ids, "newest": NEWEST_UNITS, "limit": limit, **begun}
    hits = reading.query("units/search", asked, into=Hit.of)
    hits = sorted([*hits, *_mentioned_hits(reading, text, limit)], key=attrgetter("rank"))[:limit]
    hits += reading.query("units/traces_or_runs", {"q": text, "deliveries": named_by}, into=Hit.of)
    if not any(text.lower() in hit.names for hit in hits):
        hits = [*_carried_hits(reading, text, everywhere=everywhere), *hits]
    return hits[:limit]


@dataclass(frozen=True, slots=True)
class _MentionedId:
    id: str
    lines: int
    time: datetime


def _mentioned_hits(reading: Reading, text: str, limit: int) -> list[Hit]:
    """Return a hit for each ID that only the text of lines names: it has no unit."""
    found = reading.query("units/mentioned_ids", {"q": text, "limit": limit}, into=noun(_MentionedId))
    ids = [one.id.lower() for one in found]
    named_by = deliveries(reading.store, ids) if ids else []
    units = {name.lower() for name in _units_spelled(reading, ids, named_by)}
    return [
        Hit(
            kind=HitKind.UNIT,
            id=one.id,
            title=f"named in the text of {one.lines} line{'' if one.lines == 1 else 's'}",
            time=one.time,
            state=UnitState.MENTIONED,
            rank=0 if one.id.lower() == text.lower() else _BEGINS,
        )
        for one in found
        if one.id.lower() not in units
    ]


def _carried_hits(reading: Reading, text: str, *, everywhere: bool) -> list[Hit]:
    """Return a hit for each spelling of an ID that records only carry."""
    return [
        Hit(
            kind=HitKind.UNIT,
            id=spelling,
            title=f"carried by {len(times)} record{'' if len(times) == 1 else 's'}",
            time=max(times),
            state=UnitState.MENTIONED,
        )
        for spelling, times in carrying(reading, text, MAX_ROWS, everywhere=everywhere).spellings.items()
    ]


def recent(reading: Reading, *, failed: bool = False, named: bool = False, limit: int = 50) -> list[SeenUnit]:
    """Return the units that were seen last, newest first.

    Args:
        reading: The store within a scope.
        failed: Only units that failed at least once.
        named: Only units that a business ID, a run or a request names, not those that only a trace does.
        limit: How many at most.
    """
    asked = {"failed": failed, "named": named, "limit": limit}
    return reading.query("units/recent", asked, into=noun(SeenUnit))


def logs(telemetry: Telemetry, asked: Params, wanted: PageRequest) -> Page[LogRecord]:
    """Return the log records that pass the filter of `units/logs`, the newest first."""
    return paging.read(telemetry, "units/logs", asked, wanted, LogRecord.of)


def traces(telemetry: Telemetry, asked: Params, wanted: PageRequest) -> Page[TraceSummary]:
    """Return the traces that pass the filter of `units/traces`, the newest first."""
    return paging.read(telemetry, "units/traces", asked, wanted, noun(TraceSummary))


def bounds_of(flows: Sequence[UnitFlow]) -> Bounds:
    """Return between which times records may belong to the unit."""
    first, last = _times(flows)
    return stored(first - JOINS_FOR), stored(last + JOINS_FOR)


def _times(flows: Sequence[UnitFlow]) -> Bounds:
    return min(one.first_seen for one in flows), max(one.last_seen for one in flows)


def _of_unit(reading: Reading, correlation_id: str, flows: Sequence[UnitFlow], bounds: Bounds) -> Records:
    """Return the first spans and logs of a unit."""
    asked = {**candidates(reading, correlation_id, flows, bounds), **FIRST}
    span_rows = reading.query("units/spans_by_correlation", asked)
    log_rows = reading.query("units/logs_by_correlation", asked)
    spans, logs = Page.of(span_rows, Span.of), Page.of(log_rows, LogRecord.of)
    mine = identities(reading, asked, span_rows, log_rows)
    own = [span for span in spans.items if span.record_id in mine]
    return Records(
        spans=with_reused(reading, own, bounds),
        logs=[log for log in logs.items if log.record_id in mine],
        truncated=_truncated(spans.total, logs.total),
    )


def candidates(reading: Reading, correlation_id: str, flows: Sequence[UnitFlow], bounds: Bounds) -> Params:
    """Return what `units/spans_by_correlation` and its like ask for: what may be of a unit."""
    times = {"id": correlation_id, "low": bounds[0], "high": bounds[1]}
    # What a trace says of a unit is part of the unit's row, so it lies within the unit's own times.
    first, last = (stored(moment) for moment in _times(flows))
    traces = reading.query("units/traces_of_unit", {"id": correlation_id, "low": first, "high": last})
    named_by = deliveries(reading.store, [correlation_id, *(trace["trace_id"] for trace in traces)])
    names = {"trace_ids": "trace_id", "tenants": "tenant", "flows": "flow"}
    asked = {**times, "deliveries": named_by}
    return asked | {many: [trace[one] for trace in traces] for many, one in names.items()}


def state(flows: Sequence[UnitFlow], cases: Sequence[Case]) -> UnitState:
    """Return where the unit stands: in_flight, completed, failed, recovered, or how its last part ended."""
    outcomes = [one.outcome for one in flows]
    if any(one.is_failed and one.outcome in (None, UnitState.IN_FLIGHT, UnitState.FAILED) for one in flows):
        return UnitState.FAILED
    for outcome in (UnitState.PARTIAL, UnitState.WITH_ERRORS, UnitState.UNPROVEN):
        if outcome in outcomes:
            return outcome
    if any(one.is_failed for one in flows):
        return UnitState.FAILED
    if set(outcomes) == {UnitState.ENDED}:
        return UnitState.ENDED
    if all(one.completed_at for one in flows):
        is_recovered = any(case.state == RECOVERED for case in cases)
        return UnitState.RECOVERED if is_recovered else UnitState.COMPLETED
    return UnitState.IN_FLIGHT


def _truncated(spans: int, logs: int) -> Totals | None:
    return Totals(spans, logs) if max(spans, logs) > MAX_ROWS else None


def _by_time(*parts: Iterable[LogRecord]) -> list[LogRecord]:
    """Return log records in the order of time, each once."""
    each = {log.record_id: log for part in parts for log in part}
    return sorted(each.values(), key=attrgetter("time"))


def with_reused(reading: Reading, spans: Sequence[Span], bounds: Bounds) -> list[Span]:
    """Note which spans share their ID with another one."""
    if not spans:
        return []
    traces = list({span.trace_id for span in spans})
    named_by = deliveries(reading.store, traces)
    asked = {"traces": traces, "deliveries": named_by, "low": bounds[0], "high": bounds[1]}
    reused = set(reading.query("units/reused_span_ids", asked, into=lambda row: SpanPlace(**row)))
    return [replace(span, id_reused=True) if span.place in reused else span for span in spans]
