from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import unsnag
from unsnag import conventions, testing
from unsnag.propagation import MAX_BYTES, format_baggage, parse, parse_traceparent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unsnag.testing import Events


@pytest.fixture
def events() -> Iterator[Events]:
    with testing.captured("order-to-cash", service="test") as captured:
        yield captured


def outcomes(events: Events) -> list[str]:
    return [span["unsnag.outcome"] for span in events.spans if span.get("unsnag.kind") == "unit"]


def test_leaving_a_unit_well_is_its_success_signal(events: Events) -> None:
    with unsnag.unit("SO-1", value=129.9, currency="EUR", tenant="acme", customer="C-1"):
        pass
    (started,) = events.named("unit.started")
    (span,) = events.spans
    assert started["unsnag.value.amount"] == span["unsnag.value.amount"] == "129.90"
    assert (span["unsnag.outcome"], span["unsnag.customer"], span["unsnag.correlation_id"]) == (
        "success", "C-1", "SO-1",
    )  # fmt: skip


def test_a_unit_that_a_later_program_goes_on_with_has_made_progress(events: Events) -> None:
    with unsnag.unit("SO-1", completes=False):
        pass
    assert outcomes(events) == ["progress"]


def test_an_error_that_leaves_the_unit_is_one_record_from_its_innermost_step(events: Events) -> None:
    with (
        pytest.raises(unsnag.InfrastructureError),
        unsnag.unit("SO-1", value=5),
        unsnag.step("outer"),
        unsnag.step("capture", dependency="gateway", idempotent=True),
    ):
        raise unsnag.InfrastructureError("no answer", code="gateway.timeout", value_at_risk=7, order="SO-1")
    (failed,) = events.named("unit.failed")
    assert failed["level"] == "error"
    assert {key: failed[key] for key in failed if key.startswith("unsnag.") and key not in
            ("unsnag.record_id", "unsnag.seq", "unsnag.exception.id")} == {
        "unsnag.flow": "order-to-cash", "unsnag.correlation_id": "SO-1", "unsnag.step": "capture",
        "unsnag.attempt": 1, "unsnag.idempotent": True, "unsnag.dependency": "gateway",
        "unsnag.idempotency_key": conventions.idempotency_key("order-to-cash", "capture", "SO-1"),
        "unsnag.value.amount": "5.00",
        "unsnag.error.class": "infrastructure", "unsnag.error.rule": "script 1.00 2",
        "unsnag.error.code": "gateway.timeout", "unsnag.error.value_at_risk": "7.00",
        "unsnag.data": {"order": "SO-1"},
    }  # fmt: skip
    assert failed["exception.type"] == "unsnag.InfrastructureError"
    assert "Traceback" in failed["exception.stacktrace"]
    assert [record["unsnag.step"] for record in events.named("step.failed")] == ["capture", "outer"]
    assert {record["level"] for record in events.named("step.failed")} == {"warning"}
    assert outcomes(events) == ["failed"]


def test_an_error_translated_outside_its_step_still_knows_the_step(events: Events) -> None:
    def translate() -> None:
        try:
            with unsnag.step("read"):
                raise KeyError("sku")  # noqa: TRY301
        except KeyError as error:
            raise unsnag.DataError("no sku") from error

    with pytest.raises(unsnag.DataError), unsnag.unit("SO-1"):
        translate()
    assert events.named("unit.failed")[0]["unsnag.step"] == "read"


def test_an_error_that_the_script_catches_opens_nothing(events: Events) -> None:
    with unsnag.unit("SO-1"):
        try:
            with unsnag.step("s"):
                raise ValueError("x")  # noqa: TRY301
        except ValueError:
            pass
    assert not events.named("unit.failed")
    assert outcomes(events) == ["success"]


def test_attempts_count_until_a_success(events: Events) -> None:
    calls = iter([True, True, False, False])

    @unsnag.step("flaky")
    def flaky() -> None:
        if next(calls):
            raise ValueError

    with unsnag.unit("SO-attempts"):
        for _ in range(4):
            try:
                flaky()
            except ValueError:
                continue
    attempts = [span["unsnag.attempt"] for span in events.spans if span.get("unsnag.kind") == "step"]
    assert attempts == [1, 2, 3, 1]


