"""One exception object is one failure: its id, its causes, and the unit that it belongs to when reported."""

from __future__ import annotations

import asyncio
import logging
import pickle
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import structlog

import unsnag
from unsnag import notes, testing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.conftest import Ran
    from unsnag.testing import Events

ID = "unsnag.exception.id"
CAUSES = "unsnag.exception.cause_ids"
LOG = logging.getLogger("script")


@pytest.fixture
def events() -> Iterator[Events]:
    with testing.captured("f", service="test") as captured:
        yield captured


def event_ids(events: Events) -> set[str]:
    """Return the ids in the exception events of all spans."""
    attributes = [event["attributes"] for span in events.spans for event in span["events"]]
    return {item["value"]["stringValue"] for found in attributes for item in found if item["key"] == ID}


def test_every_record_of_an_exception_carries_its_id(events: Events) -> None:
    def work() -> None:
        try:
            raise ValueError("x")  # noqa: TRY301
        except ValueError as error:
            LOG.exception("stdlib")
            structlog.get_logger().error("structlog", exc_info=error)
            raise

    with pytest.raises(ValueError, match="x"), unsnag.unit("SO-1"), unsnag.step("s"):
        work()
    reported = [log for log in events.logs if ID in log]
    assert [log["event"] for log in reported] == ["stdlib", "structlog", "step.failed", "unit.failed"]
    (only,) = {log[ID] for log in reported}
    assert len(only) == 16
    assert event_ids(events) == {only}
    assert not any(CAUSES in log for log in reported)


def test_two_objects_are_two_failures_though_they_say_the_same(events: Events) -> None:
    for number in range(2):
        try:
            raise ValueError("same")  # noqa: TRY301
        except ValueError:
            LOG.exception("n%d", number)
    assert len({log[ID] for log in events.logs}) == 2


def test_causes_that_were_reported_in_the_unit_are_named(events: Events) -> None:
    def translate() -> None:
        try:
            with unsnag.step("read"):
                raise KeyError("sku")  # noqa: TRY301
        except KeyError as error:
            raise unsnag.DataError("no sku") from error

    with pytest.raises(unsnag.DataError), unsnag.unit("SO-1"):
        translate()
    (step,), (unit,) = events.named("step.failed"), events.named("unit.failed")
    assert unit[CAUSES] == [step[ID]]
    assert unit[ID] != step[ID]


def test_an_error_met_while_handling_another_is_not_caused_by_it(events: Events) -> None:
    def work() -> None:
        try:
            raise ValueError("first")  # noqa: TRY301
        except ValueError:
            LOG.exception("handled")
            raise OSError("printer")  # noqa: B904 - what is tried here

    with pytest.raises(OSError, match="printer"), unsnag.unit("SO-1"):
        work()
    (unit,) = events.named("unit.failed")
    assert CAUSES not in unit


def test_a_cause_that_another_unit_reported_is_not_named(events: Events) -> None:
    with pytest.raises(ValueError, match="first") as first, unsnag.unit("SO-1"):
        raise ValueError("first")
    with pytest.raises(OSError, match="second"), unsnag.unit("SO-2"):
        raise OSError("second") from first.value
    assert CAUSES not in events.named("unit.failed")[1]


def test_a_group_names_its_members_and_their_step(events: Events) -> None:
    async def fail(name: str) -> None:
        with unsnag.step(name):
            await asyncio.sleep(0)
            raise ValueError(name)

    async def main() -> None:
        async with unsnag.unit("SO-1"), asyncio.TaskGroup() as group:
            group.create_task(fail("a"))

    with pytest.raises(ExceptionGroup):
        asyncio.run(main())
    (step,), (unit,) = events.named("step.failed"), events.named("unit.failed")
    assert unit[CAUSES] == [step[ID]]
    assert unit["unsnag.step"] == "a"


# --- reports from outside of the unit's block ----------------------------------------------------

PLACE = ("unsnag.correlation_id", "unsnag.flow", "unsnag.step", "unsnag.tenant", "trace_id", "span_id")


