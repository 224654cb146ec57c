"""Approvals over the real store: asked by records, decided by people, in any order of arrival."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from access.commands import perform
from audit.actor import SYSTEM, Actor
from cases import following
from cases.approval import AlreadyDecidedError
from cases.approving import Approve, Reject
from cases.commands import Claim, Resolve, RetryCase
from cases.errors import InvalidActError, NotAllowedNowError
from cases.intake import intake
from cases.service_rules import ServiceRules
from cases.sweep import sweep
from data import clock
from data.store import Store
from tests import shown
from tests.gates import local_context
from tests.telemetry import at, batch, failure, log, span, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN, BOB = Actor("ann"), Actor("bob")
REASON = "The price is above what was agreed"
QUESTION = "Pay 12,000 EUR to ACME?"


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    clock.use(None)


def asks(seconds: float, unit: str = "SO-1", **stated: Any) -> dict[str, Any]:
    """Return a record that asks, or with a state one that says what became of it."""
    columns = {"flow": "order-to-cash", "step": "pay", "service": "payments", "correlation_id": unit}
    more = ("tenant", "trace_id", "part", "value_amount", "value_currency")
    own = {name: stated.pop(name) for name in list(stated) if name in (*columns, *more)}
    about = {"question": QUESTION, "timeout_s": 600, **stated}
    attributes = {f"unsnag.approval.{name}": value for name, value in about.items() if value is not None}
    return log(seconds, "approval.waits", **columns | own, attributes=orjson.dumps(attributes).decode())


def approvals(store: Store) -> list[dict[str, Any]]:
    found = [case for case in shown.cases(store) if case["approval_id"]]
    return sorted(found, key=lambda case: (case["tenant"] or "", case["correlation_id"], case["approval_id"]))


def the_approval(store: Store) -> dict[str, Any]:
    (case,) = approvals(store)
    return case


def verbs(store: Store) -> list[str]:
    return [act["verb"] for act in shown.case(store, the_approval(store)["id"])["acts"]]


def send(store: Store, *rows: dict[str, Any]) -> None:
    for row in rows:
        store.append(batch(row)).result()


# --- asked and decided ----------------------------------------------------------------------------------


def test_the_value_that_the_record_names_is_shown_to_who_decides(store: Store) -> None:
    send(store, asks(5), asks(0, value_amount=Decimal(12_000), value_currency="EUR"))
    assert the_approval(store)["value"] == {"amount": Decimal(12_000), "currency": "EUR"}


def test_a_record_that_asks_waits_in_the_queue(store: Store) -> None:
    send(store, asks(0))
    case = the_approval(store)
    assert (case["state"], case["class"], case["title"]) == ("awaiting_approval", "approval", QUESTION)
    assert (case["correlation_id"], case["flow"], case["step"]) == ("SO-1", "order-to-cash", "pay")
    assert case["due_at"] == at(600), "the time-out of the automation is what is due"
    assert case["triage_due_at"] is None


def test_a_span_of_foreign_software_asks_as_well(store: Store) -> None:
    attributes = orjson.dumps({"unsnag.approval.question": QUESTION}).decode()
    send(store, span(0, 1, "review", correlation_id="SO-1", service="bpm", attributes=attributes))
    case = the_approval(store)
    assert (case["flow"], case["state"]) == ("bpm", "awaiting_approval")
    assert case["due_at"] == at(8 * 3600), "no time-out is named: the service level counts"


def test_a_person_approves(store: Store) -> None:
    send(store, asks(0))
    case = perform(Approve(the_approval(store)["id"]), local_context(store, ANN))
    assert (case.state, case.resolution_code, case.decided_by) == ("resolved", "approved", "ann")
    assert verbs(store) == ["asked", "approved"]
    entry = shown.case(store, case.id)["acts"][-1]
    assert entry["details"]["question"] == QUESTION, "the audit keeps what the person saw"


def test_a_person_rejects_with_a_reason(store: Store) -> None:
    send(store, asks(0))
    case_id = the_approval(store)["id"]
    with pytest.raises(InvalidActError, match="at least 10 characters"):
        perform(Reject(case_id, "no"), local_context(store, ANN))
    case = perform(Reject(case_id, REASON), local_context(store, ANN))
    assert (case.resolution_code, case.resolution_reason) == ("rejected", REASON)


def test_the_first_of_two_people_decides(store: Store) -> None:
    send(store, asks(0))
    case_id = the_approval(store)["id"]
    perform(Approve(case_id), local_context(store, ANN))
    with pytest.raises(AlreadyDecidedError, match="approved by ann"):
        perform(Reject(case_id, REASON), local_context(store, BOB))
    assert the_approval(store)["resolution_code"] == "approved"


def test_an_approval_is_no_failure_to_claim_retry_or_resolve(store: Store) -> None:
    send(store, asks(0))
    case_id = the_approval(store)["id"]
    for command in (Claim(case_id), RetryCase(case_id), Resolve(case_id, "false_alarm", REASON)):
        with pytest.raises(NotAllowedNowError, match="Approve or reject it"):
            perform(command, local_context(store, ANN))


def test_a_failure_cannot_be_approved(store: Store) -> None:
    send(store, failure(0))
    (case,) = shown.cases(store)
    with pytest.raises(NotAllowedNowError, match="it is a failure"):
        perform(Approve(case["id"]), local_context(store, ANN))


# --- time -----------------------------------------------------------------------------------------------


def test_nobody_decides_in_time_it_escalates_also_without_steps_and_once(store: Store) -> None:
    clock.use(lambda: at(0))
    following.use(ServiceRules(), local_context(store))
    send(store, asks(0))
    clock.use(lambda: at(599))
    assert sweep(local_context(store, SYSTEM)) == 0
    clock.use(lambda: at(601))
    assert sweep(local_context(store, SYSTEM)) == 1
    assert sweep(local_context(store, SYSTEM)) == 0
    case = the_approval(store)
    assert (case["state"], case["escalation_level"]) == ("awaiting_approval", 1)
    entry = shown.case(store, case["id"])["acts"][-1]
    assert entry["verb"] == "escalated"
    assert "an answer was due at 2026-11-16 09:10 UTC, and nobody has given one" in entry["reason"]
    perform(Approve(case["id"]), local_context(store, ANN))
    assert the_approval(store)["resolution_code"] == "approved"


# --- no failure -----------------------------------------------------------------------------------------


def test_a_failure_at_the_same_step_is_another_case_and_moves_nothing(store: Store) -> None:
    other = {"service": "labels", "step": "pay"}
    send(store, asks(0), failure(10, **other), failure(20, **other))
    states = sorted((case["state"], case["occurrences"]) for case in shown.cases(store))
    assert states == [("awaiting_approval", 1), ("open", 2)]
    send(store, success(60))
    assert sorted(case["state"] for case in shown.cases(store)) == ["recovered", "resolved"]
    assert the_approval(store)["resolution_code"] == "unit_ended"


# --- its unit ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [success(60), failure(60)], ids=["success", "failure"])
def test_the_end_of_its_unit_closes_it(store: Store, end: dict[str, Any]) -> None:
    send(store, asks(0), end)
    case = the_approval(store)
    assert (case["state"], case["resolution_code"]) == ("resolved", "unit_ended")
    assert "nobody waits for the answer" in case["resolution_reason"]


def test_an_end_before_the_question_or_of_another_unit_closes_nothing(store: Store) -> None:
    send(store, success(10), asks(20), success(60, unit="SO-2"))
    assert the_approval(store)["state"] == "awaiting_approval"


def test_an_answer_stays_when_the_unit_ends(store: Store) -> None:
    send(store, asks(0))
    perform(Approve(the_approval(store)["id"]), local_context(store, ANN))
    send(store, success(60), asks(70))
    case = the_approval(store)
    assert (case["state"], case["resolution_code"], case["occurrences"]) == ("resolved", "approved", 2)


# --- repetition, order, tenants, restarts ---------------------------------------------------------------

KEPT = ("state", "resolution_code", "first_seen", "last_seen", "occurrences", "answer_until", "resolved_at")
STORIES = {
    "asked again": (asks(0), asks(30, timeout_s=60)),
    "stopped": (asks(0), asks(30, state="stopped")),
    "stopped and asked again": (asks(0), asks(30, state="stopped"), asks(60)),
    "stopped twice": (asks(0), asks(30, state="stopped"), asks(60), asks(90, state="stopped")),
    "approved elsewhere": (asks(0), asks(30, state="approved")),
    "its unit ended": (asks(0), success(60)),
    "stopped, then failed": (asks(0), asks(30, state="stopped"), failure(31)),
    "its unit ended, and it is asked again": (asks(0), success(60), asks(90)),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_any_order_and_any_repetition_give_the_same(
    tmp_path: Path, story: tuple[dict[str, Any], ...]
) -> None:
    found = []
    for number, order in enumerate(itertools.permutations(story)):
        with_store = Store.open(tmp_path / str(number), intake)
        try:
            send(with_store, *order, *order)
            case = the_approval(with_store)
            found.append({name: case[name] for name in KEPT})
        finally:
            with_store.close()
    assert all(one == found[0] for one in found), found


def test_one_id_of_two_tenants_is_two_approvals(store: Store) -> None:
    send(store, asks(0, tenant="acme", id="a" * 32), asks(1, tenant="globex", id="a" * 32))
    first, second = approvals(store)
    perform(Approve(first["id"]), local_context(store, ANN))
    first, second = approvals(store)
    assert [first["tenant"], second["tenant"]] == ["acme", "globex"]
    assert [first["state"], second["state"]] == ["resolved", "awaiting_approval"]


def test_two_units_with_one_id_are_two_approvals(store: Store) -> None:
    send(store, asks(0, id="sure"), asks(1, unit="SO-2", id="sure"))
    assert [case["correlation_id"] for case in approvals(store)] == ["SO-1", "SO-2"]


def test_a_restart_between_question_and_end_loses_nothing(tmp_path: Path) -> None:
    first = Store.open(tmp_path, intake)
    send(first, asks(0), asks(0, unit="SO-2"))
    first.close()
    second = Store.open(tmp_path, intake)
    try:
        send(second, success(60), asks(0, unit="SO-2"))
        assert [case["state"] for case in approvals(second)] == ["resolved", "awaiting_approval"]
        assert [case["occurrences"] for case in approvals(second)] == [1, 1]
    finally:
        second.close()


@pytest.mark.parametrize("timeout", ["soon", -5, 0, None, "1e400", "nan"])
def test_a_time_out_that_cannot_be_read_is_none(store: Store, timeout: Any) -> None:
    send(store, asks(0, timeout_s=timeout))
    case = the_approval(store)
    assert case["answer_until"] is None
    assert case["due_at"] - case["first_seen"] == timedelta(hours=8)
