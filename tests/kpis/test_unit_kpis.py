"""K1, K7, K19, K20: figures over units, computed by hand from tables small enough to read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cases.lifecycle import RESOLUTION_CODES, VERIFIABLE
from kpis import display
from kpis.periods import Period, week
from kpis.scoreboard import kpi, rows, shape_of_work
from tests.kpis.tables import START, WEEK, Tables, at

if TYPE_CHECKING:
    from kpis.figure import Kpi


def of(tables: Tables, kpi_id: str, **more: Any) -> Kpi:
    return kpi(tables.reading, kpi_id, WEEK, **more)


# --- which units count, and when -----------------------------------------------------------------


def test_a_unit_belongs_to_the_period_of_its_end_not_of_its_start(tables: Tables) -> None:
    tables.unit("before", opened=-30, done=-1)
    tables.unit("started before, ended within", opened=-30, done=1)
    tables.unit("ends after", opened=1, done=168.1)
    assert of(tables, "K20").n == 1
    assert of(tables, "K20").previous_n == 1


@pytest.mark.parametrize("kpi_id", ["K1", "K7", "K19", "K20"])
def test_the_period_is_half_open(tables: Tables, kpi_id: str) -> None:
    tables.unit("at the start", opened=-1, done=0)
    tables.unit("at the end", opened=1, done=168)
    assert of(tables, kpi_id).n == 1
    after = Period(WEEK.end, WEEK.end + timedelta(days=7))
    assert kpi(tables.reading, kpi_id, after).n == 1


@pytest.mark.parametrize("kpi_id", ["K1", "K7", "K19", "K20"])
def test_units_in_flight_are_in_no_rate_and_shown_beside_it(tables: Tables, kpi_id: str) -> None:
    tables.unit("done", done=1)
    tables.unit("running", opened=2)
    tables.unit("ended after the period", opened=3, done=200)
    tables.unit("not yet started", opened=169)
    figure = of(tables, kpi_id)
    assert (figure.n, figure.in_flight) == (1, 2)


def test_one_correlation_id_in_two_flows_is_one_unit_and_one_in_each_flow(tables: Tables) -> None:
    tables.unit("SO-1", done=1)
    tables.unit("SO-1", done=2, flow="invoices")
    assert of(tables, "K20").n == 1
    assert of(tables, "K20", flow="invoices").n == 1
    assert {part.key: part.n for part in of(tables, "K20", by="flow").breakdown} == {
        "invoices": 1,
        "orders": 1,
    }


def test_over_flows_a_unit_failed_where_it_failed_in_any_and_completed_where_it_did_in_all(
    tables: Tables,
) -> None:
    for name, done, failed in (("both", 2, None), ("one failed", None, 2), ("one runs", None, None)):
        tables.unit(name, done=1)
        tables.unit(name, done=done, failed=failed, flow="invoices")
    tables.unit("next week", opened=1, done=1)
    tables.unit("next week", opened=1, done=170, flow="invoices")
    figure = of(tables, "K19")
    assert (figure.value, figure.n, figure.in_flight) == (50.0, 2, 2)
    assert figure.details == {"succeeded": 1, "failed": 1}
    after = kpi(tables.reading, "K19", Period(WEEK.end, WEEK.end + timedelta(days=7)))
    assert (after.value, after.n, after.in_flight) == (100.0, 1, 1)


def test_the_same_number_of_two_tenants_is_two_units(tables: Tables) -> None:
    tables.unit("SO-1", done=1, tenant="acme")
    tables.unit("SO-1", failed=1, tenant="globex")
    figure = of(tables, "K19")
    assert (figure.value, figure.n) == (50.0, 2)


def test_a_unit_takes_its_segment_from_the_other_flows_of_its_id(tables: Tables) -> None:
    tables.unit("SO-1", done=1, segment="big")
    tables.unit("SO-1", done=2, flow="invoices")
    tables.unit("SO-2", done=2, flow="invoices")
    tables.unit("SO-1", done=3, flow="invoices", tenant="globex")
    for more in ({}, {"flow": "invoices"}):
        parts = of(tables, "K20", by="segment", **more).breakdown
        assert {part.key: part.n for part in parts} == {"not set": 2, "big": 1}
    segments = {
        (row["correlation_id"], row["tenant"]): row["segment"]
        for row in rows(tables.reading, "K20", START, WEEK.end, "invoices")[1]
    }
    assert segments == {("SO-1", None): "big", ("SO-2", None): None, ("SO-1", "globex"): None}


# --- K19 success rate ----------------------------------------------------------------------------


def test_the_last_signal_decides_between_success_and_failure(tables: Tables) -> None:
    tables.unit("clean", done=1)
    tables.unit("failed, then recovered", failed=1, done=2)
    tables.unit("succeeded, then failed", done=1, failed=2)
    tables.unit("failed", failed=1)
    figure = of(tables, "K19")
    assert (figure.value, figure.n) == (50.0, 4)
    assert figure.details == {"succeeded": 2, "failed": 2}


def test_a_failure_recovered_later_counts_in_both_periods_by_its_state_in_each(tables: Tables) -> None:
    tables.unit("failed last week, recovered this", opened=-10, failed=-9, done=5)
    figure = of(tables, "K19")
    assert (figure.value, figure.n) == (100.0, 1)
    assert (figure.previous, figure.previous_n) == (0.0, 1)  # it had failed, and that stays


def test_with_nothing_finished_there_is_no_rate(tables: Tables) -> None:
    tables.unit("running")
    figure = of(tables, "K19")
    assert figure.value is None
    assert (figure.n, figure.in_flight) == (0, 1)


# --- K1 touchless rate ---------------------------------------------------------------------------


TOUCHES = ("retried", "edited", "decided", "fixed_outside")
NO_TOUCHES = ("claimed", "renewed", "released", "noted", "snoozed", "assigned", "merged", "retry_cancelled")


@pytest.mark.parametrize(
    ("verb", "details", "touched"),
    [
        *((verb, None, True) for verb in TOUCHES),
        *((verb, None, False) for verb in NO_TOUCHES),
        *(("resolved", {"code": code}, code in VERIFIABLE) for code in RESOLUTION_CODES),
    ],
)
def test_only_acts_that_change_what_becomes_of_a_unit_touch_it(
    tables: Tables, verb: str, details: dict[str, str] | None, *, touched: bool
) -> None:
    tables.unit("clean", done=1)
    tables.unit("stuck", done=1)
    tables.case("C1", "stuck", recovered=1)
    tables.act("C1", verb, details=details and json.dumps(details))
    figure = of(tables, "K1")
    assert (figure.value, figure.n) == (50.0 if touched else 100.0, 2)
    assert figure.details == {"touchless": 2 - touched, "assisted": int(touched), "outside_is_seen": False}
    (bar, *_) = shape_of_work(tables.reading, START, WEEK.end, "day")
    assert (bar.units["touchless"], bar.units["assisted"]) == (2 - touched, int(touched))
    acts = {
        row["correlation_id"]: row["human_acts"] for row in rows(tables.reading, "K1", START, WEEK.end)[1]
    }
    assert acts == {"clean": 0, "stuck": int(touched)}


def test_a_step_that_a_person_carried_out_is_a_touch(tables: Tables) -> None:
    tables.unit("clean", done=2)
    tables.unit("signed by hand", done=2, human_at=at(1))
    figure = of(tables, "K1")
    assert (figure.value, figure.details["outside_is_seen"]) == (50.0, True)
    assert "not seen" not in display.note(figure)
    assert not of(tables, "K1", flow="invoices").details.get("outside_is_seen")


def test_without_a_record_of_peoples_steps_the_figure_says_that_they_are_not_seen(tables: Tables) -> None:
    tables.unit("clean", done=2)
    assert display.note(of(tables, "K1")) == "0 assisted by people · work outside is not seen"


def test_a_touch_of_a_merged_exception_counts_for_the_one_that_stays(tables: Tables) -> None:
    tables.unit("SO-1", done=2)
    tables.case("C1", "SO-1", recovered=2)
    tables.merged("C2", "C1")
    tables.act("C2", "retried")
    assert of(tables, "K1").value == 0.0


def test_acts_of_the_system_and_of_services_are_no_touch(tables: Tables) -> None:
    tables.unit("self-healed", done=1)
    tables.case("C1", "self-healed", recovered=1)
    tables.act("C1", "opened", kind="system")
    tables.act("C1", "retried", kind="service")
    assert of(tables, "K1").value == 100.0


def test_what_a_person_asked_for_and_was_not_allowed_is_no_touch(tables: Tables) -> None:
    tables.unit("automatic", opened=0, done=2)
    tables.case("C1", "automatic", opened=1, recovered=2)
    for record in ("intent", "decision"):
        tables.act("C1", "retried", record=record)
    assert of(tables, "K1").value == 100
    assert rows(tables.reading, "K1", START, WEEK.end)[1][0]["human_acts"] == 0


def test_a_unit_with_two_touched_exceptions_counts_once(tables: Tables) -> None:
    tables.unit("clean", done=1)
    tables.unit("twice stuck", done=1)
    for case in ("C1", "C2"):
        tables.case(case, "twice stuck", recovered=1)
        tables.act(case, "retried")
        tables.act(case, "fixed_outside")
    figure = of(tables, "K1")
    assert (figure.value, figure.n) == (50.0, 2)


def test_a_touch_in_another_flow_does_not_touch_this_one(tables: Tables) -> None:
    tables.unit("SO-1", done=1)
    tables.unit("SO-1", done=1, flow="invoices")
    tables.case("C1", "SO-1", recovered=1, flow="invoices")
    tables.act("C1", "retried")
    assert of(tables, "K1", flow="orders").value == 100.0
    assert of(tables, "K1", flow="invoices").value == 0.0


def test_failed_units_are_not_in_the_touchless_rate(tables: Tables) -> None:
    tables.unit("clean", done=1)
    tables.unit("failed", failed=1)
    figure = of(tables, "K1")
    assert (figure.value, figure.n, figure.in_flight) == (100.0, 1, 0)


# --- K7 errors per 1,000 -------------------------------------------------------------------------


def test_a_unit_with_any_error_counts_once_even_if_it_succeeded(tables: Tables) -> None:
    tables.unit("clean", done=1)
    tables.unit("retried by itself", done=1, failed_attempts=3)
    tables.unit("logged an error, then succeeded", failed=1, done=2, errors=5)
    tables.unit("stuck twice", done=3)
    tables.case("C1", "stuck twice", recovered=3)
    tables.case("C2", "stuck twice", recovered=3)
    figure = of(tables, "K7")
    assert (figure.value, figure.n) == (750.0, 4)
    assert figure.details == {"with_error": 3, "exceptions_per_1000": 500.0}


def test_classes_share_the_base_and_add_up_to_the_headline(tables: Tables) -> None:
    for n in range(6):
        tables.unit(f"clean {n}", done=1)
    tables.unit("by exception", done=1, failed_attempts=1)
    tables.attempt("by exception", "ship", 0.5, "infrastructure")
    tables.case("C1", "by exception", opened=0, recovered=1, **{"class": "data"})
    tables.case("C2", "by exception", opened=0.6, recovered=1, **{"class": "business"})
    tables.unit("by attempt", done=1, failed_attempts=2)
    tables.attempt("by attempt", "price", 0.2, "data")
    tables.attempt("by attempt", "ship", 0.5, "infrastructure")
    tables.unit("nobody knows", failed=1)
    tables.unit("second business", failed=1)
    tables.case("C3", "second business", opened=1, **{"class": "business"})
    figure = of(tables, "K7", by="class")
    assert {part.key: (part.value, part.n) for part in figure.breakdown} == {
        "business": (200.0, 2),
        "infrastructure": (100.0, 1),
        "unknown": (100.0, 1),
        "none": (0.0, 6),
    }
    assert sum(part.value for part in figure.breakdown) == figure.value == 400.0
    assert sum(part.n for part in figure.breakdown) == figure.n == 10


# --- K20 throughput ------------------------------------------------------------------------------


def test_throughput_counts_completed_units_and_knows_the_busiest_hour(tables: Tables) -> None:
    for n, hour in enumerate((1.1, 1.9, 2.0, 2.1, 2.5, 50)):
        tables.unit(f"U{n}", done=hour)
    tables.unit("failed", failed=2.2)
    figure = of(tables, "K20")
    assert (figure.value, figure.n) == (6.0, 6)
    assert figure.details["peak_per_hour"] == 3


@pytest.mark.parametrize(("zone", "peak"), [("UTC", 2), ("Europe/Berlin", 2), ("Asia/Kolkata", 3)])
def test_the_busiest_hour_is_one_of_the_business_zone(tables: Tables, zone: str, peak: int) -> None:
    """14:20, 14:40, 15:05 and 15:20 UTC: the last three are in one clock hour of Kolkata."""
    for n, hour in enumerate((14.33, 14.67, 15.08, 15.33)):
        tables.unit(f"U{n}", done=hour)
    period = Period(WEEK.start, WEEK.end, zone)
    assert kpi(tables.reading, "K20", period).details["peak_per_hour"] == peak


def test_an_hour_that_the_clock_shows_twice_is_two(tables: Tables) -> None:
    tables.unit("first 02:30", opened=5_687, done=5_688.5)  # 25 October, 00:30 UTC
    tables.unit("second 02:30", opened=5_687, done=5_689.5)
    period = week("2026-W43", "Europe/Berlin")
    assert kpi(tables.reading, "K20", period).details["peak_per_hour"] == 1


@pytest.mark.parametrize(("kpi_id", "n"), [("K1", 0), ("K7", 1), ("K19", 1), ("K20", 0)])
def test_with_failed_units_only_counts_are_noughts_not_nothing(tables: Tables, kpi_id: str, n: int) -> None:
    tables.unit("failed", failed=1)
    figure = of(tables, kpi_id)
    assert (figure.n, figure.in_flight) == (n, 0)
    assert None not in figure.details.values()


# --- the rows behind the figure ------------------------------------------------------------------


def test_rows_tell_which_of_them_are_counted(tables: Tables) -> None:
    tables.unit("clean", done=1)
    tables.unit("assisted", done=2)
    tables.case("C1", "assisted", recovered=2)
    tables.act("C1", "retried")
    tables.unit("failed", failed=3)
    total, found = rows(tables.reading, "K1", START, WEEK.end)
    assert total == 2
    assert [(row["correlation_id"], row["counted"], row["human_acts"]) for row in found] == [
        ("assisted", False, 1),
        ("clean", True, 0),
    ]
    assert rows(tables.reading, "K1", START, WEEK.end, only_counted=True)[0] == 1
    assert [row["outcome"] for row in rows(tables.reading, "K19", START, WEEK.end)[1]] == [
        "failed",
        "succeeded",
        "succeeded",
    ]


def test_a_page_behind_the_last_row_still_knows_the_total(tables: Tables) -> None:
    for n in range(3):
        tables.unit(f"U{n}", done=n)
    assert len(rows(tables.reading, "K20", START, WEEK.end, limit=2, offset=2)[1]) == 1
    assert rows(tables.reading, "K20", START, WEEK.end, limit=2, offset=10) == (3, [])
