"""Records that carry an ID in an attribute that nobody named: the last resort, as it reads all records.

A mapping that names the attribute gives the ID a unit, and its look-up the speed of every other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from data.store import Reading

    Row = dict[str, Any]

_SPAN_PLACES: Final = ("attributes", "events")
_LOG_PLACES: Final = ("attributes", "data")


@dataclass(frozen=True, slots=True)
class Carried:
    """Stored spans and log records that carry an ID, oldest first."""

    spans: list[Row] = field(default_factory=list)
    logs: list[Row] = field(default_factory=list)
    spellings: dict[str, list[datetime]] = field(default_factory=dict)
    """How the records spell the ID, and the times of those that spell it so."""
    truncated: dict[str, int] | None = None
    """How many spans and log records there are, where there are more than these."""


def carrying(reading: Reading, identity: str, limit: int) -> Carried:
    """Return the records in whose attributes a value is the ID, in whatever case; of each kind the newest.

    The resource is left out: it says what ran, not what for.

    Args:
        reading: The store within a scope.
        identity: The ID that is looked for.
        limit: How many spans, and how many log records, at most.
    """
    asked = {"id": identity.lower(), "number": _as_number(identity), "limit": limit}
    spans = reading.query("units/spans_carrying", asked)
    logs = reading.query("units/logs_carrying", asked)
    totals = {"spans": spans[0]["total"] if spans else 0, "logs": logs[0]["total"] if logs else 0}
    spellings: dict[str, list[datetime]] = {}
    return Carried(
        [row for row in spans if _note(row, _SPAN_PLACES, identity, spellings)],
        [row for row in logs if _note(row, _LOG_PLACES, identity, spellings)],
        spellings,
        totals if max(totals.values()) > limit else None,
    )


def _as_number(identity: str) -> str | None:
    """Return the pattern of an ID that is written as a number in JSON."""
    if not (identity.isascii() and identity.isdigit()):
        return None
    return rf"[:,\[]{identity}[,}}\]]"


def _note(row: Row, places: tuple[str, ...], identity: str, spellings: dict[str, list[datetime]]) -> bool:
    """Tell whether the record carries the ID, and note how it spells it."""
    found = {
        text
        for place in places
        if row[place]
        for text in _texts(orjson.loads(row[place]))
        if text.lower() == identity.lower()
    }
    for text in found:
        spellings.setdefault(text, []).append(row["time"])
    return bool(found)


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
