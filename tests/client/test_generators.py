"""Generator functions as steps: each is one attempt, and what uses it runs outside of the attempt."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

import unsnag
from unsnag import testing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from tests.client.conftest import Ran

log = logging.getLogger("rows")


@unsnag.step("read")
def read(number: int) -> Generator[int, str, str]:
    got = []
    for row in range(number):
        log.warning("inside")
        try:
            got.append((yield row))
        except KeyError:
            got.append("thrown")
    if number > 2:
        raise ConnectionError("no more rows")
    return ",".join(map(str, got))


@unsnag.step("read")
async def read_later(number: int) -> AsyncIterator[int]:
    for row in range(number):
        await asyncio.sleep(0)
        log.warning("inside")
        yield row
    if number > 2:
        raise ConnectionError("no more rows")


@pytest.fixture
def events() -> Iterator[testing.Events]:
    with testing.captured("f") as found:
        yield found


def steps(events: testing.Events) -> list[tuple[str, bool]]:
    return [
        (span["unsnag.correlation_id"], bool(span["status"]))
        for span in events.spans
        if span["unsnag.kind"] == "step"
    ]


def places(events: testing.Events) -> set[tuple[str, str | None, str]]:
    return {
        (line["unsnag.correlation_id"], line.get("unsnag.step"), line["event"])
        for line in events.logs
        if line["logger"] == "rows"
    }


def test_the_code_between_two_items_is_outside_of_the_step(events: testing.Events) -> None:
    with unsnag.unit("SO-1"):
        for _ in read(2):
            log.warning("outside")
    assert places(events) == {("SO-1", "read", "inside"), ("SO-1", None, "outside")}
    assert steps(events) == [("SO-1", False)]


def test_two_generators_in_turns_keep_their_units(events: testing.Events) -> None:
    with unsnag.unit("SO-1"):
        first = read(2)
        next(first)
    with unsnag.unit("SO-2"):
        second = read(2)
        next(second)
    assert [*first, *second] == [1, 1]
    assert unsnag.correlation_id() is None
    assert {unit for unit, _, _ in places(events)} == {"SO-1", "SO-2"}
    assert steps(events) == [("SO-1", False), ("SO-2", False)]


def test_what_is_sent_thrown_and_returned_passes_through(events: testing.Events) -> None:
    with unsnag.unit("SO-1"):
        generator = read(2)
        assert next(generator) == 0
        assert generator.send("a") == 1
        with pytest.raises(StopIteration) as end:
            generator.throw(KeyError())
    assert end.value.value == "a,thrown"
    assert steps(events) == [("SO-1", False)]


def test_what_leaves_a_generator_fails_its_attempt_and_closing_it_does_not(events: testing.Events) -> None:
    with unsnag.unit("SO-1"):
        early = read(2)
        next(early)
        early.close()
        with pytest.raises(ConnectionError):
            list(read(3))
    assert steps(events) == [("SO-1", False), ("SO-1", True)]
    assert [record["unsnag.step"] for record in events.named("step.failed")] == ["read"]


def test_asynchronous_generators_do_the_same(events: testing.Events) -> None:
    async def use(name: str, number: int) -> None:
        async with unsnag.unit(name):
            async for _ in read_later(number):
                log.warning("outside")

    async def both() -> None:
        await asyncio.gather(use("SO-1", 2), use("SO-2", 3), return_exceptions=True)

    asyncio.run(both())
    assert places(events) == {
        (unit, step, event)
        for unit in ("SO-1", "SO-2")
        for step, event in (("read", "inside"), (None, "outside"))
    }
    assert sorted(steps(events)) == [("SO-1", False), ("SO-2", True)]


def test_two_generators_in_turns_keep_their_spans_of_the_scripts_own_provider(
    run_script: Callable[..., Ran],
) -> None:
    ran = run_script("""
    import logging, unsnag
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    trace.set_tracer_provider(TracerProvider())
    unsnag.init(flow="f")
    logging.basicConfig()

    @unsnag.step("read")
    def read():
        for row in range(2):
            with trace.get_tracer("own").start_as_current_span("query"):
                pass
            yield row

    with unsnag.unit("SO-1"):
        first, second = read(), read()
        print(next(first), next(second), trace.get_current_span().name, *first, *second)
    """)
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", "0 0 unit f 1 1\n")
    attempts = {span["spanId"] for span in ran.spans if span["name"] == "step read"}
    parents = [span["parentSpanId"] for span in ran.spans if span["name"] == "query"]
    assert len(attempts) == 2
    assert sorted(parents) == sorted([*attempts, *attempts])
