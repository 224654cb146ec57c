"""The OTLP receiver over real HTTP, asked by the real OpenTelemetry SDK and by hand."""

from __future__ import annotations

import gzip
import logging
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from starlette.applications import Starlette

from collectors import receiver
from collectors.settings import CollectorSettings
from collectors.sources import Sources
from data.errors import StoreBusyError
from data.named import deliveries
from tests import shown
from tests.hosted import Hosted
from tests.telemetry import TRACE
from traces.known import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.store import Store

pytestmark = [pytest.mark.slow]

RETURNS = {
    "match": {"service.name": "returns-desk"},
    "correlation_id": "order.id",
    "flow": "'returns'",
    "step": ["return.step", "span.name"],
    "value_amount": "order.total",
    "success": {"span": "close-return"},
}
SETTINGS = CollectorSettings.model_validate({"mappings": {"returns": RETURNS}, "otlp": {"max_body_mb": 1}})
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


def serve(store: Any, settings: CollectorSettings = SETTINGS) -> Hosted:
    return Hosted(Starlette(routes=receiver.routes(lambda: store, lambda: settings)), log_level="warning")


@pytest.fixture
def url(store: Store) -> Iterator[str]:
    with serve(store) as served:
        yield served.address


def request(count: int = 1, **bad: Any) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    now = time.time_ns()
    for number in range(count):
        fields = {"trace_id": bytes(15) + b"\1", "span_id": (number + 1).to_bytes(8), "name": "work"}
        scope.spans.add(**fields | {"start_time_unix_nano": now, "end_time_unix_nano": now} | bad)
    return made


def stored(store: Store) -> dict[str, int]:
    (row,) = store.query("server/sources")
    return {name: row[name] for name in ("records", "duplicates", "quarantined")}


def quarantine(store: Store) -> list[dict[str, Any]]:
    return store.query("server/quarantine", {"limit": 50, "offset": 0, "behind": None})


def returns_desk(url: str) -> None:
    """Work as the example does: steps as spans, an error record in the one that fails."""
    resource = Resource.create({"service.name": "returns-desk"})
    traces, logs = TracerProvider(resource=resource), LoggerProvider(resource=resource)
    exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs")))
    tracer, logger = traces.get_tracer("returns"), logs.get_logger("returns")
    order = {"order.id": "SO-1", "order.total": "129.90"}
    try:
        with tracer.start_as_current_span("return", attributes=order):
            with tracer.start_as_current_span("inspect-goods", attributes=order):
                pass
            with tracer.start_as_current_span("refund", attributes=order):
                logger.emit(
                    LogRecord(
                        timestamp=time.time_ns(),
                        context=get_current(),
                        severity_number=SeverityNumber.ERROR,
                        body="refund failed",
                        attributes=order
                        | {"return.step": "refund", "exception.type": "BankUnavailableError"},
                    )
                )
                raise ConnectionError("bank refused")  # noqa: TRY301 - leaves the span as a failure does
    except ConnectionError:
        pass
    with tracer.start_as_current_span("close-return", attributes=order):
        pass
    traces.shutdown()
    logs.shutdown()


def test_the_real_sdk_delivers_steps_a_case_and_a_success(store: Store, url: str) -> None:
    returns_desk(url)
    unit = {
        row["flow"]: row
        for row in store.everything().query("units/unit", {"correlation_id": "SO-1", **ALWAYS})
    }["returns"]
    assert unit["completed_at"] > unit["failed_at"]
    assert str(unit["value_amount"]) == "129.9000"
    found = store.everything().query("units/cases", {"correlation_id": "SO-1", **ALWAYS})
    assert [(case["step"], case["state"], case["error_type"]) for case in found] == [
        ("refund", "recovered", "BankUnavailableError")
    ], "the log reported it; neither the step's span nor its parent opens another"


