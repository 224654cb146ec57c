"""Spans and log records as they are stored: what pages and REST show of them. Times are aware."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from data.nouns import noun
from traces.record import ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

WARNING: Final = 13
"""OpenTelemetry's severity number from which a log record is a warning."""
INFO: Final = 9


class SpanPlace(NamedTuple):
    """A span's ID, which foreign tools make unique within its trace only."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span. `attributes` are its own; `resource` says what ran."""

    record_id: int = 0
    id_reused: bool = False
    """Another span of the trace has the same ID."""
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    service: str | None
    flow: str | None
    step: str | None
    attempt: int | None
    start: datetime
    end: datetime
    duration_ns: int
    status: str
    status_message: str | None
    role: str | None
    outcome: str | None
    dependency: str | None = None
    correlation_id: str | None = None
    error_type: str | None = None
    error_class: str | None = None
    retry_id: str | None = None
    source: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()
    links: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Span:
        """Return the span of a stored row."""
        return _span(
            row,
            start=row["time"],
            end=row["end_time"],
            attributes=_parsed(row["attributes"], {}),
            resource=_parsed(row["resource"], {}),
            events=_parsed(row["events"], []),
            links=_parsed(row["links"], []),
        )

    @property
    def place(self) -> SpanPlace:
        """Its ID within its trace."""
        return SpanPlace(self.trace_id, self.span_id)

    @property
    def is_failed(self) -> bool:
        """Did it end badly?"""
        return self.status == "error" or self.outcome == "failed"

    @property
    def is_step(self) -> bool:
        """Is it an attempt of a step?"""
        return self.role == "step"


_span: Final = noun(Span)


class RaisedException(NamedTuple):
    """What a record says of the exception it carries."""

    type: str | None
    message: str | None
    stacktrace: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One log record. `mentions`: IDs that its text names without belonging to them."""

    record_id: int = 0
    time: datetime
    severity: str
    severity_number: int
    message: str
    logger: str | None
    service: str | None
    flow: str | None
    step: str | None
    attempt: int | None = None
    trace_id: str | None
    span_id: str | None
    correlation_id: str | None = None
    source: str
    error_class: str | None = None
    error_code: str | None = None
    mentions: Sequence[str] = ()
    exception: RaisedException | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Its own attributes, and what the script gave to operators."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> LogRecord:
        """Return the log record of a stored row."""
        raised = RaisedException(row["error_type"], row["exception_message"], row["stacktrace"])
        return _log(
            row,
            mentions=row["mentions"] or [],
            exception=raised if any(raised) else None,
            attributes={**_parsed(row["attributes"], {}), **_parsed(row["data"], {})},
        )

    @property
    def level(self) -> str:
        """Error, warning, info or debug."""
        if self.severity_number >= ERROR:
            return "error"
        if self.severity_number >= WARNING:
            return "warning"
        return "info" if self.severity_number >= INFO else "debug"


_log: Final = noun(LogRecord)


def _parsed(text: str | None, empty: Any) -> Any:
    return orjson.loads(text) if text else empty
