"""Units, traces, spans, log records, and what a search finds. See `server.api.shapes`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from server.api.case_shapes import Act, Case
from server.api.shapes import Context, Money, Time


class Span(BaseModel):
    """One span. `id_reused`: another span of the trace has the same id."""

    trace_id: str
    span_id: str
    id_reused: bool
    parent_span_id: str | None
    name: str
    kind: str
    service: str | None
    flow: str | None
    step: str | None
    attempt: int | None
    start: Time
    end: Time
    status: str
    status_message: str | None
    attributes: dict[str, Any]
    events: list[Any]
    links: list[Any]


class RaisedException(BaseModel):
    """What a record says of the exception it carries."""

    type: str | None
    message: str | None
    stacktrace: str | None


class LogRecord(BaseModel):
    """One log record. `mentions`: IDs that its text names without belonging to them."""

    time: Time
    mentions: list[str]
    severity: str
    severity_number: int
    message: str
    logger: str | None
    flow: str | None
    step: str | None
    trace_id: str | None
    span_id: str | None
    correlation_id: str | None
    exception: RaisedException | None
    attributes: dict[str, Any]
    source: str


class SettlingFailure(BaseModel):
    """A failed span that waits for the end of the work around it, until it opens a case or is withdrawn."""

    flow: str
    step: str
    at: Time
    until: Time = Field(description="When it opens at the latest.")


class Removed(BaseModel):
    """Records of a class that were removed, though the unit is kept."""

    data: str = Field(description="logs, spans or payload.")
    policy: str
    before: Time = Field(description="Records that are older were removed.")
    started_at: Time = Field(description="When they were removed.")


class Unit(Context, BaseModel):
    """Everything of one unit of work."""

    correlation_id: str
    flows: list[str]
    state: str
    opened_at: Time
    completed_at: Time | None
    value: Money | None
    spans: list[Span]
    logs: list[LogRecord]
    cases: list[Case]
    settling: list[SettlingFailure] = Field([], description="Failures that are no cases yet.")
    acts: list[Act]
    removed: list[Removed] = Field([], description="Which of its records may be gone, and why.")
    truncated: dict[str, int] | None


class Trace(BaseModel):
    """The spans and logs of one trace."""

    trace_id: str
    spans: list[Span]
    logs: list[LogRecord]
    truncated: dict[str, int] | None


class TraceSummary(BaseModel):
    """One trace in a list."""

    trace_id: str
    start: Time
    duration_ms: float
    spans: int
    root: str
    service: str | None
    error: bool
    correlation_id: str | None


class Hit(BaseModel):
    """Something that a search found."""

    kind: str
    id: str
    title: str | None
    time: Time | None
    state: str | None
