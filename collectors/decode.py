"""OTLP requests, protobuf or JSON, to rows. One bad record is quarantined; the others go on."""

from __future__ import annotations

import binascii
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import orjson
from google.protobuf.message import DecodeError

from collectors import messages, parse, spans, values
from collectors.mapping import chosen
from collectors.normalise import RejectedError, hash64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from collectors.mapping import Mapping
    from collectors.normalise import Normaliser
    from collectors.spans import Scope, SpanRecord

    Fields = dict[str, Any]
    Reject = Callable[[Any, Exception], None]
    """Takes what a record was read from, and why it is not taken."""
    Append = Callable[[Scope, Iterable[Any], Callable[[Any], Any], Reject], None]

TRACES: Final = "otlp/traces"
LOGS: Final = "otlp/logs"
_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8
_REMOTE: Final = 0x300
"""Flags of a span: it is known whether its parent is remote, and it is."""
_SEVERITY: Final = range(1, 25)


_entries: Final = messages.Attributes(spans.entry)
_pairs: Final = messages.Attributes(lambda key, value: (key, value))


class Decoder:
    """Decodes requests into one normaliser, and counts what it rejects."""

    def __init__(self, n: Normaliser, mappings: Sequence[Mapping]) -> None:
        self._n = n
        self._mappings = mappings
        self.rejected = 0
        self.reason = ""
        self._scopes: dict[bytes, Scope] = {}
        self._equal: dict[tuple[bytes, bytes], int] = {}

    def _scope(self, resource: Fields, scope: Fields, fallback: Mapping | None = None) -> Scope:
        return spans.scope_of(self._n, resource, scope, chosen(self._mappings, resource) or fallback)

    def _reject(self, raw: bytes, reason: str, source: str) -> None:
        self._n.quarantine(raw, reason, source=source)
        self.rejected += 1
        self.reason = self.reason or reason

    # --- protobuf --------------------------------------------------------------------------------

    def traces(self, body: bytes) -> None:
        """Decode an ExportTraceServiceRequest.

        Raises:
            DecodeError: the body as a whole is not one.
        """
        self._protobuf(body, TRACES, self._append_spans)

    def logs(self, body: bytes) -> None:
        """Decode an ExportLogsServiceRequest.

        Raises:
            DecodeError: the body as a whole is not one.
        """
        self._protobuf(body, LOGS, self._append_logs)

    def _protobuf(self, body: bytes, source: str, append: Append) -> None:
        for part in messages.Request.FromString(body).parts:
            resource = dict(map(_pairs, part.resource.attributes))
            for scope in part.scopes:
                name = {
                    "name": messages.string(scope.scope.name),
                    "version": messages.string(scope.scope.version),
                    **_scope_attributes(dict(map(_pairs, scope.scope.attributes))),
                }
                read = _span if source == TRACES else _log
                reject = partial(self._reject_protobuf, part, scope, source)
                append(self._scope(resource, name), scope.records, read, reject)

    def _reject_protobuf(self, part: Any, scope: Any, source: str, raw: bytes, error: Exception) -> None:
        self._reject(_alone(part, scope, raw), str(error), source)

    # --- both forms ------------------------------------------------------------------------------

    def _append_spans(
        self, scope: Scope, records: Iterable[Any], read: Callable[[Any], SpanRecord], reject: Reject
    ) -> None:
        batch = list(_read(records, read, reject))
        parents = {span.parent_span_id for span, _ in batch if span.parent_span_id}
        for span, raw in batch:
            try:
                spans.append(self._n, scope, span, parents)
            except RejectedError as error:
                reject(raw, error)

    def _append_logs(
        self,
        scope: Scope,
        records: Iterable[Any],
        read: Callable[[Any], tuple[Fields, bytes]],
        reject: Reject,
    ) -> None:
        for (fields, content), raw in _read(records, read, reject):
            record_id = self._identity(scope, content)
            try:
                self._n.log(
                    fields,
                    record_id,
                    base=scope.log_base,
                    mapping=scope.mapping,
                    resource=scope.resource,
                    logger=scope.name,
                )
            except RejectedError as error:
                reject(raw, error)

    def _identity(self, scope: Scope, raw: bytes) -> int:
        """Return what a log record is known by: its content, and its number among equal ones."""
        content = (scope.key, raw)
        ordinal = self._equal[content] = self._equal.get(content, 0) + 1
        return hash64(scope.key, raw, b"%d" % ordinal if ordinal > 1 else b"")

    # --- JSON ------------------------------------------------------------------------------------

    def json(self, body: Any, fallback: Mapping | None = None) -> None:
        """Read a parsed OTLP/JSON body: resource spans, resource logs, or both.

        Raises:
            RejectedError: it is neither.
        """
        if not isinstance(body, dict) or not _KEYS.intersection(body):
            raise RejectedError("neither resourceSpans nor resourceLogs is there")
        for part in _items(body, "resourceSpans", "resource_spans"):
            self._json_part(part, "Spans", fallback)
        for part in _items(body, "resourceLogs", "resource_logs"):
            self._json_part(part, "Logs", fallback)

    def _json_part(self, part: Fields, signal: str, fallback: Mapping | None) -> None:
        for scope in _items(part, f"scope{signal}", f"scope_{signal.lower()}"):
            made = self._json_scope(_object(part, "resource"), _object(scope, "scope"), fallback)
            if signal == "Spans":
                reject = partial(self._reject_json, part, scope, "spans", TRACES)
                self._append_spans(made, _items(scope, "spans"), _json_span, reject)
            else:
                reject = partial(self._reject_json, part, scope, "logRecords", LOGS)
                self._append_logs(made, _items(scope, "logRecords", "log_records"), _json_log, reject)

    def _json_scope(self, resource: Fields, scope: Fields, fallback: Mapping | None) -> Scope:
        # A spool folder brings one span a line, and the same resource with each.
        key = orjson.dumps((resource, scope))
        known = self._scopes.get(key)
        if known is None:
            name = {key: scope[key] for key in ("name", "version") if isinstance(scope.get(key), str)}
            name |= _scope_attributes(_attributes(scope))
            known = self._scopes[key] = self._scope(_attributes(resource), name, fallback)
        return known

    def _reject_json(  # noqa: PLR0917 - bound to all but the last two by its callers
        self, part: Fields, scope: Fields, key: str, source: str, record: Fields, error: Exception
    ) -> None:
        signal = "Spans" if source == TRACES else "Logs"
        alone = {"scope": scope.get("scope"), key: [record]}
        request = {f"resource{signal}": [{"resource": part.get("resource"), f"scope{signal}": [alone]}]}
        self._reject(orjson.dumps(request), str(error), source)


