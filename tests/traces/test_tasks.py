"""Mapped and grouped tasks: which failures, and which signals, name one of several tasks."""

from __future__ import annotations

from typing import Any

from tests.traces.records import log, span
from traces.failures import resolve
from traces.outcome import OK, RUN_OK, UNDECIDED

AIRFLOW: dict[str, Any] = {"service": "airflow", "run": "run-1", "flow": "nightly"}


def task(index: int, at: float = 1, **fields: Any) -> Any:
    """Return the span of a mapped task; its parent is the run."""
    name = f"load-{index}-{at}"
    own = {"step": "load", "role": "step", "map_index": str(index), "at": at, "until": at + 1, **AIRFLOW}
    return span(name, "run", **own, **fields)


def run(**fields: Any) -> Any:
    return span("run", until=90, **AIRFLOW, **fields)


FAILED = {"err": True, "outcome": "failed"}


def test_each_failed_task_is_a_failure_of_one_unit_and_step() -> None:
    records = [run(err=True, outcome="failed"), task(3, **FAILED), task(7, **FAILED), task(4, verdict=OK)]
    found = resolve(records)[1]
    assert sorted(f.index or "" for f in found.failures) == ["3", "7"]
    assert {(f.unit.id, f.step) for f in found.failures} == {("run-1", "load")}
    assert all(("nightly", "run", "airflow") in f.affected for f in found.failures)


def test_a_task_that_succeeds_speaks_for_itself_only() -> None:
    found = resolve([run(), task(3, **FAILED), task(4, at=5, verdict=OK)])[1]
    (signal,) = [s for s in found.signals if s.index == "4"]
    assert (signal.step, signal.outcome, signal.final, signal.continues) == ("load", "progress", False, False)
    assert [f.index for f in found.failures] == ["3"], "the success of another task is no later try"


def test_a_task_that_its_orchestrator_gave_up_is_proven_by_its_next_run_and_no_mere_attempt() -> None:
    found = resolve([run(), task(3, **FAILED), task(3, at=50, verdict=OK)])[1]
    assert [f.index for f in found.failures] == ["3"]
    assert [s.outcome for s in found.signals if s.index == "3"] == ["failed", "progress"]


def test_a_task_that_is_tried_again_or_skipped_is_no_failure() -> None:
    line = log("Task failed", task(3).span, **AIRFLOW)
    found = resolve([run(err=True), task(3, err=True, verdict=UNDECIDED), line], opened={line.rid})[1]
    assert [f.index for f in found.failures] == [None], "only the run itself failed"


def test_a_failed_span_inside_a_task_that_succeeded_was_handled_though_the_run_failed() -> None:
    good = task(4, verdict=OK)
    inner = span("GET", good.span, fails="KeyError: x", at=1, until=2, **AIRFLOW)
    found = resolve([run(**FAILED), good, inner, task(3, **FAILED)])[1]
    assert [f.index for f in found.failures] == ["3"]


def test_the_success_of_a_run_speaks_for_the_run_alone() -> None:
    found = resolve([run(outcome="success", role="unit", verdict=RUN_OK), task(3, **FAILED)])[1]
    assert {(s.step, s.outcome) for s in found.signals if s.index is None} == {("run", "success")}


def test_a_task_with_a_business_id_of_its_own_is_a_unit() -> None:
    records = [run(), task(3, cid="SO-3", **FAILED), task(7, cid="SO-7", **FAILED)]
    found = resolve(records)[1]
    assert [(f.unit.id, f.index) for f in found.failures] == [("SO-3", None), ("SO-7", None)]


def test_tasks_of_a_run_that_has_a_business_id_are_tasks_of_that_unit() -> None:
    records = [run(cid="B-29"), task(3, **FAILED), task(7, cid="B-29", **FAILED)]
    found = resolve(records)[1]
    assert sorted((f.unit.id, f.index) for f in found.failures) == [("B-29", "3"), ("B-29", "7")]


def test_equal_lines_of_two_tasks_are_two_failures() -> None:
    lines = [
        log(
            "Task failed",
            trace=None,
            fails="ValueError: boom",
            at=n,
            step="load",
            map_index=str(n),
            **AIRFLOW,
        )
        for n in (1, 2)
    ]
    assert sorted(f.index or "" for f in resolve(lines)[1].failures) == ["1", "2"]
