"""A case whose own block called `unit.ok()` after its error: closed, labelled so, and in no figure."""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases.commands import Claim, Resolve, RetryCase
from cases.intake import intake
from cases.retries import lease_next
from data.clock import utc_now
from data.store import Store
from kpis import scoreboard
from tests import shown
from tests.gates import local_context
from tests.telemetry import at, batch, log, span

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

ERROR = {"severity_number": 17, "severity": "error", "error_type": "ValueError", "exception_message": "boom"}


def place(number: int = 1) -> dict[str, Any]:
    """Return where the records of one of the unit's blocks stand: each is a process and a trace."""
    ours = {"instance": f"p{number}", "service": "worker", "correlation_id": "SO-1", "flow": "orders"}
    return {"trace_id": f"{number:032x}", "span_id": f"{number:016x}", **ours}


def error(seconds: float, number: int = 1, **fields: Any) -> dict[str, Any]:
    return log(seconds, "pay failed", **place(number), seq=2, **ERROR, **fields)


def block(seconds: float, number: int = 1, verdict: str | None = "ok") -> dict[str, Any]:
    fields = {"role": "unit", "outcome": "success", "verdict": verdict, "seq": 9, "value_amount": 80}
    return span(0, seconds, "unit orders", **place(number), **fields, value_currency="EUR")


def append(store: Store, *records: dict[str, Any]) -> None:
    store.append(batch(*records)).result()


def only_case(store: Store) -> dict[str, Any]:
    (case,) = shown.cases(store)
    return shown.case(store, case["id"])


def verbs(case: dict[str, Any]) -> list[str]:
    return [act["verb"] for act in case["acts"]]


def state(store: Store) -> tuple[str, str | None, int]:
    case = only_case(store)
    return case["state"], case["resolution_code"], case["occurrences"]


CLOSED = ("resolved", "closed_by_script", 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_it_is_kept_closed_and_labelled_in_any_order_of_arrival(store: Store, order: tuple[int, ...]) -> None:
    records = [error(1), block(3)]
    for number in order:
        append(store, records[number])
    append(store, *records)  # repetition adds nothing
    case = only_case(store)
    assert state(store) == CLOSED
    assert case["note"] == "closed by the script"
    assert case["acts"][-1]["actor_type"] == "system"
    assert verbs(case)[0] == "opened"
    assert verbs(case)[-1] == "closed"
    assert [one["note"] for one in case["occurrence_list"]] == ["closed by the script"]


def test_a_claim_ends_with_it_and_the_audit_names_the_holder(store: Store) -> None:
    append(store, error(1))
    lease_next(local_context(store, Actor("w1", "service")), None)
    by = partial(local_context, store)
    perform(RetryCase(only_case(store)["id"]), by(Actor("ann")))
    append(store, block(3))
    case = only_case(store)
    assert (case["state"], case["holder"]) == ("resolved", None)
    assert case["acts"][-1]["details"] == {"claim_of": "ann"}
    assert [retry["state"] for retry in case["retries"]] == ["cancelled"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_further_failure_without_ok_makes_it_a_normal_case(store: Store, order: tuple[int, ...]) -> None:
    records = [error(1), block(3), error(101, 2), block(103, 2, verdict=None)]
    for number in order:
        append(store, records[number])
    assert state(store) == ("open", None, 1)
    assert only_case(store)["opened_at"] == at(101)
    assert only_case(store)["note"] == "the script went on after this error"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_failure_that_stands_is_recovered_by_the_ok_of_a_later_block(
    store: Store, order: tuple[int, ...]
) -> None:
    records = [error(1), block(3, verdict=None), error(101, 2), block(103, 2)]
    for number in order:
        append(store, records[number])
    assert state(store) == ("recovered", None, 1)
    assert only_case(store)["verified_at"] == at(103)


def test_what_a_person_closed_before_stays_as_the_person_closed_it(store: Store) -> None:
    append(store, error(1))
    by = partial(local_context, store)
    perform(
        Resolve(only_case(store)["id"], code="false_alarm", reason="known and harmless"), by(Actor("ann"))
    )
    append(store, block(3))
    assert state(store) == ("resolved", "false_alarm", 1)
    append(store, error(101, 2), block(103, 2))
    assert state(store) == ("resolved", "false_alarm", 2)


def figures(store: Store, end: datetime) -> dict[str, Any]:
    """Return every figure, and how many rows stand behind each."""
    reading, everything = store.everything(), {}
    start = at(-3600)
    for one in scoreboard.scoreboard(reading, start, end):
        if one.id == "K25":  # of records, which an error is whatever becomes of it
            continue
        behind = scoreboard.rows(reading, one.id, start, end)
        everything[one.id] = (one.value, one.n, one.in_flight, one.details, behind)
    everything["failures"] = scoreboard.failures_by_step(reading, start, end)
    everything["shape"] = scoreboard.shape_of_work(reading, start, end, "day")
    return everything


@pytest.mark.parametrize("is_claimed", [False, True])
def test_it_is_in_no_figure(store: Store, tmp_path: Path, is_claimed: bool) -> None:  # noqa: FBT001
    """The figures are those of a store that never heard of the error."""
    append(store, error(1))
    if is_claimed:
        perform(Claim(only_case(store)["id"]), local_context(store, Actor("ann")))
    append(store, block(3))
    other = Store.open(tmp_path / "without", intake)
    append(other, block(3))
    end = utc_now() + timedelta(hours=1)
    without = figures(other, end)
    other.close()
    assert figures(store, end) == without
