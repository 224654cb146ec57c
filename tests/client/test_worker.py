"""A worker and the real server: what it is handed, what it reports, and what the server makes of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import unsnag
from access.roles import Grant
from server import container as containers
from tests.client.conftest import clean_environment
from tests.client.server import FLOW, KEY, SPAN, STEP, Server, running
from tests.server.team import team
from tests.telemetry import TRACE
from tests.waiting import eventually
from unsnag import conventions, handlers, testing, worker
from unsnag.retry_queue import RefusedError, RetryQueue, RetryQueueError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_handlers() -> Iterator[None]:
    before = dict(handlers.registered)
    handlers.registered.clear()
    yield
    handlers.registered.clear()
    handlers.registered.update(before)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose one failed order waits for a retry."""
    with running(tmp_path) as opened:
        opened.fail()
        opened.ask_for_retry()
        yield opened


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Server]:
    """The same, with leases of three seconds."""
    with running(tmp_path, lease_s=3) as opened:
        opened.fail()
        opened.ask_for_retry()
        yield opened


def work(server: Server) -> None:
    runner = worker.Worker(RetryQueue(server.url), [FLOW], 0)
    while runner.run_one():
        pass


def test_a_retry_runs_in_the_context_of_the_first_try(server: Server) -> None:
    seen: list[Any] = []

    @unsnag.step(STEP, idempotent=True)
    def capture() -> None:
        seen.append(
            (unsnag.correlation_id(), unsnag.idempotency_key(), unsnag.headers()["traceparent"][3:35])
        )

    @unsnag.handler(FLOW, STEP)
    def handle(retry: unsnag.Retry) -> None:
        seen.extend([retry.data, retry.case, retry.id])
        capture()

    with testing.captured(FLOW) as events:
        work(server)
        steps = [span for span in events.spans if span.get("unsnag.kind") == "step"]
    (lease,) = (each for each in server.line.reports("lease") if each.status == 200)
    assert lease.body["worker"] == f"{socket.gethostname()}-{os.getpid()}"
    data, case, lease_id, inside = seen
    assert (data, case, inside) == ({"order": "SO-1"}, server.case_id, ("SO-1", KEY, TRACE))
    attempt = server.retry()["attempt"]
    assert [(step["unsnag.attempt"], step["unsnag.retry_id"]) for step in steps] == [(attempt, lease_id)]
    assert (server.case()["state"], server.retry()["state"]) == ("verifying", "succeeded")


def test_a_handler_without_a_step_of_its_own_gets_the_attempts_span(server: Server) -> None:
    unsnag.handler(FLOW, STEP)(lambda _: None)
    with testing.captured(FLOW) as events:
        work(server)
        (span,) = events.spans
    attempt = server.retry()["attempt"]
    assert (span["unsnag.kind"], span["unsnag.step"], span["unsnag.attempt"]) == ("step", STEP, attempt)
    assert (span["traceId"], span["parentSpanId"]) == (TRACE, SPAN)


def test_a_handler_that_opens_the_unit_sends_its_success_signal(server: Server) -> None:
    @unsnag.handler(FLOW, STEP)
    def handle(retry: unsnag.Retry) -> None:
        with unsnag.unit(retry.correlation_id, value=5):
            pass

    with testing.captured(FLOW) as events:
        work(server)
        units = [span for span in events.spans if span.get("unsnag.kind") == "unit"]
    assert [(span["unsnag.outcome"], span["unsnag.correlation_id"]) for span in units] == [
        ("success", "SO-1")
    ]


def test_other_steps_in_a_handler_have_keys_and_attempts_of_their_own(server: Server) -> None:
    @unsnag.handler(FLOW, STEP)
    def handle(_: unsnag.Retry) -> None:
        with unsnag.step("send-mail"):
            assert unsnag.idempotency_key() == conventions.idempotency_key(FLOW, "send-mail", "SO-1")

    with testing.captured(FLOW) as events:
        work(server)
        assert {span["unsnag.attempt"] for span in events.spans if span["unsnag.step"] == "send-mail"} == {1}
    assert server.retry()["state"] == "succeeded"


