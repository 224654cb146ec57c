"""Rows as CSV (RFC 4180) for people's spreadsheets, in which nothing that somebody wrote can run."""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula, with the full-width signs that spreadsheets read as the plain ones."""


class Sink(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""


def write(rows: Iterable[Mapping[str, object]], columns: Sequence[str], out: Sink | IO[bytes]) -> int:
    """Write a head line and the rows; a value that is missing is empty. Return how many rows."""
    count = 0
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(row.get(name)) for name in columns])
        out.write(_taken(line))
        count += 1
    out.write(_taken(line))
    return count


def harmless(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _taken(line: io.StringIO) -> bytes:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text.encode("utf-8", "replace")
