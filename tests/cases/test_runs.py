"""A run's failure in its trace and the orchestrator's line about it are one case, in every order."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases import intake
from cases.commands import Claim
from data.store import Store
from tests import shown
from tests.gates import local_context
from tests.telemetry import TRACE, batch, log, span

if TYPE_CHECKING:
    from pathlib import Path

    Row = dict[str, Any]

STATED = "Finished in state Failed('Flow run encountered an exception: ConnectionError: no answer')"
OWN = {"service": "prices", "run_id": "run-1"}


def task(**fields: Any) -> Row:
    """Return the span of the run's task that failed; it ends its trace."""
    failed = {"status": "error", "error_type": "ConnectionError", "exception_message": "no answer"}
    return span(0, 1, "load prices", **{"trace_id": TRACE, "parent_span_id": None, **OWN, **failed, **fields})


def line(text: str = STATED, time: float = 2, **fields: Any) -> Row:
    """Return what the orchestrator states without a trace."""
    return log(time, text, **{"severity_number": 17, "trace_id": None, "span_id": None, **OWN, **fields})


def listed(store: Store) -> list[Row]:
    return shown.cases(store)


def sent(store: Store, *rows: Row) -> None:
    store.append(batch(*rows)).result()


RECORDS = (task(), line(), line("disk full"))


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_line_is_part_of_the_failure_and_another_error_is_not(
    tmp_path: Path, order: tuple[int, ...], *, restart: bool
) -> None:
    store = Store.open(tmp_path, intake.intake)
    for place in order:
        sent(store, RECORDS[place])
        if restart:
            store.close()
            store = Store.open(tmp_path, intake.intake)
    found = {case["step"]: (case["occurrences"], case["message"]) for case in listed(store)}
    store.close()
    assert found == {"load prices": (1, "no answer"), "": (1, "disk full")}


def test_one_request_with_both_opens_one_case(store: Store) -> None:
    sent(store, task(), line())
    (case,) = listed(store)
    assert (case["step"], case["occurrences"]) == ("load prices", 1)
    assert len(shown.case(store, case["id"])["occurrence_list"]) == 1


def test_a_line_that_came_first_leaves_its_case_to_the_failure_with_its_holder(store: Store) -> None:
    sent(store, line())
    (before,) = listed(store)
    perform(Claim(before["id"]), local_context(store, Actor("ann")))
    sent(store, task())
    (after,) = listed(store)
    assert (after["id"], after["step"], after["holder"]) == (before["id"], "load prices", "ann")


def test_a_line_stands_again_once_the_failure_was_only_an_attempt(store: Store) -> None:
    above = {"trace_id": TRACE, "parent_span_id": "a" * 16, "kind": "client"}
    root = span(-1, 5, "flow", **OWN, trace_id=TRACE, span_id="a" * 16, parent_span_id=None, status="error")
    sent(store, root, task(**above), line())
    assert [(case["step"], case["message"]) for case in listed(store)] == [("flow", "no answer")]
    sent(store, span(2, 3, "load prices", **OWN, **above))
    assert [(case["step"], case["message"]) for case in listed(store)] == [("", STATED)]


@pytest.mark.parametrize("first", ["line", "task"])
def test_another_tenant_run_or_message_keeps_its_own_case(store: Store, first: str) -> None:
    others = [
        line(tenant="globex"),
        line(run_id="run-2"),
        line(STATED.replace("answer", "answer from host b"), time=3),
    ]
    rows = [*others, task(tenant="acme")] if first == "line" else [task(tenant="acme"), *others]
    for row in rows:
        sent(store, row)
    found = {(case["tenant"], case["correlation_id"], case["step"]) for case in listed(store)}
    assert ("globex", "run-1", "") in found
    assert {key[1:] for key in found} == {("run-1", "load prices"), ("run-1", ""), ("run-2", "")}
    assert len(found) == 4


def test_the_tenant_that_the_run_is_known_by_is_the_lines(store: Store) -> None:
    sent(store, line())
    sent(store, task(tenant="acme"))
    assert [(case["tenant"], case["step"]) for case in listed(store)] == [("acme", "load prices")]
    sent(store, line("started", tenant="globex", severity_number=17))
    found = {(case["tenant"], case["step"], case["message"]) for case in listed(store)}
    # Now the line's tenant is unknown: it keeps a case of its own.
    assert found == {("acme", "load prices", "no answer"), ("globex", "", "started"), (None, "", STATED)}