def test_a_failed_foreign_span_without_a_log_opens_one_case(store: Store, url: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "crawler"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    tracer = provider.get_tracer("crawler")
    with pytest.raises(TimeoutError), tracer.start_as_current_span("crawl", kind=trace.SpanKind.SERVER):
        raise TimeoutError("no answer after 10 s")
    provider.shutdown()
    (case,) = shown.cases(store)
    assert (case["flow"], case["step"], case["error_type"], case["class"], case["occurrences"]) == (
        "crawler",
        "crawl",
        "TimeoutError",
        "infrastructure",
        1,
    )
    assert "Traceback" in shown.case(store, case["id"])["stacktrace"]


def test_what_is_sent_twice_is_there_once(store: Store, url: str) -> None:
    body = request(3).SerializeToString()
    for _ in range(2):
        assert httpx.post(f"{url}/v1/traces", content=body, headers=PROTOBUF).status_code == 200
    assert stored(store) == {"records": 3, "duplicates": 3, "quarantined": 0}


def test_a_bad_record_is_reported_and_the_others_are_kept(store: Store, url: str) -> None:
    made = request(3)
    made.resource_spans[0].scope_spans[0].spans[1].trace_id = b"short"
    answer = httpx.post(f"{url}/v1/traces", content=made.SerializeToString(), headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert "trace id of 5 bytes" in partial.error_message
    assert stored(store) == {"records": 2, "duplicates": 0, "quarantined": 1}


def test_json_with_ids_in_hex_and_numbers_as_text(store: Store, url: str) -> None:
    now = str(time.time_ns())
    span = {
        "traceId": "0AF7651916CD43DD8448EB211C80319C",
        "spanId": "b7ad6b7169203331",
        "name": "x",
        "kind": "SPAN_KIND_CLIENT",
        "startTimeUnixNano": now,
        "endTimeUnixNano": now,
        "status": {"code": "STATUS_CODE_OK"},
    }
    bad = {**span, "spanId": "zz"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span, bad]}]}]}
    answer = httpx.post(f"{url}/v1/traces", json=body)
    assert answer.json() == {
        "partialSuccess": {"rejectedSpans": "1", "errorMessage": "spanId is not hexadecimal"}
    }
    assert answer.headers["content-type"] == "application/json"
    (row,) = store.everything().query(
        "units/spans_by_trace",
        {"id": TRACE, "limit": 5, "deliveries": deliveries(store, [TRACE])},
    )
    assert (row["kind"], row["status"]) == ("client", "ok")


def test_metrics_are_accepted(url: str) -> None:
    body = ExportMetricsServiceRequest().SerializeToString()
    assert httpx.post(f"{url}/v1/metrics", content=body, headers=PROTOBUF).status_code == 200