def _read(records: Iterable[Any], read: Callable[[Any], Any], reject: Reject) -> Iterator[tuple[Any, Any]]:
    """Yield each record that can be read, with what it was read from."""
    for raw in records:
        try:
            yield read(raw), raw
        except (DecodeError, RejectedError) as error:
            reject(raw, error)


def _scope_attributes(attributes: Fields) -> Fields:
    return {f"attributes.{key}": value for key, value in attributes.items()}


_SHORT: Final = 100
_SCALARS: Final = frozenset({str, int, bool})
_KEYS: Final = frozenset({"resourceSpans", "resource_spans", "resourceLogs", "resource_logs"})


def _alone(part: Any, scope: Any, raw: bytes) -> bytes:
    """Return a request of one record with its resource and scope, so that it can be replayed."""
    request = messages.Request()
    made = request.parts.add()
    made.resource.CopyFrom(part.resource)
    alone = made.scopes.add()
    alone.scope.CopyFrom(scope.scope)
    alone.records.append(raw)
    return bytes(request.SerializeToString())


# --- protobuf records ----------------------------------------------------------------------------


def _span(raw: bytes) -> SpanRecord:
    span = messages.Span.FromString(raw)
    trace_id, span_id = span.trace_id, span.span_id
    _check_ids(trace_id, span_id)
    record = spans.SpanRecord(
        trace_id.hex(),
        span_id.hex(),
        span.parent_span_id.hex() or None,
        messages.string(span.name),
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code,
        messages.string(span.status.message),
        [_entries(item) for item in span.attributes],
    )
    record.remote_parent = span.flags & _REMOTE == _REMOTE
    if span.events:
        record.events = [_event(item) for item in span.events]
    if span.links:
        record.links = [_link(item) for item in span.links]
    return record


