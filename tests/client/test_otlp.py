from __future__ import annotations

import gzip
import json
import platform
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.waiting import eventually
from unsnag.destination import Destination
from unsnag.destination import Endpoint as Address
from unsnag.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.client.conftest import Ran


class Endpoint:
    def __init__(self, *statuses: tuple[int, dict[str, str]]) -> None:
        self.statuses = list(statuses)
        self.refuses = ""
        """A body that holds this text is answered 400."""
        self.got: list[tuple[str, Any]] = []
        self.headers: list[Any] = []
        self.times: list[float] = []
        self.url = ""

    def paths(self) -> list[str]:
        return [path for path, _ in self.got]


@contextmanager
def listening(endpoint: Endpoint) -> Iterator[Endpoint]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers = endpoint.statuses.pop(0) if endpoint.statuses else (200, {})
            if endpoint.refuses and endpoint.refuses in body.decode():
                status = 400
            endpoint.times.append(time.monotonic())
            if status == 200:
                endpoint.got.append((self.path, json.loads(body)))
                endpoint.headers.append(self.headers)
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


SCRIPT = """
    import logging, unsnag
    logging.basicConfig(level="INFO")
    unsnag.init(flow="f", service="pay")
    with unsnag.unit("SO-1", value=5, currency="EUR"):
        logging.getLogger("x").info("hello %s", "you", extra={"n": 3, "f": 1.5, "deep": {"a": [1, None]}})
"""


def log_records(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        record
        for path, body in endpoint.got
        if path == "/v1/logs"
        for group in body["resourceLogs"]
        for record in group["scopeLogs"][0]["logRecords"]
    ]


def test_with_an_endpoint_records_are_sent_and_nothing_is_left(run_script: Callable[..., Ran]) -> None:
    with listening(Endpoint()) as endpoint:
        ran = run_script(
            SCRIPT,
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.url,
            OTEL_EXPORTER_OTLP_HEADERS="x-key=a%20b",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=staging,host.name=h1",
        )
    assert not ran.lines
    assert not files(ran.spool)
    assert {"/v1/logs", "/v1/traces"} == set(endpoint.paths())
    assert endpoint.headers[0]["x-key"] == "a b"
    resource = next(body for path, body in endpoint.got if path == "/v1/logs")["resourceLogs"][0]["resource"]
    reported = {item["key"]: item["value"]["stringValue"] for item in resource["attributes"]}
    assert len(reported.pop("service.instance.id")) == 16
    assert reported == {
        "deployment.environment.name": "staging", "host.name": "h1", "service.name": "pay",
    }  # fmt: skip
    (hello,) = [record for record in log_records(endpoint) if record["body"]["stringValue"] == "hello you"]
    attributes = {item["key"]: item["value"] for item in hello["attributes"]}
    assert attributes["n"] == {"intValue": "3"}
    assert attributes["unsnag.correlation_id"] == {"stringValue": "SO-1"}
    assert len(attributes["unsnag.record_id"]["stringValue"]) == 16
    assert (hello["severityNumber"], len(hello["traceId"]), len(hello["spanId"])) == (9, 32, 16)


def test_every_resource_names_the_host_whose_clock_it_was(run_script: Callable[..., Ran]) -> None:
    with listening(Endpoint()) as endpoint:
        run_script(SCRIPT, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.url)
    groups = [
        group
        for _, body in endpoint.got
        for group in (*body.get("resourceLogs", ()), *body.get("resourceSpans", ()))
    ]
    assert len(groups) > 1
    for group in groups:
        reported = {item["key"]: item["value"]["stringValue"] for item in group["resource"]["attributes"]}
        assert reported["host.name"] == platform.node()


def test_what_is_sent_is_what_the_protocol_allows(run_script: Callable[..., Ran]) -> None:
    with listening(Endpoint()) as endpoint:
        run_script(SCRIPT, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint.url)
    for body in (body for path, body in endpoint.got if path == "/v1/logs"):
        for group in body["resourceLogs"]:
            for record in group["scopeLogs"][0]["logRecords"]:
                record |= {
                    "traceId": "",
                    "spanId": "",
                }  # OTLP/JSON's ids are hex, protobuf's own JSON differs
        assert Parse(json.dumps(body), ExportLogsServiceRequest()).resource_logs


def test_what_an_endpoint_did_not_take_is_in_the_outbox(
    run_script: Callable[..., Ran],
) -> None:
    ran = run_script(SCRIPT, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert ran.events == ["unit.started", "hello you"]
    assert [span["unsnag.outcome"] for span in ran.spans] == ["success"]
    assert "does not take telemetry now (Connection refused)" in ran.stderr
    assert len([text for text in ran.stderr.splitlines() if text.startswith("unsnag:")]) == 1


def sender(url: str, folder: Path) -> Sender:
    headers: dict[str, str] = {}
    logs, traces = (Address(f"{url}/v1/{signal}", headers) for signal in ("logs", "traces"))
    return Sender(Destination(str(folder), logs, traces), "s", {})


def line(number: int) -> bytes:
    return b'{"timestamp":"2026-11-22T09:00:00.000001Z","level":"info","event":"e%d"}\n' % number


def files(folder: Path) -> list[Path]:
    return list(folder.glob("outbox*/*/*.jsonl"))


def test_retry_after_is_obeyed_and_what_was_kept_is_sent_then(tmp_path: Path) -> None:
    with listening(Endpoint((429, {"Retry-After": "1"}))) as endpoint:
        out = sender(endpoint.url, tmp_path)
        assert out.write(line(1)) == len(line(1))
        eventually(lambda: bool(endpoint.times))
        assert out.write(line(2)) == len(line(2))
        assert len(files(tmp_path)) == 1
        eventually(lambda: len(log_records(endpoint)) == 2)
        out.close()
    assert sorted(record["body"]["stringValue"] for record in log_records(endpoint)) == ["e1", "e2"]
    assert endpoint.times[1] - endpoint.times[0] >= 1.0
    assert not files(tmp_path)


def test_times_travel_as_nanoseconds(tmp_path: Path) -> None:
    with listening(Endpoint()) as endpoint:
        out = sender(endpoint.url, tmp_path)
        out.write(line(1))
        out.close()
    assert log_records(endpoint)[0]["timeUnixNano"] == "1795338000000001000"
