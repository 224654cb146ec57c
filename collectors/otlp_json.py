"""Records of OTLP/JSON: numbers may be text, names in camel or snake case, and a field may be of any type."""

from __future__ import annotations

import binascii
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from collectors import spans, values
from collectors.normalise import RejectedError
from collectors.otlp_fields import check_ids, log_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.fields import Fields
    from collectors.spans import SpanRecord

_SHORT: Final = 100
_SCALARS: Final = frozenset({str, int, bool})


def span_of(span: Fields) -> SpanRecord:
    """Return a span.

    Raises:
        RejectedError: a field is not what the protocol says.
    """
    trace_id, span_id = _id(span, "traceId", "trace_id"), _id(span, "spanId", "span_id")
    check_ids(trace_id, span_id)
    status = span.get("status")
    record = spans.SpanRecord(
        trace_id.hex(),
        span_id.hex(),
        _id(span, "parentSpanId", "parent_span_id").hex() or None,
        _text(span.get("name")),
        spans.kind_of(span.get("kind")),
        _nanos(span, "startTimeUnixNano", "start_time_unix_nano"),
        _nanos(span, "endTimeUnixNano", "end_time_unix_nano"),
        spans.status_of(object_of(span, "status").get("code")) if status else 0,
        _text(object_of(span, "status").get("message")) if status else "",
        [_known_entry(key, value) for key, value in attributes_of(span).items()],
    )
    if span.get("events"):
        record.events = [_event(event) for event in items(span, "events")]
    if span.get("links"):
        record.links = [_link(link) for link in items(span, "links")]
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


def _event(event: Fields) -> Fields:
    return {
        "time": spans.iso(_nanos(event, "timeUnixNano", "time_unix_nano")),
        "name": _text(event.get("name")),
        "attributes": attributes_of(event),
    }


def _link(link: Fields) -> Fields:
    return {
        "trace_id": _id(link, "traceId", "trace_id").hex(),
        "span_id": _id(link, "spanId", "span_id").hex(),
        "attributes": attributes_of(link),
    }


def log_of(record: Fields) -> tuple[Fields, bytes]:
    """Return the fields of a log record, and its text for its identity.

    Raises:
        RejectedError: a field is not what the protocol says.
    """
    number = _get(record, "severityNumber", "severity_number")
    time_ns = _nanos(record, "timeUnixNano", "time_unix_nano")
    fields = log_fields(
        _any(record.get("body")),
        time_ns or _nanos(record, "observedTimeUnixNano", "observed_time_unix_nano"),
        _severity(number),
        _text(_get(record, "severityText", "severity_text")),
        _text(_get(record, "eventName", "event_name")),
    )
    fields |= attributes_of(record)
    for name, key in (("trace_id", "traceId"), ("span_id", "spanId")):
        fields[name] = _text(_get(record, key, name))
    return fields, orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def _severity(value: Any) -> int:
    if isinstance(value, str) and value.startswith("SEVERITY_NUMBER_"):
        word = value.removeprefix("SEVERITY_NUMBER_")
        finer = int(word[-1]) - 1 if word[-1:].isdigit() else 0
        return (values.LEVELS.get(word.rstrip("1234")) or 0) + finer
    return _whole(value) or 0


def _whole(value: Any) -> int | None:
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
    number = _whole(value)
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


def object_of(record: Fields, key: str) -> Fields:
    """Return the object in a field; an empty one where there is none.

    Raises:
        RejectedError: it is something else.
    """
    value = record.get(key)
    if value is not None and not isinstance(value, dict):
        raise RejectedError(f"{key} is not an object")
    return value or {}


def items(record: Fields, key: str, other: str = "") -> list[Fields]:
    """Return the objects in a list; none where there is no list.

    Raises:
        RejectedError: it is something else.
    """
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


def attributes_of(record: Fields) -> Fields:
    """Return attributes by name."""
    found: Fields = {}
    for item in items(record, "attributes"):
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
    return [_any(item) for item in items({"values": (value or {}).get("values")}, "values")]


def _any_map(value: Any) -> Any:
    return {_text(item.get("key")): _any(item.get("value")) for item in items(value or {}, "values")}


def _any_int(value: Any) -> Any:
    number = _whole(value)
    return value if number is None else number


_ANY: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("stringValue", "string_value"), _text),
    **dict.fromkeys(("intValue", "int_value"), _any_int),
    **dict.fromkeys(("boolValue", "bool_value", "doubleValue", "double_value", "bytesValue", "bytes_value"),
                    lambda value: value),
    **dict.fromkeys(("arrayValue", "array_value"), _any_list),
    **dict.fromkeys(("kvlistValue", "kvlist_value"), _any_map),
}  # fmt: skip
