"""Functions that a framework calls as blocks of units: attempts, results, jobs, what is known of a call."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import unsnag
from unsnag import testing
from unsnag.frameworks.apscheduler import job
from unsnag.frameworks.aws_lambda import handler
from unsnag.frameworks.tasks import Try, task

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("jobs")
CONTEXT = SimpleNamespace(aws_request_id="inv-1", function_name="ship")


@pytest.fixture
def events() -> Iterator[testing.Events]:
    with testing.captured("order-to-cash") as found:
        yield found


def ended(events: testing.Events) -> list[tuple[str, str, str | None]]:
    return [
        (span["unsnag.correlation_id"], span["unsnag.kind"], span.get("unsnag.outcome"))
        for span in events.spans
    ]


def crash(order_id: str) -> None:
    raise ConnectionError(f"no carrier for {order_id}")


def tried(number: int, *, of: int) -> Any:
    """Return a decorator as a framework's that makes so many tries."""
    known = Try(name="ship", number=number, repeats=lambda _: number < of, repeats_after=lambda got: got == 0)
    return task("order_id", job=None, options={}, look=lambda: known)


def test_a_try_that_is_repeated_is_an_attempt_and_the_last_one_a_failure(events: testing.Events) -> None:
    for number in (1, 2):
        with pytest.raises(ConnectionError):
            tried(number, of=2)(crash)("SO-1")
    assert ended(events) == [("SO-1", "step", None), ("SO-1", "unit", "failed")]
    assert [span["unsnag.attempt"] for span in events.spans] == [1, 2]
    assert [record["unsnag.attempt"] for record in events.named("step.failed")] == [1]
    assert [record["unsnag.attempt"] for record in events.named("unit.failed")] == [2]


def test_what_the_framework_logs_of_a_try_that_it_repeats_is_a_warning(events: testing.Events) -> None:
    for number in (1, 2):
        try:
            tried(number, of=2)(crash)("SO-1")
        except ConnectionError:
            log.exception("job failed")
    lines = [line for line in events.logs if line["logger"] == "jobs"]
    assert [line["level"] for line in lines] == ["warning", "error"]
    assert {line["unsnag.correlation_id"] for line in lines} == {"SO-1"}


def test_a_result_may_ask_for_another_try(events: testing.Events) -> None:
    assert tried(1, of=1)(lambda order_id: order_id.count("x"))("SO-1") == 0
    assert ended(events) == [("SO-1", "step", None)]
    assert events.spans[0]["status"]["message"] == "The framework tries again."


def test_an_exception_may_be_no_failure_for_its_framework(events: testing.Events) -> None:
    skipping = task("order_id", job=None, options={}, look=lambda: Try(skips=lambda _: True))
    with pytest.raises(ConnectionError):
        skipping(crash)("SO-1")
    assert ended(events) == [("SO-1", "entry", None)]


def test_a_framework_that_cannot_be_asked_hides_no_failure(events: testing.Events) -> None:
    def broken() -> Try:
        raise ImportError("another version")

    with pytest.raises(ConnectionError):
        task("order_id", job=None, options={}, look=broken)(crash)("SO-1")
    with pytest.raises(ConnectionError):
        task("order_id", job=None, options={}, look=lambda: Try(repeats=lambda _: 1 / 0 > 1))(crash)("SO-2")
    assert [outcome for *_, outcome in ended(events)] == ["failed", "failed"]


def test_asynchronous_tasks_keep_their_units(events: testing.Events) -> None:
    meeting = asyncio.Barrier(2)

    @job(unit="order_id")
    async def ship(order_id: str) -> str | None:
        assert order_id
        await meeting.wait()
        return await asyncio.create_task(asyncio.to_thread(unsnag.correlation_id))  # type: ignore[arg-type]

    async def both() -> list[str | None]:
        return await asyncio.gather(ship("SO-1"), ship("SO-2"))

    assert asyncio.run(both()) == ["SO-1", "SO-2"]
    assert sorted(ended(events)) == [("SO-1", "unit", "success"), ("SO-2", "unit", "success")]


def test_a_job_that_repeats_its_whole_work_is_its_own_unit(events: testing.Events) -> None:
    @job(job="nightly-export", completes=True)
    def export() -> str | None:
        return unsnag.correlation_id()

    assert export() == "nightly-export"
    (span,) = events.spans
    assert (span["unsnag.job"], span["unsnag.completes"]) == ("nightly-export", True)


def test_a_task_within_a_block_of_the_same_unit_shares_its_end(events: testing.Events) -> None:
    @job(unit="order_id")
    def ship(order_id: str) -> str:
        return order_id

    with unsnag.unit("SO-1", part=f"{ship.__module__}.{ship.__qualname__}", value=80, currency="EUR"):
        ship("SO-1")
    assert [outcome for *_, outcome in _all(events)] == [None, "success"]
    assert len(events.named("unit.started")) == 1


def _all(events: testing.Events) -> list[tuple[str, str | None]]:
    return [(span["unsnag.correlation_id"], span.get("unsnag.outcome")) for span in events.spans]


def test_a_decorated_function_works_without_init() -> None:
    assert job(unit="order_id")(len)("SO-1") == 4


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"statusCode": 200}, "success"),
        ({"statusCode": 404}, None),
        ({"statusCode": 502}, "failed"),
        ({"to": "1 High Street"}, "success"),
        (None, "success"),
    ],
)
def test_a_lambda_answer_with_a_status_counts_as_a_web_applications(
    events: testing.Events, answer: Any, outcome: str | None
) -> None:
    event = {"detail": {"order_id": "SO-1"}, "headers": {"Traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}}
    assert handler(unit="detail.order_id")(lambda *_: answer)(event, CONTEXT) == answer
    (span,) = events.spans
    assert (span["traceId"], span.get("unsnag.outcome"), span["unsnag.step"]) == ("a" * 32, outcome, "ship")


def test_a_lambda_invocation_without_a_unit_is_known_by_its_id(events: testing.Events) -> None:
    handler(unit="order_id")(lambda *_: log.error("no order in the event"))([], CONTEXT)
    (line,) = events.logs
    assert line["faas.invocation_id"] == "inv-1"
    assert events.spans == []
