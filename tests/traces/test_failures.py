"""Which records describe one failure: the table of semantics 2, and the rules around it, case by case."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traces.records import TRACE, block, log, span, step
from traces.failures import resolve
from traces.outcome import CLOSED_BY_SCRIPT, LOST_CONTACT, WENT_ON, Resolution

if TYPE_CHECKING:
    from traces.record import Record

BOOM = "ValueError: boom"


def expected(*records: Record) -> Resolution:
    """Resolve in every order of arrival, as long as that is not too many, and expect one answer."""
    orders = itertools.islice(itertools.permutations(records), 24)
    answers = [resolve(order)[1] for order in orders]
    assert all(answer.failures == answers[0].failures for answer in answers)
    assert all(set(answer.signals) == set(answers[0].signals) for answer in answers)
    return answers[0]


def failures(*records: Record) -> list[tuple[str, str]]:
    """Return unit and step of each failure that opens a case."""
    return [(f.unit.id, f.step) for f in expected(*records).failures if not f.settles]


def outcomes(*records: Record) -> dict[str, str]:
    """Return the outcome of each unit's latest signal."""
    return {s.unit.id: s.outcome for s in sorted(expected(*records).signals, key=lambda s: s.time)}


def test_a_failing_request_with_its_log_is_one_failure() -> None:
    server = span("POST /orders", kind="server", route="/orders", fails=BOOM)
    line = log("Exception on /orders [POST]", "POST /orders", fails=BOOM)
    assert failures(server, line) == [(TRACE, "/orders")]


def test_the_order_id_on_one_inner_span_names_the_unit_of_all() -> None:
    server = span("POST /orders", kind="server", route="/orders", fails=BOOM)
    inner = span("insert", "POST /orders", cid="SO-1")
    assert failures(server, inner, log("failed", "POST /orders", fails=BOOM)) == [("SO-1", "/orders")]


def test_a_failed_span_of_a_framework_is_dated_and_placed_by_the_block_around_it() -> None:
    """Its copy by the program's own exporter names no part, and has no place in the order of writing."""
    unit = block("unit orders", cid="SO-1", part="ship", fails=BOOM, outcome="failed", seq=6, service="shop")
    inner = span("POST /orders", "unit orders", kind="server", err=True, service="shop", instance="sdk")
    report = log("unit.failed", "unit orders", cid="SO-1", fails=BOOM, seq=5, instance="p1", service="shop")
    (failure,) = expected(unit, inner, report).failures
    assert (failure.unit.id, failure.part, failure.clock, failure.seq) == ("SO-1", "ship", "p1", 6)


def test_a_failure_in_a_called_service_is_one_case_at_the_innermost_step() -> None:
    records = (
        span("POST /orders", kind="server", route="/orders", service="shop", err=True),
        span("handler", "POST /orders", service="shop", fails="Error: stock answered 500"),
        span("POST", "handler", kind="client", service="shop", err=True, etype="500"),
        span("POST /stock", "POST", kind="server", route="/stock", service="stock", fails="Error: no rows"),
    )
    (failure,) = expected(*records[::-1]).failures
    assert failure.step == "/stock"
    assert {place[1:] for place in failure.affected} == {("/orders", "shop")}


def test_a_span_that_only_sends_the_failed_answer_adds_nothing() -> None:
    records = (
        span("POST /ship", kind="server", route="/ship", fails=BOOM),
        span("POST", "POST /ship", kind="client", at=1, fails=BOOM),
        span("http send", "POST /ship", at=2, err=True, http_status=500),
    )
    assert failures(*records) == [(TRACE, "/ship")]


def test_a_unit_whose_command_died_is_lost_contact() -> None:
    wrapper = {"run": "run-1", "outcome": "failed", "fails": "unsnag.CommandError: killed", "until": 9}
    records = (
        block("command", cid="job-1", **wrapper),
        step("python", "command", cid="job-1", **{**wrapper, "outcome": None}),
        log("unit.started", "never written", cid="SO-1", flow="orders", at=2, err=False, severity=9),
        log("unit.failed", "command", cid="job-1", at=9, fails="unsnag.CommandError: killed"),
    )
    (failure,) = expected(*records).failures
    assert (failure.unit.id, failure.note) == ("SO-1", LOST_CONTACT)


def test_an_error_that_its_root_survived_is_an_attempt() -> None:
    records = (
        span("GET /prices", kind="server", route="/prices"),
        span("GET cache", "GET /prices", kind="client", err=True, etype="404"),
    )
    assert failures(*records) == []


def test_an_error_log_under_a_root_that_ended_well_opens_a_case() -> None:
    assert failures(span("GET /", kind="server", route="/"), log("card refused", "GET /")) == [(TRACE, "/")]


def test_a_failed_span_waits_for_its_unit_root() -> None:
    (failure,) = expected(span("query", "not here yet", kind="client", fails=BOOM)).failures
    assert failure.settles


