"""A review of one flow, one segment or both shows what the splits show, in all of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.store import Store
from kpis import scoreboard
from kpis.chosen import Chosen, Selection, parts_of_splits
from kpis.definition import charts, definition, definitions
from kpis.review.pack import Week, pack
from tests.kpis.tables import WEEK
from tests.kpis.varied import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.store import Reading
    from kpis.figure import Kpi

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    store = Store.open(tmp_path_factory.mktemp("chosen"))
    fill(store)
    yield store.everything()
    store.close()


@pytest.fixture(scope="module", params=["segment", "tenant", "business_unit"])
def part(request: pytest.FixtureRequest, reading: Reading) -> Chosen:
    """A part that many units have, of each field."""
    return next(one for one in parts_of_splits(reading) if one.field == request.param)


def board(reading: Reading, part: Chosen, flow: str | None = None) -> dict[str, Kpi]:
    found = scoreboard.board(reading, WEEK, flow, parts=[WEEK.before, WEEK], chosen=part)
    return {one.id: one for one in found}


def test_each_figure_of_a_part_is_that_of_the_split(reading: Reading, part: Chosen) -> None:
    for flow in (None, "orders"):
        shown = board(reading, part, flow)
        for kpi_id, one in shown.items():
            parts = scoreboard.kpi(reading, kpi_id, WEEK, flow=flow, by=part.field).breakdown
            known = {part.key: (part.value, part.n) for part in parts}.get(part.value)
            assert (one.value, one.n) == known or (known is None and not one.n), kpi_id
            assert (one.trend[-1].value, one.trend[-1].n) == (one.value, one.n), kpi_id
            assert (one.trend[0].value, one.trend[0].n) == (one.previous, one.previous_n), kpi_id
    left_out = set(definitions()) - set(shown)
    assert left_out == {one.id for one in definitions().values() if part.field not in one.splits} == {"K28"}


@pytest.mark.parametrize("by", ["flow", "step"])
def test_the_parts_of_a_part_have_its_units(reading: Reading, part: Chosen, by: str) -> None:
    """Two splits at once: each row of one field is divided among the parts of the other."""
    checked = 0
    for kpi_id, one in board(reading, part).items():
        if by not in definition(kpi_id).splits:
            continue
        found = scoreboard.kpi(reading, kpi_id, WEEK, by=by, chosen=part)
        assert (found.value, found.n) == (one.value, one.n), kpi_id
        total = sum(row.n for row in found.breakdown)
        # a unit counts in each flow that it entered
        assert total == one.n if by == "step" else total >= one.n, kpi_id
        assert all(chr(31) not in row.key for row in found.breakdown), kpi_id
        if kpi_id == "K7" and by == "step" and one.n:
            assert sum(row.value for row in found.breakdown) == pytest.approx(one.value)
        checked += bool(one.n)
    assert checked > 5


def test_exactly_n_rows_stand_behind_each_figure_of_a_part(reading: Reading, part: Chosen) -> None:
    for flow in (None, "orders"):
        for kpi_id, one in board(reading, part, flow).items():
            total, rows = scoreboard.rows(reading, kpi_id, WEEK.start, WEEK.end, flow, 1_000, chosen=part)
            assert total == one.n == len(rows), (kpi_id, flow)
            if part.field in (rows[0] if rows else {}):
                assert {row[part.field] for row in rows} == {part.value}, kpi_id


@pytest.mark.parametrize("chart", sorted(charts()))
def test_what_is_drawn_of_all_parts_is_what_is_drawn_of_the_whole(
    reading: Reading, part: Chosen, chart: str
) -> None:
    every = [one for one in parts_of_splits(reading) if one.field == part.field]
    every.append(Chosen(part.field, "not set"))

    def drawn(chosen: Chosen | None) -> int:
        if chart == "shape_of_work":
            (finished,) = scoreboard.shapes(reading, [WEEK], None, chosen)
            return sum(finished.units.values())
        found = scoreboard.failures_by_step(reading, WEEK.start, WEEK.end, None, chosen)
        return sum(one.units for one in found)

    assert sum(map(drawn, every)) == drawn(None) > drawn(part) > 0


def test_every_section_of_a_week_is_about_its_part(reading: Reading, part: Chosen) -> None:
    name, work = "2026-W10", Selection(part=part)
    week = Week.of(reading, name, "UTC", WEEK.end, work)
    found = pack(week, week.board(), {})
    figures = board(reading, part)
    assert sum(getattr(found.shape[-1], kind) for kind in scoreboard.Shape) == figures["K19"].n
    assert found.backlog.open == figures["K16"].n
    assert sum(found.backlog.ages.values()) == found.backlog.open
    assert sum(one.units_open for one in found.money) == figures["K8"].n
    assert sum(one.units_automatic + one.units_people for one in found.money) == figures["K9"].n
    assert {split.by for one in found.moved for split in one.splits} <= {"flow", "segment", "step"}
    assert all(split.by != part.field for one in found.moved for split in one.splits)


def test_what_is_selected_is_named_in_words() -> None:
    part = Chosen("business_unit", "EMEA")
    assert str(Selection()) == "all flows"
    assert str(Selection("orders", part)) == "orders · business unit EMEA"
    assert Selection("orders", Chosen("segment", "b2b")).splits == ["step"]
    assert Selection(part=part).splits == ["flow", "segment", "step"]
