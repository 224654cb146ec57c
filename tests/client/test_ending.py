"""How a unit's block ended: the rows of the table that the client decides, in real interpreters."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unsnag
from tests.client.test_command import unsnag_run
from tests.client.test_otlp import Endpoint, listening
from unsnag import testing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.client.conftest import Ran
    from unsnag.testing import Events

LOG = logging.getLogger("script")
OUTCOME_KEYS = (
    "unsnag.outcome",
    "unsnag.verdict",
    "unsnag.partial.failed",
    "unsnag.partial.total",
    "unsnag.completes",
)


@pytest.fixture
def events() -> Iterator[Events]:
    with testing.captured("f", service="test") as captured:
        yield captured


def units(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [span for span in spans if span.get("unsnag.kind") == "unit"]


def stated(span: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("unsnag."): span[key] for key in OUTCOME_KEYS if key in span}


PRELUDE = """
import asyncio, logging, os, signal, sys, unsnag
logging.basicConfig(level="INFO", handlers=[logging.NullHandler()])
log = logging.getLogger("script")
unsnag.init(flow="f", service="s")
"""
SUCCESS = {"outcome": "success"}
OK = {"outcome": "success", "verdict": "ok"}
FAILED = {"outcome": "failed"}
CALLED_FAILED = {"outcome": "failed", "verdict": "failed"}
PARTIAL = {"outcome": "partial", "verdict": "partial", "partial.failed": "3", "partial.total": "40"}

# What the script does in its block, what its span says, and the exception types of its unit.failed records.
ROWS: dict[str, tuple[str, dict[str, Any], list[str | None]]] = {
    "ends normally": ("pass", SUCCESS, []),
    "an exception leaves": ("raise ValueError('x')", FAILED, ["ValueError"]),
    "exit code 0": ("sys.exit(0)", SUCCESS, []),
    "exit without a code": ("sys.exit()", SUCCESS, []),
    "another exit code": ("sys.exit(3)", FAILED, ["SystemExit"]),
    "exit with a text": ("sys.exit('no input')", FAILED, ["SystemExit"]),
    "an interrupt": ("os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(20)", FAILED,
                     ["KeyboardInterrupt"]),
    "logs its exception": ("try: 1 / 0\n    except ZeroDivisionError: log.exception('x')", SUCCESS, []),
    "logs an error without one": ("log.error('looks odd')", SUCCESS, []),
    "ok": ("u.ok()", OK, []),
    "an error, then ok": ("log.error('x'); u.ok()", OK, []),
    "ok, then an error": ("u.ok(); log.error('x')", SUCCESS, []),
    "ok, then a warning": ("u.ok(); log.warning('x')", OK, []),
    "ok, an error, ok": ("u.ok(); log.critical('x'); u.ok()", OK, []),
    "ok, then an exception": ("u.ok(); raise ValueError('x')", FAILED, ["ValueError"]),
    "fail": ("u.fail('no stock')", CALLED_FAILED, [None]),
    "fail with an exception": ("u.fail('x', error=KeyError('sku'))", CALLED_FAILED, ["KeyError"]),
    "fail, then ok": ("u.fail('x'); u.ok()", OK, []),
    "ok, then fail": ("u.ok(); u.fail('x')", CALLED_FAILED, [None]),
    "fail twice": ("u.fail('x'); u.fail('y')", CALLED_FAILED, [None]),
    "fail, then an exception": ("u.fail('x'); raise ValueError('y')", CALLED_FAILED, ["ValueError"]),
    "fail, then exit code 0": ("u.fail('x'); sys.exit(0)", CALLED_FAILED, [None]),
    "partial": ("u.partial(failed=3, total=40)", PARTIAL, []),
    "partial of which none failed": ("u.partial(failed=0, total=40)", OK, []),
    "partial, then ok": ("u.partial(failed=3, total=40); u.ok()", OK, []),
    "partial, then an error": ("u.partial(3, 40); log.error('x')", PARTIAL, []),
    "partial, then an exception": ("u.partial(3, 40); raise ValueError('x')", FAILED, ["ValueError"]),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_how_a_block_ended(run_script: Callable[..., Ran], row: str) -> None:
    body, expected, failures = ROWS[row]
    ran = run_script(f'{PRELUDE}\nwith unsnag.unit("SO-1") as u:\n    {body}\n')
    (span,) = units(ran.spans)
    assert stated(span) == expected
    assert [log.get("exception.type") for log in ran.named("unit.failed")] == failures
    assert (span["status"].get("code") == 2) == (expected["outcome"] == "failed")
    assert not ran.named("client.dropped")


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ("u.fail('no stock'); u.ok()", ["no stock"]),
        ("u.fail('no stock'); u.ok(); u.ok()", ["no stock"]),
        ("u.fail('no stock'); u.ok(); log.error('x')", []),
        ("u.fail('no stock'); u.ok(); u.fail('x')", []),
        ("u.fail('no stock'); u.ok(); raise ValueError('x')", []),
        ("u.ok()", []),
    ],
)
def test_a_failure_that_the_script_takes_back_is_a_warning(
    run_script: Callable[..., Ran], body: str, reported: list[str]
) -> None:
    ran = run_script(f'{PRELUDE}\nwith unsnag.unit("SO-1", value=8, currency="EUR") as u:\n    {body}\n')
    records = ran.named("unit.fail_taken_back")
    assert [record["message"] for record in records] == reported
    assert all(record["level"] == "warning" for record in records)
    assert all(stated(record) == {"outcome": "failed", "verdict": "failed"} for record in records)


def test_a_cancelled_task_has_failed(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        PRELUDE
        + """