def test_three_orders_of_one_nightly_trace_are_three_failures() -> None:
    orders = [span(f"order {n}", "nightly", cid=f"SO-{n}", fails=BOOM) for n in (1, 2, 3)]
    assert sorted(unit for unit, _ in failures(span("nightly"), *orders)) == ["SO-1", "SO-2", "SO-3"]


def test_a_batch_that_dies_of_something_else_is_a_failure_of_its_own() -> None:
    records = (
        span("nightly", fails="OSError: disk full"),
        span("order 1", "nightly", cid="SO-1", fails=BOOM),
        span("order 2", "nightly", cid="SO-2"),
    )
    assert sorted(unit for unit, _ in failures(*records)) == sorted([TRACE, "SO-1"])


def test_an_exception_that_names_its_cause_is_the_same_failure() -> None:
    records = (
        span(
            "order", cid="SO-1", err=True, etype="OrderError", emsg="not placed", stack=f"{BOOM}\nOrderError"
        ),
        span("pay", "order", fails=BOOM),
    )
    assert len(failures(*records)) == 1


def test_an_ancestor_with_another_exception_is_a_failure_of_its_own() -> None:
    records = (span("order", cid="SO-1", fails="OSError: disk full"), span("pay", "order", fails=BOOM))
    assert len(failures(*records)) == 2


def test_tries_of_one_thing_are_one_failure_with_their_number() -> None:
    tries = [
        span("GET", "order", span=f"t{n}", kind="client", at=n, until=n + 0.5, fails=BOOM) for n in range(3)
    ]
    (failure,) = expected(span("order", cid="SO-1", err=True), *tries).failures
    assert failure.attempts == 3


def test_the_loop_around_a_unit_that_logs_the_exception_adds_nothing() -> None:
    records = (
        block("unit", cid="SO-1", outcome="failed", fails=BOOM),
        log("unit.failed", "unit", cid="SO-1", flow="orders", outcome="failed", fails=BOOM, ref="e1"),
        log("order failed", "unit", cid="SO-1", flow="orders", fails=BOOM, ref="e1"),
    )
    assert failures(*records) == [("SO-1", "")]


def test_a_block_that_logged_its_error_and_went_on_proves_nothing() -> None:
    records = (block("unit", cid="SO-1"), log("payment failed", "unit", fails=BOOM))
    assert outcomes(*records) == {"SO-1": "completed_with_errors"}
    assert [f.note for f in expected(*records).failures] == [WENT_ON]


def test_an_error_line_without_an_exception_needs_a_look() -> None:
    records = (block("unit", cid="SO-1"), log("stock is low", "unit"))
    assert outcomes(*records) == {"SO-1": "completed_unproven"}


def test_an_http_status_in_the_text_is_serious() -> None:
    records = (block("unit", cid="SO-1"), log("gateway answered HTTP 502", "unit"))
    assert outcomes(*records) == {"SO-1": "completed_with_errors"}


def test_a_later_try_of_the_step_makes_it_an_attempt() -> None:
    records = (
        block("unit", cid="SO-1", at=0, until=9),
        step("first", "unit", at=1, until=2, fails=BOOM),
        log("pay failed", "first", at=2, fails=BOOM),
        step("second", "unit", at=3, until=4),
    )
    assert outcomes(*records) == {"SO-1": "success"}
    assert failures(*records) == []


@pytest.mark.parametrize("library", ["tenacity.retry", "urllib3.connectionpool", "stamina", "backoff"])
def test_a_retry_library_that_tried_again_makes_it_an_attempt(library: str) -> None:
    records = (
        block("unit", cid="SO-1", at=0, until=9),
        log("pay failed", "unit", at=2, fails=BOOM),
        log("retrying in 1 s", "unit", at=3, err=False, severity=13, logger=library),
    )
    assert outcomes(*records) == {"SO-1": "success"}
    again = log("pay failed", "unit", at=5, fails=BOOM)
    assert outcomes(*records, again) == {"SO-1": "completed_with_errors"}


def test_what_the_script_says_itself_decides() -> None:
    records = (block("unit", cid="SO-1", verdict="ok"), log("pay failed", "unit", fails=BOOM))
    assert outcomes(*records) == {"SO-1": "success"}
    assert [f.note for f in expected(*records).failures] == [CLOSED_BY_SCRIPT]


def test_a_batch_is_not_partial_by_a_failure_that_its_own_block_closed() -> None:
    records = (
        block("batch", cid="B-1"),
        block("unit", "batch", cid="SO-1", verdict="ok"),
        log("pay failed", "unit", fails=BOOM),
    )
    assert outcomes(*records) == {"B-1": "success", "SO-1": "success"}