def _check_ids(trace_id: bytes, span_id: bytes) -> None:
    if len(trace_id) != _TRACE_BYTES:
        raise RejectedError(f"trace id of {len(trace_id)} bytes, not 16")
    if len(span_id) != _SPAN_BYTES:
        raise RejectedError(f"span id of {len(span_id)} bytes, not 8")
    if not any(trace_id) or not any(span_id):
        raise RejectedError("an id of zeros only")


def _event(raw: bytes) -> Fields:
    event = messages.Event.FromString(raw)
    return {
        "time": spans.iso(event.time_unix_nano),
        "name": messages.string(event.name),
        "attributes": dict(map(_pairs, event.attributes)),
    }


def _link(raw: bytes) -> Fields:
    link = messages.Link.FromString(raw)
    return {
        "trace_id": link.trace_id.hex(),
        "span_id": link.span_id.hex(),
        "attributes": dict(map(_pairs, link.attributes)),
    }


def _log(raw: bytes) -> tuple[Fields, bytes]:
    record = messages.LogRecord.FromString(raw)
    body = messages.any_value(messages.AnyValue.FromString(record.body)) if record.body else None
    fields = _log_fields(
        body,
        record.time_unix_nano or record.observed_time_unix_nano,
        record.severity_number,
        messages.string(record.severity_text),
        messages.string(record.event_name),
    )
    fields |= map(_pairs, record.attributes)
    fields["trace_id"] = record.trace_id.hex()
    fields["span_id"] = record.span_id.hex()
    return fields, raw


def _log_fields(body: Any, time_ns: int, number: int, level: str, event_name: str) -> Fields:
    fields: Fields = {}
    if time_ns:
        fields["timeUnixNano"] = time_ns
    if number in _SEVERITY:
        fields["severity_number"] = number
    elif level:
        fields["level"] = level
    if isinstance(body, dict) and ("message" in body or "event" in body or "msg" in body):
        fields |= body
    elif body is not None:
        fields["event"] = body if isinstance(body, str) else orjson.dumps(body).decode()
    if event_name:
        fields["event_name" if "event" in fields else "event"] = event_name
    return fields


# --- JSON records --------------------------------------------------------------------------------


def _json_span(span: Fields) -> SpanRecord:
    trace_id, span_id = _id(span, "traceId", "trace_id"), _id(span, "spanId", "span_id")
    _check_ids(trace_id, span_id)
    status = span.get("status")
    record = spans.SpanRecord(
        trace_id.hex(),
        span_id.hex(),
        _id(span, "parentSpanId", "parent_span_id").hex() or None,
        _text(span.get("name")),
        spans.kind_of(span.get("kind")),
        _nanos(span, "startTimeUnixNano", "start_time_unix_nano"),
        _nanos(span, "endTimeUnixNano", "end_time_unix_nano"),
        spans.status_of(_object(span, "status").get("code")) if status else 0,
        _text(_object(span, "status").get("message")) if status else "",
        [_known_entry(key, value) for key, value in _attributes(span).items()],
    )
    if "flags" in span:
        record.remote_parent = (whole(span["flags"]) or 0) & _REMOTE == _REMOTE
    if span.get("events"):
        record.events = [_json_event(event) for event in _items(span, "events")]
    if span.get("links"):
        record.links = [_json_link(link) for link in _items(span, "links")]
    return record


@lru_cache(maxsize=20_000)
def _remembered(key: str, value: str, _: type) -> spans.Entry:
    # The type is part of the key: 1 and True are the same to a dictionary.
    return spans.entry(key, value)


def _known_entry(key: str, value: Any) -> spans.Entry:
    kind = value.__class__
    if kind in _SCALARS and len(key) < _SHORT and (kind is not str or len(value) < _SHORT):
        return _remembered(key, value, kind)
    return spans.entry(key, value)


def _json_event(event: Fields) -> Fields:
    return {
        "time": spans.iso(_nanos(event, "timeUnixNano", "time_unix_nano")),
        "name": _text(event.get("name")),
        "attributes": _attributes(event),
    }


def _json_link(link: Fields) -> Fields:
    return {
        "trace_id": _id(link, "traceId", "trace_id").hex(),
        "span_id": _id(link, "spanId", "span_id").hex(),
        "attributes": _attributes(link),
    }


