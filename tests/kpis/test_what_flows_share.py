"""What the second computation (`test_reckoned.py`) found wrong, each as the smallest store that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kpis.periods import Period
from kpis.scoreboard import kpi
from tests.kpis.tables import START, WEEK, at

if TYPE_CHECKING:
    from tests.kpis.tables import Tables

BEFORE = Period(START - timedelta(days=7), START)


def test_a_unit_carries_the_value_that_any_of_its_flows_names(tables: Tables) -> None:
    tables.unit("SO-1", failed=1)
    tables.unit("SO-1", flow="invoices", value="70 EUR")
    tables.case("open", "SO-1", opened=1)
    tables.unit("SO-2", done=5)
    tables.unit("SO-2", flow="invoices", done=5, value="30 EUR")
    tables.case("proven", "SO-2", opened=1, recovered=5)
    tables.unit("SO-3", failed=1)
    tables.unit("SO-3", flow="invoices", value="9 EUR")
    tables.case("lost", "SO-3", opened=1, resolved=5, resolution_code="written_off")
    values = [kpi(tables.reading, name, WEEK).value for name in ("K8", "K9", "K10")]
    assert values == [70, 30, 9]


def test_what_only_needs_a_look_holds_no_money_up(tables: Tables) -> None:
    tables.unit("SO-1", done=5, value="70 EUR")
    tables.case("proven", "SO-1", opened=1, recovered=5)
    tables.case("look", "SO-1", opened=2, note="needs a look")
    tables.unit("SO-2", done=5, value="30 EUR")
    tables.case("looked", "SO-2", opened=1, recovered=5, note="needs a look")
    one = kpi(tables.reading, "K9", WEEK)
    assert (one.value, one.n, one.in_flight) == (70, 1, 0)


def test_a_split_knows_what_another_flow_of_the_unit_states(tables: Tables) -> None:
    routings = [{"stated_at": at(1), "mode": "manual"}, {"stated_at": at(2), "mode": "auto"}]
    tables.unit("SO-1", done=5, routings=routings)
    tables.unit("SO-1", flow="invoices", segment="big")
    tables.attempt("SO-1", "ship", 1, "data")
    tables.attempt("SO-1", "ship", 2, attempt=2)
    for name in ("K2", "K5"):
        parts = kpi(tables.reading, name, WEEK, by="segment").breakdown
        assert [(part.key, part.n) for part in parts] == [("big", 1)], name


def test_an_exception_that_expires_later_was_waiting_for_its_triage_before(tables: Tables) -> None:
    due = {"triage_due_at": at(20), "due_at": at(40)}
    tables.case("expired", "SO-1", opened=-1, resolved=10, state="expired", **due)
    assert kpi(tables.reading, "K17", BEFORE).in_flight == 1
    assert (kpi(tables.reading, "K17", WEEK).n, kpi(tables.reading, "K17", WEEK).in_flight) == (0, 0)


def test_a_success_without_a_tenant_completes_no_unit_of_a_tenant_that_shares_its_id(tables: Tables) -> None:
    """Also where the unit without a tenant ended long before the period."""
    tables.unit("SO-1", opened=-900, done=-800)
    tables.unit("SO-1", opened=1, tenant="acme")
    tables.case("other", "SO-1", opened=2, tenant="acme", flow="invoices")
    tables.unit("SO-1", opened=2, failed=2, tenant="acme", flow="invoices")
    one = kpi(tables.reading, "K19", WEEK, flow="orders")
    assert (one.n, one.in_flight) == (0, 1)


def test_an_end_that_was_taken_back_does_not_say_who_ended_a_unit(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=5, tenant="acme")
    for change in (1, -1):
        tables._insert("unit_signal", {
            "trace_id": "gone", "record_id": 99, "correlation_id": "SO-1", "flow": "orders", "tenant": "acme",
            "time": at(3), "outcome": "success", "part": "shop", "final": True, "continues": False,
            "change": change, "recorded_at": at(3),
        })  # fmt: skip
    assert kpi(tables.reading, "K43", WEEK).details["who"] == 0


def test_a_rate_is_that_of_the_day_in_the_business_zone(tables: Tables) -> None:
    """Tuesday, 23:30 UTC is Wednesday in Berlin."""
    for rate, day in ((0.5, "2026-03-03"), (0.8, "2026-03-04")):
        row = {"currency": "USD", "against": "EUR", "rate": rate, "valid_from": day, "actor": "ann"}
        tables._insert("currency_rate", {**row, "set_at": at(0)})
    tables._insert("reporting_currency", {"currency": "EUR", "actor": "ann", "set_at": at(0)})
    tables.unit("SO-1", opened=1, done=47.5, value="100 USD")
    tables.case("proven", "SO-1", opened=2, recovered=47.5)
    berlin = replace(WEEK, zone="Europe/Berlin")
    assert [kpi(tables.reading, "K9", one).value for one in (WEEK, berlin)] == [50, 80]
