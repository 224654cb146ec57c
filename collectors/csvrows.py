"""CSV files that are read as a whole: delimiter by look, a header that may stand below other lines."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, Final

from collectors.csvtable import DELIMITERS, CsvForm, Feed, Line, Table, hinted, reader_of, unique
from collectors.rows import MAX_ROW, BrokenFormError, Place, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collectors.contents import Charset, Content

_LOOKED_AT: Final = 20
"""Rows that the delimiter is found by."""


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
        delimiter, at = self._find_delimiter(_behind(list(skipped), first))
        names, self._begin = (form.columns, at) if form.columns else self._read_header(delimiter, at)
        self._table = Table(list(names), delimiter, form)

    def begin(self) -> Place:
        """Return where the first row begins."""
        return self._begin

    def _find_delimiter(self, at: Place) -> tuple[str, Place]:
        lines = list(islice(self._lines(at), _LOOKED_AT))
        texts = [self._charset.text(line.raw) for line in lines]
        hint = hinted(texts[0]) if texts else None
        if hint is not None:
            return self._form.delimiter or hint, lines[0].end
        return self._form.delimiter or _likely(texts, self._form), at

    def _read_header(self, delimiter: str, at: Place) -> tuple[list[str], Place]:
        feed = Feed(self._lines(at), self._charset.text)
        for values in reader_of(feed, delimiter, self._form):
            if any(value.strip() for value in values):
                return unique(values), _behind(feed.taken, at)
            feed.next_row()
        raise BrokenFormError("it is empty: it has no header")

    def rows(self, at: Place) -> Iterator[Row]:
        """Read rows from a place on, where a row begins."""
        return self._table.rows(Feed(self._lines(at), self._charset.text))

    def _lines(self, at: Place) -> Iterator[Line]:
        """Read lines, each with its end."""
        offset, number, rest = at.offset, at.line, b""
        for block in self._content.blocks(at.offset):
            *whole, rest = (rest + block).split(self._line_end)
            for line in whole:
                raw = line + self._line_end
                yield Line(Place(offset, number), raw, len(raw))
                offset, number = offset + len(raw), number + 1
            if len(rest) > MAX_ROW * 16:
                raise BrokenFormError(f"line {number} does not end within {len(rest)} bytes")
        if rest:
            yield Line(Place(offset, number), rest, len(rest))


def _behind(lines: Sequence[Line], at: Place) -> Place:
    return lines[-1].end if lines else at


def _likely(texts: Sequence[str], form: CsvForm) -> str:
    """Return the delimiter that gives most rows as many fields as the first, more than one."""
    return max(DELIMITERS, key=lambda delimiter: _fit(texts, delimiter, form))


def _fit(texts: Sequence[str], delimiter: str, form: CsvForm) -> tuple[float, int]:
    try:
        widths = [len(values) for values in reader_of(texts, delimiter, form, strict=False) if values]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] == 1:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]
