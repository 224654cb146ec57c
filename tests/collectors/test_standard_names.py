"""Names that OpenTelemetry and common libraries give, through the real SDK and the real receiver."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from opentelemetry import baggage, context
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from cases import units
from tests.collectors.test_otlp import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases.unit import UnitDetail
    from data.store import Store

ALIASES = (
    "unsnag.correlation_id",
    "correlation_id",
    "correlationId",
    "CorrelationId",
    "x-correlation-id",
    "messaging.message.conversation_id",
)
HEADER = "http.request.header.x-correlation-id"
"""How OpenTelemetry's instrumentations write a captured header: as a list."""
TEAM = {"team": "tax", "shard": 3}
RESOURCE = Resource.create({"service.name": "shop"})


@pytest.fixture
def url(store: Store) -> Iterator[str]:
    with serve(store) as served:
        yield served.address


@pytest.fixture
def traces(url: str) -> Iterator[TracerProvider]:
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    yield provider
    provider.shutdown()


@pytest.fixture
def logs(url: str) -> Iterator[LoggerProvider]:
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs")))
    yield provider
    provider.shutdown()


def emit(logs: LoggerProvider, body: Any, attributes: dict[str, Any] | None = None) -> None:
    logs.get_logger("books.tax", "1.2", attributes=TEAM).emit(
        LogRecord(
            timestamp=time.time_ns(),
            context=context.get_current(),
            severity_number=SeverityNumber.INFO,
            body=body,
            attributes=attributes,
        )
    )


def found(store: Store, unit: str) -> UnitDetail:
    return units.unit(store.everything(), unit)


# --- the business ID ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ALIASES, HEADER])
def test_an_alias_on_one_span_names_the_unit_of_its_trace(
    store: Store, traces: TracerProvider, logs: LoggerProvider, name: str
) -> None:
    with traces.get_tracer("t").start_as_current_span("POST /orders"):
        value: Any = ["SO-1"] if name == HEADER else "SO-1"
        with traces.get_tracer("t").start_as_current_span("pay", attributes={name: value}):
            emit(logs, "paid")
    unit = found(store, "SO-1")
    assert sorted(span.name for span in unit.spans) == ["POST /orders", "pay"]
    assert [log.message for log in unit.logs] == ["paid"]
    assert unit.flows == ["shop"]


@pytest.mark.parametrize("name", [*ALIASES, HEADER])
def test_an_alias_on_a_log_record_names_its_unit(store: Store, logs: LoggerProvider, name: str) -> None:
    emit(logs, "paid", {name: ["SO-1"] if name == HEADER else "SO-1"})
    emit(logs, {"message": "shipped", name: "SO-1"})
    assert [log.message for log in found(store, "SO-1").logs] == ["paid", "shipped"]


def test_a_header_with_two_values_is_no_id(store: Store, logs: LoggerProvider) -> None:
    emit(logs, "paid", {HEADER: ["SO-1", "SO-2"]})
    (row,) = store.act(lambda tx: tx.execute("select correlation_id from log")).result()
    assert row["correlation_id"] is None


def test_the_first_of_several_names_counts(store: Store, logs: LoggerProvider) -> None:
    for first in range(len(ALIASES)):
        emit(logs, "noted", {name: f"SO-{place}" for place, name in enumerate(ALIASES) if place >= first})
    rows = store.act(lambda tx: tx.execute("select correlation_id from log order by time")).result()
    assert [row["correlation_id"] for row in rows] == [f"SO-{place}" for place in range(len(ALIASES))]


class BaggageToAttributes(SpanProcessor):
    """What opentelemetry-processor-baggage does."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Copy the baggage to the span."""
        span.set_attributes(dict(baggage.get_all(parent_context)))


def test_baggage_names_the_unit_in_every_span(store: Store, traces: TracerProvider) -> None:
    traces.add_span_processor(BaggageToAttributes())
    token = context.attach(baggage.set_baggage("correlation_id", "SO-1"))
    for name in ("charge", "ship"):  # two traces
        traces.get_tracer("t").start_span(name).end()
    context.detach(token)
    assert sorted(span.name for span in found(store, "SO-1").spans) == ["charge", "ship"]


# --- the instrumentation scope ------------------------------------------------------------------


def test_scope_attributes_are_kept_and_the_scopes_name_is_the_logger(
    store: Store, traces: TracerProvider, logs: LoggerProvider
) -> None:
    emit(logs, "paid", {"correlation_id": "SO-1"})
    tracer = traces.get_tracer("books.pay", "3.4", attributes=TEAM)
    tracer.start_span("pay", attributes={"correlation_id": "SO-1"}).end()
    unit = found(store, "SO-1")
    assert unit.logs[0].logger == "books.tax"
    wanted = {"otel.scope.attributes.team": "tax", "otel.scope.attributes.shard": 3}
    resource = unit.spans[0].resource
    assert resource == resource | wanted | {"otel.scope.name": "books.pay", "otel.scope.version": "3.4"}
    (row,) = store.act(lambda tx: tx.execute("select resource::json::varchar as kept from log")).result()
    kept = orjson.loads(row["kept"])
    assert kept == kept | wanted | {"otel.scope.name": "books.tax", "otel.scope.version": "1.2"}


def test_a_logger_that_the_record_names_itself_wins(store: Store, logs: LoggerProvider) -> None:
    emit(logs, "paid", {"correlation_id": "SO-1", "logger.name": "own"})
    assert found(store, "SO-1").logs[0].logger == "own"


def test_two_scopes_that_differ_in_an_attribute_keep_their_equal_records(
    store: Store, logs: LoggerProvider
) -> None:
    moment = time.time_ns()
    for shard in (1, 2):
        logs.get_logger("books", attributes={"shard": shard}).emit(LogRecord(timestamp=moment, body="x"))
    rows = store.act(lambda tx: tx.execute("select resource::json::varchar as kept from log")).result()
    assert sorted(orjson.loads(row["kept"])["otel.scope.attributes.shard"] for row in rows) == [1, 2]


logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
