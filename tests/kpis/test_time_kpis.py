"""K4, K6, K18, K22: how long claims, units and people's work took, computed by hand from small tables."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kpis.figure import Part
from kpis.periods import Period
from kpis.scoreboard import kpi, rows
from tests.kpis.tables import START, WEEK, Tables, at

if TYPE_CHECKING:
    from kpis.figure import Kpi

HOUR, MINUTE = 3600, 60
NEXT = Period(WEEK.end, WEEK.end + timedelta(days=7))


def of(tables: Tables, kpi_id: str, period: Period = WEEK, **more: Any) -> Kpi:
    found = kpi(tables.reading, kpi_id, period, **more)
    assert rows(tables.reading, kpi_id, period.start, period.end)[0] == found.n
    return found


def acts(tables: Tables, case: str, *entries: tuple[float, str, str], kind: str = "human") -> None:
    """Write entries of the audit: minutes after the start of the week, verb, and the state after it."""
    for minutes, verb, state in entries:
        tables.act(case, verb, kind=kind, time=at(minutes / 60), to_state=state)


# --- K4 time to claim ----------------------------------------------------------------------------


def test_the_time_to_claim_is_the_median_of_the_first_claims(tables: Tables) -> None:
    """Claimed after 10, 30 and 80 minutes: median 30. A second claim and a service's retry change nothing."""
    for n, minutes in enumerate((10, 30, 80)):
        tables.case(f"C{n}", f"U{n}", opened=1)
        acts(tables, f"C{n}", (60 + minutes, "claimed", "claimed"), (200, "released", "open"))
        acts(tables, f"C{n}", (300, "claimed", "claimed"))
    tables.case("by a service", "U9", opened=1)
    acts(tables, "by a service", (61, "retried", "retrying"), kind="service")
    figure = of(tables, "K4", by="class")
    assert (figure.value, figure.n, figure.in_flight) == (30 * MINUTE, 3, 1)
    assert figure.details["p90"] == pytest.approx(70 * MINUTE)  # 30 + 0.8 * (80 - 30)
    assert figure.breakdown == [Part("infrastructure", 30 * MINUTE, 3)]


def test_what_nobody_claimed_pulls_the_second_median_up(tables: Tables) -> None:
    """Claimed after 1 and 2 hours; unclaimed: open since 3 hours, and recovered by itself after 1.5 hours.

    S(1) = 3/4, at 2 hours two are left: S(2) = 3/4 * 1/2 = 3/8. The median is 2 hours.
    """
    for n in (1, 2):
        tables.case(f"C{n}", f"U{n}", opened=1)
        acts(tables, f"C{n}", (60 + 60 * n, "claimed", "claimed"))
    tables.case("open", "U3", opened=165)
    tables.case("by itself", "U4", opened=10, recovered=11.5)
    figure = of(tables, "K4")
    assert (figure.value, figure.n, figure.in_flight) == (1.5 * HOUR, 2, 1)
    assert figure.details["median_with_open"] == 2 * HOUR


def test_a_later_claim_changes_no_earlier_week(tables: Tables) -> None:
    tables.case("C1", "U1", opened=160)
    before = of(tables, "K4")
    acts(tables, "C1", (170 * 60, "claimed", "claimed"))
    assert of(tables, "K4") == before
    assert (before.n, before.in_flight) == (0, 1)
    assert (of(tables, "K4", NEXT).value, of(tables, "K4", NEXT).n) == (10 * HOUR, 1)


def test_a_reopened_exception_is_claimed_again(tables: Tables) -> None:
    """Opened at 1, claimed at 2, recovered at 3; failed again at 20 and claimed at 25: 1 and 5 hours."""
    tables.case("C1", "U1", opened=1, state="open", episodes=2)
    for episode, change, hours in ((1, "opened", 1), (1, "closed", 3), (2, "opened", 20)):
        tables._insert("case_episode", {
            "case_id": "C1", "episode": episode, "change": change, "time": at(hours), "rule": "2",
            "how": "recovered" if change == "closed" else None, "recorded_at": at(hours),
        })  # fmt: skip
    acts(tables, "C1", (120, "claimed", "claimed"), (25 * 60, "fixed_outside", "verifying"))
    figure = of(tables, "K4")
    assert (figure.value, figure.n) == (3 * HOUR, 2)
    found = rows(tables.reading, "K4", START, WEEK.end)[1]
    assert [(row["episode"], row["seconds"]) for row in found] == [(2, 5 * HOUR), (1, HOUR)]


