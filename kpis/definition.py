"""What a KPI means: read from the header of its SQL file, so that screen and formula cannot differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from data import queries
from data.errors import UnsnagError

if TYPE_CHECKING:
    from pathlib import Path

_FILE: Final = re.compile(r"kpis/k(\d+)_")
ORDER: Final = ("K1", "K19", "K7", "K3", "K8", "K9", "K16", "K20")
"""The tiles' order: outcomes, then money, then load. A KPI that is not named comes last, by number."""
CHARTS: Final = ("shape_of_work", "failures_by_step")
"""Figures that are drawn as charts, not shown as one number. Their headers say the same things."""


KEYS: Final = ("meaning", "group", "unit", "better", "grain", "version", "floor", "splits", "rows", "counted")
"""What a header says besides its title and its rules, each in one line."""
UNITS: Final = ("percent", "seconds", "per 1,000", "units", "exceptions", "retries", "money")
GROUPS: Final = ("outcome", "speed", "money", "exceptions", "data")
"""The headings under which figures are shown, in their order."""
BETTER: Final = ("up", "down")
_ROWS: Final = "kpis/rows_"
_TITLE: Final = re.compile(r"-- (?P<id>\w+) (?P<name>\S.*)")


class FaultyHeaderError(UnsnagError):
    """The header of a KPI's SQL file cannot be read."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path}, line {line}: {what}.")


class UnknownKpiError(UnsnagError):
    """There is no such KPI."""

    def __init__(self, kpi_id: str) -> None:
        super().__init__(f"There is no KPI {kpi_id!r}. Choose one of: {', '.join(ids())}.")


@dataclass(frozen=True, slots=True)
class Definition:
    """One KPI's header: what its figure means and how it is cut."""

    id: str
    name: str
    meaning: str
    group: str
    """The heading under which it is shown."""
    unit: str
    """One of `UNITS`; a figure of money names its currency."""
    better: str
    """up or down."""
    grain: str
    version: int
    floor: int
    """With fewer than this the figure says little: it is shown grey. 0: a count, which always holds."""
    splits: tuple[str, ...]
    """What the figure may be broken down by; the first is the most informative one."""
    rows: str
    """Which rows stand behind `n`: the name of `kpis/rows_*`."""
    counted: str
    """Which of those rows make the numerator."""
    rules: tuple[str, ...]
    statement: str
    """The name of the SQL file, as the store asks it."""

    @property
    def sql(self) -> str:
        """Return the statement without its header."""
        return queries.body(self.statement)

    @property
    def macros(self) -> str:
        """Return the text of all macros that the statement reads."""
        return queries.macros_of(self.sql, queries.macros())


@cache
def definitions() -> dict[str, Definition]:
    """Return every KPI by its id, in the order of the tiles.

    Raises:
        FaultyHeaderError: a header cannot be read, or two files have the same id.
    """
    found: dict[str, Definition] = {}
    for name in queries.names():
        if match := _FILE.match(name):
            one = _read(name)
            _refuse_id(one, f"K{match[1]}", found)
            found[one.id] = one
    return {one.id: one for one in sorted(found.values(), key=_place)}


@cache
def charts() -> dict[str, Definition]:
    """Return what is drawn by its id."""
    return {name: _read(f"kpis/{name}") for name in CHARTS}


def definition(kpi_id: str) -> Definition:
    """Return the definition of one KPI or chart.

    Raises:
        UnknownKpiError: there is no such KPI.
    """
    try:
        return (definitions() | charts())[kpi_id]
    except KeyError:
        raise UnknownKpiError(kpi_id) from None


def ids() -> list[str]:
    """List the KPIs' ids, in the order of the tiles."""
    return list(definitions())


def check() -> None:
    """Read every header: for the start of the server.

    Raises:
        FaultyHeaderError: a header cannot be read, or two files have the same id.
    """
    definitions()
    charts()


