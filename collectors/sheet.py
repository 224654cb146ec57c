"""CSV in files that grow: the columns from the file's beginning, then rows of any piece of it.

1. The header is the first row of the file. It is read from there once, wherever reading goes on.
2. The delimiter is the one that gives the header most fields: it never depends on how much was written.
3. A row that does not end yet is left for later. One that does not end in a while has a stray quote.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

from collectors.csvknown import KnownForm, known, named_as
from collectors.csvtable import (
    DELIMITERS,
    HINT,
    CsvForm,
    Feed,
    Line,
    LongRowError,
    Table,
    hinted,
    reader_of,
    unique,
)
from collectors.fields import LEVEL, LOG_TEXT, TIME, WEAK_MESSAGE, WEAK_TIME
from collectors.no_text import NoTextError
from collectors.rows import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collectors.fields import Fields
    from collectors.rows import Row

_ENDINGS: Final = (".csv", ".tsv")
_MESSAGE, _LOGGER = (LOG_TEXT[name] for name in ("message", "logger"))
_MESSAGES: Final = frozenset((*_MESSAGE, *WEAK_MESSAGE))
_USUAL: Final = {name.lower(): name for name in (*TIME, *WEAK_TIME, *LEVEL, *_MESSAGE, *_LOGGER)}
"""Names that every source knows; in a header they count in any case."""
_LONGEST_NAME: Final = 100
_PLAIN: Final = CsvForm()
_NO_ROW: Final[tuple[tuple[list[str], int], str]] = (([], 0), ",")


@dataclass(frozen=True, slots=True)
class SheetForm:
    """What the settings say of the CSV of a source."""

    csv: CsvForm = _PLAIN
    is_sure: bool = False
    """Every file is CSV; else those that are called so, and begin with a header."""

    def expects(self, path: str) -> bool:
        """Return whether a file is to be read as CSV."""
        return self.is_sure or is_called_csv(path)


def is_called_csv(path: str) -> bool:
    """Return whether a file is called CSV, also one that rotation gave a longer name: `a.csv.1.gz`."""
    name = path.rpartition("/")[2].lower()
    places = ((name.find(ending), len(ending)) for ending in _ENDINGS)
    return any(at > 0 and not name[at + size : at + size + 1].isalnum() for at, size in places)


class OpenHeaderError(Exception):
    """The header does not end in what was written so far."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of one file, and where its first row begins."""

    table: Table
    begin: int
    form: KnownForm | None = None

    @property
    def layout(self) -> str:
        """What the rows are called among layouts."""
        return self.form.name if self.form is not None else "CSV"

    def feed(self, lines: Sequence[bytes], widths: Sequence[int] | None, start: int) -> Feed:
        """Return the lines of a piece that stand below the header."""
        return Feed((line for line in _numbered(lines, widths, start) if line.at.offset >= self.begin), _text)

    def fields(self, row: Row) -> Fields:
        """Return the fields of a row; one without a message is its own message."""
        found = dict(row.fields or {})
        for name in [name for name in found if name.lower() in _USUAL]:
            found.setdefault(_USUAL[name.lower()], found.pop(name))
        if self.form is not None:
            found = self.form.read(found)
        if _MESSAGES.isdisjoint(found):
            found |= {"event": _text(row.raw).strip()}
        return found

    def with_header(self, raw: bytes) -> bytes:
        """Return a row below its header, as it can be read by itself."""
        made = StringIO()
        delimiter = self.table.delimiter
        csv.writer(made, delimiter=delimiter, quotechar=self.table.form.quote).writerow(self.table.names)
        return f"{HINT}{delimiter}\n{made.getvalue()}".encode() + raw


def sheet_of(
    lines: Sequence[bytes], widths: Sequence[int] | None, form: SheetForm, *, is_all: bool
) -> Sheet | None:
    """Return the columns of a file that begins with these lines; None where it is no CSV.

    Raises:
        OpenHeaderError: the header does not end in these lines, and they are not all that are looked at.
        NoTextError: it has no header, and the settings say that it is CSV.
    """
    left = list(_numbered(lines, widths, 0))[form.csv.skip_lines :]
    left = list(dropwhile(lambda line: not line.raw.strip(), left))
    hint = hinted(_text(left[0].raw)) if left else None
    left = left[hint is not None :]
    if not left and not is_all:
        raise OpenHeaderError
    delimiters = form.csv.delimiter or hint or DELIMITERS
    tried = [_first_row(left, delimiter, form.csv) for delimiter in delimiters]
    if not is_all and any(one is None for one in tried):
        raise OpenHeaderError
    whole = [(row, between) for row, between in zip(tried, delimiters, strict=True) if row is not None]
    best, delimiter = max([*whole, _NO_ROW], key=lambda one: len(one[0][0]))
    if len(best[0]) == 1 and len(whole) < len(tried):
        best = _NO_ROW[0]  # no other delimiter makes sense of the one that leaves it open
    return _sheet(best[0], delimiter, form, begin=left[0].at.offset if left else 0, end=best[1])


def _first_row(lines: Sequence[Line], delimiter: str, form: CsvForm) -> tuple[list[str], int] | None:
    """Return the fields of the first row and where it ends; None where it does not end."""
    feed = Feed(lines, _text)
    try:
        values: list[str] = next(reader_of(feed, delimiter, form), [])
    except (csv.Error, LongRowError):
        return None if feed.has_ended else ([], 0)
    return [value.strip() for value in values], feed.taken[-1].end.offset if feed.taken else 0


def _sheet(values: Sequence[str], delimiter: str, form: SheetForm, *, begin: int, end: int) -> Sheet | None:
    if form.csv.columns is not None:
        return Sheet(Table(list(form.csv.columns), delimiter, form.csv), begin)
    program = known(values)
    if program is not None:
        return Sheet(Table(list(program.columns[len(values)]), delimiter, form.csv), begin, program)
    if not _is_header(values) or (len(values) == 1 and not form.is_sure):
        if form.is_sure:
            raise NoTextError("its first row is no header: name its columns (`columns` in the config file)")
        return None
    return Sheet(Table(unique(values), delimiter, form.csv), end, named_as(values))


def _is_header(values: Sequence[str]) -> bool:
    """Return whether these are names: no value that begins with a digit, no long text."""
    names = [value for value in values if value]
    return len(names) * 2 > len(values) and not any(
        name[0].isdigit() or len(name) > _LONGEST_NAME for name in names
    )


def _numbered(lines: Sequence[bytes], widths: Sequence[int] | None, start: int) -> Iterator[Line]:
    for number, line in enumerate(lines):
        width = len(line) + 1 if widths is None else widths[number]
        yield Line(Place(start, number + 1), line + b"\n", width)
        start += width


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def of_sample(lines: Sequence[bytes], path: str | None) -> Sheet | None:
    """Return the columns of a sample that begins with its header; None where it is no CSV.

    It is CSV where it begins with the delimiter, as Excel writes it, or where its file is called so.
    """
    is_sure = bool(lines) and hinted(_text(lines[0])) is not None
    if not is_sure and not is_called_csv(path or ""):
        return None
    try:
        return sheet_of(lines, None, SheetForm(is_sure=is_sure), is_all=True)
    except NoTextError:
        return None