def test_a_block_of_the_same_unit_inherits_and_adds_no_second_outcome(events: Events) -> None:
    with unsnag.unit("SO-1", tenant="acme", value=3), unsnag.unit("SO-1"):
        pass
    inner, outer = events.spans
    assert inner["unsnag.tenant"] == "acme"
    assert "unsnag.outcome" not in inner
    assert outer["unsnag.outcome"] == "success"
    assert len(events.named("unit.started")) == 1


def test_another_unit_inside_inherits_nothing_of_the_first(events: Events) -> None:
    with unsnag.unit("SO-1", tenant="acme", value=3), unsnag.step("s"), unsnag.unit("SO-2"):
        pass
    inner = events.spans[0]
    assert inner["unsnag.correlation_id"] == "SO-2"
    assert {"unsnag.tenant", "unsnag.step", "unsnag.value.amount"}.isdisjoint(inner)


@pytest.mark.parametrize(
    ("error", "outcome", "failures"),
    [
        (SystemExit(0), ["success"], 0),
        (SystemExit(None), ["success"], 0),
        (GeneratorExit(), ["success"], 0),
        (SystemExit(3), ["failed"], 1),
        (KeyboardInterrupt(), ["failed"], 1),
        (asyncio.CancelledError(), ["failed"], 1),
    ],
)
def test_leaving_early_is_reported_by_how_it_was_left(
    events: Events, error: BaseException, outcome: list[str], failures: int
) -> None:
    with pytest.raises(type(error)), unsnag.unit("SO-1"):
        raise error
    assert outcomes(events) == outcome
    assert len(events.named("unit.failed")) == failures


def test_tasks_threads_and_pools_inherit_the_unit(events: Events) -> None:
    seen: list[str | None] = []

    async def main() -> None:
        async with unsnag.unit("SO-async"):
            await asyncio.gather(*(look() for _ in range(2)))

    @unsnag.step("look")
    async def look() -> None:
        await asyncio.sleep(0)
        seen.append(unsnag.correlation_id())

    asyncio.run(main())
    with ThreadPoolExecutor(1) as pool:
        with unsnag.unit("SO-thread"):
            thread = threading.Thread(target=lambda: seen.append(unsnag.correlation_id()))
            thread.start()
            thread.join()
            seen.append(pool.submit(unsnag.correlation_id).result())
        seen.append(pool.submit(unsnag.correlation_id).result())
    assert seen == ["SO-async", "SO-async", "SO-thread", "SO-thread", None]
    assert len({span["spanId"] for span in events.spans}) == 4


def test_context_travels_in_headers_and_in_the_environment(events: Events) -> None:
    with unsnag.unit("SO 1,2;=ü", tenant="acme", customer="secret-customer", value=99):
        headers, environment = unsnag.headers(), unsnag.environment()
    assert environment == {key.upper(): text for key, text in headers.items()}
    assert "secret-customer" not in str(headers)
    with unsnag.from_headers({"Traceparent": headers["traceparent"], "Baggage": headers["baggage"]}):
        assert unsnag.correlation_id() == "SO 1,2;=ü"
        with unsnag.unit("SO 1,2;=ü"):
            pass
    assert unsnag.correlation_id() is None
    first, second = events.spans
    assert (second["traceId"], second["parentSpanId"]) == (first["traceId"], first["spanId"])
    assert second["unsnag.tenant"] == "acme"


def test_an_invalid_traceparent_starts_a_new_trace_and_is_counted(events: Events) -> None:
    with unsnag.from_headers({"traceparent": "00-zero-one-01"}), unsnag.unit("SO-1"):
        assert parse_traceparent(unsnag.headers()["traceparent"])
    assert len(events.named("context.invalid")) == 1


@pytest.mark.parametrize(
    "text",
    ["", "00", f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01", f"ff-{'1' * 32}-{'1' * 16}-01",
     f"00-{'1' * 32}-{'1' * 16}-01-x", f"00-{'A' * 32}-{'1' * 16}-01", f"00-{'1' * 31}-{'1' * 16}-01"],
)  # fmt: skip
def test_what_is_no_traceparent(text: str) -> None:
    assert parse_traceparent(text) is None