def test_an_asynchronous_handler_is_awaited(server: Server) -> None:
    seen = []

    @unsnag.handler(FLOW, STEP)
    async def handle(retry: unsnag.Retry) -> None:
        seen.append(retry.attempt)

    work(server)
    assert seen == [server.retry()["attempt"]]


def test_a_failure_is_kept_with_its_class_and_masked(server: Server) -> None:
    @unsnag.handler(FLOW, STEP)
    def handle(_: unsnag.Retry) -> None:
        raise unsnag.BusinessError("card 4111 1111 1111 1111 is blocked", code="card.blocked")

    work(server)
    kept = server.retry()
    assert (server.case()["state"], kept["state"]) == ("open", "failed")
    assert (kept["error_class"], kept["error_type"]) == ("business", "unsnag.BusinessError")
    assert kept["error_message"] == "card [masked: card] is blocked"
    assert server.case()["acts"][-1]["actor"] == f"service/{socket.gethostname()}-{os.getpid()}"


def test_whatever_a_handler_raises_is_a_failure_that_the_server_takes(server: Server) -> None:
    """A class of error that is none of ours, and names and texts that are far too long."""

    class StrangeError(unsnag.AutomationError):
        error_class = "weather"

    StrangeError.__qualname__ = "S" * 1_000

    @unsnag.handler(FLOW, STEP)
    def handle(_: unsnag.Retry) -> None:
        raise StrangeError("rain " * 10_000)

    work(server)
    assert (server.retry()["state"], server.retry()["error_class"]) == ("failed", "unknown")


def test_a_step_without_a_handler_fails_and_says_what_to_do(server: Server) -> None:
    work(server)
    assert server.retry()["state"] == "failed"
    assert "@unsnag.handler" in server.retry()["error_message"]


def test_a_lease_is_kept_while_the_handler_runs(hasty: Server) -> None:
    """It lasts three seconds, and the server gives it to another worker when it runs out."""
    unsnag.handler(FLOW, STEP)(lambda _: eventually(lambda: len(hasty.line.reports("heartbeat")) >= 5))
    work(hasty)
    assert (hasty.retry()["state"], hasty.case()["state"]) == ("succeeded", "verifying")


def test_a_lost_lease_is_not_reported_on(hasty: Server) -> None:
    """A person resolves the exception while the handler runs."""

    def handle(_: unsnag.Retry) -> None:
        hasty.post(f"cases/{hasty.case_id}/resolve", {"code": "fixed_upstream", "reason": "Paid by transfer"})
        eventually(lambda: any(each.status == 410 for each in hasty.line.reports("heartbeat")))

    unsnag.handler(FLOW, STEP)(handle)
    work(hasty)
    assert not hasty.line.reports("complete")
    assert hasty.case()["state"] == "resolved"


def test_an_outcome_whose_answer_got_lost_is_reported_again_and_counts_once(server: Server) -> None:
    """With another key the second report would find the lease gone."""
    unsnag.handler(FLOW, STEP)(lambda _: None)
    server.line.lose.append("complete")
    work(server)
    reports = server.line.reports("complete")
    assert [report.status for report in reports] == [200, 200]
    assert len({report.headers["idempotency-key"] for report in reports}) == 1
    keys = {report.headers["idempotency-key"] for report in server.line.reports("lease")}
    assert len(keys) == len(server.line.reports("lease"))
    assert [act["verb"] for act in server.case()["acts"]].count("verifying") == 1


def test_an_outcome_is_reported_until_the_server_takes_it(server: Server) -> None:
    """The server restarts while the handler runs: until its store is open it answers 503."""

    def restart(_: unsnag.Retry) -> None:
        containers.install(None)
        threading.Thread(target=_back_after_a_refusal, args=(server,), daemon=True).start()

    unsnag.handler(FLOW, STEP)(restart)
    work(server)
    *refused, taken = [report.status for report in server.line.reports("complete")]
    assert (set(refused), taken) == ({503}, 200)
    assert server.retry()["state"] == "succeeded"


def _back_after_a_refusal(server: Server) -> None:
    eventually(lambda: server.line.reports("complete"))
    containers.install(server.container)


