"""The two shapes that leave a process: a flat JSON line for a log record, OTLP/JSON for a span.

The caller's thread hands over small tuples; everything dear (masking, rendering) happens on the writer's.
"""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from unsnag import clock, glance, masking, process
from unsnag.conventions import (
    ENVIRONMENT,
    FIELD_SPAN_ID,
    FIELD_TIMESTAMP,
    FIELD_TRACE_ID,
    SEQ,
    SERVICE_INSTANCE,
    SERVICE_NAME,
)
from unsnag.encoding import encode, encode_text, readable_repr, shortened
from unsnag.glance import suspicious

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unsnag.context import Scope

STATUS_ERROR: Final = 2
KIND_INTERNAL: Final = 1
_NOT_ATTRIBUTES: Final = frozenset({FIELD_TRACE_ID, FIELD_SPAN_ID, SERVICE_NAME, ENVIRONMENT})
_MAX_ATTRIBUTE: Final = 16_384


Log = tuple[int, "Scope", bytes, bool, int, bool, Any]
"""A log record on its way: time, scope, fields as JSON without the first brace, whether these hold the
scope's fields too, its place in the order of writing, whether it says how something ended, and what stands
in the fields as a ``timestamp`` of the script's own, which is left out.

The fields are encoded already, so the script may change its objects. They are a copy without their brace
because what orjson returns has more memory than it needs, and keeping that costs the script's thread 1 us.
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


def is_outcome(record: Log | Span) -> bool:
    """Say whether a record states how a unit, a step or a program ended."""
    return isinstance(record, Span) or record[5]


class Renderer:
    """Renders records of one process; each log record gets an identity that no other record has."""

    def __init__(self) -> None:
        self._begin_ns, self._date = _NEVER, b""
        self._next_number = count(int.from_bytes(os.urandom(3), "big")).__next__
        # One formatting of bytes: texts that are joined and encoded take three times as long.
        self._line = (
            f'{{"timestamp":"%b.%06dZ","unsnag.record_id":"{os.urandom(4).hex()}%08x","unsnag.seq":%d,'
            f'"service.instance.id":"{process.instance}",%b%b\n'
        ).encode()

    def line(self, record: Log | Span) -> bytes:
        """Return one line."""
        if isinstance(record, Span):
            return _span(record)
        time_ns, scope, body, is_merged, seq, _, stamp = record
        if stamp != "":
            body = _without_time(body, stamp)
        if suspicious(body):
            body = encode(masking.mask_fields(orjson.loads(b"{" + body)))[1:]
        fraction = time_ns - self._begin_ns
        if not 0 <= fraction < _SECOND:
            fraction = self._begin_second(time_ns)
        number, own = self._next_number() & 0xFFFFFFFF, b"" if is_merged else scope.json
        return self._line % (self._date, fraction // 1000, number, seq, own, body)

    def _begin_second(self, time_ns: int) -> int:
        second, fraction = divmod(time_ns, _SECOND)
        self._begin_ns, self._date = second * _SECOND, clock.second(second)
        return fraction


_SECOND: Final = 1_000_000_000
_NEVER: Final = -(10**30)


def _without_time(body: bytes, stamp: Any) -> bytes:
    """Leave the script's own ``timestamp`` out."""
    member = f',"{FIELD_TIMESTAMP}":"{stamp}"'.encode("utf-8", "replace")
    if body.endswith(member + b"}"):  # the usual place; in a text the quotes have backslashes
        return body[: -len(member) - 1] + b"}"
    if b"{" not in body:  # nothing nested
        found = body.replace(member, b"", 1)
        if len(found) < len(body):
            return found
    fields = orjson.loads(b"{" + body)
    del fields[FIELD_TIMESTAMP]
    return encode(fields)[1:]


_SPAN: Final = b'{"resourceSpans":[{"resource":%b,"scopeSpans":[{"scope":{"name":%b},"spans":[%b]}]}]}\n'


def _span(span: Span) -> bytes:
    """Render one ExportTraceServiceRequest."""
    scope = span.scope
    own = {key: value for key, value in scope.fields.items() if key not in _NOT_ATTRIBUTES}
    body = {
        "traceId": scope.trace_id,
        "spanId": scope.span_id,
        "parentSpanId": span.parent_id or "",
        "traceState": scope.tracestate,
        "name": _masked_name(span.name),
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(max(span.end_ns, span.start_ns)),
        "attributes": otlp_attributes({**own, SEQ: span.seq, **span.attributes}),
        "events": [_event(*event) for event in span.events],
        "links": [{"traceId": trace_id, "spanId": span_id} for trace_id, span_id in span.links],
        "status": _status(span.error),
    }
    named = (scope.fields.get(SERVICE_NAME), scope.fields.get(ENVIRONMENT), process.instance)
    resource = _resource(tuple(span.resource.items()), *named)
    return _SPAN % (resource, encode_text(span.library), encode(body))


@lru_cache(maxsize=16)
def _resource(
    items: tuple[tuple[str, str], ...], service: str | None, environment: str | None, instance: str
) -> bytes:
    named = {SERVICE_NAME: service, ENVIRONMENT: environment, SERVICE_INSTANCE: instance}
    return encode({"attributes": otlp_attributes({**dict(items), **named})})


def _masked_name(name: str) -> str:
    return _known_name(name) if len(name) <= _SHORT else masking.mask_text(name)


_SHORT: Final = 200
_known_name: Final = lru_cache(maxsize=1000)(masking.mask_text)


def _event(time_ns: int, name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"timeUnixNano": str(time_ns), "name": name, "attributes": otlp_attributes(attributes)}


def _status(error: str | None) -> dict[str, Any]:
    if error is None:
        return {}
    return {"code": STATUS_ERROR, "message": masking.mask_text(shortened(error, _MAX_ATTRIBUTE))}


def otlp_attributes(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return fields as OTLP/JSON attributes, masked; what is None is left out."""
    if _is_clean(fields):
        return [
            {"key": key, "value": otlp_value(value)} for key, value in fields.items() if value is not None
        ]
    return [
        {"key": key, "value": otlp_value(masking.mask_value(key, value))}
        for key, value in fields.items()
        if value is not None
    ]


def _is_clean(fields: Mapping[str, Any]) -> bool:
    """Say whether no name and no value can be masked: one look at all values together."""
    if not _PLAIN.issuperset(map(type, fields.values())) or any(map(masking.is_secret_key, fields)):
        return False
    return not glance.suspicious("\n".join(map(str, fields.values())).encode("utf-8", "surrogatepass"))


_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def otlp_value(value: Any) -> dict[str, Any]:
    """Return an OTLP/JSON value: 64-bit integers travel as text."""
    if isinstance(value, str):
        return {"stringValue": value if len(value) <= _MAX_ATTRIBUTE else shortened(value, _MAX_ATTRIBUTE)}
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
