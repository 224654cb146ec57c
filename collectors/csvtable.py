"""The columns of a CSV file, and its lines to rows.

A row that does not fit the header is rejected. Where it took several lines, which a stray quote brings
about, only its first line is, and reading goes on with the second: one quote costs one row.
"""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from collectors.rows import MAX_ROW, Place, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

DELIMITERS: Final = ",;\t|"
HINT: Final = "sep="
"""What Excel writes in the first line to say the delimiter."""


@dataclass(frozen=True, slots=True)
class CsvForm:
    """What the settings say of the form; None: found by look."""

    delimiter: str | None = None
    quote: str = '"'
    escape: str | None = None
    columns: Sequence[str] | None = None
    """Names of the columns, where the file has no header."""
    skip_lines: int = 0
    """Lines above the header."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end, and where it stands."""

    at: Place
    raw: bytes
    width: int
    """The bytes that it takes in the file."""

    @property
    def end(self) -> Place:
        """Where the next line begins."""
        return Place(self.at.offset + self.width, self.at.line + 1)


class LongRowError(Exception):
    """A line or a row longer than a row may be."""


class Feed:
    """Gives lines to the reader of CSV, and keeps those that the row at hand took."""

    def __init__(self, lines: Iterable[Line], text: Callable[[bytes], str]) -> None:
        self._lines = iter(lines)
        self._text = text
        self._again: deque[Line] = deque()
        self._size = 0
        self.taken: list[Line] = []
        self.done: Place | None = None
        """Where the lines of the last whole row end."""
        self.has_ended = False
        """The reader asked for a line, and there was none."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            self.has_ended = True
            raise StopIteration
        self.taken.append(line)
        self._size += len(line.raw)
        if len(line.raw) > MAX_ROW:
            raise LongRowError(f"a line of {len(line.raw)} bytes, more than {MAX_ROW}")
        if self._size > MAX_ROW:
            raise LongRowError(f"its row does not end within {MAX_ROW} bytes")
        return self._text(line.raw)

    def next_row(self) -> None:
        """Begin the next row: what the one at hand took is read."""
        self.done = self.taken[-1].end if self.taken else self.done
        self.taken.clear()
        self._size, self.has_ended = 0, False

    def put_back(self, lines: Sequence[Line]) -> None:
        """Put the last lines back, to be read again."""
        del self.taken[len(self.taken) - len(lines) :]
        self._again.extendleft(reversed(lines))


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the columns, and what is between them."""

    names: Sequence[str]
    delimiter: str
    form: CsvForm

    def rows(self, feed: Feed, *, is_whole: bool = True) -> Iterator[Row]:
        """Read rows; without `is_whole` one that is open at the end is left for later."""
        reader = reader_of(feed, self.delimiter, self.form)
        while True:
            feed.next_row()
            try:
                row = self._row(next(reader), feed.taken)
            except StopIteration:
                return
            except (csv.Error, LongRowError) as error:
                if feed.has_ended and not is_whole:
                    return
                row = _rejected(feed.taken, str(error))
            if row is None:
                continue
            if row.reason is not None:
                feed.put_back(feed.taken[1:])
                reader = reader_of(feed, self.delimiter, self.form)
            yield row

    def _row(self, values: list[str], lines: Sequence[Line]) -> Row | None:
        """Return a row; None where the line is empty or the header again."""
        values = [value.strip() for value in values]
        while len(values) > len(self.names) and not values[-1]:
            values.pop()
        if not any(values) or values == self.names:
            return None
        if len(values) != len(self.names):
            return _rejected(lines, f"{len(values)} fields, and the header has {len(self.names)}")
        fields = {name: value for name, value in zip(self.names, values, strict=True) if value}
        return Row(lines[0].at, lines[-1].end, b"".join(line.raw for line in lines), fields)


def reader_of(feed: Iterable[str], delimiter: str, form: CsvForm, *, strict: bool = True) -> Any:
    """Return a reader of rows."""
    return csv.reader(feed, delimiter=delimiter, quotechar=form.quote, escapechar=form.escape, strict=strict)


def hinted(line: str) -> str | None:
    """Return the delimiter that a line of Excel's says; None for any other line."""
    if not line.lower().startswith(HINT) or len(line.strip()) > len(HINT) + 1:
        return None
    return line.rstrip("\r\n")[len(HINT) :] or ","


def unique(header: Sequence[str]) -> list[str]:
    """Return names of columns: each once, and one for each column that has none."""
    names: list[str] = []
    for number, value in enumerate(header, 1):
        name = wanted = value.strip() or f"column_{number}"
        repeat = 1
        while name in names:
            repeat += 1
            name = f"{wanted}_{repeat}"
        names.append(name)
    return names


def _rejected(lines: Sequence[Line], reason: str) -> Row:
    return Row(lines[0].at, lines[0].end, lines[0].raw, reason=reason)
