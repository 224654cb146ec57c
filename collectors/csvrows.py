"""CSV files to rows, whatever wrote them: delimiter by look, quoted line ends, headers that repeat names.

A row that does not fit the header is rejected. Where it took several lines, which a stray quote brings
about, only its first line is, and reading goes on with the second: one quote costs one row.
"""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from collectors.rows import MAX_ROW, BrokenFormError, Place, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collectors.contents import Charset, Content

_DELIMITERS: Final = ",;\t|"
_LOOKED_AT: Final = 20
"""Rows that the delimiter is found by."""
_HINT: Final = "sep="
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
class _Line:
    at: Place
    raw: bytes


class _LongLineError(Exception):
    """A line longer than a row may be."""


class CsvRows:
    """The rows of one CSV file."""

    def __init__(self, content: Content, charset: Charset, form: CsvForm) -> None:
        """Look at how the file begins.

        Raises:
            BrokenFormError: it has no header.
        """
        self._content = content
        self._charset = charset
        self._form = form
        head = content.head
        self._line_end = b"\r" if b"\n" not in head and b"\r" in head else b"\n"
        first = Place(content.start, 1)
        skipped = islice(self._lines(first), form.skip_lines)
        at = self._behind(list(skipped), first)
        self._delimiter, at = self._find_delimiter(at)
        self._names: list[str] = [] if form.columns is None else list(form.columns)
        self._begin = at if self._names else self._read_header(at)

    def begin(self) -> Place:
        """Return where the first row begins."""
        return self._begin

    # --- the form ----------------------------------------------------------------------------------

    def _find_delimiter(self, at: Place) -> tuple[str, Place]:
        lines = list(islice(self._lines(at), _LOOKED_AT))
        texts = [self._charset.text(line.raw) for line in lines]
        if texts and texts[0].lower().startswith(_HINT) and len(texts[0].strip()) <= len(_HINT) + 1:
            hinted = texts[0].rstrip("\r\n")[len(_HINT) :] or ","
            return self._form.delimiter or hinted, self._behind(lines[:1], at)
        return self._form.delimiter or _likely(texts, self._form), at

    def _read_header(self, at: Place) -> Place:
        feed = _Feed(self._lines(at), self._charset)
        for values in csv.reader(feed, **self._dialect()):
            if any(value.strip() for value in values):
                self._names = _unique(values)
                return self._behind(feed.taken, at)
            feed.taken.clear()
        raise BrokenFormError("it is empty: it has no header")

    def _dialect(self) -> dict[str, Any]:
        return {
            "delimiter": self._delimiter,
            "quotechar": self._form.quote,
            "escapechar": self._form.escape,
            "strict": True,
        }

    # --- rows --------------------------------------------------------------------------------------

    def rows(self, at: Place) -> Iterator[Row]:
        """Read rows from a place on, where a row begins."""
        feed = _Feed(self._lines(at), self._charset)
        reader = csv.reader(feed, **self._dialect())
        while True:
            feed.taken.clear()
            try:
                row = self._row(next(reader), feed.taken)
            except StopIteration:
                return
            except (csv.Error, _LongLineError) as error:
                row = _rejected(feed.taken, str(error))
            if row is None:
                continue
            if row.reason is not None:
                feed.put_back(feed.taken[1:])
                reader = csv.reader(feed, **self._dialect())
            yield row

    def _row(self, values: list[str], lines: Sequence[_Line]) -> Row | None:
        """Return a row; None where the line is empty or the header again."""
        values = [value.strip() for value in values]
        while len(values) > len(self._names) and not values[-1]:
            values.pop()
        if not any(values) or values == self._names:
            return None
        if len(values) != len(self._names):
            return _rejected(lines, f"{len(values)} fields, and the header has {len(self._names)}")
        fields = {name: value for name, value in zip(self._names, values, strict=True) if value}
        return Row(lines[0].at, _end(lines), b"".join(line.raw for line in lines), fields)

    # --- lines -------------------------------------------------------------------------------------

    def _lines(self, at: Place) -> Iterator[_Line]:
        """Read lines, each with its end."""
        offset, number, rest = at.offset, at.line, b""
        for block in self._content.blocks(at.offset):
            *whole, rest = (rest + block).split(self._line_end)
            for line in whole:
                raw = line + self._line_end
                yield _Line(Place(offset, number), raw)
                offset, number = offset + len(raw), number + 1
            if len(rest) > MAX_ROW * 16:
                raise BrokenFormError(f"line {number} does not end within {len(rest)} bytes")
        if rest:
            yield _Line(Place(offset, number), rest)

    def _behind(self, lines: Sequence[_Line], at: Place) -> Place:
        return _end(lines) if lines else at


class _Feed:
    """Gives lines to the reader of CSV, and keeps those that the row at hand took."""

    def __init__(self, lines: Iterator[_Line], charset: Charset) -> None:
        self._lines = lines
        self._charset = charset
        self._again: deque[_Line] = deque()
        self.taken: list[_Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        if len(line.raw) > MAX_ROW:
            raise _LongLineError(f"a line of {len(line.raw)} bytes, more than {MAX_ROW}")
        return self._charset.text(line.raw)

    def put_back(self, lines: Sequence[_Line]) -> None:
        """Put lines back, to be read again."""
        self._again.extendleft(reversed(lines))


def _likely(texts: Sequence[str], form: CsvForm) -> str:
    """Return the delimiter that gives most rows as many fields as the first, more than one."""
    return max(_DELIMITERS, key=lambda delimiter: _fit(texts, delimiter, form))


def _fit(texts: Sequence[str], delimiter: str, form: CsvForm) -> tuple[float, int]:
    reader = csv.reader(texts, delimiter=delimiter, quotechar=form.quote, escapechar=form.escape)
    try:
        widths = [len(values) for values in reader if values]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] == 1:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def _unique(header: Sequence[str]) -> list[str]:
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


def _rejected(lines: Sequence[_Line], reason: str) -> Row:
    first = lines[0]
    return Row(first.at, _end(lines[:1]), first.raw, reason=reason)


def _end(lines: Sequence[_Line]) -> Place:
    last = lines[-1]
    return Place(last.at.offset + len(last.raw), last.at.line + 1)
