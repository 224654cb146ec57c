"""Which error lines of a run only repeat a failure in one of its traces."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.traces.records import log, span
from traces.failures import resolve
from traces.runs import RunFailure, described

PREFECT = "Finished in state Failed('Flow run encountered an exception: ConnectionError: no answer')"
CHAIN = "ConnectionError: no answer\n\nThe above exception was the direct cause:\n\nRuntimeError: gave up"


def failures_of(*records: Any) -> list[RunFailure]:
    """Return the failures of runs in records that one scope holds."""
    found = resolve(records)[1].failures
    return [
        RunFailure((records[0].trace or "id", f.anchor), f.unit.key, f.time, f.account, not f.is_closed)
        for f in found
        if f.account
    ]


def in_trace(trace: str = "t1", fails: str = "builtins.ConnectionError: no answer", at: int = 0) -> Any:
    """Return the failures of a run's trace: a task that failed, and the flow around it."""
    own: dict[str, Any] = {"trace": trace, "run": "run-1", "fails": fails}
    task = span("task", "flow", at=at + 1, until=at + 2, **own)
    return failures_of(span("flow", at=at, until=10, **own), task)


def line(text: str = PREFECT, **fields: Any) -> Any:
    """Return the failures of an error line that carries the run's ID and no trace."""
    return failures_of(log(text, **{"trace": None, "run": "run-1", "at": 11, **fields}))


@pytest.mark.parametrize(
    "reported",
    [
        line(),
        line("Task failed: ConnectionError('no answer')"),
        line("Task failed", fails="ConnectionError: no answer"),
        line("Flow failed", fails="RuntimeError: gave up", stack=CHAIN),
        line(at=70),
    ],
)
def test_a_line_that_states_the_exception_of_its_run_tells_of_it_in_any_order(reported: Any) -> None:
    other = line("disk full")
    (task,) = in_trace()
    for order in permutations([task, *reported, *other]):
        assert described(order) == {reported[0].place: task.place}


@pytest.mark.parametrize(
    "reported",
    [
        line("disk full"),
        line("Finished in state Failed('ConnectionError: no answer from host b')"),
        line("Finished in state Failed('TimeoutError: no answer')"),
        line("Finished in state Failed('MyConnectionError: no answer')"),
        line("Task failed", fails="ConnectionError: no answer\nfrom host b"),
        line("Task failed", fails="ConnectionError: something else"),
        line(run="run-2"),
        line(tenant="globex"),
        line(service="billing"),
        line(at=71),
        line(at=-1),
    ],
)
def test_another_error_is_a_failure_of_its_own(reported: Any) -> None:
    assert len(reported) == 1
    assert described([*in_trace(), *reported]) == {}


def test_an_exception_without_a_message_is_reported_by_no_line() -> None:
    found = in_trace(fails="ConnectionError: ")
    assert described([*found, *line("Failed('ConnectionError: ')")]) == {}


def test_lines_do_not_tell_of_each_other_and_traces_of_no_other() -> None:
    assert described([*line(), *line(at=12), *line("x", fails="ConnectionError: no answer")]) == {}
    assert described([*in_trace(), *in_trace("t2")]) == {}


def test_of_two_failures_with_one_text_the_line_tells_of_the_latest_before_it() -> None:
    first, second = in_trace(), in_trace("t2", at=3)
    assert described([*second, *first, *line()]) == {line()[0].place: second[0].place}


def test_what_its_script_closed_takes_no_line() -> None:
    closed = [failure._replace(stands=False) for failure in in_trace()]
    assert described([*closed, *line()]) == {}