async def work():
    async with unsnag.unit("SO-1"): await asyncio.sleep(20)
async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(0.01); task.cancel()
    await asyncio.gather(task, return_exceptions=True)
asyncio.run(main())
"""
    )
    assert [stated(span) for span in units(ran.spans)] == [FAILED]
    assert [log["exception.type"] for log in ran.named("unit.failed")] == [
        "asyncio.exceptions.CancelledError"
    ]


def test_a_generator_that_is_closed_has_ended_normally(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        PRELUDE
        + """
def work():
    with unsnag.unit("SO-1") as u:
        u.ok()
        yield 1
        yield 2
for _ in work(): break
"""
    )
    assert [stated(span) for span in units(ran.spans)] == [OK]


def test_a_script_that_is_killed_leaves_a_start_that_names_its_process(
    run_script: Callable[..., Ran],
) -> None:
    ran = run_script(
        PRELUDE
        + """
with unsnag.unit("SO-1", value=5, part="shop", completes=True):
    print(os.getpid(), flush=True); unsnag.flush(); os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    assert ran.returncode == -9
    assert ran.spans == []
    (started,) = ran.named("unit.started")
    assert (started["process.pid"], started["host.name"]) == (int(ran.stdout), socket.gethostname())
    assert (started["unsnag.value.amount"], started["unsnag.part"]) == ("5.00", "shop")
    assert started["unsnag.completes"] is True


# --- the last word decides -----------------------------------------------------------------------

WORDS = st.sampled_from(["ok", "fail", "partial 3", "partial 0", "error", "exception", "warning", "inner ok"])


@given(
    st.lists(WORDS, max_size=8),
    st.sampled_from(["normal", "raise", "exit 0"]),
    st.sampled_from([None, False]),
)
def test_the_last_word_decides(words: list[str], end: str, completes: bool | None) -> None:  # noqa: FBT001
    with testing.captured("f") as events:
        _say(words, end, completes=completes)
        (span,), failures = units(events.spans), events.named("unit.failed")
    assert stated(span) == _expected(words, end, completes=completes)
    assert len(failures) == (span["unsnag.outcome"] == "failed")


