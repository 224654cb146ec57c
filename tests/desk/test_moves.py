"""What becomes of cases when late records show where their failures belong."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from audit.actor import Actor
from desk import cases
from desk.acts import Acts
from desk.errors import CaseNotFoundError, LeaseLostError
from desk.lifecycle import Limits
from desk.retries import Retries
from tests.gates import local_gate
from tests.telemetry import TRACE, batch, failure, log, span, success

if TYPE_CHECKING:
    from data.store import Store

ANN = Actor("ann")
OTHER = "1" * 32


def all_cases(store: Store) -> list[dict[str, Any]]:
    return cases.listed(store.everything(), cases.CaseFilter(), 50, 0).items


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
    Acts(local_gate(store), Limits()).claim(before["id"], actor=ANN)
    store.append(batch(names_order())).result()
    (after,) = all_cases(store)
    assert (after["id"], after["correlation_id"], after["holder"]) == (before["id"], "SO-1", "ann")
    assert [act["verb"] for act in cases.one(store.everything(), after["id"])["acts"]][-1] == "rekeyed"


def test_two_cases_of_one_unit_and_step_become_one_and_both_addresses_lead_to_it(store: Store) -> None:
    store.append(batch(request(), names_order(), request(OTHER))).result()
    older, newer = sorted(all_cases(store), key=lambda case: case["correlation_id"] != "SO-1")
    store.append(batch(names_order(OTHER))).result()
    (stays,) = all_cases(store)
    assert (stays["correlation_id"], stays["occurrences"]) == ("SO-1", 2)
    for name in (older["id"], newer["id"]):
        assert cases.one(store.everything(), name)["id"] == stays["id"]


WORKER = Actor("service/w1", "service")


def running(store: Store) -> list[dict[str, Any]]:
    """Return the retries that wait or run, with the case that they belong to."""
    sql = "select id, case_id, state from retry where state in ('queued', 'leased')"
    return store.act(lambda tx: tx.execute(sql)).result()


def two_retries(store: Store) -> tuple[str, str, Retries]:
    """Ask for a retry of an order and of a run that turns out to be that order's; return their cases' ids."""
    store.append(batch(request(), names_order(), request(OTHER, start=10, run_id="nightly-7"))).result()
    gate = local_gate(store)
    ids = {case["correlation_id"]: case["id"] for case in all_cases(store)}
    retries = Retries(gate, Limits())
    retries.lease(None, worker=WORKER)
    for case_id in ids.values():
        Acts(gate, Limits()).retry(case_id, actor=ANN)
    return ids["SO-1"], ids["nightly-7"], retries


@pytest.mark.parametrize("leased", [0, 1, 2])
def test_of_two_retries_of_cases_that_become_one_only_one_goes_on(store: Store, leased: int) -> None:
    stays, folded, retries = two_retries(store)
    leases = [retries.lease(None, worker=WORKER) for _ in range(leased)]
    store.append(batch(names_order(OTHER))).result()
    (case,) = all_cases(store)
    (left,) = running(store)
    assert case["id"] == stays
    assert (left["case_id"], case["state"], case["retry_id"]) == (stays, "retrying", left["id"])
    outcome = {lease["case"]: _completes(retries, lease["id"]) for lease in leases if lease}
    assert outcome == ({stays: True} | ({folded: False} if leased > 1 else {}) if leased else {})


def _completes(retries: Retries, lease_id: str) -> bool:
    try:
        retries.complete(lease_id, worker=WORKER)
    except LeaseLostError:
        return False
    return True


def test_the_only_retry_that_runs_goes_with_the_case_that_stays(store: Store) -> None:
    stays, folded, retries = two_retries(store)
    Acts(local_gate(store), Limits()).cancel_retry(stays, actor=ANN)
    lease = retries.lease(None, worker=WORKER)
    assert lease is not None
    assert lease["case"] == folded
    store.append(batch(names_order(OTHER))).result()
    (case,) = all_cases(store)
    assert [row["case_id"] for row in running(store)] == [case["id"]]
    assert _completes(retries, lease["id"])


def test_a_withdrawn_case_leaves_no_retry_behind(store: Store) -> None:
    place = {"trace_id": TRACE, "span_id": "a" * 16, "correlation_id": "SO-1", "flow": "orders"}
    error = {"severity_number": 17, "severity": "error", "error_type": "ValueError"}
    store.append(batch(log(1, "pay failed", **place, **error))).result()
    (case,) = all_cases(store)
    retries = Retries(local_gate(store), Limits())
    retries.lease(None, worker=WORKER)
    Acts(local_gate(store), Limits()).retry(case["id"], actor=ANN)
    lease = retries.lease(None, worker=WORKER)
    assert lease is not None
    block = {"role": "unit", "outcome": "success", "verdict": "ok", "seq": 9, "instance": "p1"}
    store.append(batch(span(0, 3, "unit orders", **place, **block))).result()
    assert running(store) == []
    assert not _completes(retries, lease["id"])


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
        cases.one(store.everything(), case["id"])


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
    Acts(local_gate(store), Limits()).claim(case["id"], actor=ANN)
    store.append(batch(valued(9, "2000", customer="C-7"))).result()
    (after,) = all_cases(store)
    assert urgency(after) == (Decimal(2000), "high", 2 * 3600)
    assert (after["holder"], after["customer"], after["occurrences"]) == ("ann", "C-7", 1)
    assert [act["verb"] for act in cases.one(store.everything(), case["id"])["acts"]][-1] == "updated"
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
