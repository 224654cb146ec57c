"""The shape of the code: what has reached its target stays there, and what has not only gets better.

`python -m tests.structure.counts` prints the whole table with the targets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.structure import counts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def shape() -> counts.Shape:
    return counts.shape()


def test_files_and_functions_stay_short(shape: counts.Shape) -> None:
    assert shape.file_p95 < 370
    assert shape.long_functions < 0.005


def test_untyped_rows_only_get_fewer(shape: counts.Shape) -> None:
    """The target is none outside the storage border and JSON. Lower these when you type another noun."""
    assert shape.aliases <= 4
    assert shape.subscripts <= 706


def test_the_way_of_a_retry_only_gets_shorter(tmp_path: Path) -> None:
    """The targets are 10 files and 25 jumps; the gate's checks, the audit and the store take most of them.

    It was 20 and 80 while the store was one file of 640 lines with several ideas.
    """
    way = counts.way_of_a_retry(tmp_path)
    assert {"access/commands.py", "cases/commands.py", "cases/lifecycle.py", "data/store.py"} <= way.names
    assert len(way.names) <= 22
    assert way.jumps <= 84


def test_the_way_of_an_error_only_gets_shorter(tmp_path: Path) -> None:
    """The target is 12 files; a failure and the nouns of rows are two of these.

    It was 35 while the store and joining were files of 640 and 730 lines with several ideas each, 40 before
    cases had service levels: the rule, and what the store keeps of the settings; 42 before every commit
    looked for approvals.
    """
    way = counts.way_of_an_error(tmp_path)
    assert {"data/append.py", "traces/joining.py", "cases/moves.py", "cases/change.py"} <= way.names
    assert len(way.names) <= 43
