"""What is inside recorded export requests: decode, take apart, put together again."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.scenarios.capture import JSON, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TRACES = "/v1/traces"
_TIMES = (
    "start_time_unix_nano", "end_time_unix_nano", "time_unix_nano", "observed_time_unix_nano",
    "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano",
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One span or log record of a recorded request."""

    is_span: bool
    name: str
    """The span's name, or the text of the log record."""
    trace_id: str
    span_id: str
    parent_id: str
    time_ns: int
    failed: bool
    """A span whose status is an error; a log record of severity error or above."""
    attributes: dict[str, Any]
    """Its own and its resource's; its own count more."""

    def carries(self, known_id: str) -> bool:
        """Return whether one of its attributes is this ID, in whatever case."""
        return any(str(value).lower() == known_id.lower() for value in self.attributes.values())


def body_of(sent: Sent) -> bytes:
    """Return a request's body without its compression."""
    return gzip.decompress(sent.body) if sent.content_encoding == "gzip" else sent.body


def opened(sent: Sent) -> Any:
    """Return a request as a protobuf message, or as what its JSON says."""
    body = body_of(sent)
    if sent.content_type.startswith(JSON):
        return json.loads(body)
    return (ExportTraceServiceRequest if sent.path == TRACES else ExportLogsServiceRequest).FromString(body)


def closed(sent: Sent, content: Any) -> Sent:
    """Return the request with another content, uncompressed."""
    body = json.dumps(content).encode() if isinstance(content, dict) else content.SerializeToString()
    return replace(sent, body=body, content_encoding="")


def records(requests: Sequence[Sent]) -> list[Record]:
    """Return every record of the requests, in the order in which they arrived."""
    return [record for sent in requests for record in _records(sent)]


def _records(sent: Sent) -> Iterator[Record]:
    content = opened(sent)
    if isinstance(content, dict):
        yield from _of_json(content, is_span=sent.path == TRACES)
    else:
        yield from _of_protobuf(content, is_span=sent.path == TRACES)


def _of_protobuf(content: Any, *, is_span: bool) -> Iterator[Record]:
    for resource in content.resource_spans if is_span else content.resource_logs:
        shared = _pairs(resource.resource.attributes)
        for scope in resource.scope_spans if is_span else resource.scope_logs:
            for one in scope.spans if is_span else scope.log_records:
                yield Record(
                    is_span=is_span,
                    name=one.name if is_span else _plain(one.body),
                    trace_id=one.trace_id.hex(),
                    span_id=one.span_id.hex(),
                    parent_id=one.parent_span_id.hex() if is_span else "",
                    time_ns=one.end_time_unix_nano if is_span else one.time_unix_nano,
                    failed=one.status.code == 2 if is_span else one.severity_number >= 17,
                    attributes={**shared, **_pairs(one.attributes)},
                )


def _pairs(attributes: Any) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in attributes}


def _plain(value: Any) -> Any:
    chosen = value.WhichOneof("value")
    if chosen == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, chosen) if chosen else ""


def _of_json(content: dict[str, Any], *, is_span: bool) -> Iterator[Record]:
    for resource in content.get("resourceSpans" if is_span else "resourceLogs", []):
        shared = _json_pairs(resource.get("resource", {}).get("attributes", []))
        for scope in resource["scopeSpans" if is_span else "scopeLogs"]:
            for one in scope["spans" if is_span else "logRecords"]:
                yield Record(
                    is_span=is_span,
                    name=one["name"] if is_span else str(next(iter(one.get("body", {}).values()), "")),
                    trace_id=one.get("traceId", ""),
                    span_id=one.get("spanId", ""),
                    parent_id=one.get("parentSpanId", ""),
                    time_ns=int(one["endTimeUnixNano" if is_span else "timeUnixNano"]),
                    failed=one.get("status", {}).get("code") == 2
                    if is_span
                    else one.get("severityNumber", 0) >= 17,
                    attributes={**shared, **_json_pairs(one.get("attributes", []))},
                )


def _json_pairs(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values()), None) for pair in attributes}


# --- one record per request ----------------------------------------------------------------------


def apart(sent: Sent) -> list[Sent]:
    """Return one request per record, each with its resource and scope."""
    content = opened(sent)
    if isinstance(content, dict):
        return [closed(sent, one) for one in _json_apart(content)]
    return [closed(sent, one) for one in _protobuf_apart(content, sent.path)]


def _protobuf_apart(content: Any, path: str) -> Iterator[Any]:
    outer, inner, leaf = (
        ("resource_spans", "scope_spans", "spans")
        if path == TRACES
        else ("resource_logs", "scope_logs", "log_records")
    )
    for resource in getattr(content, outer):
        for scope in getattr(resource, inner):
            for one in getattr(scope, leaf):
                alone = type(content)()
                new = getattr(alone, outer).add(resource=resource.resource, schema_url=resource.schema_url)
                part = getattr(new, inner).add(scope=scope.scope, schema_url=scope.schema_url)
                getattr(part, leaf).append(one)
                yield alone


def _json_apart(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for outer, inner, leaf in (
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    ):
        for resource in content.get(outer, []):
            for scope in resource[inner]:
                for one in scope[leaf]:
                    yield {outer: [{**resource, inner: [{**scope, leaf: [one]}]}]}


# --- the same, later -----------------------------------------------------------------------------


def later(sent: Sent, by_ns: int) -> Sent:
    """Return the request with all its times moved, as if its program had run that much later."""
    content = opened(sent)
    if isinstance(content, dict):
        return closed(sent, _json_later(content, by_ns))
    _move(content, by_ns)
    return closed(sent, content)


def _json_later(value: Any, by_ns: int) -> Any:
    if isinstance(value, list):
        return [_json_later(one, by_ns) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: str(int(one) + by_ns) if key in _TIMES else _json_later(one, by_ns) for key, one in value.items()
    }


def _move(message: Any, by_ns: int) -> None:
    for field, value in message.ListFields():
        if field.name in _TIMES:
            setattr(message, field.name, value + by_ns)
        elif field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                _move(inner, by_ns)
