"""Records that carry an ID in an attribute that nobody named: the last resort, as it reads what records say.

So it reads the newest records only, unless it is asked for all. A mapping that names the attribute gives the
ID a unit, and its look-up the speed of every other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from cases.unit import Totals
from data.nouns import Page
from traces.telemetry import LogRecord, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from data.ports import Telemetry

NEWEST: Final = 20_000
"""Spans, and log records, that are read where not all of them are asked for: 30 ms of CPU."""
_ALL: Final = 2**62
_SPAN_PLACES: Final = ("attributes", "events")
_LOG_PLACES: Final = ("attributes", "data")


@dataclass(frozen=True, slots=True)
class Carried:
    """Spans and log records that carry an ID, oldest first."""

    spans: list[Span] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)
    spellings: dict[str, list[datetime]] = field(default_factory=dict)
    """How the records spell the ID, and the times of those that spell it so."""
    truncated: Totals | None = None
    """How many spans and log records there are, where there are more than these."""


def leaves_out(telemetry: Telemetry) -> bool:
    """Return whether there are more records than the newest that are read."""
    (row,) = telemetry.query("units/has_more", {"newest": NEWEST})
    return bool(row["has_more"])


def carrying(telemetry: Telemetry, identity: str, limit: int, *, everywhere: bool = False) -> Carried:
    """Return the records in whose attributes a value is the ID, in whatever case; of each kind the newest.

    The resource is left out: it says what ran, not what for.

    Args:
        telemetry: What is read, within a scope.
        identity: The ID that is looked for.
        limit: How many spans, and how many log records, at most.
        everywhere: Read all records, not only the newest: a second for a million.
    """
    newest = _ALL if everywhere else NEWEST
    asked = {"id": identity.lower(), "number": _as_number(identity), "limit": limit, "newest": newest}
    spans = Page.of(telemetry.query("units/spans_carrying", asked), _spelling_span(identity))
    logs = Page.of(telemetry.query("units/logs_carrying", asked), _spelling_log(identity))
    spellings: dict[str, list[datetime]] = {}
    for span, texts in spans.items:
        for text in texts:
            spellings.setdefault(text, []).append(span.start)
    for log, texts in logs.items:
        for text in texts:
            spellings.setdefault(text, []).append(log.time)
    return Carried(
        [span for span, texts in spans.items if texts],
        [log for log, texts in logs.items if texts],
        spellings,
        Totals(spans.total, logs.total) if max(spans.total, logs.total) > limit else None,
    )


def _as_number(identity: str) -> str | None:
    """Return the pattern of an ID that is written as a number in JSON."""
    if not (identity.isascii() and identity.isdigit()):
        return None
    return rf"[:,\[]{identity}[,}}\]]"


def _spelling_span(identity: str) -> Callable[[Mapping[str, Any]], tuple[Span, set[str]]]:
    """Return what makes a span of a row, and how it spells the ID."""
    return lambda row: (Span.of(row), _spellings(row, _SPAN_PLACES, identity))


def _spelling_log(identity: str) -> Callable[[Mapping[str, Any]], tuple[LogRecord, set[str]]]:
    """Return what makes a log record of a row, and how it spells the ID."""
    return lambda row: (LogRecord.of(row), _spellings(row, _LOG_PLACES, identity))


def _spellings(row: Mapping[str, Any], places: tuple[str, ...], identity: str) -> set[str]:
    """Return how the record spells the ID; nothing where it does not carry it."""
    return {
        text
        for place in places
        if row[place]
        for text in _texts(orjson.loads(row[place]))
        if text.lower() == identity.lower()
    }


def _texts(content: Any) -> Iterator[str]:
    """Return every value of a JSON document that an ID may be, however deep it lies."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str):
            yield value
        elif isinstance(value, int) and not isinstance(value, bool):
            yield str(value)
