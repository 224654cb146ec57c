"""K3, K8, K9, K16: figures over exceptions, computed by hand from tables small enough to read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kpis.figure import Kpi, Part
from kpis.periods import Period
from kpis.scoreboard import kpi, rows, trend
from tests.kpis.tables import START, WEEK, Tables, at

HOUR = 3600


def of(tables: Tables, kpi_id: str, **more: Any) -> Kpi:
    return kpi(tables.reading, kpi_id, WEEK, **more)


@pytest.mark.parametrize("kpi_id", ["K3", "K9"])
def test_the_period_is_half_open(tables: Tables, kpi_id: str) -> None:
    tables.case("at the start", "U1", opened=-1, recovered=0)
    tables.case("at the end", "U2", opened=1, recovered=168)
    assert of(tables, kpi_id).n == 1
    after = Period(WEEK.end, WEEK.end + timedelta(days=7))
    assert kpi(tables.reading, kpi_id, after).n == 1


# --- K3 median time to resolve -------------------------------------------------------------------


def test_time_to_resolve_is_the_median_of_what_ended_in_the_period(tables: Tables) -> None:
    for n, hours in enumerate((1, 2, 3, 4, 10)):
        tables.case(f"C{n}", f"U{n}", opened=10, resolved=10 + hours)
    tables.case("ended before", "U9", opened=-20, resolved=-1)
    figure = of(tables, "K3")
    assert (figure.value, figure.n) == (3 * HOUR, 5)
    assert figure.details["p90"] == pytest.approx(7.6 * HOUR)  # 4 + 0.6 * (10 - 4)
    assert figure.previous == 19 * HOUR


def test_a_recovery_ends_at_the_proof_not_when_it_was_noticed(tables: Tables) -> None:
    tables.case("C1", "U1", opened=0, recovered=2)
    assert of(tables, "K3").value == 2 * HOUR


def test_open_exceptions_are_in_flight_and_pull_the_second_median_up(tables: Tables) -> None:
    """Kaplan-Meier by hand.

    Ages at the end: ended after 1, 2 and 4 hours; open since 3, 100 and 168 hours.
    S(1) = 5/6, S(2) = 5/6 * 4/5 = 2/3, S(4) = 2/3 * 2/3 = 4/9: the median is 4 hours.
    """
    for n, hours in enumerate((1, 2, 4)):
        tables.case(f"C{n}", f"U{n}", opened=10, resolved=10 + hours)
    for n, age in enumerate((3, 100, 168)):
        tables.case(f"O{n}", f"V{n}", opened=168 - age)
    figure = of(tables, "K3")
    assert (figure.value, figure.n, figure.in_flight) == (2 * HOUR, 3, 3)
    assert figure.details["median_with_open"] == 4 * HOUR


def test_an_exact_half_is_reached(tables: Tables) -> None:
    """S(1) = 3/4, S(2) = 3/4 * 2/3 = 1/2."""
    for n, hours in enumerate((1, 2)):
        tables.case(f"C{n}", f"U{n}", opened=10, resolved=10 + hours)
    for n in range(2):
        tables.case(f"O{n}", f"V{n}", opened=20)
    assert of(tables, "K3").details["median_with_open"] == 2 * HOUR


def test_while_most_are_open_there_is_no_second_median(tables: Tables) -> None:
    tables.case("C1", "U1", opened=10, resolved=11)
    for n in range(3):
        tables.case(f"O{n}", f"V{n}", opened=20)
    figure = of(tables, "K3")
    assert figure.value == HOUR
    assert figure.details["median_with_open"] is None


def test_what_ended_after_the_period_was_open_at_its_end(tables: Tables) -> None:
    tables.case("C1", "U1", opened=10, resolved=11)
    tables.case("C2", "U2", opened=167, resolved=300)
    figure = of(tables, "K3")
    assert (figure.n, figure.in_flight) == (1, 1)


def test_a_reopened_exception_keeps_its_start(tables: Tables) -> None:
    tables.case(
        "C1", "U1", opened=10, resolved=40, last_seen=START.replace(tzinfo=None) + timedelta(hours=39)
    )
    assert of(tables, "K3").value == 30 * HOUR


# --- K8 value at risk ----------------------------------------------------------------------------


def test_a_unit_with_two_open_exceptions_is_at_risk_once_with_the_higher_value(tables: Tables) -> None:
    tables.case("C1", "U1", value="100 EUR")
    tables.case("C2", "U1", value="120.50 EUR", step="pay", **{"class": "business"})
    figure = of(tables, "K8", by="class")
    assert (figure.value, figure.n, figure.unit) == (Decimal("120.50"), 1, "EUR")
    assert figure.breakdown == [Part("business", Decimal("120.50"), 1)]


def test_only_what_is_open_at_the_end_of_the_period_is_at_risk(tables: Tables) -> None:
    tables.case("open", "U1", value="1 EUR")
    tables.case("claimed", "U2", value="2 EUR", state="claimed")
    tables.case("verifying", "U3", value="4 EUR", state="verifying")
    tables.case("recovered", "U4", recovered=5, value="8 EUR")
    tables.case("resolved", "U5", resolved=5, value="16 EUR")
    tables.case("ended later", "U6", resolved=200, value="32 EUR")
    tables.case("opened later", "U7", opened=169, value="64 EUR")
    assert of(tables, "K8").value == 1 + 2 + 4 + 32


def test_currencies_are_never_added(tables: Tables) -> None:
    tables.case("C1", "U1", value="10 EUR")
    tables.case("C2", "U2", value="20 EUR")
    tables.case("C3", "U3", value="5000 USD")
    tables.case("C4", "U4")
    figure = of(tables, "K8")
    assert (figure.value, figure.unit, figure.n) == (5000, "USD", 4)
    assert figure.details["units_in_other_currencies"] == 2
    assert figure.details["coverage"] == 75.0
    assert figure.details["currencies"] == [
        {"currency": "EUR", "amount": 30, "n": 2},
        {"currency": "USD", "amount": 5000, "n": 1},
    ]


def test_the_currency_is_that_of_this_period_also_for_the_one_before(tables: Tables) -> None:
    for n in range(3):
        tables.case(f"old {n}", f"O{n}", opened=-50, resolved=1, value="7 USD")
    tables.case("new", "N1", value="10 EUR")
    tables.case("old, in euro", "O9", opened=-50, resolved=1, value="4 EUR")
    figure = of(tables, "K8")
    assert (figure.value, figure.previous, figure.unit) == (10, 4, "EUR")
    points = trend(tables.reading, "K8", WEEK.before.start, WEEK.end, 2)
    assert [point.value for point in points] == [4, 10]


def test_an_exception_without_a_value_takes_that_of_its_unit(tables: Tables) -> None:
    tables.unit("U1", failed=1, value="33 EUR")
    tables.case("C1", "U1")
    figure = of(tables, "K8")
    assert (figure.value, figure.details["coverage"]) == (33, 100.0)
    assert rows(tables.reading, "K8", START, WEEK.end)[1][0]["value_amount"] == 33


@pytest.mark.parametrize("kpi_id", ["K8", "K9"])
def test_a_row_of_money_counts_where_only_its_exception_has_a_value(tables: Tables, kpi_id: str) -> None:
    ended = {"recovered": 3} if kpi_id == "K9" else {}
    tables.unit("U1")
    tables.case("C1", "U1", opened=1, value="33 EUR", **ended)
    tables.unit("U2")
    tables.case("C2", "U2", opened=1, **ended)
    _, found = rows(tables.reading, kpi_id, START, WEEK.end)
    assert [(row["value_amount"], row["counted"]) for row in found] == [(33, True), (None, False)]


def test_ages_run_from_the_oldest_open_exception(tables: Tables) -> None:
    tables.case("young", "U1", opened=167.5, value="1 EUR")
    tables.case("2 h", "U2", opened=166, value="2 EUR")
    tables.case("4 h sharp", "U3", opened=164, value="4 EUR")
    tables.case("2 d", "U4", opened=120, value="8 EUR")
    tables.case("8 d", "U5", opened=-24, value="16 EUR")
    tables.case("young again", "U5", opened=167.9, value="17 EUR", step="pay")
    details = of(tables, "K8").details
    buckets = ["under_1h", "from_1h_to_4h", "from_4h_to_24h", "from_1d_to_7d", "over_7d"]
    assert [details[name] for name in buckets] == [1, 2, 4, 8, 17]


def test_with_nothing_open_nothing_is_at_risk(tables: Tables) -> None:
    figure = of(tables, "K8")
    assert (figure.value, figure.n, figure.unit) == (0, 0, "money")


# --- K9 value recovered --------------------------------------------------------------------------


def test_only_proven_recoveries_count_in_the_period_of_the_proof(tables: Tables) -> None:
    tables.case("proven", "U1", recovered=5, value="10 EUR")
    tables.case("proven before", "U2", opened=-9, recovered=-5, value="20 EUR")
    tables.case("step ran, no proof", "U3", value="40 EUR", state="verifying")
    tables.case("closed by hand", "U4", resolved=5, value="80 EUR")
    figure = of(tables, "K9")
    assert (figure.value, figure.n, figure.in_flight) == (10, 1, 1)
    assert figure.previous == 20


def test_a_unit_with_two_recovered_exceptions_is_recovered_once(tables: Tables) -> None:
    tables.case("C1", "U1", recovered=5, value="10 EUR")
    tables.case("C2", "U1", recovered=6, value="12 EUR", step="pay")
    figure = of(tables, "K9")
    assert (figure.value, figure.n) == (12, 1)


def test_a_unit_is_never_both_at_risk_and_recovered(tables: Tables) -> None:
    tables.case("C1", "U1", recovered=5, value="10 EUR")
    tables.case("C2", "U1", opened=6, value="10 EUR", step="pay")
    assert (of(tables, "K9").n, of(tables, "K9").in_flight) == (0, 1)
    assert of(tables, "K8").value == 10


def test_a_unit_counts_in_one_period_only_that_of_its_last_recovery(tables: Tables) -> None:
    tables.case("C1", "U1", opened=1, recovered=5, value="10 EUR")
    tables.case("C2", "U1", opened=6, recovered=200, value="10 EUR", step="pay")
    after = Period(WEEK.end, WEEK.end + timedelta(days=7))
    assert of(tables, "K9").n == 0
    assert kpi(tables.reading, "K9", after).n == 1


def test_a_unit_whose_last_exception_was_closed_by_hand_is_not_recovered(tables: Tables) -> None:
    tables.case("C1", "U1", opened=1, recovered=5, value="10 EUR")
    tables.case("C2", "U1", opened=6, resolved=7, value="10 EUR", step="pay")
    assert (of(tables, "K9").n, of(tables, "K9").in_flight) == (0, 0)


def test_automatic_recoveries_and_those_by_people_are_separate(tables: Tables) -> None:
    # A claim alone, and a retry that a service asked for, are not by people.
    tables.case("C1", "U1", recovered=5, value="1 EUR", recovered_by="retry", first_claimed_at=at(1))
    tables.case("C2", "U2", recovered=5, value="2 EUR", recovered_by="retry", people=3)
    tables.case("C3", "U3", recovered=5, value="4 EUR", recovered_by="person", people=3)
    tables.case("C4", "U4", recovered=4, value="8 EUR")
    tables.case("C5", "U4", recovered=5, value="8 EUR", recovered_by="retry", people=4, step="pay")
    figure = of(tables, "K9", by="recovered_by")
    assert figure.value == 15
    assert (figure.details["automatic"], figure.details["automatic_n"]) == (1, 1)
    assert (figure.details["people"], figure.details["people_n"]) == (14, 3)
    assert figure.breakdown == [
        Part("people", 14, 3),
        Part("automatic", 1, 1),
    ]


def test_a_person_s_step_in_another_flow_of_the_unit_makes_its_recovery_one_by_people(tables: Tables) -> None:
    tables.unit("U1", flow="orders", opened=0, done=5)
    tables.unit("U1", flow="invoices", opened=0, done=6, human_at=at(3))
    tables.case("C1", "U1", opened=1, recovered=5, value="10 EUR", flow="orders")
    assert of(tables, "K9").details["people"] == 10
    assert of(tables, "K9", by="recovered_by").breakdown == [Part("people", 10, 1)]
    # Within one flow it counts what happened there.
    assert kpi(tables.reading, "K9", WEEK, flow="orders").details["automatic"] == 10


@pytest.mark.parametrize("names", [("A", "B"), ("B", "A")])
def test_of_two_exceptions_that_end_in_one_moment_a_proven_one_is_enough(
    tables: Tables, names: tuple[str, str]
) -> None:
    proven, closed = names
    for name in sorted(names):
        how = {"recovered": 5} if name == proven else {"resolved": 5}
        tables.case(name, "U1", opened=1, value="10 EUR", step=name, **how)
    assert closed != proven
    assert (of(tables, "K9").value, of(tables, "K9").n) == (10, 1)


def test_what_was_resolved_as_repaired_is_recovered_once_a_success_verified_it(tables: Tables) -> None:
    tables.case("verified", "U1", resolved=4, verified=30, people=4, value="1 EUR")
    tables.case("not yet", "U2", resolved=4, people=4, value="2 EUR")
    figure = of(tables, "K9")
    assert (figure.value, figure.n, figure.details["people_n"]) == (1, 1, 1)
    (row,) = rows(tables.reading, "K9", START, WEEK.end)[1]
    assert (row["recovered_by"], row["closed_at"]) == ("people", START + timedelta(hours=30))
    # When it was resolved stays its end for every other figure.
    assert of(tables, "K3").value == 4 * 3600
    closed = [row["closed_at"] for row in rows(tables.reading, "K3", START, WEEK.end)[1]]
    assert closed == [START + timedelta(hours=4)] * 2
    assert of(tables, "K16").n == of(tables, "K8").n == 0


def test_recovered_currencies_are_never_added(tables: Tables) -> None:
    tables.case("C1", "U1", recovered=5, value="1 EUR")
    tables.case("C2", "U2", recovered=5, value="2 EUR")
    tables.case("C3", "U3", recovered=5, value="900 GBP")
    tables.case("C4", "U4", recovered=5)
    figure = of(tables, "K9")
    assert (figure.value, figure.unit, figure.details["coverage"]) == (900, "GBP", 75.0)
    assert figure.details["units_in_other_currencies"] == 2


def test_the_currency_with_most_value_is_shown_not_the_one_with_most_units(tables: Tables) -> None:
    for n in range(3):
        tables.case(f"C{n}", f"U{n}", value="1 HUF")
    tables.case("C9", "U9", value="2000000 EUR")
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (2_000_000, "EUR")


def test_among_currencies_without_a_rate_most_units_decide(tables: Tables) -> None:
    tables.case("C1", "U1", value="900 XAA")
    for n in range(2, 4):
        tables.case(f"C{n}", f"U{n}", value="1 XBB")
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (2, "XBB")


@pytest.mark.parametrize("kpi_id", ["K8", "K9"])
def test_of_two_currencies_the_greater_value_speaks_for_the_unit(tables: Tables, kpi_id: str) -> None:
    """5,000 JPY are some 30 EUR."""
    ended = {"recovered": 3} if kpi_id == "K9" else {}
    tables.case("C1", "U1", value="5000 JPY", **ended)
    tables.case("C2", "U1", value="900 EUR", step="pay", **ended)
    tables.case("C3", "U2", value="5000 XAA", **ended)
    tables.case("C4", "U2", value="1 EUR", step="pay", **ended)
    figure = of(tables, kpi_id)
    assert (figure.value, figure.unit, figure.n) == (901, "EUR", 2)
    found = rows(tables.reading, kpi_id, START, WEEK.end)[1]
    assert [(row["case_id"], row["value_currency"]) for row in found] == [("C2", "EUR"), ("C4", "EUR")]


@pytest.mark.parametrize("kpi_id", ["K8", "K9"])
def test_an_order_that_is_stuck_in_two_flows_counts_its_money_once(tables: Tables, kpi_id: str) -> None:
    ended = {"recovered": 3} if kpi_id == "K9" else {}
    tables.case("C1", "SO-1", value="100 EUR", **ended)
    tables.case("C2", "SO-1", value="100 EUR", flow="invoices", **ended)
    tables.case("C3", "SO-1", value="100 EUR", flow="invoices", tenant="globex", **ended)
    assert (of(tables, kpi_id).value, of(tables, kpi_id).n) == (200, 2)
    assert of(tables, kpi_id, flow="orders").value == 100
    by_flow = of(tables, kpi_id, by="flow").breakdown
    assert {part.key: part.value for part in by_flow} == {"orders": 100, "invoices": 200}


@pytest.mark.parametrize("kpi_id", ["K8", "K9"])
def test_without_any_value_nothing_is_known_and_no_currency_is_named(tables: Tables, kpi_id: str) -> None:
    tables.case("C1", "U1", recovered=5)
    tables.case("C2", "U2")
    figure = of(tables, kpi_id)
    assert (figure.value, figure.n, figure.unit) == (0, 1, "money")
    assert (figure.details["coverage"], figure.details["units_in_other_currencies"]) == (0.0, 0)


# --- K16 open backlog ----------------------------------------------------------------------------


def test_the_backlog_is_what_was_open_at_the_end(tables: Tables) -> None:
    tables.case("old", "U1", opened=-300)
    tables.case("this week", "U2", opened=100, state="claimed")
    tables.case("came and went", "U3", opened=1, recovered=2)
    tables.case("old, went", "U4", opened=-10, resolved=3)
    tables.case("ended later", "U5", opened=167.5, resolved=170)
    tables.case("not yet", "U6", opened=168)
    tables.case("long gone", "U7", opened=-900, resolved=-800)
    figure = of(tables, "K16", by="flow")
    assert (figure.value, figure.n, figure.previous) == (3.0, 3, 2.0)
    details = figure.details
    assert (details["inflow"], details["outflow"]) == (3, 2)
    assert (details["under_1h"], details["from_1d_to_7d"], details["over_7d"]) == (1, 1, 1)
    assert details["backlog_days"] == pytest.approx(3 / (2 / 28))
    assert figure.breakdown == [Part("orders", 3.0, 3)]


def test_ages_of_the_backlog_add_up_to_it(tables: Tables) -> None:
    for n, age in enumerate((0.5, 1, 3.9, 4, 23, 24, 167, 168, 400)):
        tables.case(f"C{n}", f"U{n}", opened=168 - age)
    figure = of(tables, "K16")
    buckets = ["under_1h", "from_1h_to_4h", "from_4h_to_24h", "from_1d_to_7d", "over_7d"]
    assert [figure.details[name] for name in buckets] == [1, 2, 2, 2, 2]
    assert figure.n == 9


def test_with_nothing_ended_there_are_no_backlog_days(tables: Tables) -> None:
    tables.case("C1", "U1")
    assert of(tables, "K16").details["backlog_days"] is None


def test_what_expired_is_counted_apart(tables: Tables) -> None:
    tables.case("expired", "U1", opened=1, resolved=100, state="expired")
    tables.case("resolved", "U2", opened=1, resolved=3)
    tables.case("recovered", "U3", opened=1, recovered=3)
    details = of(tables, "K16").details
    assert (of(tables, "K16").n, details["outflow"], details["expired"]) == (0, 2, 1)
    figure = of(tables, "K3")
    assert (figure.value, figure.n, figure.in_flight) == (2 * HOUR, 2, 0)
    assert of(tables, "K9").n == 1
    assert of(tables, "K8").n == 0
