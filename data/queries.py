"""Named SQL: one statement a file under `data/sql`, named by its path (`cases/cases`).

A statement may stand for the columns of `unsnag.fields`; its text is made of the names in that table only:

- A line with `{unit_field}`, `{case_field}` or `{split}` is repeated for each field that units keep, that
  cases keep, or that a KPI can be split by.
- So is one with `{mapped_field}`, for each field that a mapping may fill.
- `{splits}` is the list of the latter, for a header.

A line `{page}` stands for the end of a statement that is read in parts; see `data.paging`.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import takewhile
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Final

from unsnag.fields import MAPPED, ON_CASE, ON_UNIT, SPLITS

if TYPE_CHECKING:
    from collections.abc import Mapping

_EACH: Final = {
    "{unit_field}": ON_UNIT,
    "{case_field}": ON_CASE,
    "{split}": SPLITS,
    "{mapped_field}": tuple(field.name for field in MAPPED),
}
_PAGE: Final = """\
qualify
    $behind::blob is null
    or place > $behind::blob
order by place
limit $limit
offset $offset
"""
_COLUMN: Final = re.compile(r"[a-z][a-z0-9_]*")
_CALLED: Final = re.compile(r"\b([a-z][a-z0-9_]*)\(")
_FOLDER: Final = Path(__file__).parent / "sql"
_MACROS: Final = Path(__file__).parent / "macros"
_MACRO: Final = "create or replace macro "


@cache
def text(name: str) -> str:
    """Return the statement called `name`.

    Raises:
        KeyError: there is no such file.
    """
    file = path(name)
    if not file.is_file():
        raise KeyError(name)
    return with_fields(file.read_text(encoding="utf-8"))


def path(name: str) -> Path:
    """Return the file of the statement called `name`."""
    return _FOLDER / f"{name}.sql"


def with_fields(template: str) -> str:
    """Return a statement with what its placeholders stand for: lines of fields, the end of a page."""
    lines = (line for given in template.splitlines(keepends=True) for line in _repeated(given))
    return "".join(lines).replace("{splits}", ", ".join(SPLITS))


def _repeated(line: str) -> list[str]:
    if line.strip() == "{page}":
        return [indent(_PAGE, line.removesuffix("{page}\n"))]
    for placeholder, columns in _EACH.items():
        if placeholder in line:
            return [line.replace(placeholder, _column(name)) for name in columns]
    return [line]


def _column(name: str) -> str:
    """Return a field's name as a column of a statement.

    Raises:
        ValueError: SQL text cannot be made of it.
    """
    if not _COLUMN.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a column: use small letters, digits and _")
    return name


@cache
def takes_scope(name: str) -> bool:
    """Return whether a statement reads within a scope."""
    return takes(name, "scope")


@cache
def takes(name: str, parameter: str) -> bool:
    """Return whether a statement has a parameter."""
    return f"${parameter}" in text(name)


@cache
def reads(name: str, noun: str) -> bool:
    """Return whether a statement selects from a macro of `data/macros`, directly or through another macro."""
    return noun in _nouns_of(text(name), macros())


@cache
def macros() -> dict[str, str]:
    """Return the text of each macro behind its name, without comments."""
    files = (path.read_text(encoding="utf-8") for path in sorted(_MACROS.glob("*.sql")))
    parts = (part for file in files for part in _without_comments(with_fields(file)).split(_MACRO)[1:])
    return {part.partition("(")[0]: part.partition("(")[2] for part in parts}


def macros_of(sql: str, known: Mapping[str, str]) -> str:
    """Return the text of all macros that a statement reads, directly or through another, by their names."""
    return "".join(f"{_MACRO}{name}({known[name]}" for name in sorted(_nouns_of(sql, known)))


def _nouns_of(sql: str, known: Mapping[str, str]) -> frozenset[str]:
    direct = {word for word in _CALLED.findall(sql) if word in known}
    return frozenset(direct.union(*(_nouns_of(known[word], known) for word in direct)))


def _without_comments(sql: str) -> str:
    lines = sql.splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith("--"))


def names() -> list[str]:
    """List every statement's name, sorted."""
    return sorted(str(path.relative_to(_FOLDER).with_suffix("")) for path in _FOLDER.rglob("*.sql"))


def header(name: str) -> str:
    """Return the leading comment of a statement, without the dashes."""
    return "\n".join(line.removeprefix("--").strip() for line in _leading_comment(name))


def body(name: str) -> str:
    """Return a statement without its leading comment."""
    return "".join(text(name).splitlines(keepends=True)[len(_leading_comment(name)) :])


def _leading_comment(name: str) -> list[str]:
    return list(takewhile(lambda line: line.startswith("--"), text(name).splitlines()))
