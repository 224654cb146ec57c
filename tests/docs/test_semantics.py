"""The list of rules and their tests names tests that exist, and every row of the scenarios."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.scenarios import table
from tests.scenarios.expected import Row

TESTS: Final = Path(__file__).parents[1]
NAMED: Final = re.findall(
    r"`(row: [^`]+|[a-z_/]+\.py::[a-z0-9_]+)`", (TESTS / "semantics.md").read_text("utf-8")
)
ROWS: Final = {
    row.name
    for rows in vars(table).values()
    if isinstance(rows, tuple)
    for row in rows
    if isinstance(row, Row)
}


@pytest.mark.parametrize("place", sorted({name for name in NAMED if "::" in name}))
def test_a_named_test_is_there(place: str) -> None:
    file, name = place.split("::")
    assert re.search(rf"^ *def test_{name}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE), place


def test_every_row_of_the_scenarios_holds_a_rule() -> None:
    assert {name.removeprefix("row: ") for name in NAMED if "::" not in name} == ROWS
