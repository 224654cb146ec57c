"""Dialects that wrap a record's fields: each is unwrapped to one flat object that `fields` knows.

Dialects that only use other names (structlog, python-json-logger, ECS, bunyan, pino, winston) need
nothing here.
"""

from __future__ import annotations

from typing import Any, Final

from collectors import parse, tracebacks

Fields = dict[str, Any]

WRAPPERS: Final = frozenset({
    "record", "jsonPayload", "textPayload", "logging.googleapis.com/trace", "MESSAGE", "__REALTIME_TIMESTAMP",
    "extra", "Body", "body", "Attributes", "attributes", "SeverityText", "resource",
})  # fmt: skip
"""A line with one of these keys may be wrapped."""


def unwrap(fields: Fields) -> Fields:
    """Return the record inside a wrapper, or the fields as they are."""
    if isinstance(fields.get("record"), dict) and "message" in fields["record"]:
        return _loguru(fields)
    if "MESSAGE" in fields or "__REALTIME_TIMESTAMP" in fields:
        return _journald(fields)
    if "jsonPayload" in fields or "textPayload" in fields or "logging.googleapis.com/trace" in fields:
        return _google(fields)
    if isinstance(fields.get("extra"), dict):
        return _merged(fields, "extra")
    if any(isinstance(fields.get(name), dict) for name in ("Attributes", "attributes")):
        return _opentelemetry(fields)
    return fields


def _merged(fields: Fields, name: str) -> Fields:
    """Put the members of an object beside it; what stands outside wins."""
    inner = fields[name]
    return {**inner, **{key: value for key, value in fields.items() if key != name}}


def _loguru(fields: Fields) -> Fields:
    record = fields["record"]
    level, time, extra = record.get("level"), record.get("time"), record.get("extra")
    found: Fields = {
        **(extra if isinstance(extra, dict) else {}),
        "timestamp": time.get("timestamp") if isinstance(time, dict) else time,
        "levelno": level.get("no") if isinstance(level, dict) else None,
        "level": level.get("name") if isinstance(level, dict) else level,
        "event": record["message"],
        "logger": record.get("name"),
        "code.function.name": record.get("function"),
        "code.line.number": record.get("line"),
    }
    if isinstance(record.get("file"), dict):
        found["code.file.path"] = record["file"].get("path")
    text = fields.get("text")
    if record.get("exception") and isinstance(text, str):
        at = text.find(tracebacks.HEAD)
        found["exception"] = text[at:].rstrip() if at >= 0 else record["exception"]
    return found


def _journald(fields: Fields) -> Fields:
    message = fields.get("MESSAGE")
    if isinstance(message, list):
        message = _from_bytes(message)
    found = {key: value for key, value in fields.items() if not key.startswith("__") and key != "MESSAGE"}
    micros = fields.get("_SOURCE_REALTIME_TIMESTAMP") or fields.get("__REALTIME_TIMESTAMP")
    found |= {"timestamp": micros, "logger": fields.get("SYSLOG_IDENTIFIER") or fields.get("_SYSTEMD_UNIT")}
    if isinstance(message, str) and message.startswith("{"):
        try:
            inner = parse.load(message.encode())
        except parse.UnreadableError:
            inner = None
        if isinstance(inner, dict):
            return {**found, **inner}
    return {**found, "message": message}


def _from_bytes(message: list[Any]) -> str:
    """Read what journald writes for text that is not UTF-8: a list of byte values."""
    try:
        return bytes(message).decode("utf-8", "replace")
    except (TypeError, ValueError):
        return str(message)


def _google(fields: Fields) -> Fields:
    payload = fields.get("jsonPayload")
    found = _merged(fields, "jsonPayload") if isinstance(payload, dict) else dict(fields)
    trace = found.pop("logging.googleapis.com/trace", None) or found.get("trace")
    if isinstance(trace, str):
        found.pop("trace", None)
        found["trace_id"] = trace.rsplit("/", 1)[-1]
    if "logging.googleapis.com/spanId" in found:
        found["span_id"] = found.pop("logging.googleapis.com/spanId")
    return found


def _opentelemetry(fields: Fields) -> Fields:
    """Read a log record as OpenTelemetry's console exporter and file formats write it."""
    name = "Attributes" if isinstance(fields.get("Attributes"), dict) else "attributes"
    found = _merged(fields, name)
    for key in ("Resource", "resource"):
        resource = found.get(key)
        if isinstance(resource, dict):
            del found[key]
            inner = resource.get("attributes", resource)
            found = {**(inner if isinstance(inner, dict) else {}), **found}
    for key in ("trace_id", "span_id", "TraceId", "SpanId", "traceId", "spanId"):
        if isinstance(found.get(key), str):
            found[key] = found[key].removeprefix("0x")
    return found
