from __future__ import annotations

from typing import TYPE_CHECKING

from tests.structure.duplicate_sql import TARGET_PERCENT, count, counted_lines, main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_at_most_a_tenth_of_the_lines_of_the_kpis_stands_in_two_files() -> None:
    found = count()
    assert found.lines > 50
    assert found.percent <= TARGET_PERCENT, found.shared


def test_spacing_case_comments_and_bound_values_make_no_difference() -> None:
    sql = (
        "select\n    UNIT.flow   as of_flow, -- a comment\nfrom unit_in_period($starts, $by)\nlimit $limit\n"
    )
    assert counted_lines(sql) == ["unit.flow as of_flow"]


def test_a_line_that_stands_in_two_files_is_counted_in_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.sql").write_text("select\n    a + b as c,\n    d as e\nfrom t")
    (tmp_path / "b.sql").write_text("select\n    a + b as c\nfrom t")
    found = count(tmp_path)
    assert (found.lines, found.duplicates) == (3, 2)
    assert main(tmp_path) == 1
    assert "a.sql, b.sql" in capsys.readouterr().out
