"""What holds for every figure."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from data.clock import stored
from kpis import scoreboard
from kpis.definition import UNITS, UnknownKpiError, charts, definition, definitions, ids
from kpis.periods import InvalidPeriodError
from tests.kpis.tables import START, WEEK, Tables

if TYPE_CHECKING:
    from data.store import Store

pytestmark = [pytest.mark.slow]

ALL = [
    "K1", "K19", "K7", "K3", "K8", "K9", "K16", "K20",
    "K2", "K4", "K5", "K6", "K10", "K11", "K12", "K14", "K15", "K17", "K18", "K22", "K23", "K25", "K28",
    "K32", "K40", "K43",
]  # fmt: skip
OF_WORK = {"K2", "K5", "K10", "K12", "K14", "K17", "K18", "K22", "K25", "K28", "K40"}
"""Figures of what the busy store does not have: routings, objectives, claims, due times, retries, losses and
records. test_golden.py has them."""
COUNTS = {"K2", "K8", "K9", "K16", "K20", "K5", "K10", "K22"}


@pytest.fixture
def busy(tables: Tables) -> Tables:
    """Three weeks of random units, with every edge among them."""
    chance = random.Random(7)
    for n in range(150):
        opened = chance.uniform(-300, 170)
        done = opened + chance.expovariate(0.05) if chance.random() < 0.8 else None
        failed = opened + chance.expovariate(0.05) if chance.random() < 0.3 else None
        common = {
            "flow": chance.choice(["orders", "invoices"]),
            "segment": chance.choice(["big", "small", None]),
            "tenant": chance.choice(["acme", None]),
        }
        value = chance.choice(["10 EUR", "20.25 EUR", "7 USD", None])
        tables.unit(f"U{n}", opened=opened, done=done, failed=failed, value=value, **common)
        for k in range(chance.choice([0, 0, 1, 2])):
            ended = {"recovered": opened + 30 * k + 20} if chance.random() < 0.5 else {}
            by = {"recovered_by": chance.choice(["automatic", "retry"])} if ended else {}
            klass = {"class": chance.choice(["business", "data"])}
            tables.case(
                f"C{n}-{k}",
                f"U{n}",
                opened=opened + k,
                value=value,
                step=f"s{k}",
                **ended,
                **by,
                **klass,
                **common,
            )
            if chance.random() < 0.5:
                tables.act(f"C{n}-{k}")
    return tables


def test_every_figure_of_an_empty_store_is_empty_not_an_error(store: Store) -> None:
    figures = scoreboard.scoreboard(store.everything(), WEEK.start, WEEK.end, by="flow", buckets=7)
    assert [figure.id for figure in figures] == ALL
    assert {figure.n for figure in figures} == {0}
    assert [figure.value for figure in figures] == [0 if name in COUNTS else None for name in ALL]
    assert all(len(figure.trend) == 7 for figure in figures)
    assert scoreboard.shape_of_work(store.everything(), WEEK.start, WEEK.end, "day")[0].units["failed"] == 0
    assert scoreboard.failures_by_step(store.everything(), WEEK.start, WEEK.end) == []
    assert scoreboard.flows(store.everything()) == {}


def test_the_parts_of_every_split_add_up_to_n(busy: Tables) -> None:
    for by in ("flow", "segment", "tenant", "business_unit", "class", "recovered_by"):
        for figure in scoreboard.scoreboard(busy.reading, WEEK.start, WEEK.end, by=by):
            assert figure.n > 0 or figure.id in OF_WORK
            if by in definition(figure.id).splits:
                assert sum(part.n for part in figure.breakdown) == figure.n, (figure.id, by)
            else:
                assert figure.breakdown == []


def test_the_parts_of_money_and_counts_add_up_to_the_value(busy: Tables) -> None:
    for figure in scoreboard.scoreboard(busy.reading, WEEK.start, WEEK.end, by="flow"):
        if figure.floor == 0:
            assert sum(part.value for part in figure.breakdown) == figure.value, figure.id


@pytest.mark.parametrize("flow", [None, "orders", "nobody"])
def test_every_figure_has_exactly_its_n_rows_behind_it(busy: Tables, flow: str | None) -> None:
    for figure in scoreboard.scoreboard(busy.reading, WEEK.start, WEEK.end, flow):
        total, found = scoreboard.rows(busy.reading, figure.id, WEEK.start, WEEK.end, flow, limit=1_000)
        assert total == figure.n == len(found), figure.id
        keys = {(row["correlation_id"], row["flow"], row.get("case_id")) for row in found}
        assert len(keys) == total, figure.id


@pytest.mark.parametrize("kpi_id", ["K1", "K19"])
def test_a_rate_is_its_counted_rows_over_all_rows(busy: Tables, kpi_id: str) -> None:
    period = (WEEK.start, WEEK.end)
    figure = scoreboard.kpi(busy.reading, kpi_id, WEEK)
    counted, _ = scoreboard.rows(busy.reading, kpi_id, *period, only_counted=True)
    others, _ = scoreboard.rows(busy.reading, kpi_id, *period, only_counted=False)
    assert counted + others == figure.n
    assert figure.value == pytest.approx(100 * counted / figure.n)


def test_errors_per_1000_are_its_counted_rows_over_all_rows(busy: Tables) -> None:
    figure = scoreboard.kpi(busy.reading, "K7", WEEK)
    counted, _ = scoreboard.rows(busy.reading, "K7", WEEK.start, WEEK.end, only_counted=True)
    assert figure.value == pytest.approx(1000 * counted / figure.n)


def test_money_rows_add_up_to_the_figure(busy: Tables) -> None:
    for kpi_id in ("K8", "K9"):
        figure = scoreboard.kpi(busy.reading, kpi_id, WEEK)
        _, found = scoreboard.rows(busy.reading, kpi_id, WEEK.start, WEEK.end, limit=1_000)
        main = [row["value_amount"] for row in found if row["value_currency"] == figure.unit]
        assert sum(main) == figure.value


def test_the_periods_of_a_trend_add_up_where_no_unit_changes_its_state_again(tables: Tables) -> None:
    _units_that_end_once(tables)
    for kpi_id in ("K20", "K19", "K1", "K7", "K3", "K9"):
        points = scoreboard.trend(tables.reading, kpi_id, WEEK.start, WEEK.end, 7)
        n = scoreboard.kpi(tables.reading, kpi_id, WEEK).n
        assert sum(point.n for point in points) == n > 5, kpi_id


def _units_that_end_once(tables: Tables) -> None:
    for n in range(60):
        ends = {"failed": 3.1 * n} if n % 4 == 1 else {"done": 3.1 * n}
        tables.unit(f"U{n}", opened=3.1 * n - 4, flow=("orders", "invoices")[n % 2], **ends)
        if n % 4 == 2:
            tables.case(f"C{n}", f"U{n}", opened=3.1 * n - 2, recovered=3.1 * n, value="5 EUR")


def test_a_unit_that_changes_its_state_counts_in_each_part_and_once_in_the_whole(tables: Tables) -> None:
    tables.unit("U1", opened=0, failed=1, done=30)
    points = scoreboard.trend(tables.reading, "K19", WEEK.start, WEEK.end, 7)
    assert [(point.n, point.value) for point in points[:3]] == [(1, 0.0), (1, 100.0), (0, None)]
    assert scoreboard.kpi(tables.reading, "K19", WEEK).n == 1


def test_the_last_point_of_a_backlog_is_the_figure(busy: Tables) -> None:
    for figure in scoreboard.scoreboard(busy.reading, WEEK.start, WEEK.end, buckets=7):
        if figure.id in ("K8", "K16"):
            assert figure.trend[-1].value == figure.value


def test_the_one_before_is_the_figure_of_the_period_before(busy: Tables) -> None:
    before = WEEK.before
    now = {figure.id: figure for figure in scoreboard.scoreboard(busy.reading, WEEK.start, WEEK.end)}
    for earlier in scoreboard.scoreboard(busy.reading, before.start, before.end):
        assert now[earlier.id].previous == earlier.value
        assert now[earlier.id].previous_n == earlier.n


def test_a_period_that_is_not_over_ends_now(tables: Tables) -> None:
    tables.case("C1", "U1", opened=0)
    now = START + timedelta(hours=2)
    figures = scoreboard.scoreboard(tables.reading, WEEK.start, WEEK.end, now=now)
    backlog = next(figure for figure in figures if figure.id == "K16")
    assert backlog.details["from_1h_to_4h"] == 1


def test_a_rate_over_few_units_says_so_and_a_count_does_not(tables: Tables) -> None:
    for n in range(19):
        tables.unit(f"U{n}", done=1)
    assert scoreboard.kpi(tables.reading, "K19", WEEK).too_few
    tables.unit("the twentieth", done=1)
    assert not scoreboard.kpi(tables.reading, "K19", WEEK).too_few
    assert not scoreboard.kpi(tables.reading, "K16", WEEK).too_few


def test_flows_are_known_with_their_first_moment(tables: Tables) -> None:
    tables.unit("U1", opened=2)
    tables.case("C1", "U1", opened=1)
    tables.unit("U2", opened=5, flow="invoices")
    assert scoreboard.flows(tables.reading) == {
        "invoices": START + timedelta(hours=5),
        "orders": START + timedelta(hours=1),
    }


def test_a_period_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(InvalidPeriodError):
        scoreboard.scoreboard(store.everything(), WEEK.end, WEEK.start)


def test_naive_moments_are_those_of_the_store(tables: Tables) -> None:
    tables.unit("U1", done=1)
    aware = scoreboard.scoreboard(tables.reading, WEEK.start, WEEK.end)
    assert scoreboard.scoreboard(tables.reading, stored(WEEK.start), stored(WEEK.end)) == aware


def test_an_unknown_kpi_is_refused_by_name(store: Store) -> None:
    with pytest.raises(UnknownKpiError, match="'K99'"):
        scoreboard.trend(store.everything(), "K99", WEEK.start, WEEK.end, 7)


# --- shape of work, failures by step -------------------------------------------------------------


def test_the_shape_of_work_tells_how_each_unit_ended(tables: Tables) -> None:
    tables.unit("touchless", done=1)
    tables.unit("assisted", done=2)
    tables.case("C1", "assisted", recovered=2)
    tables.act("C1", "retried")
    tables.unit("closed by hand", failed=3)
    tables.case("C2", "closed by hand", resolved=4)
    tables.act("C2", "resolved")
    tables.unit("one of two closed", failed=3)
    tables.case("C3", "one of two closed", resolved=4)
    tables.case("C4", "one of two closed", step="pay")
    tables.unit("failed", failed=30)
    tables.unit("running")
    shape = scoreboard.shape_of_work(tables.reading, WEEK.start, WEEK.end, "day")
    parts = ("touchless", "assisted", "manual", "failed")
    assert [tuple(day.units[part] for part in parts) for day in shape[:3]] == [
        (1, 1, 1, 1),
        (0, 0, 0, 1),
        (0, 0, 0, 0),
    ]
    assert len(shape) == 7


def test_days_are_those_of_the_business_time_zone(tables: Tables) -> None:
    tables.unit("late on Monday in UTC, Tuesday in Berlin", done=23.5)
    start = datetime(2026, 3, 1, 23, tzinfo=UTC)
    shape = scoreboard.shape_of_work(
        tables.reading, start, start + timedelta(days=3), "day", zone="Europe/Berlin"
    )
    assert [day.units["touchless"] for day in shape] == [0, 1, 0]


def test_the_shape_adds_up_to_the_finished_units(tables: Tables) -> None:
    _units_that_end_once(tables)
    for flow in (None, "orders"):
        shape = scoreboard.shape_of_work(tables.reading, WEEK.start, WEEK.end, "hour", flow)
        parts = ("touchless", "assisted", "manual", "failed")
        figure = scoreboard.kpi(tables.reading, "K19", WEEK, flow=flow)
        assert sum(hour.units[part] for hour in shape for part in parts) == figure.n > 20
        assert scoreboard.rows(tables.reading, "shape_of_work", WEEK.start, WEEK.end, flow)[0] == figure.n


def test_a_unit_that_failed_often_at_a_step_counts_once_there(tables: Tables) -> None:
    tables.attempt("U1", "ship", 1, "infrastructure")
    tables.attempt("U1", "ship", 2, "infrastructure")
    tables.attempt("U1", "ship", 3)
    tables.case("C1", "U1", opened=2, **{"class": "business"})
    tables.occurrence("C1", 1.5)
    tables.attempt("U2", "ship", 2, "data")
    tables.attempt("U3", "pay", 2, "data")
    tables.attempt("U4", "pay", 200, "data")
    tables.case("C2", "U5", opened=3, step="log only")
    tables.occurrence("C2", 3)
    found = scoreboard.failures_by_step(tables.reading, WEEK.start, WEEK.end)
    assert [(one.step, one.error_class, one.units, one.failed_attempts) for one in found] == [
        ("ship", "business", 1, 2),
        ("ship", "data", 1, 1),
        ("log only", "infrastructure", 1, 0),
        ("pay", "data", 1, 1),
    ]
    total, behind = scoreboard.rows(tables.reading, "failures_by_step", WEEK.start, WEEK.end)
    assert total == len(behind) == sum(one.units for one in found)
    assert scoreboard.failures_by_step(tables.reading, WEEK.start, WEEK.end, "invoices") == []


# --- definitions ---------------------------------------------------------------------------------


def test_every_definition_says_all_that_a_reader_needs() -> None:
    assert ids() == ALL
    for one in (definitions() | charts()).values():
        assert one.meaning.endswith(".")
        assert one.unit in UNITS
        assert one.better in {"up", "down"}
        assert one.version >= 1
        assert len(one.rules) >= 3
        assert all(rule.endswith(".") for rule in one.rules)
        assert one.sql.startswith(("with\n", "select\n"))
