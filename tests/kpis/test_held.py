"""Units that a board makes once give every figure that each KPI makes for itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from cases.intake import intake
from data.store import Reading, Store
from kpis import periods, scoreboard
from kpis.definition import definition, definitions
from kpis.held import held_units, is_over_units
from kpis.periods import Period
from kpis.scoreboard import board, kpi
from tests.kpis.tables import WEEK
from tests.kpis.varied import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

ACME: tuple[str, ...] = ("acme\x1f*",)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(tmp_path_factory.mktemp("held"), intake)
    fill(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("scope", "flow", "by"),
    [
        (None, None, "flow"),
        (None, None, "tenant"),
        (None, "orders", "class"),
        (ACME, None, None),
        ((), None, None),
    ],
)
def test_a_board_has_the_figures_that_each_kpi_has_alone(
    store: Store, scope: tuple[str, ...] | None, flow: str | None, by: str | None
) -> None:
    reading = Reading(store, scope)
    found = board(reading, WEEK, flow, by, parts=periods.parts(WEEK, 7))
    assert [one.id for one in found] == list(definitions())
    for one in found:
        assert one == kpi(reading, one.id, WEEK, flow=flow, by=by, buckets=7)


def test_held_units_refuse_what_they_were_not_made_for(store: Store) -> None:
    reading, meant = store.everything(), definition("K19")
    params = {**scoreboard._edges([WEEK, WEEK.before]), "flow": None}
    with held_units(reading, params) as held:
        assert kpi(held, "K19", WEEK) == kpi(reading, "K19", WEEK)
        for other in (WEEK.before, Period(WEEK.start, WEEK.end - timedelta(days=1))):
            with pytest.raises(duckdb.Error, match="made for other periods"):
                scoreboard.counted_by(held, meant, [other], None, None)
        with pytest.raises(duckdb.Error, match="made for other periods"):
            kpi(held, "K19", WEEK, flow="orders")
    with held_units(Reading(store, ACME), params) as held:
        assert kpi(held, "K19", WEEK) == kpi(Reading(store, ACME), "K19", WEEK) != kpi(reading, "K19", WEEK)


@pytest.mark.parametrize("by", ["flow", "tenant", None])
def test_units_that_were_made_once_answer_for_any_split(store: Store, by: str | None) -> None:
    params = {**scoreboard._edges([WEEK, WEEK.before]), "flow": None}
    with held_units(store.everything(), params) as held:
        for kpi_id in ("K14", "K15", "K19", "K32", "K43"):
            assert kpi(held, kpi_id, WEEK, by=by) == kpi(store.everything(), kpi_id, WEEK, by=by)


def test_what_one_board_holds_is_seen_by_no_other_reading(store: Store) -> None:
    params = {**scoreboard._edges([WEEK]), "flow": "orders"}
    with held_units(store.everything(), params), held_units(store.everything(), params):
        assert kpi(store.everything(), "K19", WEEK).n > kpi(store.everything(), "K19", WEEK, flow="orders").n
    names = "select table_name from duckdb_tables() where table_name = 'board_unit'"
    assert store.act(lambda tx: tx.execute(names)).result() == []


def test_the_figures_over_units_are_those_whose_statement_reaches_the_noun() -> None:
    found = {one.id for one in definitions().values() if is_over_units(one)}
    assert found >= {"K1", "K19", "K7", "K2", "K43", "K14", "K15", "K32"}
    assert not found & {"K3", "K8", "K16", "K25", "K28"}
