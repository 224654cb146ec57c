"""Every figure over random tables is that of a second computation, in polars, from the text of docs/kpis.md.

`reckoned/` knows that text and the raw tables, and nothing of the product's statements and macros.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.store import Store
from kpis.definition import definition, definitions
from kpis.periods import Period
from kpis.scoreboard import counted_by, rows
from tests.kpis.reckoned import aims, arrivals, exceptions, frames, money, records, units, world
from tests.kpis.reckoned.frames import Asked
from tests.kpis.varied import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from data.store import Reading
    from tests.kpis.reckoned.units import Figures
    from tests.kpis.reckoned.world import Tables

pytestmark = [pytest.mark.slow]

FIGURES: Final = {
    name.upper(): getattr(module, name)
    for module in (aims, exceptions, money, records, units)
    for name in vars(module)
    if name[0] == "k" and name[1:].isdigit()
}
ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
MONDAYS: Final = (
    date(2026, 3, 2),  # the clocks of New York change at its end
    date(2026, 3, 23),  # those of Berlin
    date(2026, 10, 19),
    date(2026, 12, 28),  # ISO week 53
)
TABLES: Final = (
    "unit", "unit_signal", "unit_trace", "exception_case", "case_episode", "audit", "attempt",
    "currency_rate", "reporting_currency", "kpi_objective", "kpi_target", "kpi_baseline", "log", "span",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("reckoned"))
    yield store
    store.close()


def edges(monday: date, zone: str) -> list[datetime]:
    """Return the edges of two weeks before a Monday, its own and the one after."""
    days = [monday + timedelta(days=7 * n) for n in range(-2, 3)]
    walls = [datetime.combine(day, time(), ZoneInfo(zone)) for day in days]
    return [wall.astimezone(UTC).replace(tzinfo=None) for wall in walls]


@st.composite
def settings_of_flows(draw: st.DrawFn, of: list[datetime]) -> Tables:
    """Draw what people set: rates, objectives, targets and a baseline."""
    at = of[0] - timedelta(days=90)
    who: dict[str, Any] = {"actor": "ann", "set_at": at}
    rates = draw(st.lists(st.tuples(
        st.sampled_from(("USD", "JPY")), st.integers(-9, 28), st.sampled_from((0.5, 0.91, 0.006, 1.25)),
    ), max_size=6, unique_by=lambda one: one[:2]))  # fmt: skip
    day = of[1].date()
    aims_of = st.lists(
        st.tuples(
            st.sampled_from((None, "orders", "claims")),
            st.integers(0, 40),
            st.sampled_from((None, 5, 20, 60)),
        ),
        max_size=4,
        unique_by=lambda one: one[:2],
    )
    return {
        "currency_rate": [
            {"currency": name, "against": "EUR", "rate": rate, "valid_from": day + timedelta(days=n), **who}
            for name, n, rate in rates
        ],
        "reporting_currency": [{"currency": "EUR", **who}] if draw(st.booleans()) else [],
        "kpi_objective": [
            {"kpi": "K14", "flow": flow, "bound": bound and bound * 3600.0, "actor": "ann",
             "set_at": of[0] + timedelta(days=days, hours=1)}
            for flow, days, bound in draw(aims_of)
        ],
        "kpi_target": [
            {"kpi": "K15", "flow": flow, "target": bound and float(bound), "actor": "ann",
             "set_at": of[0] + timedelta(days=days, hours=1)}
            for flow, days, bound in draw(aims_of)
        ],
        "kpi_baseline": [{"flow": None, "name": "before", "starts_at": of[0], "ends_at": of[2], **who}],
    }  # fmt: skip


worlds: Final = given(
    seeds=st.lists(st.integers(0, 2**40), max_size=40),
    monday=st.sampled_from(MONDAYS),
    zone=st.sampled_from(ZONES),
    flow=st.sampled_from((None, None, "orders")),
    split=st.integers(0, 20),
    data=st.data(),
)


@pytest.mark.timeout(3600)  # a world that fails shrinks for minutes
@settings(max_examples=8, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@worlds
def test_every_figure_is_that_of_a_second_computation(store: Store, **drawn: Any) -> None:
    """The same worlds each time: what is new in a world is for the long run below."""
    compare_world(store, **drawn)


@pytest.mark.integration
@pytest.mark.timeout(3600)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@worlds
def test_every_figure_of_many_other_worlds_too(store: Store, **drawn: Any) -> None:
    compare_world(store, **drawn)


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seeds=st.lists(st.integers(0, 2**40), min_size=1, max_size=30),
    monday=st.sampled_from(MONDAYS),
    flow=st.sampled_from((None, None, "orders")),
    split=st.integers(0, 20),
    data=st.data(),
)
def test_figures_of_records_and_of_ends_are_those_of_a_second_computation(  # noqa: PLR0917 - the same
    store: Store, seeds: list[int], monday: date, flow: str | None, split: int, data: st.DataObject
) -> None:
    """The ends of flows that fail for a while: in a world of orders hardly three failures are close."""
    of = edges(monday, "UTC")
    tables = arrivals.records(seeds, of) | arrivals.ends(seeds, of) | data.draw(settings_of_flows(of))
    of_all = {"kpi": "K15", "flow": None, "target": 20.0, "actor": "ann", "set_at": of[0]}
    tables["kpi_target"] = [*tables["kpi_target"], of_all]
    compare_tables(store, tables, of, Asked([], flow, None, "UTC"), split, ("K25", "K28"))


def compare_world(  # noqa: PLR0917 - what Hypothesis draws
    store: Store, seeds: list[int], monday: date, zone: str, flow: str | None, split: int, data: st.DataObject
) -> None:
    of = edges(monday, zone)
    made = world.tables(seeds, of, split) | arrivals.records(seeds, of)
    made["exception_case"] = made.get("exception_case", []) + arrivals.approvals(made, split)
    tables = made | data.draw(settings_of_flows(of))
    compare_tables(store, tables, of, Asked([], flow, None, zone), split, FIGURES)


def compare_tables(  # noqa: PLR0917 - what a test asks
    store: Store, tables: Tables, of: list[datetime], wanted: Asked, split: int, names: Iterable[str]
) -> None:
    """Compare figures of the week and the one before, as a whole and by one of their splits."""
    fill(store, tables)
    reckoned, reading = frames.Store(tables), store.everything()
    flow, zone = wanted.flow, wanted.zone
    periods = [Period(of[2], of[3], zone), Period(of[1], of[2], zone)]
    for name in names:
        splits = definition(name).splits
        for by in (None, splits[split % len(splits)]):
            asked = replace(wanted, periods=[(of[2], of[3]), (of[1], of[2])], by=by)
            compare(
                f"{name} by {by}", found(reading, name, periods, flow, by), FIGURES[name](reckoned, asked)
            )
        total, _ = rows(reading, name, periods[0].start, periods[0].end, flow, 1)
        assert total == found(reading, name, periods, flow, None).get((0, ""), {"n": 0})["n"], name


def fill(store: Store, tables: Tables) -> None:
    """Make a store hold these rows, and no others."""
    for name in TABLES:
        store.act(lambda tx, name=name: tx.execute(f"delete from {name}")).result()  # noqa: S608 - names of ours
    written = Rows(store)
    for name, given_rows in tables.items():
        for row in given_rows:
            written._insert(name, row)
    written.write()


def found(reading: Reading, name: str, periods: list[Period], flow: str | None, by: str | None) -> Figures:
    """Return what the product counts, by period and part of a split."""
    counted = counted_by(reading, definition(name), periods, flow, by)
    return {
        (one.period - 1, one.key or ""): {
            "value": one.value, "n": one.n, "in_flight": one.in_flight, "currency": one.currency,
            **one.details,
        }
        for one in counted
    }  # fmt: skip


def compare(name: str, given_figures: Figures, wanted: Figures) -> None:
    """Compare each column that the second computation knows; a part without anything may be left out."""
    for place in {*given_figures, *wanted}:
        got, want = given_figures.get(place, {}), wanted.get(place, {})
        if not any(one.get("n") or one.get("in_flight") for one in (got, want)):
            continue
        assert got, f"{name} {place}: nothing, not {want}"
        assert want, f"{name} {place}: {got}, not nothing"
        for column, value in want.items():
            assert same(got.get(column), value), (
                f"{name} {place} {column}: {got.get(column)}, not {value}\n{got}\n{want}"
            )


def same(got: Any, want: Any) -> bool:
    if want is None or got is None or isinstance(want, str):
        return bool(got == want)
    if isinstance(want, Decimal):
        return abs(Decimal(got) - want) <= Decimal("0.01")
    return bool(got == pytest.approx(want, abs=1e-3))


def test_the_second_computation_knows_each_figure() -> None:
    assert set(definitions()) == set(FIGURES)
