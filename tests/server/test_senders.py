"""What a token of role sender may send, with the real SDK and by hand, through the real doors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from access import roles
from access.commands import perform
from access.roles import Grant
from access.sending import OutsideError, SenderLimit
from access.tokens import RevokeToken
from server import quarantine
from tests.server.team import OWN, Serving, Team, team
from unsnag import conventions as words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from server.quarantine import QuarantinedRecord

ACME = Grant(roles.SENDER, "acme")
RETURNS = Grant(roles.SENDER, "acme", "returns")
BILLING = Grant(roles.SENDER, "acme", "billing")
GLOBEX = Grant(roles.SENDER, "globex", "billing")
MAPPING = {
    "match": {"service.name": "books"},
    "flow": "'billing'",
    "tenant": "client",
    "correlation_id": "no",
}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def address() -> str:
    """Return a server of this module's own: a receiver reads its mappings once."""
    return Serving().address


@pytest.fixture
def crew(tmp_path: Path, address: str) -> Iterator[Team]:
    with team(tmp_path, collectors={"mappings": {"books": MAPPING}}) as made:
        made.address = address
        yield made


@pytest.mark.parametrize(
    ("grants", "named", "placed"),
    [
        ((ACME,), (None, None), ("acme", None)),
        ((ACME,), ("acme", "returns"), ("acme", "returns")),
        ((ACME,), ("globex", "returns"), None),
        ((RETURNS,), (None, None), ("acme", "returns")),
        ((RETURNS,), (None, "billing"), None),
        ((RETURNS,), ("acme", "billing"), None),
        ((RETURNS, BILLING), (None, "billing"), ("acme", "billing")),
        ((RETURNS, BILLING), (None, None), None),
        ((RETURNS, GLOBEX), (None, "returns"), None),
        ((RETURNS, GLOBEX), ("globex", None), ("globex", "billing")),
        ((Grant(roles.SENDER, None, "returns"),), (None, None), (None, "returns")),
        ((Grant(roles.SENDER, None, "returns"),), ("acme", "billing"), None),
        ((Grant(roles.SENDER, None, "returns"), ACME), ("acme", "billing"), ("acme", "billing")),
    ],
)
def test_a_record_is_placed_within_what_the_token_was_given_or_refused(
    grants: tuple[Grant, ...],
    named: tuple[str | None, str | None],
    placed: tuple[str | None, str | None] | None,
) -> None:
    limit = SenderLimit.of("orders", grants)
    assert limit is not None
    if placed is None:
        with pytest.raises(OutsideError, match="token orders may not send for"):
            limit.place(*named)
    else:
        assert limit.place(*named) == placed


def test_a_token_that_may_send_everything_has_no_limit() -> None:
    assert SenderLimit.of("orders", (Grant(roles.SENDER), RETURNS)) is None
    # A role that does not send widens nothing.
    assert SenderLimit.of("orders", (Grant(roles.VIEWER), RETURNS)) == SenderLimit("orders", (RETURNS,))


def spans(crew: Team, token: str, resource: dict[str, str], *named: dict[str, str]) -> None:
    """Export one span for each set of attributes, in one request of the real SDK."""
    provider = TracerProvider(resource=Resource.create(resource))
    headers = {"Authorization": f"Bearer {token}"}
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(f"{crew.address}/v1/traces", headers=headers))
    )
    for attributes in named:
        with provider.get_tracer("t").start_as_current_span("work", attributes=attributes):
            pass
    provider.shutdown()


def logs(crew: Team, token: str, resource: dict[str, str], *named: dict[str, str]) -> None:
    """Export one log record for each set of attributes, in one request of the real SDK."""
    provider = LoggerProvider(resource=Resource.create(resource))
    headers = {"Authorization": f"Bearer {token}"}
    exporter = OTLPLogExporter(f"{crew.address}/v1/logs", headers=headers)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    for attributes in named:
        provider.get_logger("t").emit(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                body="work",
                attributes=attributes,
            )
        )
    provider.shutdown()


def kept(crew: Team, table: str) -> list[tuple[Any, ...]]:
    order = "order by correlation_id"
    rows = crew.container.store.act(
        lambda tx: tx.execute(f"select correlation_id, tenant, flow from {table} {order}")  # noqa: S608
    ).result()
    return [tuple(row.values()) for row in rows]


def quarantined(crew: Team) -> list[QuarantinedRecord]:
    return quarantine.listed(crew.container.context(OWN)).items