def _json_log(record: Fields) -> tuple[Fields, bytes]:
    number = _get(record, "severityNumber", "severity_number")
    time_ns = _nanos(record, "timeUnixNano", "time_unix_nano")
    fields = _log_fields(
        _any(record.get("body")),
        time_ns or _nanos(record, "observedTimeUnixNano", "observed_time_unix_nano"),
        _severity(number),
        _text(_get(record, "severityText", "severity_text")),
        _text(_get(record, "eventName", "event_name")),
    )
    fields |= _attributes(record)
    for name, key in (("trace_id", "traceId"), ("span_id", "spanId")):
        fields[name] = _text(_get(record, key, name))
    return fields, orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def _severity(value: Any) -> int:
    if isinstance(value, str) and value.startswith("SEVERITY_NUMBER_"):
        word = value.removeprefix("SEVERITY_NUMBER_")
        finer = int(word[-1]) - 1 if word[-1:].isdigit() else 0
        return (values.LEVELS.get(word.rstrip("1234")) or 0) + finer
    return whole(value) or 0


def whole(value: Any) -> int | None:
    """Return an integer given as number or, as OTLP/JSON does with 64 bits, as text."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        return int(value) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None  # noqa: PLR2004
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _nanos(record: Fields, key: str, other: str) -> int:
    value = record.get(key)
    if value is None:
        value = record.get(other)
    if value is None:
        return 0
    number = whole(value)
    if number is None:
        raise RejectedError(f"{key} is not a number")
    return number


def _id(record: Fields, key: str, other: str) -> bytes:
    value = record.get(key)
    if value is None:
        value = record.get(other)
    if value is None:
        return b""
    try:
        return binascii.unhexlify(value)
    except (ValueError, TypeError):
        raise RejectedError(f"{key} is not hexadecimal") from None


def _get(record: Fields, key: str, other: str) -> Any:
    value = record.get(key)
    return record.get(other) if value is None else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _object(record: Fields, key: str) -> Fields:
    value = record.get(key)
    if value is not None and not isinstance(value, dict):
        raise RejectedError(f"{key} is not an object")
    return value or {}


def _items(record: Fields, key: str, other: str = "") -> list[Fields]:
    value = record.get(key)
    if value is None:
        value = record.get(other)
    if value is None:
        return []
    if value.__class__ is not list:
        raise RejectedError(f"{key} is not a list")
    for item in value:
        if item.__class__ is not dict:
            raise RejectedError(f"{key} is not a list of objects")
    return value


def _attributes(record: Fields) -> Fields:
    found: Fields = {}
    for item in _items(record, "attributes"):
        key, value = item.get("key"), item.get("value")
        # The common case at once: a third of the time of a span went into the general one.
        plain = value.get("stringValue") if value.__class__ is dict else None
        found[key if key.__class__ is str else _text(key)] = plain if plain.__class__ is str else _any(value)
    return found


def _any(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for key, inner in value.items():
        kind = _ANY.get(key)
        if kind is not None:
            return kind(inner)
    return None


def _any_list(value: Any) -> Any:
    return [_any(item) for item in _items({"values": (value or {}).get("values")}, "values")]


def _any_map(value: Any) -> Any:
    return {_text(item.get("key")): _any(item.get("value")) for item in _items(value or {}, "values")}


def _any_int(value: Any) -> Any:
    number = whole(value)
    return value if number is None else number


_ANY: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("stringValue", "string_value"), _text),
    **dict.fromkeys(("intValue", "int_value"), _any_int),
    **dict.fromkeys(("boolValue", "bool_value", "doubleValue", "double_value", "bytesValue", "bytes_value"),
                    lambda value: value),
    **dict.fromkeys(("arrayValue", "array_value"), _any_list),
    **dict.fromkeys(("kvlistValue", "kvlist_value"), _any_map),
}  # fmt: skip


def load(body: bytes) -> Any:
    """Parse an OTLP/JSON body.

    Raises:
        RejectedError: it is not JSON, or nested too deeply.
    """
    try:
        return parse.load(body)
    except parse.UnreadableError as error:
        raise RejectedError(str(error)) from None