def _say(words: list[str], end: str, *, completes: bool | None) -> None:
    with contextlib.suppress(ValueError, SystemExit), unsnag.unit("SO-1", completes=completes) as unit:
        for word in words:
            _acts(unit)[word]()
        if end != "normal":
            raise ValueError("end") if end == "raise" else SystemExit(0)


def _acts(unit: unsnag.unit) -> dict[str, Callable[[], Any]]:
    def inner_ok() -> None:
        with unsnag.unit("SO-1") as inner:
            inner.ok()

    return {
        "ok": unit.ok,
        "fail": lambda: unit.fail("no stock"),
        "partial 3": lambda: unit.partial(failed=3, total=40),
        "partial 0": lambda: unit.partial(failed=0, total=40),
        "error": lambda: LOG.error("an error"),
        "exception": lambda: LOG.error("an error", exc_info=ValueError("logged")),
        "warning": lambda: LOG.warning("a warning"),
        "inner ok": inner_ok,
    }


def _expected(words: list[str], end: str, *, completes: bool | None) -> dict[str, Any]:
    """Say it from the table: find the last word, and look whether an error follows it."""
    calls = [at for at, word in enumerate(words) if word.split()[0] in {"ok", "fail", "partial", "inner"}]
    last = words[calls[-1]] if calls else ""
    errors_follow = bool(calls) and bool({"error", "exception"} & set(words[calls[-1] :]))
    found: dict[str, Any] = {} if completes is None else {"completes": completes}
    if end == "raise":
        return found | (CALLED_FAILED if last == "fail" else FAILED)
    if last == "fail":
        return found | CALLED_FAILED
    if last == "partial 3":
        numbers = {"partial.failed": 3, "partial.total": 40}
        return found | {"outcome": "partial", "verdict": "partial", **numbers}
    normal = found | {"outcome": "success" if completes is None else "progress"}
    return normal | ({"verdict": "ok"} if last and not errors_follow else {})


# --- fail() --------------------------------------------------------------------------------------


def test_fail_writes_one_error_with_its_reason(events: Events) -> None:
    with unsnag.unit("SO-1", value=5, currency="EUR", part="shop") as unit, unsnag.step("reserve"):
        unit.fail("Nothing left of SKU-7", error_class="business")
    (failed,) = events.named("unit.failed")
    assert failed["level"] == "error"
    assert failed["message"] == failed["error.message"] == "Nothing left of SKU-7"
    assert (failed["unsnag.verdict"], failed["unsnag.error.class"]) == ("failed", "business")
    assert (failed["unsnag.step"], failed["unsnag.part"]) == ("reserve", "shop")
    assert (failed["unsnag.value.amount"], failed["unsnag.value.currency"]) == ("5.00", "EUR")
    assert not any(key.startswith("exception.") for key in failed)
    (span,) = units(events.spans)
    assert span["status"] == {"code": 2, "message": "Nothing left of SKU-7"}
    assert span["unsnag.error.class"] == "business"
    assert failed["unsnag.seq"] < span["unsnag.seq"]


def test_fail_with_a_caught_exception_is_the_failure_that_was_logged(events: Events) -> None:
    with unsnag.unit("SO-1") as unit:
        try:
            with unsnag.step("capture"):
                raise TimeoutError("no answer")  # noqa: TRY301
        except TimeoutError as error:
            LOG.exception("capture failed")
            unit.fail("The gateway did not answer", error=error)
    (logged,), (failed,) = events.named("capture failed"), events.named("unit.failed")
    assert failed["unsnag.exception.id"] == logged["unsnag.exception.id"]
    assert (failed["unsnag.step"], failed["unsnag.error.class"]) == ("capture", "infrastructure")
    assert (failed["message"], failed["exception.message"]) == ("The gateway did not answer", "no answer")


