"""What retry libraries log by themselves is recorded as it is: logger, level, and the span it happened in."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.conftest import Ran

HOOK = """
import logging, sys, unsnag
logging.basicConfig(level="INFO", handlers=[logging.NullHandler()])
unsnag.init(flow="f", service="s")
calls = iter([True, True, False])
def flaky():
    if next(calls): raise ConnectionError("refused")
"""
OWN = {
    "timestamp", "level", "event", "logger", "trace_id", "span_id", "service.name", "service.instance.id",
    "deployment.environment.name", "unsnag.record_id", "unsnag.seq", "unsnag.flow", "unsnag.correlation_id",
    "unsnag.step", "unsnag.attempt",
}  # fmt: skip
"""What the client says of a line that says nothing of itself."""


def lines_of(ran: Ran, logger: str) -> list[dict[str, Any]]:
    assert ran.returncode == 0, ran.stderr
    return [log for log in ran.logs if log["logger"] == logger]


def step_span(ran: Ran) -> str:
    (span,) = [span for span in ran.spans if span.get("unsnag.kind") == "step"]
    return str(span["spanId"])


def test_tenacity(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
import tenacity
retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(5), wait=tenacity.wait_none(),
    before_sleep=tenacity.before_sleep_log(logging.getLogger("tenacity.shop"), logging.WARNING))
with unsnag.unit("SO-1"), unsnag.step("call"): retrying(flaky)
"""
    )
    lines = lines_of(ran, "tenacity.shop")
    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert {line["span_id"] for line in lines} == {step_span(ran)}
    assert all("Retrying" in line["event"] and "ConnectionError" in line["event"] for line in lines)
    assert all(line.keys() == OWN for line in lines)


def test_tenacity_with_its_stack(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
import tenacity
log = logging.getLogger("tenacity.shop")
retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(5), wait=tenacity.wait_none(),
    before_sleep=tenacity.before_sleep_log(log, logging.WARNING, exc_info=True))
with unsnag.unit("SO-1"), unsnag.step("call"): retrying(flaky)
"""
    )
    lines = lines_of(ran, "tenacity.shop")
    assert len(lines) == 2
    assert all("Traceback" in line["event"] for line in lines)  # tenacity renders it into the message
    assert all(line.keys() == OWN for line in lines)


def test_stamina(run_script: Callable[..., Ran]) -> None:
    """Stamina logs through structlog where that is installed, to a logger without a name."""
    ran = run_script(
        HOOK
        + """
import stamina, structlog
structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
@stamina.retry(on=ConnectionError, attempts=5, wait_initial=0.001, wait_max=0.001)
def call(): flaky()
with unsnag.unit("SO-1"), unsnag.step("call"): call()
"""
    )
    lines = ran.named("stamina.retry_scheduled")
    assert ran.returncode == 0, ran.stderr
    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert {line["span_id"] for line in lines} == {step_span(ran)}
    assert [line["retry_num"] for line in lines] == [1, 2]
    reported = {"callable", "args", "kwargs", "retry_num", "caused_by", "wait_for", "waited_so_far"}
    assert all(line.keys() == OWN - {"logger"} | reported for line in lines)


def test_stamina_through_logging(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
import stamina
from stamina.instrumentation import LoggingOnRetryHook
stamina.instrumentation.set_on_retry_hooks([LoggingOnRetryHook])
@stamina.retry(on=ConnectionError, attempts=5, wait_initial=0.001, wait_max=0.001)
def call(): flaky()
with unsnag.unit("SO-1"), unsnag.step("call"): call()
"""
    )
    lines = lines_of(ran, "stamina")
    assert [(line["event"], line["level"]) for line in lines] == [("stamina.retry_scheduled", "warning")] * 2
    assert {line["span_id"] for line in lines} == {step_span(ran)}


@contextmanager
def failing_at_first() -> Iterator[str]:
    """Serve 503 twice, then 200."""
    statuses = iter([503, 503, 200])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(statuses))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def test_urllib3_answered_badly(run_script: Callable[..., Ran]) -> None:
    """A retry for a status is a debug line of urllib3: recorded where the script lets it through."""
    with failing_at_first() as url:
        ran = run_script(
            HOOK
            + """
import urllib3
logging.getLogger("urllib3").setLevel("DEBUG")
retries = urllib3.Retry(total=5, status_forcelist=[503], backoff_factor=0)
with unsnag.unit("SO-1"), unsnag.step("call"):
    print(urllib3.PoolManager(retries=retries).request("GET", sys.argv[1]).status)
""",
            url,
        )
    assert ran.stdout == "200\n"
    retried = [line for line in lines_of(ran, "urllib3.util.retry") if "Incremented Retry" in line["event"]]
    assert len(retried) == 2
    assert {line["span_id"] for line in lines_of(ran, "urllib3.connectionpool")} == {step_span(ran)}
    assert all(line.keys() == OWN for line in retried)


def test_urllib3_without_an_answer(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
import socket, urllib3
with socket.socket() as taken: taken.bind(("127.0.0.1", 0)); port = taken.getsockname()[1]
retries = urllib3.Retry(total=2, backoff_factor=0)
with unsnag.unit("SO-1"), unsnag.step("call"):
    try: urllib3.PoolManager(retries=retries).request("GET", f"http://127.0.0.1:{port}/")
    except urllib3.exceptions.MaxRetryError: pass
"""
    )
    lines = lines_of(ran, "urllib3.connectionpool")
    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert all(line["event"].startswith("Retrying (Retry(") for line in lines)
    assert {line["span_id"] for line in lines} == {step_span(ran)}