@pytest.mark.parametrize(("send", "table"), [(spans, "span"), (logs, "log")])
def test_only_what_lies_outside_goes_to_quarantine(crew: Team, send: Any, table: str) -> None:
    token = crew.token("returns-desk", RETURNS)
    unit = words.CORRELATION_ID
    send(
        crew,
        token,
        {"service.name": "desk"},
        {unit: "SO-1"},
        {unit: "SO-2", words.TENANT: "globex"},
        {unit: "SO-3", words.TENANT: "acme", words.FLOW: "returns"},
        {unit: "SO-4", words.FLOW: "billing"},
    )
    assert kept(crew, table) == [("SO-1", "acme", "returns"), ("SO-3", "acme", "returns")]
    assert {row.reason for row in quarantined(crew)} == {
        "token returns-desk may not send for globex/no flow",
        "token returns-desk may not send for acme/billing",
    }
    assert {row.sender for row in quarantined(crew)} == {"returns-desk"}


@pytest.mark.parametrize(("send", "table"), [(spans, "span"), (logs, "log")])
def test_what_a_mapping_names_counts_and_so_does_the_resource(crew: Team, send: Any, table: str) -> None:
    token = crew.token("books", BILLING)
    send(crew, token, {"service.name": "books"}, {"no": "B-1"}, {"no": "B-2", "client": "globex"})
    send(crew, token, {"service.name": "other", words.TENANT: "globex"}, {words.CORRELATION_ID: "B-3"})
    assert kept(crew, table) == [("B-1", "acme", "billing")]
    assert {row.reason for row in quarantined(crew)} == {
        "token books may not send for globex/billing",
        "token books may not send for globex/no flow",
    }


def test_without_a_flow_a_token_of_several_flows_may_not_send(crew: Team) -> None:
    """A flow that the trace would name later could be any."""
    spans(
        crew, crew.token("both", RETURNS, BILLING), {"service.name": "desk"}, {words.CORRELATION_ID: "SO-1"}
    )
    (row,) = quarantined(crew)
    assert row.reason == "token both may not send for acme/no flow"
    assert kept(crew, "span") == []


def test_the_exporter_gets_the_number_of_refused_records(crew: Team) -> None:
    def record(tenant: str) -> dict[str, Any]:
        attributes = [{"key": words.TENANT, "value": {"stringValue": tenant}}]
        return {"body": {"stringValue": "x"}, "attributes": attributes, "timeUnixNano": str(time.time_ns())}

    records = [record(tenant) for tenant in ("acme", "globex", "initech")]
    body = {"resourceLogs": [{"scopeLogs": [{"scope": {"name": "books.tax"}, "logRecords": records}]}]}
    with crew.as_token(crew.token("acme", ACME)) as http:
        answer = http.post("/v1/logs", content=orjson.dumps(body), headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"] == {
        "rejectedLogRecords": "2", "errorMessage": "token acme may not send for globex/no flow",
    }  # fmt: skip


def test_the_real_exporter_takes_a_partial_success_as_delivered(crew: Team) -> None:
    provider = TracerProvider()
    token = crew.token("acme", ACME)
    exporter = OTLPSpanExporter(f"{crew.address}/v1/traces", headers={"Authorization": f"Bearer {token}"})
    span = provider.get_tracer("t").start_span("work", attributes={words.TENANT: "globex"})
    span.end()
    assert exporter.export([span]) is SpanExportResult.SUCCESS  # type: ignore[list-item]
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415

    with crew.as_token(token) as http:
        body = encode_spans([span]).SerializeToString()  # type: ignore[list-item]
        answer = http.post("/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 1


def test_reading_again_keeps_the_limit_as_it_is_now(crew: Team) -> None:
    token = crew.token("desk", RETURNS)
    spans(crew, token, {"service.name": "desk"}, {words.CORRELATION_ID: "SO-1", words.FLOW: "billing"})
    (row,) = quarantined(crew)
    ctx = crew.container.context(OWN)
    assert "may not send for acme/billing" in quarantine.replay(ctx, row.id)
    perform(RevokeToken("desk"), crew.container.context(OWN))
    assert "no valid token called desk" in quarantine.replay(ctx, row.id)
    assert kept(crew, "span") == []
    crew.token("desk", RETURNS, BILLING)
    assert quarantine.replay(ctx, row.id) == "replayed"
    assert kept(crew, "span") == [("SO-1", "acme", "billing")]
    (row,) = quarantined(crew)
    assert row.replay_result == "replayed"


def test_a_body_that_could_not_be_read_is_no_way_around_the_limit(crew: Team) -> None:
    with crew.as_token(crew.token("desk", RETURNS)) as http:
        assert http.post("/v1/logs", content=b"{", headers=JSON).status_code == 400
    assert [row.sender for row in quarantined(crew)] == ["desk"]


def test_rest_shows_who_sent_it(crew: Team) -> None:
    spans(crew, crew.token("desk", RETURNS), {"service.name": "desk"}, {words.TENANT: "globex"})
    crew.person("ann", Grant(roles.OPERATOR))
    with crew.as_person("ann") as http:
        (item,) = http.get("/api/v1/quarantine").json()["items"]
    assert (item["sender"], item["reason"]) == ("desk", "token desk may not send for globex/no flow")