def test_a_later_block_does_not_close_the_failure_of_an_earlier_one() -> None:
    records = (
        block("first", cid="SO-1", outcome="failed", fails=BOOM, until=1),
        log("unit.failed", "first", cid="SO-1", outcome="failed", fails=BOOM, at=1),
        block("second", cid="SO-1", verdict="ok", at=2, until=3),
        log("print failed", "second", fails="OSError: no paper", at=2),
    )
    assert sorted(f.note or "" for f in expected(*records).failures) == ["", CLOSED_BY_SCRIPT]


def test_what_the_script_took_back_itself_is_closed() -> None:
    records = (
        block("unit", cid="SO-1", verdict="ok", outcome="progress"),
        log("unit.fail_taken_back", "unit", severity=13, outcome="failed", verdict="failed", emsg="no stock"),
    )
    assert [f.note for f in expected(*records).failures] == [CLOSED_BY_SCRIPT]
    assert outcomes(*records) == {"SO-1": "progress"}


def test_a_block_that_holds_failed_units_is_partial_and_has_no_case_of_its_own() -> None:
    records = (
        block("batch", cid="B-1"),
        block("unit", "batch", cid="SO-1", outcome="failed", fails=BOOM),
        log("unit.failed", "unit", cid="SO-1", outcome="failed", fails=BOOM),
    )
    assert outcomes(*records) == {"B-1": "partial", "SO-1": "failed"}
    assert [unit for unit, _ in failures(*records)] == ["SO-1"]


def test_a_partial_block_is_one_case_with_both_numbers() -> None:
    records = (
        block("batch", cid="B-1", outcome="partial", verdict="partial", partial_failed=3, partial_total=40),
    )
    assert outcomes(*records) == {"B-1": "partial"}
    assert [f.note for f in expected(*records).failures] == ["partial"]


def test_foreign_telemetry_that_ended_well_is_ended_and_no_success() -> None:
    assert outcomes(span("POST /orders", kind="server", cid="SO-1")) == {"SO-1": "ended"}


def test_the_span_that_sent_a_task_does_not_end_the_order_whose_block_is_open() -> None:
    sent = span("apply_async/tasks.ship", kind="producer")
    begun = {"cid": "SO-1", "flow": "orders", "err": False, "severity": 9, "at": 1}
    assert outcomes(sent, log("a line of another logger", "task", **begun)) == {"SO-1": "ended"}
    assert outcomes(sent, log("unit.started", "task", seq=1, **begun)) == {}
    ended = block("task", "apply_async/tasks.ship", cid="SO-1", until=5)
    assert outcomes(sent, log("unit.started", "task", seq=1, **begun), ended) == {"SO-1": "success"}


def test_two_lines_without_a_span_are_one_failure_within_five_seconds() -> None:
    alike = {"trace": None, "cid": "SO-1", "fails": BOOM}
    assert len(failures(log("a", at=0, **alike), log("b", at=5, **alike))) == 1
    assert len(failures(log("a", at=0, **alike), log("b", at=6, **alike))) == 2


def test_the_flow_of_a_trace_that_nobody_names_is_the_service_of_its_first_span() -> None:
    records = (span("a", service="shop", at=1), span("b", "a", service="stock", at=0, cid="SO-1", fails=BOOM))
    assert {f.unit.flow for f in expected(*records).failures} == {"shop"}


def test_parents_that_lead_in_a_circle_still_leave_a_failure() -> None:
    assert len(expected(span("a", "b", fails=BOOM), span("b", "a", fails=BOOM)).failures) == 1


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=4))
def test_repetition_changes_nothing(order: list[int], again: list[int]) -> None:
    records = (
        span("POST /orders", kind="server", route="/orders", fails=BOOM),
        span("handler", "POST /orders", fails=BOOM),
        log("failed", "handler", fails=BOOM),
        span("query", "handler", cid="SO-1", kind="client", err=True),
        log("retrying", "handler", err=False, severity=9, cid="SO-1"),
    )
    arrived = [records[place] for place in (*order, *again)]
    assert resolve(arrived)[1].failures == resolve(records)[1].failures


@pytest.mark.parametrize("kind", ["server", "consumer"])
def test_a_failed_request_of_a_caller_whose_spans_are_elsewhere_is_a_failure(kind: str) -> None:
    """Its parent is in another service, which may send to nobody: there is nothing to wait for."""
    entry = span("POST /stock", "span of another service", kind=kind, route="/stock", fails=BOOM)
    assert failures(entry) == [(TRACE, "/stock")]


def test_a_failed_span_that_names_its_unit_waits_for_no_parent_that_is_elsewhere() -> None:
    assert failures(span("charge", "span of another service", cid="SO-1", fails=BOOM)) == [("SO-1", "charge")]


def test_a_failed_inner_span_waits_for_a_parent_that_is_still_to_come() -> None:
    inner = span("insert", "span that comes later", fails=BOOM)
    assert failures(inner) == []
    assert [failure.settles for failure in expected(inner).failures] == [True]