def _refuse_id(one: Definition, of_file: str, found: dict[str, Definition]) -> None:
    path = queries.path(one.statement)
    if one.id in found:
        other = queries.path(found[one.id].statement)
        raise FaultyHeaderError(path, 1, f"the id {one.id} is already that of {other.name}")
    if one.id != of_file:
        raise FaultyHeaderError(path, 1, f"the id {one.id} must be that of the file's name, {of_file}")


def _place(one: Definition) -> tuple[int, int]:
    return (ORDER.index(one.id) if one.id in ORDER else len(ORDER), int(one.id[1:]))


def _read(statement: str) -> Definition:
    return read(statement, queries.path(statement))


def read(statement: str, path: Path) -> Definition:
    """Read a definition from the leading comment of a statement's file.

    Raises:
        FaultyHeaderError: the header lacks a line, or has one that is unknown, given twice or cannot be read.
    """
    return _Header(path).definition(statement)


class _Header:
    """The lines of a header, with their numbers for what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8").splitlines()
        self._lines = [
            queries.with_fields(line) for line in takewhile(lambda line: line.startswith("--"), text)
        ]
        self._fields: dict[str, tuple[int, str]] = {}
        self._rules: list[str] = []
        for number, line in enumerate(self._lines[1:], 2):
            self._add(number, line.removeprefix("--").strip())

    def definition(self, statement: str) -> Definition:
        """Return what the lines say."""
        kpi_id, name = self._title()
        return Definition(
            id=kpi_id,
            name=name,
            meaning=self._text("meaning"),
            group=self._choice("group", GROUPS),
            unit=self._choice("unit", UNITS),
            better=self._choice("better", BETTER),
            grain=self._text("grain"),
            version=self._number("version", 1),
            floor=self._number("floor", 0),
            splits=tuple(self._text("splits").split(", ")),
            rows=self._rows_of("rows"),
            counted=self._text("counted"),
            rules=self._all_rules(),
            statement=statement,
        )

    def _add(self, number: int, line: str) -> None:
        key, colon, value = line.partition(": ")
        if not colon or not value:
            raise self._fault(number, f"{line!r} is not of the form `key: value`")
        if key == "rule":
            self._rules.append(value)
        elif key not in KEYS:
            raise self._fault(number, f"the key {key!r} is unknown; choose one of: {', '.join(KEYS)}, rule")
        elif key in self._fields:
            raise self._fault(number, f"{key!r} was already given in line {self._fields[key][0]}")
        else:
            self._fields[key] = (number, value)

    def _title(self) -> tuple[str, str]:
        title = _TITLE.fullmatch(self._lines[0]) if self._lines else None
        if title is None:
            raise self._fault(1, "the first line must be `-- ID Name`, for example `-- K21 Time to claim`")
        return title["id"], title["name"]

    def _text(self, key: str) -> str:
        if key not in self._fields:
            raise self._fault(max(len(self._lines), 1), f"the header has no line `-- {key}: ...`")
        return self._fields[key][1]

    def _choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self._text(key)
        if value not in allowed:
            raise self._wrong(key, f"choose one of: {', '.join(allowed)}")
        return value

    def _number(self, key: str, least: int) -> int:
        value = self._text(key)
        if not value.isdecimal() or int(value) < least:
            raise self._wrong(key, f"it must be a whole number from {least} on")
        return int(value)

    def _rows_of(self, key: str) -> str:
        allowed = sorted(name.removeprefix(_ROWS) for name in queries.names() if name.startswith(_ROWS))
        return self._choice(key, tuple(allowed))

    def _all_rules(self) -> tuple[str, ...]:
        if not self._rules:
            raise self._fault(max(len(self._lines), 1), "the header has no line `-- rule: ...`")
        return tuple(self._rules)

    def _wrong(self, key: str, advice: str) -> FaultyHeaderError:
        number, value = self._fields[key]
        return self._fault(number, f"{value!r} is no value for {key!r}; {advice}")

    def _fault(self, number: int, what: str) -> FaultyHeaderError:
        return FaultyHeaderError(self._path, number, what)
