"""What becomes of cases when late records show where their failures belong."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases.commands import CancelRetry, Claim, RetryCase
from cases.errors import CaseNotFoundError, LeaseLostError
from cases.retries import Complete, lease_next
from tests import shown
from tests.gates import local_context
from tests.telemetry import TRACE, batch, failure, log, span, success

if TYPE_CHECKING:
    from data.store import Store

ANN = Actor("ann")
OTHER = "1" * 32


def all_cases(store: Store) -> list[dict[str, Any]]:
    return shown.cases(store)


def request(trace: str = TRACE, *, start: float = 0, **fields: Any) -> dict[str, Any]:
    """Return the span of a failed request."""
    own = {"kind": "server", "service": "shop", "status": "error", "error_type": "ValueError"}
    return span(start, start + 1, "POST /orders", trace_id=trace, exception_message="boom", **own, **fields)


def names_order(trace: str = TRACE) -> dict[str, Any]:
    """Return a late record of the trace that names its order."""
    return log(2, "order received", trace_id=trace, correlation_id="SO-1", service="shop")


def test_an_id_that_comes_late_moves_the_case_with_its_holder(store: Store) -> None:
    store.append(batch(request())).result()
    (before,) = all_cases(store)
    assert before["correlation_id"] == TRACE
    perform(Claim(before["id"]), local_context(store, ANN))
    store.append(batch(names_order())).result()
    (after,) = all_cases(store)
    assert (after["id"], after["correlation_id"], after["holder"]) == (before["id"], "SO-1", "ann")
    assert [act["verb"] for act in shown.case(store, after["id"])["acts"]][-1] == "rekeyed"


def test_two_cases_of_one_unit_and_step_become_one_and_both_addresses_lead_to_it(store: Store) -> None:
    store.append(batch(request(), names_order(), request(OTHER))).result()
    older, newer = sorted(all_cases(store), key=lambda case: case["correlation_id"] != "SO-1")
    store.append(batch(names_order(OTHER))).result()
    (stays,) = all_cases(store)
    assert (stays["correlation_id"], stays["occurrences"]) == ("SO-1", 2)
    for name in (older["id"], newer["id"]):
        assert shown.case(store, name)["id"] == stays["id"]


WORKER = Actor("service/w1", "service")


def running(store: Store) -> list[dict[str, Any]]:
    """Return the retries that wait or run, with the case that they belong to."""
    sql = "select id, case_id, state from retry where state in ('queued', 'leased')"
    return store.act(lambda tx: tx.execute(sql)).result()


def two_retries(store: Store) -> tuple[str, str]:
    """Ask for a retry of an order and of a run that turns out to be that order's; return their cases' ids."""
    store.append(batch(request(), names_order(), request(OTHER, start=10, run_id="nightly-7"))).result()
    ids = {case["correlation_id"]: case["id"] for case in all_cases(store)}
    lease_next(local_context(store, WORKER), None)
    for case_id in ids.values():
        perform(RetryCase(case_id), local_context(store, ANN))
    return ids["SO-1"], ids["nightly-7"]


@pytest.mark.parametrize("leased", [0, 1, 2])
def test_of_two_retries_of_cases_that_become_one_only_one_goes_on(store: Store, leased: int) -> None:
    stays, folded = two_retries(store)
    leases = [lease_next(local_context(store, WORKER), None) for _ in range(leased)]
    store.append(batch(names_order(OTHER))).result()
    (case,) = all_cases(store)
    (left,) = running(store)
    assert case["id"] == stays
    assert (left["case_id"], case["state"], case["retry_id"]) == (stays, "retrying", left["id"])
    outcome = {lease.case: _completes(store, lease.id) for lease in leases if lease}
    assert outcome == ({stays: True} | ({folded: False} if leased > 1 else {}) if leased else {})


def _completes(store: Store, lease_id: str) -> bool:
    try:
        perform(Complete(lease_id), local_context(store, WORKER))
    except LeaseLostError:
        return False
    return True


def test_the_only_retry_that_runs_goes_with_the_case_that_stays(store: Store) -> None:
    stays, folded = two_retries(store)
    perform(CancelRetry(stays), local_context(store, ANN))
    lease = lease_next(local_context(store, WORKER), None)
    assert lease is not None
    assert lease.case == folded
    store.append(batch(names_order(OTHER))).result()
    (case,) = all_cases(store)
    assert [row["case_id"] for row in running(store)] == [case["id"]]
    assert _completes(store, lease.id)


def test_a_withdrawn_case_leaves_no_retry_behind(store: Store) -> None:
    place = {"trace_id": TRACE, "span_id": "a" * 16, "correlation_id": "SO-1", "flow": "orders"}
    error = {"severity_number": 17, "severity": "error", "error_type": "ValueError"}
    store.append(batch(log(1, "pay failed", **place, **error))).result()
    (case,) = all_cases(store)
    lease_next(local_context(store, WORKER), None)
    perform(RetryCase(case["id"]), local_context(store, ANN))
    lease = lease_next(local_context(store, WORKER), None)
    assert lease is not None
    block = {"role": "unit", "outcome": "success", "verdict": "ok", "seq": 9, "instance": "p1"}
    store.append(batch(span(0, 3, "unit orders", **place, **block))).result()
    assert running(store) == []
    assert not _completes(store, lease.id)


def test_a_case_whose_failure_was_handled_is_withdrawn_and_says_so(store: Store) -> None:
    place = {"trace_id": TRACE, "span_id": "a" * 16, "correlation_id": "SO-1", "flow": "orders"}
    error = {"severity_number": 17, "severity": "error", "error_type": "ValueError"}
    store.append(batch(log(1, "pay failed", **place, **error))).result()
    (case,) = all_cases(store)
    block = {"role": "unit", "outcome": "success", "seq": 9, "instance": "p1"}
    again = log(2, "Retrying in 1 s", **place, logger="tenacity")
    store.append(batch(again, span(0, 3, "unit orders", **place, **block))).result()
    assert all_cases(store) == []
    with pytest.raises(CaseNotFoundError, match="was withdrawn"):
        shown.case(store, case["id"])


# --- value, severity and due time ------------------------------------------------------------------------


def valued(seconds: float, amount: str, flow: str = "order-to-cash", **fields: Any) -> dict[str, Any]:
    """Return a record of the unit that is no failure and names its value."""
    own = {"value_amount": Decimal(amount), "value_currency": "EUR", "service": "shop", **fields}
    return log(seconds, "order received", correlation_id="SO-1", flow=flow, **own)


def urgency(case: dict[str, Any]) -> tuple[Any, str, float]:
    return case["value"]["amount"], case["severity"], (case["due_at"] - case["opened_at"]).total_seconds()


@pytest.mark.parametrize("flow", ["order-to-cash", "billing"])
@pytest.mark.parametrize("is_first", [True, False])
def test_severity_and_due_time_follow_the_value_in_any_order(store: Store, flow: str, is_first: bool) -> None:  # noqa: FBT001
    rows = [failure(0), valued(5, "12000", flow)]
    for row in reversed(rows) if is_first else rows:
        store.append(batch(row)).result()
    (case,) = all_cases(store)
    assert urgency(case) == (Decimal(12000), "critical", 30 * 60)


def test_a_value_that_changes_changes_the_live_case_and_keeps_the_rest(store: Store) -> None:
    store.append(batch(failure(0), valued(1, "20"))).result()
    (case,) = all_cases(store)
    assert (case["severity"], case["version"]) == ("low", 1)
    perform(Claim(case["id"]), local_context(store, ANN))
    store.append(batch(valued(9, "2000", customer="C-7"))).result()
    (after,) = all_cases(store)
    assert urgency(after) == (Decimal(2000), "high", 2 * 3600)
    assert (after["holder"], after["customer"], after["occurrences"]) == ("ann", "C-7", 1)
    assert [act["verb"] for act in shown.case(store, case["id"])["acts"]][-1] == "updated"
    store.append(batch(valued(10, "2000", customer="C-7"))).result()
    assert all_cases(store)[0]["version"] == after["version"], "nothing new: nothing is written"


def test_a_case_that_has_ended_keeps_its_value(store: Store) -> None:
    store.append(batch(failure(0), valued(1, "20"), success(60))).result()
    store.append(batch(valued(90, "2000"))).result()
    (case,) = all_cases(store)
    assert (case["state"], case["severity"]) == ("recovered", "low")


def test_the_value_of_another_tenant_is_not_taken(store: Store) -> None:
    store.append(batch(failure(0, tenant="acme"))).result()
    store.append(batch(valued(5, "12000", tenant="globex"))).result()
    (case,) = all_cases(store)
    assert case["value"] is None