def test_logging_an_exception_that_then_leaves_is_one_failure(events: Events) -> None:
    def work() -> None:
        try:
            raise ValueError("x")  # noqa: TRY301
        except ValueError:
            LOG.exception("before")
            raise

    with pytest.raises(ValueError, match="x"), unsnag.unit("SO-1"):
        work()
    (before,), (failed,) = events.named("before"), events.named("unit.failed")
    assert before["unsnag.exception.id"] == failed["unsnag.exception.id"]
    assert "unsnag.verdict" not in failed


class Odd:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __int__ = __bool__ = __str__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("", None),
        (None, None),
        (ValueError("as the reason"), None),
        ("r", "a text"),
        (7, object()),
        (b"x", Odd),
    ],
)
def test_fail_takes_anything(events: Events, reason: Any, error: Any) -> None:
    with unsnag.unit("SO-1") as unit:
        unit.fail(reason, error=error, error_class="nonsense")
    assert [stated(span) for span in units(events.spans)] == [CALLED_FAILED]
    assert len(events.named("unit.failed")) == len(events.named("call.invalid")) == 1
    (failed,) = events.named("unit.failed")
    assert failed.get("message") or failed["exception.message"] == "as the reason"


# --- partial() -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "total"),
    [(41, 40), (-1, 40), (0, -1), (None, 40), (3, None), ("3", 40), (1.5, 40), (float("nan"), 1), (True, 2),
     (Odd(), 3), (object(), object())],
)  # fmt: skip
def test_numbers_that_cannot_be_are_a_warning_and_never_green(
    events: Events, failed: Any, total: Any
) -> None:
    with unsnag.unit("SO-1") as unit:
        unit.partial(failed=failed, total=total)
    assert [stated(span) for span in units(events.spans)] == [{"outcome": "partial", "verdict": "partial"}]
    (warning,) = events.named("call.invalid")
    assert (warning["level"], warning["call"]) == ("warning", "unit.partial")
    assert warning["unsnag.correlation_id"] == "SO-1"


@pytest.mark.parametrize(("failed", "total"), [(3.0, 40), (40, 40), (3, 40.0)])
def test_whole_numbers_of_any_kind_are_numbers(events: Events, failed: Any, total: Any) -> None:
    with unsnag.unit("SO-1") as unit:
        unit.partial(failed, total)
    (span,) = units(events.spans)
    assert (span["unsnag.partial.failed"], span["unsnag.partial.total"]) == (failed, total)
    assert not events.named("call.invalid")


def test_numbers_travel_as_numbers(run_script: Callable[..., Ran]) -> None:
    script = PRELUDE + 'with unsnag.unit("SO-1", completes=False, part="shop") as u: u.partial(3, 40)'
    with listening(Endpoint()) as endpoint:
        run_script(script, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.url)
    (span,) = [
        {item["key"]: item["value"] for item in group["scopeSpans"][0]["spans"][0]["attributes"]}
        for _, body in endpoint.got
        for group in body.get("resourceSpans", [])
    ]
    assert span["unsnag.partial.failed"] == {"intValue": "3"}
    assert span["unsnag.completes"] == {"boolValue": False}
    assert span["unsnag.part"] == {"stringValue": "shop"}


