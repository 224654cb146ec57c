"""All spans and all log records of a unit, however many there are, page by page, the oldest first."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from cases.errors import UnitNotFoundError
from cases.placing import identities
from cases.unit import UnitFlow
from cases.units import bounds_of, candidates, spelled, with_reused
from data import paging
from data.named import deliveries
from traces.known import remembered_times
from traces.telemetry import LogRecord, Span
from traces.units import KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.units import Bounds
    from data.nouns import Page
    from data.paging import PageRequest
    from data.ports import Telemetry
    from data.store import Reading
    from data.transaction import Params


def spans(reading: Reading, correlation_id: str, wanted: PageRequest) -> Page[Span]:
    """Return a page of the spans of a unit.

    Raises:
        UnitNotFoundError: no record within the scope carries this correlation ID.
    """
    asked, bounds = _of_unit(reading, correlation_id)
    found = paging.read(reading, "units/spans_by_correlation", asked, wanted, Span.of)
    return replace(found, items=with_reused(reading, found.items, bounds))


def logs(reading: Reading, correlation_id: str, wanted: PageRequest) -> Page[LogRecord]:
    """Return a page of the log records of a unit; not lines of others that only name it in their text.

    Raises:
        UnitNotFoundError: no record within the scope carries this correlation ID.
    """
    asked, _ = _of_unit(reading, correlation_id)
    return paging.read(reading, "units/logs_by_correlation", asked, wanted, LogRecord.of)


def _of_unit(reading: Reading, correlation_id: str) -> tuple[Params, Bounds]:
    """Return what the statements ask for, and between which times the unit's records lie."""
    flows = _flows(reading, correlation_id)
    if not flows:
        correlation_id = spelled(reading, correlation_id, deliveries(reading.store, [correlation_id]))
        flows = _flows(reading, correlation_id)
    if not flows:
        raise UnitNotFoundError(correlation_id, None)
    bounds = bounds_of(flows)
    asked = candidates(reading, correlation_id, flows, bounds)
    return {**asked, "others": _others(reading, asked)}, bounds


def _flows(reading: Reading, correlation_id: str) -> Sequence[UnitFlow]:
    asked = {"correlation_id": correlation_id, **remembered_times(reading.store, KNOWN, [correlation_id])}
    return reading.query("units/unit", asked, into=UnitFlow.of)


def _others(telemetry: Telemetry, asked: Params) -> list[int]:
    """Return which records of the unit's traces belong to the run around it, or to another unit."""
    if not asked.get("trace_ids"):
        return []
    span_rows, log_rows = (
        telemetry.query("units/spans_placed", asked),
        telemetry.query("units/logs_placed", asked),
    )
    placed = list(map(_placed, [*span_rows, *log_rows]))
    if all(named is not None for _, named in placed):
        return []
    mine = identities(telemetry, asked, span_rows, log_rows)
    return [record for record, _ in placed if record not in mine]


_placed: Final = itemgetter("record_id", "correlation_id")