def test_a_newer_version_of_traceparent_is_read() -> None:
    assert parse_traceparent(f"01-{'1' * 32}-{'2' * 16}-00-more") == ("1" * 32, "2" * 16, "00")


def test_baggage_keeps_its_limits_and_ignores_strangers() -> None:
    assert len(format_baggage({conventions.CORRELATION_ID: "x" * 9000, conventions.TENANT: "t"})) < MAX_BYTES
    many = ",".join(f"k{number}=v" for number in range(64)) + ",unsnag.tenant=late"
    assert parse({"baggage": many}).baggage == {}
    assert parse({"baggage": "unsnag.tenant=a%20b;p=1, unsnag.customer=c"}).baggage == {
        "unsnag.tenant": "a b"
    }
    assert parse({"baggage": "x" * (MAX_BYTES + 1)}).baggage == {}


def test_tracestate_is_passed_on_unchanged(events: Events) -> None:
    traceparent = f"00-{'1' * 32}-{'2' * 16}-00"
    with unsnag.from_headers({"traceparent": traceparent, "tracestate": "a=1,b=2"}), unsnag.unit("SO-1"):
        assert unsnag.headers()["tracestate"] == "a=1,b=2"
        assert unsnag.headers()["traceparent"].endswith("-00")
    assert events.spans[0]["traceState"] == "a=1,b=2"


def test_only_allowed_fields_leave_and_the_others_are_counted() -> None:
    with testing.captured("f", allow_fields=["order"]) as events:
        logging.getLogger("x").warning("hello", extra={"order": 1, "person": "Ann", "street": "S"})
        (log,) = events.named("hello")
    assert (log["order"], log["unsnag.client.fields_dropped"]) == (1, 2)
    assert {"person", "street"}.isdisjoint(log)


def test_an_errors_context_leaves_only_as_far_as_it_is_allowed() -> None:
    person = "Ann Example"  # named here, since a stack shows the line that raises
    with testing.captured("f", allow_fields=["order"]) as events:
        with pytest.raises(unsnag.DataError), unsnag.unit("SO-1"), unsnag.step("s"):
            raise unsnag.DataError("wrong", order=1, person=person)
        reported = [*events.named("step.failed"), *events.named("unit.failed"), *events.spans]
    assert [(item["unsnag.data"], item["unsnag.client.fields_dropped"]) for item in reported] == [
        ({"order": 1}, 1)
    ] * 4
    assert b"Ann Example" not in b"".join(events.lines)


def test_the_reason_of_a_failure_leaves_masked_and_needs_no_allowance() -> None:
    with testing.captured("f", allow_fields=["order"]) as events:
        with unsnag.unit("SO-1") as unit:
            unit.partial(9, 2)
            unit.fail("card 4111 1111 1111 1111 refused")
        (failed,), (invalid,), (span,) = (
            events.named("unit.failed"), events.named("call.invalid"), events.spans,
        )  # fmt: skip
    assert failed["message"] == span["status"]["message"] == "card [masked: card] refused"
    assert "failed=9, total=2" in invalid["reason"]


def test_the_clock_is_the_tests(events: Events) -> None:
    with testing.clock(1_700_000_000.5), unsnag.unit("SO-1"):
        pass
    assert events.named("unit.started")[0]["timestamp"] == "2023-11-14T22:13:20.500000Z"
    assert events.spans[0]["startTimeUnixNano"] == "1700000000500000000"


def test_without_init_everything_runs_and_nothing_is_recorded() -> None:
    @unsnag.step("s")
    def double(number: int) -> int:
        return 2 * number

    with unsnag.unit("SO-1"):
        assert double(2) == 4
        assert unsnag.idempotency_key()


@pytest.mark.parametrize(
    ("reported", "expected"), [(129.9, "129.90"), ("1.005", "1.005"), (3, "3.00"), ("x", "x")]
)
def test_money_is_a_decimal_text(events: Events, reported: object, expected: str) -> None:
    with unsnag.unit("SO-1", value=reported):
        pass
    assert events.spans[0]["unsnag.value.amount"] == expected
