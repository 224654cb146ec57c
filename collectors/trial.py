"""What a mapping makes of a sample: each record, what was left over, and what could not be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from collectors.fields import LEVEL
from collectors.lines import Reader
from collectors.mapping import Mapping
from collectors.normalise import Normaliser
from collectors.piece import Piece
from collectors.sheet import of_sample
from data.clock import micros, utc_now
from data.nouns import noun
from unsnag.fields import MAPPED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from collectors.sections import MappingSettings

MOST_LINES: Final = 1_000
SOURCE: Final = "sample"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A record as it would be stored. Text is masked as in the store."""

    line: int
    """Of the sample, from 1: the first of its lines."""
    time: datetime
    severity: str
    message: str
    logger: str | None
    error_type: str | None
    has_stacktrace: bool
    outcome: str | None
    mentions: list[str]
    """Other IDs that its text names."""
    fields: dict[str, Any]
    """The columns that a mapping may fill, and their values."""
    attributes: dict[str, Any]
    """What no column took."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What is read of a row as it would be stored."""

    source_offset: int
    time: int
    severity: str
    message: str
    logger: str | None
    error_type: str | None
    stacktrace: str | None
    outcome: str | None
    mentions: list[str] | None
    attributes: str | None


_row: Final = noun(_Row)


@dataclass(frozen=True, slots=True)
class Unread:
    """Text that would go to quarantine."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Trial:
    """The whole sample."""

    records: list[TrialRecord]
    unread: list[Unread]
    dropped: int
    """Records that the mapping leaves out."""
    filled: dict[str, int]
    """For each column that the mapping names, how many records have it."""
    left_over: dict[str, int]
    """Attributes that no column took, and in how many records each stands."""
    without_time: int
    """Records whose time is that of the trial, because no time was found."""


def trial(
    lines: Sequence[bytes],
    settings: MappingSettings | None = None,
    *,
    path: str | None = None,
    zone: tzinfo | None = None,
) -> Trial:
    """Return what a mapping makes of the lines of a log file.

    Args:
        lines: Without their ends; the first 1,000 are read.
        settings: The mapping; without one only what every source knows is read.
        path: The path of the file, for patterns that look there, and to know CSV by its name.
        zone: Of times that carry none.
    """
    mapping = Mapping.of(settings) if settings is not None else None
    n = Normaliser(SOURCE, "jsonl", micros(utc_now()), mapping=mapping, zone=zone, path=path)
    taken = list(lines[:MOST_LINES])
    starts = _starts(taken)
    Reader.into(n).read(Piece(taken, None, 0, 0, final=True, sheet=of_sample(taken, path)))
    columns = n.batch().logs
    used = _used(settings)
    records = [
        _record(dict(zip(columns, values, strict=True)), starts, used)
        for values in zip(*columns.values(), strict=True)
    ]
    records.sort(key=lambda record: record.line)
    named = [field.name for field in MAPPED if settings is not None and settings.attributes(field.name)]
    return Trial(
        records=records,
        unread=[
            Unread(_line(starts, one.source_offset), one.reason, one.raw.decode("utf-8", "replace")[:500])
            for one in n.quarantined
        ],
        dropped=len(n.dropped),
        filled={name: sum(record.fields.get(name) is not None for record in records) for name in named},
        left_over=dict(Counter(name for record in records for name in record.attributes).most_common()),
        without_time=sum(record.time == _moment(n.now) for record in records),
    )


def _used(settings: MappingSettings | None) -> frozenset[str]:
    """Return the attributes that a mapping reads a column from."""
    if settings is None:
        return frozenset()
    named = {name for field in MAPPED for name in settings.names_of(field.name)}
    if settings.severity:
        named |= {name for name in settings.severity_from if isinstance(name, str)} or set(LEVEL)
    return frozenset(named)


def _record(columns: dict[str, Any], starts: dict[int, int], used: frozenset[str]) -> TrialRecord:
    row = _row(columns)
    attributes = orjson.loads(row.attributes) if row.attributes else {}
    return TrialRecord(
        line=_line(starts, row.source_offset),
        time=_moment(row.time),
        severity=row.severity,
        message=row.message,
        logger=row.logger,
        error_type=row.error_type,
        has_stacktrace=row.stacktrace is not None,
        outcome=row.outcome,
        mentions=row.mentions or [],
        fields={field.name: columns[field.name] for field in MAPPED if columns[field.name] is not None},
        attributes={name: value for name, value in attributes.items() if name not in used},
    )


def _starts(lines: Sequence[bytes]) -> dict[int, int]:
    """Return the number of the line that begins at each offset."""
    found, offset = {}, 0
    for number, line in enumerate(lines, 1):
        found[offset] = number
        offset += len(line) + 1
    return found


def _line(starts: dict[int, int], offset: int | None) -> int:
    return starts.get(offset or 0, 0)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
