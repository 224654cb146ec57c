"""Stored log records, mapped again: what a mapping says of them now, from what is stored of them.

A column changes only where the stored value is one that a mapping gave: what some known version of the
mapping, the config file's, or none of them gives. Anything else the record stated itself, and it stays.
So the same record may be looked at any number of times.

What is not stored cannot be read again: the file's path, what was masked, a time without its zone. Records
that the mapping would leave out now stay, and spans are as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa

from cases.intake import take_again
from cases.moves import no_records
from collectors.log_columns import NUMBER, L
from collectors.normalise import ERROR, Normaliser
from collectors.slots import SLOTS
from data import named
from data.clock import micros
from data.records import LOG_COLUMNS
from unsnag.fields import MAPPED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from collectors.mapping import Mapping
    from data.transaction import Tx


_GIVEN: Final = (*(field.name for field in MAPPED), "technical_id", "mentions", "outcome", "actor_type")
"""Columns that a mapping fills, or that follow from its ID."""
_KEPT: Final = (
    "message", "logger", "service", "trace_id", "span_id", "error_type", "error_code", "exception_message",
    "stacktrace",
)  # fmt: skip
"""Columns that patterns and rules read."""
_OF_LEVEL: Final = ("severity_number", "severity", "error_class", "class_rule", "peer", "http_status")
_INFO: Final = 9
_CHANGED: Final = pa.schema(
    [(name, LOG_COLUMNS[name]) for name in ("record_id", "time", *_GIVEN, *_OF_LEVEL)]
)


class _Stored(dict[str, Any]):
    """What a record carries: its attributes, and what became columns under any of their names."""

    def __init__(self, attributes: dict[str, Any], row: dict[str, Any]) -> None:
        super().__init__(attributes)
        self._row = row

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, of the attributes first."""
        if name in self:
            return self[name]
        column = SLOTS.get(name)
        return self._row.get(_NAMES[column], default) if column.__class__ is int else default


_NAMES: Final = tuple(LOG_COLUMNS)


@dataclass(frozen=True, slots=True)
class Again:
    """Maps stored records again."""

    mapping: Mapping | None
    """What counts now."""
    known: Sequence[Mapping | None]
    """What may have counted before."""

    def changed(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return a row of `collectors/logs_of_sources` as it is now; None where nothing changes."""
        at = row.__getitem__
        attributes, resource = (orjson.loads(at(name) or "{}") for name in ("attributes", "resource"))
        where = (_Stored(attributes, row), resource)
        now, *before = [_mapped(row, attributes, where, one) for one in (self.mapping, *self.known)]
        new = {name: at(name) for name in (*_GIVEN, *_OF_LEVEL)}
        for name in _GIVEN:
            if any(one[L[name]] == at(name) for one in before):
                new[name] = now[L[name]]
        number = _level(row, now[NUMBER], {one[NUMBER] for one in before})
        if number != at("severity_number"):
            # The class follows from the level: records of our client, which state theirs, do not come here.
            concluded: list[Any] = [None if name in _OF_LEVEL else row.get(name) for name in _NAMES]
            concluded[NUMBER] = number
            Normaliser(at("source"), "", 0).conclude_severity(concluded, attributes)
            new |= {name: concluded[L[name]] for name in _OF_LEVEL}
        if all(value == at(name) for name, value in new.items()):
            return None
        return {name: at(name) for name in ("record_id", "time")} | new


def _level(row: dict[str, Any], now: int | None, before: set[int | None]) -> int:
    """Return the level that the mapping gives, else the stored one unless it came from a mapping."""
    stored: int = row.get("severity_number", _INFO)
    if now is not None or stored not in before:
        return stored if now is None else now
    return ERROR if row.get("error_type") and row.get("stacktrace") else _INFO


def _mapped(
    row: dict[str, Any], attributes: dict[str, Any], where: Any, mapping: Mapping | None
) -> list[Any]:
    """Return a log row of what a mapping alone gives; its level is None where the mapping says none."""
    bare: list[Any] = [None] * len(_NAMES)
    for name in _KEPT:
        bare[L[name]] = row[name]
    Normaliser("", "", 0, mapping=mapping).map(bare, dict(attributes), where, mapping)
    return bare


def write(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Write changed rows, and everything that follows for units and cases, in the running transaction."""
    if not rows:
        return
    moments = [_micros(moment) for row in rows for name, moment in row.items() if name == "time"]
    bounds = {"low": min(moments), "high": max(moments)}
    tx.view("changed_log", pa.Table.from_pylist(list(rows), _CHANGED))
    before = tx.arrow("store/logs_before", bounds)
    tx.run("store/change_logs", bounds)
    again = tx.arrow("store/logs_again", bounds)
    no_records(tx)
    tx.view("incoming_log", again.select(list(LOG_COLUMNS)).cast(pa.schema(list(LOG_COLUMNS.items()))))
    tx.view("log_before", before)
    named.note(tx)
    tx.view("doubtful_unit", tx.arrow("traces/doubtful_units"))
    tx.view("unnamed_unit", tx.arrow("traces/unnamed_units"))
    tx.run("traces/delete_named_units")
    take_again(tx, before)
    tx.topics.add("ingest")


def _micros(moment: datetime) -> int:
    """Return a stored time, naive UTC, in microseconds."""
    return micros(moment.replace(tzinfo=UTC))
