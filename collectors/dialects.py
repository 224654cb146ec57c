"""Dialects that wrap a record's fields: each is unwrapped to one flat object that `fields` knows.

Dialects that only use other names (structlog, python-json-logger, ECS, bunyan, pino, winston) need
nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from collectors import libraries, shippers, tracebacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.fields import Fields


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect that wraps the fields of its records."""

    name: str
    marks: tuple[str, ...]
    """Keys of which its records have at least one: a quick test."""
    fits: Callable[[Fields], bool]
    unwrap: Callable[[Fields], Fields | list[Fields]]


def unwrap(fields: Fields) -> Fields | list[Fields]:
    """Return the record inside a wrapper, the records where it holds several, or the fields as they are."""
    for dialect in DIALECTS:
        if dialect.fits(fields):
            return dialect.unwrap(fields)
    return _nested(fields)


def _has(*names: str) -> Callable[[Fields], bool]:
    return lambda fields: all(name in fields for name in names)


def _has_any(*names: str) -> Callable[[Fields], bool]:
    return lambda fields: any(name in fields for name in names)


def _nested(fields: Fields) -> Fields:
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


_JOURNAL: Final = {
    "CODE_FILE": "code.file.path",
    "CODE_LINE": "code.line.number",
    "CODE_FUNC": "code.function.name",
}


def _journald(fields: Fields) -> Fields:
    """Read an entry of the journal; what a program names itself is in capitals there."""
    message = fields.get("MESSAGE")
    if isinstance(message, list):
        message = _from_bytes(message)
    found = {
        _journal_name(key): value for key, value in fields.items() if key[:2] != "__" and key != "MESSAGE"
    }
    micros = fields.get("_SOURCE_REALTIME_TIMESTAMP") or fields.get("__REALTIME_TIMESTAMP")
    found |= {"timestamp": micros, "logger": fields.get("SYSLOG_IDENTIFIER") or fields.get("_SYSTEMD_UNIT")}
    return (
        shippers.within({**found, "event": message})
        if isinstance(message, str)
        else {**found, "message": message}
    )


def _journal_name(key: str) -> str:
    own = key[:1] != "_" and key != "PRIORITY" and not key.startswith("SYSLOG_")
    return _JOURNAL.get(key, key.lower()) if own else key


def _from_bytes(message: list[Any]) -> str:
    """Read what journald writes for text that is not UTF-8: a list of byte values."""
    try:
        return bytes(message).decode("utf-8", "replace")
    except (TypeError, ValueError):
        return str(message)


_AIRFLOW: Final = {
    "dag_id": "airflow.dag_id",
    "task_id": "airflow.task_id",
    "run_id": "airflow.dag_run.run_id",
    "map_index": "airflow.task_instance.map_index",
    "try_number": "airflow.task_instance.try_number",
    "error_detail": "exception",
}
"""Fields of Airflow's task logs, and what its spans call the same."""


def _airflow(fields: Fields) -> Fields:
    """Read a line of a task log of Airflow 3."""
    return {_AIRFLOW.get(name, name): value for name, value in fields.items()}


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


def _is_loguru(fields: Fields) -> bool:
    return isinstance(fields.get("record"), dict) and "message" in fields["record"]


def _is_beat(fields: Fields) -> bool:
    agent = fields.get("agent")
    return (
        isinstance(agent, dict)
        and str(agent.get("type")).endswith("beat")
        and isinstance(fields.get("message"), str)
    )


def _is_fluent(fields: Fields) -> bool:
    return isinstance(fields.get("log"), str) and not {
        "kubernetes",
        "container_id",
        "container_name",
    }.isdisjoint(fields)


def _is_splunk(fields: Fields) -> bool:
    return "event" in fields and ("sourcetype" in fields or {"time", "host", "source"} <= fields.keys())


def _is_roarr(fields: Fields) -> bool:
    context = fields.get("context")
    return isinstance(context, dict) and "logLevel" in context


def _is_cloudwatch(fields: Fields) -> bool:
    events = fields.get("logEvents") or fields.get("events")
    return isinstance(events, list) and all(isinstance(one, dict) and "message" in one for one in events[:3])


def _is_lambda(fields: Fields) -> bool:
    return "errorType" in fields or ("record" in fields and str(fields.get("type")).startswith("platform."))


DIALECTS: Final = (
    Dialect("loguru", ("record",), _is_loguru, _loguru),
    Dialect(
        "journald",
        ("MESSAGE", "__REALTIME_TIMESTAMP"),
        _has_any("MESSAGE", "__REALTIME_TIMESTAMP"),
        _journald,
    ),
    Dialect(
        "Google Cloud",
        ("jsonPayload", "textPayload", "logging.googleapis.com/trace"),
        _has_any("jsonPayload", "textPayload", "logging.googleapis.com/trace"),
        _google,
    ),
    Dialect("Airflow 3", ("dag_id",), _has("dag_id", "run_id"), _airflow),
    Dialect("GELF", ("short_message",), _has("short_message", "version"), shippers.gelf),
    Dialect("Serilog CLEF", ("@t",), _has("@t"), libraries.clef),
    Dialect(".NET JSON console", ("LogLevel",), _has("LogLevel", "Category"), libraries.dotnet),
    Dialect("eliot", ("task_uuid",), _has("task_uuid", "task_level"), libraries.eliot),
    Dialect("roarr", ("context",), _is_roarr, libraries.roarr),
    Dialect("AWS Lambda JSON", ("errorType", "record"), _is_lambda, libraries.lambda_json),
    Dialect("Filebeat", ("agent",), _is_beat, shippers.beat),
    Dialect("Fluentd", ("log",), _is_fluent, shippers.fluent),
    Dialect("Splunk HEC", ("sourcetype", "source"), _is_splunk, shippers.splunk),
    Dialect("CloudWatch", ("logEvents", "events"), _is_cloudwatch, shippers.cloudwatch),
)
"""Asked in this order. Adding a dialect is adding a line here, and its samples to tests/layouts."""

WRAPPERS: Final = frozenset({
    "extra", "Body", "body", "Attributes", "attributes", "SeverityText", "resource",
    *(mark for dialect in DIALECTS for mark in dialect.marks),
})  # fmt: skip
"""A line with one of these keys may be wrapped."""
