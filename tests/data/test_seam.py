"""The seam of telemetry and state: no statement names tables of both, so each side may move elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import data

SQL = Path(data.__file__).parent / "sql"
TELEMETRY = {"log", "span"}
_COMMENT = re.compile(r"--[^\n]*")
_TABLE = re.compile(r"\b(?:from|join|into|update|using)\s+([a-z_]+)")
_CREATED = re.compile(r"create table (?:if not exists )?(\w+)")
STATE = {
    name
    for file in sorted((SQL.parent / "migrations").glob("*.sql"))
    for name in _CREATED.findall(file.read_text())
} - TELEMETRY


def tables(text: str) -> set[str]:
    """Return the tables that a statement names."""
    return set(_TABLE.findall(_COMMENT.sub("", text))) & (TELEMETRY | STATE)


@pytest.mark.parametrize(
    "file", sorted(SQL.rglob("*.sql")), ids=lambda file: file.relative_to(SQL).as_posix()
)
def test_a_statement_names_tables_of_one_side(file: Path) -> None:
    named = tables(file.read_text())
    assert not (named & TELEMETRY and named & STATE), named


def test_the_tables_of_both_sides_are_found() -> None:
    assert TELEMETRY | {"unit", "exception_case", "audit"} <= TELEMETRY | STATE
    assert tables("select 1 from log join unit on true -- from span") == {"log", "unit"}