BOMB = gzip.compress(bytes(64 * 2**20))
BAD: dict[str, tuple[bytes, dict[str, str], int]] = {
    "noise": (b"\xff\x00noise", PROTOBUF, 400),
    "cut": (request(5).SerializeToString()[:-3], PROTOBUF, 400),
    "broken JSON": (b'{"resourceSpans":', JSON, 400),
    "JSON of another kind": (b"[1, 2]", JSON, 400),
    "JSON of a wrong form": (b'{"resourceSpans": {"a": 1}}', JSON, 400),
    "JSON with wrong inner forms": (
        b'{"resourceSpans":[{"scopeSpans":[{"scope":5,"spans":[]}]}]}',
        JSON,
        400,
    ),
    "deep JSON": (b'{"resourceSpans":' + b"[" * 5000 + b"]" * 5000 + b"}", JSON, 400),
    "deep protobuf": (b"\x0a\x7f" * 5000, PROTOBUF, 400),
    "not gzip": (b"plain", {**PROTOBUF, "content-encoding": "gzip"}, 400),
    "gzip that ends early": (gzip.compress(b"x" * 999)[:-9], {**PROTOBUF, "content-encoding": "gzip"}, 400),
    "a gzip bomb": (BOMB, {**PROTOBUF, "content-encoding": "gzip"}, 413),
    "too much": (bytes(2 * 2**20), PROTOBUF, 413),
    "another type": (b"a,b", {"content-type": "text/csv"}, 415),
    "no type": (b"", {}, 415),
    "another compression": (b"", {**PROTOBUF, "content-encoding": "br"}, 415),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_no_body_however_bad_is_answered_with_a_fault_of_ours(url: str, path: str, name: str) -> None:
    body, headers, status = BAD[name]
    answer = httpx.post(url + path, content=body, headers=headers)
    allowed = {status} if path == "/v1/traces" or status != 400 else {200, 400}
    assert answer.status_code in allowed
    assert httpx.post(f"{url}/v1/traces", content=b"", headers=PROTOBUF).status_code == 200


@pytest.mark.parametrize("name", [name for name, bad in BAD.items() if bad[2] == 400])
def test_an_unreadable_body_is_quarantined_with_the_reason(store: Store, url: str, name: str) -> None:
    body, headers, _ = BAD[name]
    answer = httpx.post(f"{url}/v1/traces", content=body, headers=headers)
    (row,) = quarantine(store)
    assert row["size"] == len(body)
    assert row["reason"]
    assert row["reason"].encode() in answer.content or headers == JSON


ODD: dict[str, dict[str, Any]] = {
    "from the future": {"start_time_unix_nano": 2**63, "end_time_unix_nano": 2**64 - 1},
    "without times": {"start_time_unix_nano": 0, "end_time_unix_nano": 0},
    "ending before it began": {"start_time_unix_nano": 10**18, "end_time_unix_nano": 1},
    "NUL and script": {"name": "<script>\0' drop table span --"},
    "a kind that is none": {"kind": 99},
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_span_is_kept(store: Store, url: str, name: str) -> None:
    made = ExportTraceServiceRequest.FromString(request(2).SerializeToString())
    odd = made.resource_spans[0].scope_spans[0].spans[0]
    for field, value in ODD[name].items():
        if field == "kind":
            odd.kind = value
        else:
            setattr(odd, field, value)
    answer = httpx.post(f"{url}/v1/traces", content=made.SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200
    assert stored(store) == {"records": 2, "duplicates": 0, "quarantined": 0}


def test_bytes_that_are_not_utf8_cost_a_character(store: Store, url: str) -> None:
    body = request(1, name="workwork").SerializeToString().replace(b"workwork", b"work\xff\xfe\xfdk")
    assert httpx.post(f"{url}/v1/traces", content=body, headers=PROTOBUF).status_code == 200
    assert stored(store)["records"] == 1


class Busy:
    """A store whose writer has too much to do."""

    def append(self, _batch: Any) -> Any:
        raise StoreBusyError


def test_a_busy_store_asks_to_come_again() -> None:
    with serve(Busy()) as served:
        url = f"{served.address}/v1/traces"
        answer = httpx.post(url, content=request().SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


def test_a_sender_over_its_rate_is_asked_to_wait_and_others_are_not(store: Store) -> None:
    slow = CollectorSettings.model_validate({"otlp": {"requests_per_second": 2}})
    with (
        serve(store, slow) as served,
        httpx.Client(base_url=served.address) as loud,
        httpx.Client(
            base_url=served.address, transport=httpx.HTTPTransport(local_address="127.0.0.2")
        ) as quiet,
    ):
        answers = [loud.post("/v1/logs", json={}) for _ in range(30)]
        other = quiet.post("/v1/logs", json={})
    assert (answers[0].status_code, answers[-1].status_code, other.status_code) == (200, 429, 200)
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["code"] == 8
    assert "more than 2 requests a second" in answers[-1].json()["message"]


def test_quarantined_records_can_be_read_again(store: Store, url: str, tmp_path: Path) -> None:
    made = request(1, trace_id=b"short")
    httpx.post(f"{url}/v1/traces", content=made.SerializeToString(), headers=PROTOBUF)
    httpx.post(
        f"{url}/v1/traces",
        content=request(2).SerializeToString(),
        headers={**PROTOBUF, "content-encoding": "gzip"},
    )
    replay = Sources(store, SETTINGS, [tmp_path / "spool"]).replay([row["id"] for row in quarantine(store)])
    assert sorted(result[:8] for result in replay.values()) == ["replayed", "still un"]
    assert {row["replay_result"][:8] for row in quarantine(store)} == {"replayed", "still un"}


logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