def place(log: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(log.get(key) for key in PLACE)


def fail(name: str, step: str | None = None, **reported: Any) -> None:
    with unsnag.unit(name, **reported):
        if step is None:
            raise ValueError(name)
        with unsnag.step(step):
            raise ValueError(name)


@pytest.mark.parametrize("step", [None, "capture"])
def test_the_loop_around_reports_for_the_unit(events: Events, step: str | None) -> None:
    for name in ("SO-1", "SO-2"):
        try:
            fail(name, step, tenant="acme", part="shop")
        except ValueError:
            LOG.exception("order failed")
            structlog.get_logger().error("order failed", exc_info=True)
    for failed, *reports in zip(
        events.named("unit.failed"), *[iter(events.named("order failed"))] * 2, strict=True
    ):
        assert [place(report) for report in reports] == [place(failed)] * 2
        assert {report[ID] for report in reports} == {failed[ID]}
        assert {report["unsnag.part"] for report in reports} == {"shop"}
        assert failed["unsnag.tenant"] == "acme"


RUNNER = "job 7: exception raised while executing\n"


def test_a_job_runner_that_logs_the_traceback_as_text_reports_for_the_unit(events: Events) -> None:
    for log in (LOG, structlog.get_logger()):
        try:
            fail("SO-1", "capture")
        except ValueError:
            log.error(RUNNER + traceback.format_exc())  # noqa: TRY400, G003 - as RQ does
    reported = [record for record in events.logs if record["event"].startswith(RUNNER)]
    failed = events.named("unit.failed")
    assert [place(record) for record in reported] == [place(record) for record in failed]
    assert [record[ID] for record in reported] == [record[ID] for record in failed]


def test_a_text_that_tells_of_something_else_is_a_record_of_its_own(events: Events) -> None:
    try:
        fail("SO-1")
    except ValueError as error:
        LOG.error("ValueError: another message")  # noqa: TRY400
        LOG.error("SO-1")  # noqa: TRY400
        LOG.warning("ValueError: SO-1")
        try:
            raise ValueError("SO-1") from error  # noqa: TRY301
        except ValueError:
            LOG.error("another ValueError: SO-1")  # noqa: TRY400
    LOG.error("ValueError: SO-1")
    reported = [record for record in events.logs if record["logger"] == "script"]
    assert len(reported) == 5
    assert not [record for record in reported if ID in record or "unsnag.correlation_id" in record]


def test_an_exception_that_no_record_reports_yet_is_not_named_by_a_text(events: Events) -> None:
    with unsnag.unit("SO-1"):
        try:
            raise ValueError("not stocked")  # noqa: TRY301
        except ValueError:
            LOG.error("ValueError: not stocked")  # noqa: TRY400
    assert ID not in next(record for record in events.logs if record["logger"] == "script")


def test_a_report_inside_another_unit_is_that_units(events: Events) -> None:
    with pytest.raises(ValueError, match="SO-1") as first:
        fail("SO-1")
    with unsnag.unit("SO-2"):
        LOG.error("found", exc_info=first.value)
    (found,) = events.named("found")
    assert found["unsnag.correlation_id"] == "SO-2"


def test_a_report_inside_the_unit_around_is_the_inner_units(events: Events) -> None:
    """A batch that reports the failure of one of its orders has not failed by itself."""
    with unsnag.unit("BATCH"), unsnag.unit("MIDDLE", tenant="t", customer="C-9"):
        try:
            fail("SO-1")
        except ValueError:
            LOG.exception("order failed")
    (found,) = events.named("order failed")
    assert found["unsnag.correlation_id"] == "SO-1"
    assert {"unsnag.customer", "unsnag.tenant"}.isdisjoint(found)


def test_an_exception_that_is_raised_again_elsewhere_belongs_there(events: Events) -> None:
    """Some programs keep one exception object and raise it for every order."""
    always = ValueError("not in stock")
    for name in ("SO-1", "SO-2"):
        try:
            with unsnag.unit(name), unsnag.step(f"step of {name}"):
                raise always
        except ValueError:
            LOG.exception("order failed")
    assert [log["unsnag.correlation_id"] for log in events.named("order failed")] == ["SO-1", "SO-2"]
    assert [log["unsnag.step"] for log in events.named("unit.failed")] == ["step of SO-1", "step of SO-2"]


def test_the_last_of_two_steps_that_raise_one_object_is_named(events: Events) -> None:
    always = ValueError("no answer")

    def once(name: str) -> None:
        with unsnag.step(name):
            raise always

    def both() -> None:
        with pytest.raises(ValueError, match="no answer"):
            once("first")
        once("second")

    with pytest.raises(ValueError, match="no answer"), unsnag.unit("SO-1"):
        both()
    assert events.named("unit.failed")[0]["unsnag.step"] == "second"


def test_a_pool_reports_for_the_unit_that_asked(events: Events) -> None:
    def work() -> None:
        raise ValueError("in the pool")

    with ThreadPoolExecutor(1) as pool:
        with unsnag.unit("SO-1"):
            future = pool.submit(work)
        LOG.error("late", exc_info=future.exception())
    assert events.named("late")[0]["unsnag.correlation_id"] == "SO-1"


def test_a_thread_that_crashes_is_its_units(run_script: Callable[..., Ran]) -> None:
    ran = run_script("""
    import threading, unsnag
    unsnag.init(flow="f")
    def work(): raise ValueError("in the thread")
    with unsnag.unit("SO-1"):
        thread = threading.Thread(target=work); thread.start(); thread.join()
    """)
    (failed,) = ran.named("process.failed")
    assert failed["unsnag.correlation_id"] == "SO-1"
    assert len(failed[ID]) == 16


def test_a_loop_under_unsnag_run_reports_for_the_order(run_script: Callable[..., Ran]) -> None:
    """The child begins inside the run's unit: the order's failure is still the order's."""
    ran = run_script(
        """
    import logging, unsnag
    unsnag.init(flow="f")
    try:
        with unsnag.unit("SO-1"): raise ValueError("x")
    except ValueError: logging.exception("order failed")
    logging.error("plain")
    """,
        BAGGAGE="unsnag.correlation_id=RUN-1",
    )
    assert ran.named("order failed")[0]["unsnag.correlation_id"] == "SO-1"
    assert ran.named("plain")[0]["unsnag.correlation_id"] == "RUN-1"


# --- odd exceptions ------------------------------------------------------------------------------


class SlottedError(Exception):
    __slots__ = ("code",)


class HostileError(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise RuntimeError("no")

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            raise RuntimeError("no")
        return super().__getattribute__(name)


class EmptiedError(Exception):
    __dict__ = None  # type: ignore[assignment]


class RecursiveError(Exception):
    def __init__(self) -> None:
        super().__init__("itself")
        self.__cause__ = self


@pytest.mark.parametrize("kind", [SlottedError, HostileError, EmptiedError, RecursiveError])
def test_odd_exceptions_have_a_stable_id(events: Events, kind: type[Exception]) -> None:
    error = kind()

    def work() -> None:
        LOG.error("before", exc_info=error)
        raise error

    with pytest.raises(kind), unsnag.unit("SO-1"), unsnag.step("s"):
        work()
    LOG.error("after", exc_info=error)
    reported = [log for log in events.logs if ID in log]
    assert [log["event"] for log in reported] == ["before", "step.failed", "unit.failed", "after"]
    assert len({log[ID] for log in reported}) == 1
    assert {log["unsnag.correlation_id"] for log in reported} == {"SO-1"}


def test_notes_go_with_an_exception_to_another_process(events: Events) -> None:
    with (
        pytest.raises(ValueError, match="x") as caught,
        unsnag.unit("SO-1", value=object()),
        unsnag.step("s"),
    ):
        raise ValueError("x")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert notes.identity(again, "SO-1")[ID] == events.named("unit.failed")[0][ID]
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer), 'unsnag' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], input=pickle.dumps(caught.value), capture_output=True, check=True
    )
    assert done.stdout == b"x False\n"


