from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import unsnag
from server.api.retries import LeaseBody
from tests.client.center import SmallCenter, serving
from tests.client.conftest import clean_environment
from unsnag import conventions, handlers, testing, worker
from unsnag.center import Center, CenterError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE = "0af7651916cd43dd8448eb211c80319c"
RETRY = {
    "id": "r-7",
    "case": "c-1",
    "flow": "order-to-cash",
    "step": "capture-payment",
    "correlation_id": "SO-1",
    "idempotency_key": "k" * 32,
    "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    "data": {"order": "SO-1"},
    "attempt": 4,
}


@pytest.fixture(autouse=True)
def _no_handlers() -> Iterator[None]:
    before = dict(handlers.registered)
    handlers.registered.clear()
    yield
    handlers.registered.clear()
    handlers.registered.update(before)


def work(center: SmallCenter) -> None:
    with serving(center):
        runner = worker.Worker(Center(center.url), ["order-to-cash"], 0)
        while runner.run_one():
            pass


def test_a_retry_runs_in_the_context_of_the_first_try() -> None:
    seen: list[Any] = []

    @unsnag.step("capture-payment", idempotent=True)
    def capture() -> None:
        seen.append(
            (unsnag.correlation_id(), unsnag.idempotency_key(), unsnag.headers()["traceparent"][3:35])
        )

    @unsnag.handler("order-to-cash", "capture-payment")
    def handle(retry: unsnag.Retry) -> None:
        seen.append(retry.data)
        capture()

    center = SmallCenter(RETRY)
    with testing.captured("order-to-cash") as events:
        work(center)
        steps = [span for span in events.spans if span.get("unsnag.kind") == "step"]
    assert seen == [{"order": "SO-1"}, ("SO-1", "k" * 32, TRACE)]
    assert [(step["unsnag.attempt"], step["unsnag.retry_id"]) for step in steps] == [(4, "r-7")]
    assert center.heard("complete") == [{"lease_token": "t-1"}]


def test_a_handler_without_a_step_of_its_own_gets_the_attempts_span() -> None:
    unsnag.handler("order-to-cash", "capture-payment")(lambda _: None)
    with testing.captured("order-to-cash") as events:
        work(SmallCenter(RETRY))
        (span,) = events.spans
    assert (span["unsnag.kind"], span["unsnag.step"], span["unsnag.attempt"]) == (
        "step",
        "capture-payment",
        4,
    )
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, "b7ad6b7169203331")


def test_a_handler_that_opens_the_unit_sends_its_success_signal() -> None:
    @unsnag.handler("order-to-cash", "capture-payment")
    def handle(retry: unsnag.Retry) -> None:
        with unsnag.unit(retry.correlation_id, value=5):
            pass

    with testing.captured("order-to-cash") as events:
        work(SmallCenter(RETRY))
        units = [span for span in events.spans if span.get("unsnag.kind") == "unit"]
    assert [(span["unsnag.outcome"], span["unsnag.correlation_id"]) for span in units] == [
        ("success", "SO-1")
    ]


def test_other_steps_in_a_handler_have_keys_and_attempts_of_their_own() -> None:
    @unsnag.handler("order-to-cash", "capture-payment")
    def handle(_: unsnag.Retry) -> None:
        with unsnag.step("send-mail"):
            assert unsnag.idempotency_key() == conventions.idempotency_key(
                "order-to-cash", "send-mail", "SO-1"
            )

    center = SmallCenter(RETRY)
    with testing.captured("order-to-cash") as events:
        work(center)
        assert {span["unsnag.attempt"] for span in events.spans if span["unsnag.step"] == "send-mail"} == {1}
    assert center.heard("complete")


def test_an_asynchronous_handler_is_awaited() -> None:
    seen = []

    @unsnag.handler("order-to-cash", "capture-payment")
    async def handle(retry: unsnag.Retry) -> None:
        seen.append(retry.attempt)

    work(SmallCenter(RETRY))
    assert seen == [4]


def test_a_failure_is_reported_with_its_class_and_masked() -> None:
    @unsnag.handler("order-to-cash", "capture-payment")
    def handle(_: unsnag.Retry) -> None:
        raise unsnag.BusinessError("card 4111 1111 1111 1111 is blocked", code="card.blocked")

    center = SmallCenter(RETRY)
    work(center)
    (body,) = center.heard("fail")
    assert body == {
        "lease_token": "t-1",
        "error_type": "unsnag.BusinessError",
        "message": "card [masked: card] is blocked",
        "class": "business",
    }


def test_a_step_without_a_handler_fails_and_says_what_to_do() -> None:
    center = SmallCenter(RETRY)
    work(center)
    (body,) = center.heard("fail")
    assert "@unsnag.handler" in body["message"]


def test_the_lease_is_renewed_at_a_third_of_its_time() -> None:
    unsnag.handler("order-to-cash", "capture-payment")(lambda _: time.sleep(1.0))
    center = SmallCenter(RETRY, lease_s=0.9)
    work(center)
    assert 2 <= len(center.heard("heartbeat")) <= 6
    assert center.heard("complete")


