"""The last lines of a source, as a sample for its mapping: of its newest file, else of what is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import orjson

from collectors.charsets import UTF8_MARK, guess, is_utf8, wide
from collectors.no_text import NoTextError
from collectors.packed import BEGIN_BYTES
from collectors.sheet import sheet_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collectors.sheet import SheetForm
    from data.ports import Telemetry

MOST: Final = 100
_BYTES: Final = 128 * 1024
_PACKED: Final = (".gz", ".zip", ".bz2", ".xz", ".zst")
_MOST_FILES: Final = 20
_NAMES: Final = {"message": "event"} | {
    name: name for name in ("timestamp", "level", "logger", "trace_id", "span_id")
}
"""Columns, and what a program would call them."""


@runtime_checkable
class HasFiles(Protocol):
    """A source that reads files in which lines stand."""

    rows: SheetForm | None
    """The form of CSV; None where no file is read as such."""
    followed: frozenset[str]
    """Files that were followed a moment ago."""

    def paths(self) -> Sequence[str]:
        """Return the files that its patterns take now."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines, as they came: not masked."""

    lines: list[bytes]
    path: str | None = None
    """Their file; None: they are made of stored records."""


def of_files(paths: Iterable[str], rows: SheetForm | None = None) -> Lines | None:
    """Return the last lines of the newest file that holds any; packed files are left out.

    Those of CSV (`rows` is its form) stand below their header.
    """
    found = []
    for path in paths:
        if not path.endswith(_PACKED):
            try:
                status = Path(path).stat()
            except OSError:
                continue
            if status.st_size:
                found.append((status.st_mtime, path, status.st_size))
    for _, path, size in sorted(found, reverse=True)[:_MOST_FILES]:
        try:
            lines = _tail(Path(path), size)
            if rows is not None and rows.expects(path):
                lines = _below_header(Path(path), lines, rows)
        except OSError:
            continue
        if lines:
            return Lines(lines, path)
    return None


def _tail(path: Path, size: int) -> list[bytes]:
    with path.open("rb") as file:
        codec = wide(file.read(2), None)
        start = max(size - _BYTES, 0)
        file.seek(start - start % 2)
        raw = file.read(_BYTES + 1)
    lines = _as_utf8(raw, codec).splitlines()[1 if start else 0 :]
    lines = [line for line in lines if line.strip()][-MOST:]
    if not all(map(is_utf8, lines)):
        encoding = guess(lines)
        lines = [line.decode(encoding, "replace").encode() for line in lines]
    return lines


def _as_utf8(raw: bytes, codec: str | None) -> bytes:
    if codec is None:
        return raw.removeprefix(UTF8_MARK)
    return raw.decode(codec, "replace").lstrip("\ufeff").encode("utf-8", "replace")


def _below_header(path: Path, lines: list[bytes], form: SheetForm) -> list[bytes]:
    """Return the last rows of CSV below their header; the lines where it has none."""
    with path.open("rb") as file:
        begin = file.read(BEGIN_BYTES)
    try:
        first = _as_utf8(begin, wide(begin, None)).split(b"\n")[:-1]
        sheet = sheet_of(first, None, form, is_all=True)
    except NoTextError:
        return lines
    if sheet is None:
        return lines
    rows = sheet.table.rows(replace(sheet, begin=0).feed(lines, None, 0))
    whole = dropwhile(lambda row: row.reason is not None, rows)  # the first may be the end of one
    return sheet.with_header(b"".join(row.raw for row in whole)).splitlines()


def of_store(telemetry: Telemetry, source: str) -> Lines:
    """Return the newest records of a source as lines of JSON: what is stored of them, masked."""
    rows = telemetry.query("collectors/newest_records", {"source": source, "limit": MOST})
    return Lines([orjson.dumps(_fields(row), default=str) for row in reversed(rows)])


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record as a program would write it; what our columns hold stands under its usual name."""
    named = {name: row[column] for column, name in _NAMES.items() if row[column] is not None}
    parts = [orjson.loads(row[name]) for name in ("resource", "attributes") if row[name]]
    return {**named, **{name: value for part in parts for name, value in part.items()}}