def test_leaving_with_an_exit_code_that_is_no_number_fails(events: Events) -> None:
    with pytest.raises(SystemExit), unsnag.unit("SO-1"):
        sys.exit(["unhashable"])  # type: ignore[arg-type]
    assert [span["unsnag.outcome"] for span in events.spans] == ["failed"]
    assert events.named("unit.failed")[0]["exception.type"] == "SystemExit"


def test_a_text_of_another_exception_is_not_taken_for_the_one_at_hand(events: Events) -> None:
    other = OSError("rendered before")
    text = structlog.processors.format_exc_info(None, "error", {"exc_info": other})["exception"]  # type: ignore[arg-type]
    try:
        raise KeyError("at hand")  # noqa: TRY301
    except KeyError:
        structlog.get_logger().error("described", exception=text)
    (log,) = events.named("described")
    assert (log["exception.type"], log["exception.message"]) == ("OSError", "rendered before")


def test_a_web_server_that_logs_the_exception_as_well_reports_the_same_failure(
    run_script: Callable[..., Ran],
) -> None:
    """What leaves the application is logged by uvicorn, outside of the block; sync routes run in threads."""
    ran = run_script("""
    import socket, threading, urllib.error, urllib.request
    import fastapi, uvicorn, unsnag
    unsnag.init(flow="f")
    app = fastapi.FastAPI()
    @app.get("/sync")
    def sync_route():
        with unsnag.unit("SO-1", tenant="acme"), unsnag.step("capture"): raise ValueError("sync")
    @app.get("/async")
    async def async_route():
        async with unsnag.unit("SO-2"): raise ValueError("async")
    listening = socket.socket(); listening.bind(("127.0.0.1", 0)); listening.listen()
    server = uvicorn.Server(uvicorn.Config(app, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}); thread.start()
    for route in ("sync", "async"):
        try: urllib.request.urlopen(f"http://127.0.0.1:{listening.getsockname()[1]}/{route}")
        except urllib.error.HTTPError as error: print(error.code)
    server.should_exit = True; thread.join()
    """)
    assert ran.stdout.split()[:2] == ["500", "500"]
    for name in ("SO-1", "SO-2"):
        failed = next(log for log in ran.named("unit.failed") if log["unsnag.correlation_id"] == name)
        (logged,) = [
            log for log in ran.logs if log["logger"] == "uvicorn.error" and log.get(ID) == failed[ID]
        ]
        assert place(logged) == place(failed)