# --- K6 time to fulfil ---------------------------------------------------------------------------


def test_time_to_fulfil_is_the_median_of_what_succeeded_by_segment(tables: Tables) -> None:
    """Big: 1, 2, 6 hours; small: 10 hours. Median of all 4 hours; p90 = 6 + 0.7 * (10 - 6) = 8.8."""
    for n, hours in enumerate((1, 2, 6)):
        tables.unit(f"U{n}", opened=10, done=10 + hours, segment="big")
    tables.unit("U3", opened=10, done=20, segment="small")
    tables.unit("failed", opened=10, failed=11, segment="big")
    tables.unit("running", opened=100, segment="big")
    figure = of(tables, "K6", by="segment")
    assert (figure.value, figure.n, figure.in_flight) == (4 * HOUR, 4, 1)
    assert figure.details["p90"] == pytest.approx(8.8 * HOUR)
    assert figure.breakdown == [Part("big", 2 * HOUR, 3), Part("small", 10 * HOUR, 1)]


def test_a_unit_over_two_flows_took_from_its_first_record_to_its_last_success(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=3)
    tables.unit("SO-1", opened=2, done=9, flow="invoices")
    figure = of(tables, "K6")
    assert (figure.value, figure.n) == (8 * HOUR, 1)
    assert kpi(tables.reading, "K6", WEEK, flow="orders").value == 2 * HOUR


# --- K18 handling time, K22 manual intervention time ---------------------------------------------


def test_handling_is_the_time_under_a_claim_without_idle_time(tables: Tables) -> None:
    """By hand.

    C1: claimed at 60, renewed at 66 (6 min), retried at 70 (4 min); the retry runs: 10 min.
    C2: claimed at 60, resolved at 90: 10 of 30 min. C3: claimed at 60, given back at 62: 2 min, still open.
    """
    tables.case("C1", "U1", opened=0.5, recovered=1.5)
    acts(tables, "C1", (60, "claimed", "claimed"), (66, "renewed", "claimed"), (70, "retried", "retrying"))
    acts(tables, "C1", (75, "verifying", "verifying"), (90, "recovered", "recovered"), kind="system")
    tables.case("C2", "U2", opened=0.5, resolved=1.5)
    acts(tables, "C2", (60, "claimed", "claimed"), (90, "resolved", "resolved"))
    tables.case("C3", "U3", opened=0.5)
    acts(tables, "C3", (60, "claimed", "claimed"), (62, "released", "open"))
    tables.case("nobody", "U4", opened=0.5, recovered=1.5)
    figure = of(tables, "K18")
    assert (figure.value, figure.n, figure.in_flight) == (10 * MINUTE, 2, 1)
    assert figure.details["total_seconds"] == 20 * MINUTE
    worked = of(tables, "K22", by="flow")
    assert (worked.value, worked.n) == (22 * MINUTE, 3)
    assert worked.breakdown == [Part("orders", 22 * MINUTE, 3)]


def test_work_is_cut_at_the_edge_of_the_period_and_handling_counts_at_the_end(tables: Tables) -> None:
    """Claimed five minutes before the week ends, resolved five minutes after: 5 minutes in each."""
    tables.case("C1", "U1", opened=160, resolved=168 + 1 / 12)
    edge = 168 * 60
    acts(tables, "C1", (edge - 5, "claimed", "claimed"), (edge + 5, "resolved", "resolved"))
    assert [of(tables, "K22", period).value for period in (WEEK, NEXT)] == [5 * MINUTE, 5 * MINUTE]
    assert (of(tables, "K18").n, of(tables, "K18").in_flight) == (0, 1)
    assert (of(tables, "K18", NEXT).value, of(tables, "K18", NEXT).n) == (10 * MINUTE, 1)


def test_what_people_did_for_a_merged_exception_counts_for_the_one_that_stays(tables: Tables) -> None:
    tables.case("C1", "U1", opened=0.5, resolved=2)
    tables.merged("C0", into="C1")
    acts(tables, "C0", (60, "claimed", "claimed"), (63, "merged", "open"))
    assert of(tables, "K18").value == 3 * MINUTE
    assert of(tables, "K4").value == 30 * MINUTE


def test_expired_exceptions_are_no_row_of_the_median_time_to_resolve(tables: Tables) -> None:
    tables.case("expired", "U1", opened=1, resolved=100, state="expired")
    tables.case("resolved", "U2", opened=1, resolved=3)
    assert of(tables, "K3").n == 1
