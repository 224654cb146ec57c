"""Bodies that stop, creep or break off, sent to the real process by hand; and those that only take long."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collectors import messages
from server.bodies import Pace
from tests.journeys.raw import answered, dribbled, opened, until_closed
from tests.journeys.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REST_S = 2.0


@pytest.mark.parametrize(
    ("got", "waited_s", "patience_s"),
    [(0, 0, 20), (0, 15, 5), (0, 25, 0), (5_000, 25, 5), (50_000, 25, 20), (50_000, 119, 1)],
)
def test_a_body_has_a_time_to_rest_and_a_least_pace(got: int, waited_s: float, patience_s: float) -> None:
    assert Pace(rest_s=20, bytes_per_s=500).patience(got, waited_s) == patience_s


class Senders:
    """A server that asks for sign-in and gives bodies little time, and the tokens of two senders."""

    def __init__(self, folder: Path) -> None:
        config = folder / "unsnag.toml"
        config.write_text(
            f"[access]\nsign_in = true\nhead_seconds = 3\nbody_seconds = {REST_S}\n"
            "body_bytes_per_second = 1000\nrequests_per_second = 1000\n"
        )
        self.server = Server(folder, config).start()
        self.sender = self.server.command("token", "add", "orders", "--role", "sender")
        self.other = self.server.command("token", "add", "returns", "--role", "sender")
        self.admin = self.server.command("token", "add", "ops", "--role", "operator")

    def head(self, path: str, length: int, form: str = "application/json", token: str | None = None) -> bytes:
        """Return the head of a POST that announces `length` bytes; -1 announces chunks."""
        how = f"Content-Length: {length}" if length >= 0 else "Transfer-Encoding: chunked"
        token = token or (self.sender if path.startswith("/v1/") else self.admin)
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Idempotency-Key: k\r\nContent-Type: {form}\r\n{how}\r\n\r\n"
        ).encode()

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return (self.server.folder / "server.log").read_text()


@pytest.fixture(scope="module")
def senders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Senders]:
    made = Senders(tmp_path_factory.mktemp("bodies"))
    yield made
    made.server.stop()


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return the status, the headers and the body of one answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body


CASE = "/api/v1/cases/none/retry"


@pytest.mark.slow
@pytest.mark.parametrize("length", [100, -1], ids=["announced", "in chunks"])
def test_a_rest_body_that_stops_is_answered_408_and_its_connection_ends(
    senders: Senders, length: int
) -> None:
    with opened(senders.server, senders.head(CASE, length) + b"2\r\n{ \r\n") as raw:
        got, after_s = until_closed(raw)
    status, headers, body = parts(got)
    assert status == 408
    assert after_s >= REST_S - 0.2
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    problem: dict[str, Any] = json.loads(body)
    assert (problem["type"], problem["status"]) == ("urn:unsnag:body-too-slow", 408)
    assert "bytes came in 2 s" in problem["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["application/json", "application/x-protobuf"])
def test_an_otlp_body_that_stops_is_answered_408_in_its_own_form(senders: Senders, form: str) -> None:
    with opened(senders.server, senders.head("/v1/logs", 100, form) + b"{") as raw:
        status, headers, body = parts(until_closed(raw)[0])
    assert (status, headers["content-type"], headers["connection"]) == (408, form, "close")
    if form == "application/json":
        assert json.loads(body)["code"] == 4
    else:
        failure = messages.Failure.FromString(body)
        assert failure.code == 4
        assert b"1 bytes came in 2 s" in failure.message


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v1/logs", CASE, "/sign-in"])
def test_a_body_that_creeps_is_cut(senders: Senders, path: str) -> None:
    """Ten bytes a second never rest for two seconds, and would hold a connection for days."""
    form = "application/x-www-form-urlencoded" if path == "/sign-in" else "application/json"
    with opened(senders.server, senders.head(path, 100_000, form)) as raw:
        assert REST_S - 0.2 <= dribbled(raw, b"x" * 200) < REST_S * 3


@pytest.mark.slow
def test_a_long_upload_that_goes_on_is_not_cut(senders: Senders) -> None:
    """It takes longer than a body may rest, at ten times the least pace."""
    records = [{"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "x" * 1000}}]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records * 50}]}]}).encode()
    step, since = len(body) // 30 + 1, time.monotonic()
    with opened(senders.server, senders.head("/v1/logs", len(body))) as raw:
        for start in range(0, len(body), step):
            raw.sendall(body[start : start + step])
            time.sleep(REST_S * 2 / 30)
        assert time.monotonic() - since > REST_S * 1.5
        assert parts(answered(raw))[0] == 200


@pytest.mark.slow
def test_a_slow_answer_is_not_a_slow_body(senders: Senders) -> None:
    """The time of a body counts only while the receiver waits for it: an event stream goes on."""
    bearer = {"Authorization": f"Bearer {senders.admin}"}
    url = f"{senders.server.address}/api/v1/events?topic=case"
    with httpx.stream("GET", url, headers=bearer, timeout=30) as stream:
        lines, since = stream.iter_lines(), time.monotonic()
        while time.monotonic() - since < REST_S * 1.5:
            assert next(lines) is not None


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v1/logs", CASE, "/sign-in"])
def test_a_sender_that_goes_away_in_its_body_leaves_no_error(senders: Senders, path: str) -> None:
    before = len(senders.log)
    form = "application/x-www-form-urlencoded" if path == "/sign-in" else "application/json"
    with opened(senders.server, senders.head(path, 100, form) + b"{"):
        pass
    assert httpx.get(f"{senders.server.address}/healthz").status_code == 200
    time.sleep(REST_S * 1.5)  # longer than the server would wait for the rest
    assert senders.log[before:] == ""


class Exporting:
    """A real exporter, one request a span, that notes every status it is answered."""

    def __init__(self, senders: Senders, token: str) -> None:
        self.statuses: list[int] = []
        session = requests.Session()
        session.hooks["response"].append(self._note)
        exporter = OTLPSpanExporter(
            f"{senders.server.address}/v1/traces",
            headers={"authorization": f"Bearer {token}"},
            session=session,
        )
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(exporter))

    def _note(self, answer: requests.Response, **_more: Any) -> None:
        self.statuses.append(answer.status_code)

    def send_until(self, moment: float) -> None:
        """Send spans until then."""
        tracer = self.provider.get_tracer("other")
        while time.monotonic() < moment:
            tracer.start_span("work").end()


@pytest.mark.fault
@pytest.mark.parametrize(("count", "waiting"), [(40, 40), (150, 128)])
def test_unfinished_requests_of_one_sender_stop_nobody_else(
    senders: Senders, count: int, waiting: int
) -> None:
    """One sender has half of the 256 places for bodies that are not whole; the places at work stay free."""
    other = Exporting(senders, senders.other)
    with contextlib.ExitStack() as stack:
        since = time.monotonic()
        raws = [
            stack.enter_context(opened(senders.server, senders.head("/v1/traces", 100) + b"{"))
            for _ in range(count)
        ]
        other.send_until(since + REST_S * 0.9)
        answers = [parts(until_closed(raw)[0]) for raw in raws]
    assert len(other.statuses) > 5
    assert set(other.statuses) == {200}
    refused = [headers for status, headers, _ in answers if status == 429]
    assert [status for status, *_ in answers].count(408) == waiting
    assert len(refused) == count - waiting
    assert all(int(headers["retry-after"]) >= 1 for headers in refused)
    own = httpx.post(
        f"{senders.server.address}/v1/logs",
        json={"resourceLogs": []},
        headers={"Authorization": f"Bearer {senders.sender}"},
    )
    assert own.status_code == 200, "what it held is free again"
