"""Makes OTLP/JSON export requests of the lines that the client writes."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from unsnag.conventions import ENVIRONMENT, SERVICE_INSTANCE, SERVICE_NAME, SEVERITY_NUMBERS
from unsnag.records import otlp_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT_ATTRIBUTES: Final = frozenset(
    {"timestamp", "level", "event", "trace_id", "span_id", SERVICE_NAME, ENVIRONMENT, SERVICE_INSTANCE}
)
RESOURCE: Final = "unsnag.resource"
"""The only field of the first line of a file: the resource of the process that wrote it."""
_OF_RESOURCE: Final = (SERVICE_NAME, ENVIRONMENT, SERVICE_INSTANCE)


class Line(NamedTuple):
    """A line as it was written, and what a request makes of it."""

    raw: bytes
    made: Any


class Lines(NamedTuple):
    """Lines by the request that they go into."""

    logs: list[Line]
    traces: list[Line]
    unreadable: list[tuple[bytes, str]]
    """What no request can be made of, and why: a line that a power cut left half written."""
    resources: list[dict[str, str]]
    """What first lines of files say about the process that wrote the others."""


def parted(lines: Sequence[bytes]) -> Lines:
    """Part lines by the request that they go into."""
    found = Lines([], [], [], [])
    for raw in lines:
        try:
            fields = orjson.loads(raw)
            if RESOURCE in fields:
                found.resources.append(dict(fields[RESOURCE]))
            elif (spans := fields.get("resourceSpans")) is not None:
                found.traces.append(Line(raw, spans))
            else:
                found.logs.append(Line(raw, (_resource_of(fields), _log_record(fields))))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            found.unreadable.append((raw, f"{type(fault).__name__}: {fault}"))
    return found


def traces_body(lines: Sequence[Line], _resource: Mapping[str, str]) -> bytes:
    """Return one ExportTraceServiceRequest; each span brings its resource."""
    return orjson.dumps({"resourceSpans": [span for line in lines for span in line.made]})


def logs_body(lines: Sequence[Line], resource: Mapping[str, str]) -> bytes:
    """Return one ExportLogsServiceRequest; `resource` is what all lines of this machine have in common."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for line in lines:
        key, record = line.made
        groups.setdefault(key, []).append(record)
    return orjson.dumps(
        {"resourceLogs": [_resource_logs(key, records, resource) for key, records in groups.items()]}
    )


def _resource_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(fields.get(name, "")) for name in _OF_RESOURCE)


def _resource_logs(
    key: tuple[str, ...], records: list[dict[str, Any]], resource: Mapping[str, str]
) -> dict[str, Any]:
    named = {name: text for name, text in zip(_OF_RESOURCE, key) if text}
    return {
        "resource": {"attributes": _attributes({**resource, **named})},
        "scopeLogs": [{"scope": {"name": "unsnag"}, "logRecords": records}],
    }


def _log_record(fields: dict[str, Any]) -> dict[str, Any]:
    level = str(fields.get("level", "info"))
    time_ns = _nanoseconds(str(fields["timestamp"]))
    return {
        "timeUnixNano": time_ns,
        "observedTimeUnixNano": time_ns,
        "severityNumber": SEVERITY_NUMBERS.get(level, 9),
        "severityText": level,
        "body": otlp_value(fields.get("event")),
        "traceId": fields.get("trace_id", ""),
        "spanId": fields.get("span_id", ""),
        "attributes": _attributes({key: item for key, item in fields.items() if key not in _NOT_ATTRIBUTES}),
    }


def _attributes(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": otlp_value(item)} for key, item in fields.items() if item is not None]


def _nanoseconds(timestamp: str) -> str:
    return f"{_second(timestamp[:19])}{timestamp[20:26]}000"


@lru_cache(maxsize=64)
def _second(text: str) -> int:
    """Return the seconds since 1970; taking a date apart takes ten times as long as all else of a line."""
    from calendar import timegm  # noqa: PLC0415

    return timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