def test_a_server_that_does_not_answer_is_an_error_that_says_so() -> None:
    with pytest.raises(RetryQueueError, match="does not answer"):
        worker.Worker(RetryQueue("http://127.0.0.1:9"), ["f"]).run_one()


def test_each_request_announces_the_handlers_of_its_flows(tmp_path: Path) -> None:
    for flow, step in ((FLOW, STEP), (FLOW, "accept"), ("returns", "refund")):
        unsnag.handler(flow, step)(lambda _: None)
    with running(tmp_path) as server:
        ours, other = server.fail(), server.fail("R-1", "returns", "refund", trace_id="f" * 32)
        work(server)
        assert [item["name"] for item in server.case(ours)["workers"]] == [
            f"service/{socket.gethostname()}-{os.getpid()}"
        ]
        assert server.case(ours)["retry_refusal"] is None
        assert server.case(other)["workers"] == []


def test_a_worker_may_wait_longer_than_the_server_lets_it(server: Server) -> None:
    unsnag.handler(FLOW, STEP)(lambda _: None)
    assert worker.Worker(RetryQueue(server.url), [FLOW], 3_600).run_one(3_600)


def test_a_refused_key_ends_the_worker(tmp_path: Path) -> None:
    with team(tmp_path) as crew, pytest.raises(RefusedError, match="401"):
        worker.Worker(RetryQueue(crew.address, "wrong"), ["f"], 0).run()


def test_an_address_that_is_no_web_address_is_refused() -> None:
    with pytest.raises(RetryQueueError, match="http://"):
        RetryQueue("file:///etc/passwd")


HANDLERS = """
import unsnag, time, sys
@unsnag.handler("order-to-cash", "capture-payment")
def handle(retry):
    print("handled", retry.correlation_id, retry.data["order"])
    if "crash" in retry.data: import os; os._exit(9)
"""


def start(url: str, tmp_path: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    (tmp_path / "my_handlers.py").write_text(HANDLERS)
    return subprocess.Popen(
        [sys.executable, "-m", "unsnag", "worker", str(tmp_path / "my_handlers.py"), "--url", url, *options],
        env=clean_environment(UNSNAG_SPOOL=str(tmp_path / "spool"), **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_worker_command_executes_what_is_due_and_leaves(server: Server, tmp_path: Path) -> None:
    out, err = start(server.url, tmp_path, "--once", "--name", "night-shift").communicate(timeout=30)
    assert out == "handled SO-1 SO-1\n"
    kept = server.retry()
    assert (kept["state"], kept["worker"]) == ("succeeded", "service/night-shift")
    assert f"retry {kept['id']}0001: done" in err
    assert [act["actor"] for act in server.case()["acts"]][-1] == "service/night-shift"
    assert kept["id"] in "".join(file.read_text() for file in (tmp_path / "spool").iterdir())


def test_the_worker_command_sends_its_token(tmp_path: Path) -> None:
    with team(tmp_path) as crew:
        token = crew.token("pay-1", Grant("worker"))
        process = start(crew.address, tmp_path, "--once", UNSNAG_TOKEN=token)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
        refused = start(crew.address, tmp_path, "--once", UNSNAG_TOKEN="wrong")
        assert "401" in refused.communicate(timeout=30)[1]
        assert refused.returncode == 2


@pytest.mark.fault
def test_a_worker_that_crashes_reports_nothing_so_its_lease_expires(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.fail(data='{"order": "SO-1", "crash": 1}')
        server.ask_for_retry()
        process = start(server.url, tmp_path, "--once")
        process.communicate(timeout=30)
        assert process.returncode == 9
        assert server.retry()["state"] == "leased"
        assert not server.line.reports("complete")
        assert not server.line.reports("fail")


def test_a_waiting_worker_stops_at_once_on_sigterm(server: Server, tmp_path: Path) -> None:
    process = start(server.url, tmp_path)
    eventually(lambda: server.retry()["state"] == "succeeded")
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_file_without_handlers_is_refused_with_a_message(tmp_path: Path) -> None:
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
