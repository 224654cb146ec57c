"""K5, K10, K11, K23, K25, K40, K43: retries, losses, people's work and data, computed by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from data.clock import micros
from data.store import Reading
from kpis.figure import Part
from kpis.periods import Period
from kpis.scoreboard import kpi, rows
from tests.kpis.tables import START, WEEK, Tables, at
from tests.telemetry import batch, log

if TYPE_CHECKING:
    from kpis.figure import Kpi

HOUR = 3600
NEXT = Period(WEEK.end, WEEK.end + timedelta(days=7))


def of(tables: Tables, kpi_id: str, period: Period = WEEK, **more: Any) -> Kpi:
    found = kpi(tables.reading, kpi_id, period, **more)
    total, page = rows(tables.reading, kpi_id, period.start, period.end, limit=1_000)
    if not more.get("flow"):
        assert total == len(page) == found.n
    return found


def tried(tables: Tables, unit: str, step: str, *errors: str | None, start: float = 1, **more: Any) -> None:
    """Write the attempts of a step, six minutes each, the last one after the others."""
    for number, error in enumerate(errors, 1):
        began = at(start + (number - 1) / 10)
        tables.attempt(
            unit, step, start + number / 10, error, attempt=number, started_at=began, **more
        )  # fmt: skip


# --- K11 first-time-right ------------------------------------------------------------------------


def test_right_the_first_time_is_what_nothing_failed_in_and_nobody_touched(tables: Tables) -> None:
    """Of five completed units: 2 clean, 1 with a failed attempt, 1 with an exception, 1 touched: 40 %."""
    tables.unit("clean", done=10)
    tables.unit("late error", done=10)
    tables.case("C0", "late error", opened=11, note="needs a look")
    tables.unit("tried twice", done=10, failed_attempts=1)
    tables.unit("was stuck", done=10)
    tables.case("C1", "was stuck", opened=1, recovered=10)
    tables.unit("by hand", done=10, human_at=at(9))
    tables.unit("failed", failed=10)
    tables.unit("running", opened=10)
    figure = of(tables, "K11")
    assert (figure.value, figure.n, figure.in_flight) == (40.0, 5, 1)
    assert (figure.details["with_error"], figure.details["only_touched"]) == (2, 1)
    found = rows(tables.reading, "K11", START, WEEK.end, only_counted=True)
    assert {row["correlation_id"] for row in found[1]} == {"clean", "late error"}


def test_a_unit_that_fails_again_later_comes_back_in_that_week_and_not_before(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=10)
    before = of(tables, "K11")
    tables.signal("SO-1", at(200), "failed")
    tables._insert("case_episode", {
        "case_id": "C1", "episode": 1, "change": "opened", "time": at(200), "rule": "2",
        "recorded_at": at(200),
    })  # fmt: skip
    tables.case("C1", "SO-1", opened=200)
    assert of(tables, "K11") == before
    assert (before.value, before.n) == (100.0, 1)
    after = of(tables, "K11", NEXT)
    assert (after.n, after.details["came_back"]) == (0, 1)


# --- K23 manual intervention rate ----------------------------------------------------------------


def test_only_touches_between_a_failure_and_its_end_are_interventions(tables: Tables) -> None:
    """Of four completed units two were touched because of an exception: by an act, and outside."""
    tables.unit("by an act", done=10)
    tables.case("C1", "by an act", opened=1, recovered=10)
    tables.act("C1", "retried", time=at(5))
    tables.unit("outside", done=10, human_at=at(5))
    tables.case("C2", "outside", opened=1, recovered=10)
    tables.unit("always by hand", done=10, human_at=at(5))
    tables.unit("recovered by itself", done=10, human_at=at(0.5))
    tables.case("C3", "recovered by itself", opened=1, recovered=10)
    tables.act("C3", "retried", kind="service", time=at(5))
    figure = of(tables, "K23")
    assert (figure.value, figure.n, figure.details["intervened"]) == (50.0, 4, 2)
    assert kpi(tables.reading, "K1", WEEK).details["assisted"] == 4
    found = rows(tables.reading, "K23", START, WEEK.end)[1]
    assert [(row["correlation_id"], row["counted"]) for row in found][:2] == [
        ("by an act", True),
        ("outside", True),
    ]


def test_an_intervention_after_the_end_of_the_unit_is_none(tables: Tables) -> None:
    tables.unit("SO-1", done=10)
    tables.case("C1", "SO-1", opened=11)
    tables.act("C1", "retried", time=at(12))
    assert (of(tables, "K23").n, of(tables, "K19").n) == (0, 1)


# --- K40 retry success rate, K5 retries ----------------------------------------------------------


def test_retried_units_count_once_apart_by_who_asked(tables: Tables) -> None:
    """Automatic: 2 of 3 succeed; asked for: 1 of 2. Together 3 of 5, 60 %."""
    for n, error in enumerate((None, None, "infrastructure")):
        end = {"done": 9} if error is None else {"failed": 9}
        tables.unit(f"A{n}", opened=1, **end)
        tried(tables, f"A{n}", "pay", "infrastructure", "infrastructure", error)
    for n, error in enumerate((None, "business")):
        end = {"done": 9} if error is None else {"failed": 9}
        tables.unit(f"P{n}", opened=1, **end)
        tried(tables, f"P{n}", "pay", "business")
        tables.attempt(f"P{n}", "pay", 8, error, attempt=2, retry_id=f"R{n}")
    tables.unit("once", opened=1, done=9)
    tried(tables, "once", "pay", None)
    tables.unit("running", opened=1)
    tried(tables, "running", "pay", "infrastructure", None)
    figure = of(tables, "K40")
    assert (figure.value, figure.n, figure.in_flight) == (60.0, 5, 1)
    assert (figure.details["automatic"], figure.details["automatic_n"]) == (pytest.approx(200 / 3), 3)
    assert (figure.details["people"], figure.details["people_n"]) == (50.0, 2)


def test_retries_show_which_step_takes_most_of_them(tables: Tables) -> None:
    """Pay: 2 + 1 retries of six minutes; ship: 1, after a business error. 4 in all, 24 minutes."""
    tables.unit("U1", opened=1, done=9, segment="big")
    tables.unit("U2", opened=1, done=9, segment="small")
    tried(tables, "U1", "pay", "infrastructure", "infrastructure", None, dependency="gateway")
    tried(tables, "U2", "pay", "infrastructure", None, dependency="gateway")
    tried(tables, "U2", "ship", "business", "business", start=5)
    tried(tables, "U2", "ship", None, start=170)
    figure = of(tables, "K5", by="step")
    assert (figure.value, figure.n) == (4.0, 4)
    assert figure.details["top_step"] == "orders / pay"
    assert (figure.details["wasted"], figure.details["by_people"]) == (1, 0)
    assert figure.details["total_seconds"] == pytest.approx(0.4 * HOUR)
    assert figure.breakdown == [Part("orders / pay", 3.0, 3), Part("orders / ship", 1.0, 1)]
    by_dependency = of(tables, "K5", by="dependency").breakdown
    assert by_dependency == [Part("gateway", 3.0, 3), Part("not set", 1.0, 1)]
    assert of(tables, "K5", by="class").breakdown == [
        Part("infrastructure", 3.0, 3),
        Part("business", 1.0, 1),
    ]
    assert of(tables, "K5", by="segment").breakdown == [Part("small", 2.0, 2), Part("big", 2.0, 2)][::-1]


def test_where_two_tenants_have_the_same_id_a_retry_is_that_of_its_trace(tables: Tables) -> None:
    for tenant in ("acme", "globex"):
        tables.unit("SO-1", opened=1, done=9, tenant=tenant)
        tables._insert("unit_trace", {
            "correlation_id": "SO-1", "flow": "orders", "tenant": tenant, "trace_id": f"of {tenant}",
            "first_seen": at(1), "last_seen": at(9), "joined": False,
        })  # fmt: skip
    tried(tables, "SO-1", "pay", "infrastructure", None, trace_id="of acme")
    assert of(tables, "K5", by="tenant").breakdown == [Part("acme", 1.0, 1)]
    assert of(tables, "K40", by="tenant").breakdown == [Part("acme", 100.0, 1)]


# --- K10 value lost ------------------------------------------------------------------------------


def test_what_was_written_off_is_lost_once_and_what_was_proven_is_recovered(tables: Tables) -> None:
    """Lost 100 and 50, recovered 450: 450 of 600, 75 %. Before the week 20 were lost."""
    tables.case("C1", "U1", resolved=5, value="100 EUR", resolution_code="written_off")
    tables.case("C2", "U1", resolved=4, value="80 EUR", resolution_code="written_off", step="pay")
    tables.unit("U2", failed=1, value="50 EUR")
    tables.case("C3", "U2", resolved=5, resolution_code="written_off")
    tables.case("C4", "U3", recovered=5, value="450 EUR")
    tables.case("C5", "U4", resolved=5, value="7 EUR", resolution_code="duplicate")
    tables.case("C6", "U5", opened=-9, resolved=-5, value="20 EUR", resolution_code="written_off")
    tables.case("C7", "U6", resolved=5, resolution_code="written_off", **{"class": "business"})
    figure = of(tables, "K10", by="class")
    assert (figure.value, figure.unit, figure.n, figure.previous) == (Decimal(150), "EUR", 3, Decimal(20))
    assert (figure.details["recovered"], figure.details["recovery_rate"]) == (450, 75.0)
    assert figure.details["coverage"] == pytest.approx(200 / 3)
    assert figure.breakdown == [Part("infrastructure", Decimal(150), 2), Part("business", Decimal(0), 1)]
    assert kpi(tables.reading, "K9", WEEK).value == 450


def test_a_unit_that_is_still_stuck_is_at_risk_and_not_lost(tables: Tables) -> None:
    tables.case("C1", "U1", resolved=5, value="100 EUR", resolution_code="written_off")
    tables.case("C2", "U1", value="100 EUR", step="pay")
    assert (of(tables, "K10").n, of(tables, "K10").in_flight) == (0, 1)
    assert kpi(tables.reading, "K8", WEEK).value == 100


def test_a_unit_is_lost_in_one_week_only(tables: Tables) -> None:
    tables.case("C1", "U1", resolved=5, value="10 EUR", resolution_code="written_off")
    tables.case(
        "C2", "U1", opened=170, resolved=180, value="10 EUR", resolution_code="written_off", step="pay"
    )
    assert [of(tables, "K10", period).n for period in (WEEK, NEXT)] == [1, 0]


def test_with_nothing_lost_all_was_recovered(tables: Tables) -> None:
    tables.case("C1", "U1", recovered=5, value="10 EUR")
    figure = of(tables, "K10")
    assert (figure.value, figure.n, figure.unit, figure.details["recovery_rate"]) == (0, 0, "EUR", 100.0)


# --- K25 data latency ----------------------------------------------------------------------------


def test_data_latency_counts_records_by_their_arrival(tables: Tables) -> None:
    """Seconds of 20 records: 18 within 10, one 300, one 300.5: 19 of 20 in time, p95 is the 19th: 300."""
    base = (START.replace(tzinfo=None) - at(0)).total_seconds()
    assert base == 0
    offset = micros(START + timedelta(hours=20))
    for n, seconds in enumerate([*range(-7, 11), 300, 300.5]):
        arrived = offset + int(seconds * 1_000_000)
        record = log(0, f"n {n}", source="slow" if seconds > 10 else "quick")
        tables.store.append(batch({**record, "time": offset, "ingested_at": arrived})).result()
    figure = of(tables, "K25", by="source")
    assert (figure.value, figure.n, figure.details["late"], figure.details["p95"]) == (95.0, 20, 1, 300)
    assert figure.breakdown == [Part("quick", 100.0, 18), Part("slow", 50.0, 2)]
    (slowest, *_) = rows(tables.reading, "K25", START, WEEK.end)[1]
    assert (slowest["seconds"], slowest["counted"]) == (300.5, False)


def test_a_record_that_arrives_late_counts_in_the_week_of_its_arrival(tables: Tables) -> None:
    happened = micros(START + timedelta(hours=20))
    before = of(tables, "K25")
    late = {**log(0), "time": happened, "ingested_at": happened + 200 * 3_600_000_000}
    tables.store.append(batch(late)).result()
    assert of(tables, "K25") == before
    assert (of(tables, "K25", NEXT).value, of(tables, "K25", NEXT).n) == (0.0, 1)


# --- K43 audit completeness ----------------------------------------------------------------------


def test_a_unit_is_complete_if_all_four_questions_have_an_answer(tables: Tables) -> None:
    """Of four units: one is complete, one has no step, one no value, one an exception that expired: 25 %."""
    for name, more in (
        ("complete", {"value": "1 EUR"}),
        ("no step", {"segment": "big"}),
        ("no value", {}),
        ("expired", {"value": "1 EUR"}),
    ):
        tables.unit(name, opened=1, done=9, **more)
        if name != "no step":
            tried(tables, name, "pay", None)
    tables.case("C1", "complete", opened=1, resolved=2, resolution_code="duplicate")
    tables.case("C2", "expired", opened=1, resolved=2, state="expired")
    tables.store.act(lambda tx: tx.execute("update unit_signal set part = 'shop'")).result()
    tables.unit("who?", opened=1, done=9, value="1 EUR")
    tried(tables, "who?", "pay", None)
    figure = of(tables, "K43")
    assert (figure.value, figure.n) == (20.0, 5)
    assert [figure.details[name] for name in ("who", "what", "steps", "why")] == [4, 4, 4, 4]
    found = rows(tables.reading, "K43", START, WEEK.end)[1]
    assert [row["correlation_id"] for row in found if row["counted"]] == ["complete"]


def test_what_is_known_only_after_the_end_is_no_answer(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=9, value="1 EUR")
    tables.store.act(lambda tx: tx.execute("update unit_signal set part = 'shop'")).result()
    tried(tables, "SO-1", "pay", None, start=10)
    assert of(tables, "K43").details["steps"] == 0


def complete(tables: Tables, name: str = "SO-1", **more: Any) -> None:
    """Write a unit of which everything is known."""
    tables.unit(name, opened=1, done=9, **{"value": "1 EUR", **more})
    tried(tables, name, "pay", None, flow=more.get("flow", "orders"))
    tables.store.act(lambda tx: tx.execute("update unit_signal set part = 'shop'")).result()


@pytest.mark.parametrize(
    ("decided", "code", "answers"),
    [
        (5, "approved", 1),
        (5, "rejected", 1),
        (5, "approved_outside", 1),
        (5, "rejected_outside", 1),
        (12, "approved", 1),  # the clock of the script was behind: decisions count up to the period's end
        (169, "approved", 0),
        (9, "unit_ended", 0),
        (5, "stopped_waiting", 0),
        (None, None, 0),
    ],
)
def test_an_approval_that_nobody_decided_is_a_missing_answer(
    tables: Tables, decided: float | None, code: str | None, answers: int
) -> None:
    complete(tables)
    approval = {"note": "approval", "class": "approval", "approval_id": "A"}
    tables.case("C1", "SO-1", opened=2, resolved=decided, resolution_code=code, **approval)
    tables.case("later", "SO-1", opened=20, **approval)
    tables.case("another", "SO-2", opened=2, **approval)
    tables.case("in invoices", "SO-1", opened=2, tenant="globex", **approval)
    figure = of(tables, "K43")
    assert (figure.details["approvals"], figure.value) == (answers, 100.0 * answers)
    assert [row["approvals"] for row in rows(tables.reading, "K43", START, WEEK.end)[1]] == [bool(answers)]


def test_a_flow_that_began_after_the_end_does_not_say_what_a_unit_carried(tables: Tables) -> None:
    """Whichever periods are asked for together, and whatever the later flow names."""
    complete(tables, value=None)
    tables.unit("SO-1", opened=200, flow="invoices", value="70 EUR", segment="big")
    assert of(tables, "K43").details["what"] == 0
    assert kpi(tables.reading, "K43", NEXT).previous == 0.0
    assert kpi(tables.reading, "K43", WEEK, flow="orders").details["what"] == 0
    complete(tables, "SO-2", value=None)
    tables.unit("SO-2", opened=5, done=6, flow="invoices", segment="big")
    assert of(tables, "K43").details["what"] == 1
    assert kpi(tables.reading, "K43", WEEK, flow="orders").details["what"] == 1


def test_a_flow_that_the_reader_may_not_see_answers_nothing(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=9, tenant="acme")
    for time, flow in ((8, "invoices"), (9, "orders")):
        tables.signal("SO-1", at(time), "success", flow, "acme")
    tables.unit("SO-1", opened=1, done=8, tenant="acme", flow="invoices")
    named = "update unit_signal set part = 'shop' where flow = 'invoices'"
    tables.store.act(lambda tx: tx.execute(named)).result()
    tried(tables, "SO-1", "pay", None, flow="invoices")
    everything = kpi(tables.reading, "K43", WEEK)
    assert (everything.details["who"], everything.details["steps"]) == (1, 1)
    orders = kpi(Reading(tables.store, ("acme\x1forders",)), "K43", WEEK)
    assert (orders.n, orders.details["who"], orders.details["steps"]) == (1, 0, 0)


def test_a_field_that_is_named_later_moves_a_unit_within_a_split_and_changes_no_whole(
    tables: Tables,
) -> None:
    """As docs/kpis.md states it: a unit has what any of its flows names today."""
    tables.unit("SO-1", opened=1, done=9)
    tables.case("C1", "SO-1", opened=2)
    before = [of(tables, name) for name in ("K1", "K20")]
    tables.unit("SO-1", opened=200, flow="invoices", value="70 EUR", segment="big")
    assert [of(tables, name) for name in ("K1", "K20")] == before
    assert [part.key for part in of(tables, "K20", by="segment").breakdown] in (["big"], [])
    assert of(tables, "K8").value == 70