def test_a_lost_lease_is_not_reported_on() -> None:
    unsnag.handler("order-to-cash", "capture-payment")(lambda _: time.sleep(0.6))
    center = SmallCenter(RETRY, lease_s=0.3)
    center.lost.add("r-7")
    work(center)
    assert center.heard("heartbeat")
    assert not center.heard("complete")


def test_an_outcome_is_reported_until_the_center_takes_it_with_one_key() -> None:
    unsnag.handler("order-to-cash", "capture-payment")(lambda _: None)
    center = SmallCenter(RETRY)
    center.refuse["complete"] = [503, 500]
    work(center)
    assert len(center.heard("complete")) == 3
    assert len(set(center.keys("complete"))) == 1
    assert center.keys("complete")[0] != center.keys("lease")[0]


def test_a_center_that_does_not_answer_is_an_error_that_says_so() -> None:
    with pytest.raises(CenterError, match="does not answer"):
        worker.Worker(Center("http://127.0.0.1:9"), ["f"]).run_one()


def test_each_request_announces_the_handlers_of_its_flows() -> None:
    for flow, step in (
        ("order-to-cash", "capture-payment"),
        ("order-to-cash", "accept"),
        ("returns", "refund"),
    ):
        unsnag.handler(flow, step)(lambda _: None)
    center = SmallCenter(RETRY)
    work(center)
    expected = [
        {"flow": "order-to-cash", "step": "accept"},
        {"flow": "order-to-cash", "step": "capture-payment"},
    ]
    assert [body["handlers"] for body in center.heard("lease")] == [expected, expected]
    assert center.heard("lease")[0]["worker"] == f"{socket.gethostname()}-{os.getpid()}"


def test_the_servers_request_for_work_takes_what_a_worker_announces() -> None:
    """The model that the route validates with: an announcement is no reason to refuse a worker."""
    taken = LeaseBody.model_validate(
        {"flows": ["f"], "worker": "w", "handlers": [{"flow": "f", "step": "s"}]}
    )
    assert taken.worker == "w"


def test_a_refused_key_ends_the_worker() -> None:
    center = SmallCenter()
    center.refuse["lease"] = [401]
    with serving(center), pytest.raises(RefusedError, match="401"):
        worker.Worker(Center(center.url, "wrong"), ["f"], 0).run()


def test_an_address_that_is_no_web_address_is_refused() -> None:
    with pytest.raises(CenterError, match="http://"):
        Center("file:///etc/passwd")


@pytest.mark.parametrize("told", [None, "soon", "", {}])
def test_an_unreadable_end_of_a_lease_counts_as_a_minute(told: object) -> None:
    assert worker.remaining_s(told) == worker.LEASE_S


HANDLERS = """
import unsnag, time, sys
@unsnag.handler("order-to-cash", "capture-payment")
def handle(retry):
    print("handled", retry.correlation_id, retry.data["order"])
    if "crash" in retry.data: import os; os._exit(9)
"""


def start(center: SmallCenter, tmp_path: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    (tmp_path / "my_handlers.py").write_text(HANDLERS)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "unsnag",
            "worker",
            str(tmp_path / "my_handlers.py"),
            "--url",
            center.url,
            *options,
        ],
        env=clean_environment(UNSNAG_SPOOL=str(tmp_path / "spool"), UNSNAG_TOKEN="secret-1", **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_worker_command_executes_what_is_due_and_leaves(tmp_path: Path) -> None:
    with serving(SmallCenter(RETRY)) as center:
        out, err = start(center, tmp_path, "--once", "--name", "night-shift").communicate(timeout=30)
    assert out == "handled SO-1 SO-1\n"
    assert "retry r-7: done" in err
    assert center.requests[0][1]["flows"] == ["order-to-cash"]
    assert center.requests[0][1]["handlers"] == [{"flow": "order-to-cash", "step": "capture-payment"}]
    assert center.requests[0][1]["worker"] == "night-shift"
    assert center.requests[0][2]["Authorization"] == "Bearer secret-1"
    assert "r-7" in "".join(file.read_text() for file in (tmp_path / "spool").iterdir())


@pytest.mark.fault
def test_a_worker_that_crashes_reports_nothing_so_its_lease_expires(tmp_path: Path) -> None:
    with serving(SmallCenter({**RETRY, "data": {"order": "SO-1", "crash": 1}})) as center:
        process = start(center, tmp_path, "--once")
        process.communicate(timeout=30)
    assert process.returncode == 9
    assert not center.heard("complete")
    assert not center.heard("fail")


def test_a_waiting_worker_stops_at_once_when_told(tmp_path: Path) -> None:
    with serving(SmallCenter(RETRY)) as center:
        process = start(center, tmp_path)
        while not center.heard("complete"):
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_file_without_handlers_is_refused_kindly(tmp_path: Path) -> None:
    (tmp_path / "none.py").write_text("x = 1")
    done = subprocess.run(
        [sys.executable, "-m", "unsnag", "worker", str(tmp_path / "none.py")],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "registers no handler" in done.stderr