def test_the_scripts_own_provider_sees_the_same(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
"""
        + PRELUDE
        + """
with unsnag.unit("SO-1") as u: u.partial(3, 40)
with unsnag.unit("SO-2") as u: u.fail("no stock")
"""
    )
    first, second = units(ran.spans)
    assert stated(first) == PARTIAL
    assert stated(second) == CALLED_FAILED
    assert second["status"] == {"code": 2, "message": "no stock"}


# --- units in units, threads, forks --------------------------------------------------------------


def test_the_word_of_an_inner_block_is_the_units(events: Events) -> None:
    with unsnag.unit("SO-1"), unsnag.unit("SO-1") as inner:
        inner.fail("no stock")
    assert [stated(span) for span in units(events.spans)] == [CALLED_FAILED]


def test_an_inner_block_that_says_so_finishes_the_unit(events: Events) -> None:
    with unsnag.unit("SO-1", completes=False), unsnag.unit("SO-1", completes=True):
        pass
    assert [stated(span) for span in units(events.spans)] == [
        {"outcome": "success", "completes": True}, {"outcome": "progress", "completes": False},
    ]  # fmt: skip


def test_an_inner_block_that_does_not_say_so_finishes_nothing(events: Events) -> None:
    with unsnag.unit("SO-1", completes=False), unsnag.unit("SO-1"):
        pass
    assert [stated(span) for span in units(events.spans)] == [{"outcome": "progress", "completes": False}]


def test_an_inner_block_does_not_finish_a_unit_that_was_called_failed(events: Events) -> None:
    with unsnag.unit("SO-1"), unsnag.unit("SO-1", completes=True) as inner:
        inner.fail("no stock")
    assert [stated(span) for span in units(events.spans)] == [CALLED_FAILED]


def test_an_odd_completes_counts_as_not_stated(events: Events) -> None:
    with unsnag.unit("SO-1", completes=Odd()):  # type: ignore[arg-type]
        pass
    with unsnag.unit("SO-1", completes=0):
        pass
    assert [stated(span) for span in units(events.spans)] == [
        SUCCESS,
        {"outcome": "progress", "completes": False},
    ]


def test_an_error_of_another_unit_inside_takes_nothing_back(events: Events) -> None:
    with unsnag.unit("BATCH") as batch:
        batch.ok()
        with unsnag.unit("SO-1") as order:
            order.ok()
            LOG.error("of the order")
        with contextlib.suppress(ValueError), unsnag.unit("SO-2"):
            raise ValueError("x")
    order_span, failed, batch_span = units(events.spans)
    assert (stated(order_span), stated(failed), stated(batch_span)) == (SUCCESS, FAILED, OK)


def test_another_part_or_tenant_inside_is_a_block_of_its_own(events: Events) -> None:
    with unsnag.unit("7", part="shop", tenant="a") as outer:
        outer.ok()
        with unsnag.unit("7", part="label"):
            LOG.warning("inside the label")
        with contextlib.suppress(ValueError), unsnag.unit("7", tenant="b"):
            raise ValueError("x")
    label, other, shop = units(events.spans)
    assert (label["unsnag.part"], label["unsnag.tenant"], stated(label)) == ("label", "a", SUCCESS)
    assert ("unsnag.part" in other, other["unsnag.tenant"], stated(other)) == (False, "b", FAILED)
    assert (shop["unsnag.part"], stated(shop)) == ("shop", OK)
    assert events.named("inside the label")[0]["unsnag.part"] == "label"


def test_a_part_is_on_every_line_and_span_of_its_unit_only(events: Events) -> None:
    with unsnag.unit("SO-1", part="shop"):
        LOG.warning("mine")
        with unsnag.step("s"), unsnag.unit("SO-2"):
            LOG.warning("theirs")
    assert events.named("mine")[0]["unsnag.part"] == "shop"
    assert "unsnag.part" not in events.named("theirs")[0]
    parts = {span["name"]: span.get("unsnag.part") for span in events.spans if span["name"] == "step s"}
    assert parts == {"step s": "shop"}
    assert [span.get("unsnag.part") for span in units(events.spans)] == [None, "shop"]


def test_an_error_in_a_thread_of_the_block_takes_ok_back(events: Events) -> None:
    with unsnag.unit("SO-1") as unit:
        unit.ok()
        thread = threading.Thread(target=lambda: LOG.error("in the thread"))
        thread.start()
        thread.join()
    assert [stated(span) for span in units(events.spans)] == [SUCCESS]


def test_a_thread_that_crashes_in_the_block_takes_ok_back(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        PRELUDE
        + """
import threading
with unsnag.unit("SO-1") as u:
    u.ok()
    thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()
"""
    )
    assert [stated(span) for span in units(ran.spans)] == [SUCCESS]
    assert ran.named("process.failed")[0]["unsnag.correlation_id"] == "SO-1"


def test_a_forked_child_reports_its_own_end_of_the_same_unit(run_script: Callable[..., Ran]) -> None:
    """The parent's block is not the child's: a failure in the child must not pass for a part of it."""
    ran = run_script(
        PRELUDE
        + """
import multiprocessing
def work():
    with unsnag.unit("SO-1"): raise ValueError("in the child")
with unsnag.unit("SO-1") as u:
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start(); process.join()
    u.ok()
"""
    )
    ends = {span["unsnag.outcome"] for span in units(ran.spans)}
    assert ends == {"failed", "success"}
    assert ran.named("unit.failed")[0]["exception.message"] == "in the child"


def test_a_block_of_the_same_unit_after_the_first_has_an_end_of_its_own(events: Events) -> None:
    go = threading.Event()

    def late() -> None:
        go.wait(20)
        with unsnag.unit("SO-1") as unit:
            unit.fail("too late")

    with unsnag.unit("SO-1"):
        thread = threading.Thread(target=late)
        thread.start()
    go.set()
    thread.join()
    assert [stated(span) for span in units(events.spans)] == [SUCCESS, CALLED_FAILED]


def test_a_word_outside_of_the_block_is_a_warning_and_changes_nothing(events: Events) -> None:
    unit = unsnag.unit("SO-1")
    unit.ok()
    with unit:
        pass
    unit.fail("too late")
    unit.partial(1, 2)
    assert [stated(span) for span in units(events.spans)] == [SUCCESS]
    assert [log["call"] for log in events.named("call.invalid")] == ["unit.ok", "unit.fail", "unit.partial"]


def test_words_without_init_harm_nothing() -> None:
    with unsnag.unit("SO-1") as unit:
        unit.ok()
        unit.partial(9, 2)
        unit.fail("x")


# --- the wrapper ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), SUCCESS),
        (("--partial",), {"outcome": "progress", "completes": False}),
        (("--final",), {"outcome": "success", "completes": True}),
    ],
)
def test_the_wrapper_says_what_it_was_reported(
    tmp_path: Path, options: tuple[str, ...], expected: dict[str, Any]
) -> None:
    ran = unsnag_run(tmp_path, *options, "--", "true")
    assert [stated(span) for span in units(ran.spans)] == [expected]


def test_a_declared_job_is_the_unit(tmp_path: Path) -> None:
    ran = unsnag_run(tmp_path, "--job", "nightly-export", "--", "false")
    ran = unsnag_run(tmp_path, "--job", "nightly-export", "--", "true")
    assert [span["unsnag.correlation_id"] for span in units(ran.spans)] == ["nightly-export"] * 2
    assert {span["unsnag.job"] for span in units(ran.spans)} == {"nightly-export"}
    assert {log["unsnag.job"] for log in ran.named("unit.started")} == {"nightly-export"}
    assert sorted(span["unsnag.outcome"] for span in units(ran.spans)) == ["failed", "success"]
    assert {span["unsnag.completes"] for span in units(ran.spans)} == {True}
    assert len({span["unsnag.run_id"] for span in units(ran.spans)}) == 2


@pytest.mark.parametrize(
    "options", [("--job", "n", "--unit", "u"), ("--job", "n", "--partial"), ("--final", "--partial")]
)
def test_contradictions_are_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    ran = unsnag_run(tmp_path, *options, "--", "true")
    assert ran.returncode == 2
    assert options[0] in ran.stderr


def test_a_command_that_is_killed_has_failed(tmp_path: Path) -> None:
    ran = unsnag_run(tmp_path, "--", "sh", "-c", "kill -9 $$")
    assert ran.returncode == 137
    assert [stated(span) for span in units(ran.spans)] == [FAILED]
