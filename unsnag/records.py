"""The two shapes that leave a process: a flat JSON line for a log record, OTLP/JSON for a span.

The caller's thread hands over small tuples; everything dear (masking, rendering) happens on the writer's.
"""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from unsnag import clock, masking, process
from unsnag.conventions import (
    ENVIRONMENT,
    FIELD_SPAN_ID,
    FIELD_TRACE_ID,
    SEQ,
    SERVICE_INSTANCE,
    SERVICE_NAME,
)
from unsnag.encoding import encode, readable_repr, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unsnag.context import Scope

STATUS_ERROR: Final = 2
KIND_INTERNAL: Final = 1
_NOT_ATTRIBUTES: Final = frozenset({FIELD_TRACE_ID, FIELD_SPAN_ID, SERVICE_NAME, ENVIRONMENT})
_MAX_ATTRIBUTE: Final = 16_384


Log = tuple[int, "Scope", bytes, bool, int]
"""A log record on its way: time, scope, encoded fields, whether these hold the scope's fields too, and its
place in the order of writing.

The fields are encoded already, so the script may change its objects.
A plain tuple, because making a named one takes a sixth of the caller's time.
"""


class Span(NamedTuple):
    """A span that has ended."""

    scope: Scope
    name: str
    parent_id: str | None
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    error: str | None = None
    events: Iterable[tuple[int, str, Mapping[str, Any]]] = ()
    links: Iterable[tuple[str, str]] = ()
    resource: Mapping[str, Any] = {}
    kind: int = KIND_INTERNAL
    library: str = "unsnag"
    seq: int = 0


_HEAD: Final = (
    b'{"timestamp":"%b.%06dZ","unsnag.record_id":"%b%08x","unsnag.seq":%d,"service.instance.id":"%b",'
)


class Renderer:
    """Renders records of one process; each log record gets an identity that no other record has."""

    def __init__(self) -> None:
        self._prefix = os.urandom(4).hex().encode()
        self._numbers = count(int.from_bytes(os.urandom(3)))
        self._instance = process.instance.encode()

    def line(self, record: Log | Span) -> bytes:
        """Return one line."""
        return _span(record) if isinstance(record, Span) else self._log(*record)

    def _log(self, time_ns: int, scope: Scope, body: bytes, is_merged: bool, seq: int) -> bytes:  # noqa: FBT001
        if masking.suspicious(body):
            body = encode(masking.mask_fields(orjson.loads(body)))
        second, fraction = divmod(time_ns, 1_000_000_000)
        # One formatting of bytes: texts that are joined and encoded take three times as long.
        head = _HEAD % (
            clock.second(second),
            fraction // 1000,
            self._prefix,
            next(self._numbers) & 0xFFFFFFFF,
            seq,
            self._instance,
        )
        fields = scope.json
        if is_merged or not fields:
            return b"%b%b\n" % (head, body[1:])
        return b"%b%b,%b\n" % (head, fields, body[1:])


def _span(span: Span) -> bytes:
    """Render one ExportTraceServiceRequest."""
    own = {key: value for key, value in span.scope.fields.items() if key not in _NOT_ATTRIBUTES}
    body = {
        "traceId": span.scope.trace_id,
        "spanId": span.scope.span_id,
        "parentSpanId": span.parent_id or "",
        "traceState": span.scope.tracestate,
        "name": masking.mask_text(span.name),
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(max(span.end_ns, span.start_ns)),
        "attributes": otlp_attributes({**own, SEQ: span.seq, **span.attributes}),
        "events": [_event(*event) for event in span.events],
        "links": [{"traceId": trace_id, "spanId": span_id} for trace_id, span_id in span.links],
        "status": _status(span.error),
    }
    scope_spans = {"scope": {"name": span.library}, "spans": [body]}
    resource = {"attributes": otlp_attributes({**span.resource, **_service(span.scope)})}
    return encode({"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans]}]}) + b"\n"


def _service(scope: Scope) -> dict[str, Any]:
    named: dict[str, Any] = {
        key: scope.fields[key] for key in (SERVICE_NAME, ENVIRONMENT) if key in scope.fields
    }
    return {**named, SERVICE_INSTANCE: process.instance}


def _event(time_ns: int, name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"timeUnixNano": str(time_ns), "name": name, "attributes": otlp_attributes(attributes)}


def _status(error: str | None) -> dict[str, Any]:
    if error is None:
        return {}
    return {"code": STATUS_ERROR, "message": masking.mask_text(shortened(error, _MAX_ATTRIBUTE))}


def otlp_attributes(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return fields as OTLP/JSON attributes, masked; what is None is left out."""
    return [
        {"key": key, "value": otlp_value(masking.mask_value(key, value))}
        for key, value in fields.items()
        if value is not None
    ]


def otlp_value(value: Any) -> dict[str, Any]:
    """Return an OTLP/JSON value: 64-bit integers travel as text."""
    if isinstance(value, str):
        return {"stringValue": shortened(value, _MAX_ATTRIBUTE)}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return (
            {"intValue": str(value)} if -(2**63) <= value < 2**63 else {"stringValue": readable_repr(value)}
        )
    if isinstance(value, float):
        return {"doubleValue": value}
    return _otlp_container(value)


def _otlp_container(value: Any) -> dict[str, Any]:
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [otlp_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": otlp_attributes({str(key): item for key, item in value.items()})}}
    return {"stringValue": shortened(readable_repr(value), _MAX_ATTRIBUTE)}
