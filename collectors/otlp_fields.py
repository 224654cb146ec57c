"""What records of OTLP have in common, whether they come as protobuf or as JSON."""

from __future__ import annotations

from typing import Any, Final

import orjson

from collectors.normalise import RejectedError

TRACE_BYTES: Final = 16
SPAN_BYTES: Final = 8
_SEVERITY: Final = range(1, 25)


def check_ids(trace_id: bytes, span_id: bytes) -> None:
    """Refuse IDs that are no IDs of OpenTelemetry.

    Raises:
        RejectedError: with what is wrong.
    """
    if len(trace_id) != TRACE_BYTES:
        raise RejectedError(f"trace id of {len(trace_id)} bytes, not 16")
    if len(span_id) != SPAN_BYTES:
        raise RejectedError(f"span id of {len(span_id)} bytes, not 8")
    if not any(trace_id) or not any(span_id):
        raise RejectedError("an id of zeros only")


def log_fields(body: Any, time_ns: int, number: int, level: str, event_name: str) -> dict[str, Any]:
    """Return the fields of a log record, without its attributes."""
    fields: dict[str, Any] = {}
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
