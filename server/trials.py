"""`python app.py mapping test FILE`: what a mapping makes of a file, as text."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from collectors.trial import MOST_LINES, trial
from data import formats
from data.errors import UnsnagError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from collectors.sections import MappingSettings
    from collectors.trial import Trial, TrialRecord
    from server.settings import Settings

_SHOWN: Final = 10
_BYTES: Final = 16 << 20


class NoSampleError(UnsnagError):
    """The sample cannot be read, or the mapping is not there."""


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Print what a mapping makes of a file; return the exit code, 1 where something cannot be read."""
    chosen = _mapping(given.mapping, settings.collectors.mappings)
    found = trial(_lines(given.file), chosen, path=None if given.file == "-" else given.file)
    if given.json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")
    else:
        sys.stdout.write("\n".join(report(found)) + "\n")
    return 1 if found.unread else 0


def _mapping(name: str | None, known: Mapping[str, MappingSettings]) -> MappingSettings | None:
    if name is None:
        return None
    if name not in known:
        names = ", ".join(sorted(known)) or "none; name the config file with --config"
        raise NoSampleError(f"The config file has no mapping {name!r}. It has: {names}.")
    return known[name]


def _lines(file: str) -> list[bytes]:
    try:
        if file == "-":
            whole = sys.stdin.buffer.read(_BYTES)
        else:
            with Path(file).open("rb") as opened:
                whole = opened.read(_BYTES)
    except OSError as error:
        raise NoSampleError(f"{file} cannot be read: {error.strerror}.") from None
    return whole.splitlines()[:MOST_LINES]


def report(found: Trial) -> Iterator[str]:
    """Yield the lines of the report."""
    total = len(found.records)
    yield (
        f"{formats.count(total, 'record')}, {found.dropped} left out by the mapping, "
        f"{len(found.unread)} cannot be read"
    )
    yield f"time found in {total - found.without_time} of {total}"
    levels = Counter(record.severity for record in found.records)
    yield "severity: " + (", ".join(f"{count} {level}" for level, count in levels.most_common()) or "none")
    for name, count in found.filled.items():
        yield f"{name} found in {count} of {total}"
    if found.left_over:
        parts = ", ".join(f"{name} ({count})" for name, count in found.left_over.items())
        yield f"attributes that no column took: {parts}"
    for one in found.unread[:_SHOWN]:
        yield f"line {one.line} cannot be read: {one.reason}"
    yield ""
    yield from map(_line, found.records[:_SHOWN])
    if total > _SHOWN:
        yield f"… and {total - _SHOWN} more"


def _line(record: TrialRecord) -> str:
    own = ", ".join(f"{name}={_short(value)}" for name, value in record.fields.items())
    kind = f" ({record.error_type})" if record.error_type else ""
    first = record.message.splitlines()[0] if record.message else ""
    return (
        f"line {record.line}: {record.time:%Y-%m-%d %H:%M:%S} {record.severity}{kind} {first[:100]}  [{own}]"
    )


def _short(value: Any) -> str:
    return str(value)[:60]
