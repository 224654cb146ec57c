"""The seam of telemetry and state: no statement names tables of both, so each side may move elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.data.sides import SQL, STATE, TELEMETRY, is_of_telemetry, tables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "file", sorted(SQL.rglob("*.sql")), ids=lambda file: file.relative_to(SQL).as_posix()
)
def test_a_statement_names_tables_of_one_side(file: Path) -> None:
    named = tables(file.read_text())
    assert not (named & TELEMETRY and named & STATE), named


def test_the_tables_of_both_sides_are_found() -> None:
    assert TELEMETRY | {"unit", "exception_case", "audit"} <= TELEMETRY | STATE
    assert tables("select 1 from log join unit on true -- from span") == {"log", "unit"}


def test_tables_behind_a_macro_are_found() -> None:
    assert "exception_case" in tables("select * from chosen_case($filter)")
    assert is_of_telemetry("units/traces_or_runs")
    assert not is_of_telemetry("cases/cases")
