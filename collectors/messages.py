"""OTLP's messages with the attributes left as bytes: decoded by upb, each distinct attribute walked once.

Walking the attributes of a decoded span in Python costs 9 to 12 µs. On the wire an embedded message and
a bytes field look the same, so these descriptors declare `attributes`, `events` and records as bytes;
most attributes repeat from span to span and are then found in a dictionary by their bytes.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from collectors.values import clean

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {
    "bytes": _FIELD.TYPE_BYTES,
    "string": _FIELD.TYPE_BYTES,  # read as bytes: one bad byte costs a character, not the record
    "fixed64": _FIELD.TYPE_FIXED64,
    "fixed32": _FIELD.TYPE_FIXED32,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "double": _FIELD.TYPE_DOUBLE,
    "bool": _FIELD.TYPE_BOOL,
}
_ONE: Final = _FIELD.LABEL_OPTIONAL
_MANY: Final = _FIELD.LABEL_REPEATED

_MESSAGES: Final[dict[str, tuple[tuple[str, int, str, bool], ...]]] = {
    # ExportTraceServiceRequest and ExportLogsServiceRequest have one form: field 1, many.
    "Request": (("parts", 1, "Part", True),),
    # ResourceSpans and ResourceLogs.
    "Part": (("resource", 1, "Resource", False), ("scopes", 2, "Scope", True)),
    "Resource": (("attributes", 1, "bytes", True),),
    # ScopeSpans and ScopeLogs; the records stay bytes, so that one bad record harms no other.
    "Scope": (("scope", 1, "ScopeName", False), ("records", 2, "bytes", True)),
    "ScopeName": (
        ("name", 1, "string", False),
        ("version", 2, "string", False),
        ("attributes", 3, "bytes", True),
    ),
    "Span": (
        ("trace_id", 1, "bytes", False),
        ("span_id", 2, "bytes", False),
        ("parent_span_id", 4, "bytes", False),
        ("name", 5, "string", False),
        ("kind", 6, "int32", False),
        ("start_time_unix_nano", 7, "fixed64", False),
        ("end_time_unix_nano", 8, "fixed64", False),
        ("attributes", 9, "bytes", True),
        ("events", 11, "bytes", True),
        ("links", 13, "bytes", True),
        ("status", 15, "Status", False),
    ),
    "Status": (("message", 2, "string", False), ("code", 3, "int32", False)),
    "Event": (
        ("time_unix_nano", 1, "fixed64", False),
        ("name", 2, "string", False),
        ("attributes", 3, "bytes", True),
    ),
    "Link": (
        ("trace_id", 1, "bytes", False),
        ("span_id", 2, "bytes", False),
        ("attributes", 4, "bytes", True),
    ),
    "LogRecord": (
        ("time_unix_nano", 1, "fixed64", False),
        ("severity_number", 2, "int32", False),
        ("severity_text", 3, "string", False),
        ("body", 5, "bytes", False),
        ("attributes", 6, "bytes", True),
        ("flags", 8, "fixed32", False),
        ("trace_id", 9, "bytes", False),
        ("span_id", 10, "bytes", False),
        ("observed_time_unix_nano", 11, "fixed64", False),
        ("event_name", 12, "string", False),
    ),
    # What is answered: google.rpc.Status, and ExportTraceServiceResponse and its likes, which have one form.
    "Failure": (("code", 1, "int32", False), ("message", 2, "string", False)),
    "Response": (("partial_success", 1, "PartialSuccess", False),),
    "PartialSuccess": (("rejected", 1, "int64", False), ("error_message", 2, "string", False)),
    "KeyValue": (("key", 1, "string", False), ("value", 2, "AnyValue", False)),
    "AnyValue": (
        ("string_value", 1, "string", False),
        ("bool_value", 2, "bool", False),
        ("int_value", 3, "int64", False),
        ("double_value", 4, "double", False),
        ("array_value", 5, "Array", False),
        ("kvlist_value", 6, "KeyValues", False),
        ("bytes_value", 7, "bytes", False),
    ),
    "Array": (("values", 1, "AnyValue", True),),
    "KeyValues": (("values", 1, "KeyValue", True),),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    # proto2: it distinguishes a value that is set from one that is absent.
    made = descriptor_pb2.FileDescriptorProto(name="unsnag_otlp.proto", package="unsnag", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = made.message_type.add(name=name)
        for field, number, kind, many in fields:
            declared = message.field.add(name=field, number=number, label=_MANY if many else _ONE)
            if kind in _TYPES:
                declared.type = _TYPES[kind]
            else:
                declared.type, declared.type_name = _FIELD.TYPE_MESSAGE, f".unsnag.{kind}"
    return made


_pool: Final = descriptor_pool.DescriptorPool()
_pool.Add(_file())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"unsnag.{name}"))


Request: Final = _message("Request")
Part: Final = _message("Part")
Span: Final = _message("Span")
Event: Final = _message("Event")
Link: Final = _message("Link")
LogRecord: Final = _message("LogRecord")

Failure: Final = _message("Failure")
Response: Final = _message("Response")
KeyValue: Final = _message("KeyValue")
AnyValue: Final = _message("AnyValue")

_MAX_CACHED: Final = 20_000
_MAX_CACHED_BYTES: Final = 256


def string(raw: bytes) -> str:
    """Return the text of a string field; what is not UTF-8, and NUL, become replacement characters."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def key_value(raw: bytes) -> tuple[str, Any]:
    """Decode one attribute.

    Raises:
        google.protobuf.message.DecodeError: the bytes are not a KeyValue, or nested more than 100 deep.
    """
    message = KeyValue.FromString(raw)
    return string(message.key), any_value(message.value)


def any_value(value: Any) -> Any:
    """Return the Python value of an AnyValue."""
    if value.HasField("string_value"):
        return string(value.string_value)
    for kind in ("int_value", "bool_value", "double_value"):
        if value.HasField(kind):
            return clean(getattr(value, kind))
    if value.HasField("array_value"):
        return [any_value(item) for item in value.array_value.values]
    if value.HasField("kvlist_value"):
        return {string(item.key): any_value(item.value) for item in value.kvlist_value.values}
    return value.bytes_value.hex() if value.HasField("bytes_value") else None


class Attributes:
    """Decodes attributes and remembers the short ones; `convert` is applied once to each distinct one."""

    def __init__(self, convert: Any) -> None:
        self._known: dict[bytes, Any] = {}
        self._convert = convert

    def __call__(self, raw: bytes) -> Any:
        """Return what `convert` makes of the attribute's name and value."""
        known = self._known.get(raw)
        if known is None:
            known = self._convert(*key_value(raw))
            if len(raw) <= _MAX_CACHED_BYTES:
                if len(self._known) >= _MAX_CACHED:
                    self._known.clear()
                self._known[raw] = known
        return known
