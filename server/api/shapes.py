"""The shapes that other programs rely on: fields may be added, never renamed or retyped.

Times are RFC 3339 UTC; money is a decimal string beside its currency; ids are lower-case hex.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, PlainSerializer

T = TypeVar("T")


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _decimal(amount: Decimal) -> str:
    """Write the amount with two decimals, or with the four that the store keeps where they matter."""
    cents = amount.quantize(Decimal("0.01"))
    return format(cents if cents == amount else amount, "f")


Time = Annotated[datetime, PlainSerializer(_rfc3339, str)]
Amount = Annotated[Decimal, PlainSerializer(_decimal, str)]


class Money(BaseModel):
    """An amount in its currency."""

    amount: Amount
    currency: str | None = None


class Act(BaseModel):
    """One entry of the audit."""

    seq: int
    at: Time
    actor: str
    actor_type: str
    verb: str
    case_id: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    reason: str | None = None
    details: dict[str, Any] = {}


class Attempt(BaseModel):
    """One try of a step."""

    attempt: int
    started_at: Time
    ended_at: Time
    outcome: str
    error_class: str | None = None
    error_type: str | None = None
    executor: str | None = None
    retry_id: str | None = None
    idempotency_key: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


class Affected(BaseModel):
    """A step that failed because of the case's failure, and has no case of its own."""

    flow: str
    step: str
    service: str


class _CaseFields(BaseModel):
    id: str
    version: int
    state: str
    klass: str = Field(alias="class")
    severity: str
    flow: str
    step: str
    correlation_id: str
    title: str
    message: str
    error_type: str | None
    error_code: str | None
    fingerprint: str
    group: str
    value: Money | None
    occurrences: int
    first_seen: Time
    last_seen: Time
    opened_at: Time
    updated_at: Time
    due_at: Time | None
    holder: str | None
    claimed_at: Time | None
    lease_until: Time | None
    next_attempt_at: Time | None
    verify_until: Time | None
    verified_at: Time | None
    resolved_at: Time | None
    resolution_code: str | None
    resolution_reason: str | None
    recovered_by: str | None
    replay_safe: bool | None
    idempotency_key: str | None
    dependency: str | None
    service: str | None
    tenant: str | None
    business_unit: str | None
    customer: str | None
    segment: str | None
    trace_id: str | None
    span_id: str | None
    unit_kind: str | None = None
    note: str | None = None
    affected: list[Affected] = []
    inherited: list[str] = []


class Case(_CaseFields):
    """One unit stuck at one step."""

    attempts: int


class Occurrence(BaseModel):
    """One error record of a case."""

    time: Time
    message: str
    error_type: str | None = None
    attempt: int | None = None
    trace_id: str | None = None
    span_id: str | None = None
    note: str | None = None
    """What became of it: closed by the script, needs a look."""


class StepWorker(BaseModel):
    """A worker that can retry the step, and when it was last there, to the minute."""

    name: str
    last_seen: Time


class CaseDetail(_CaseFields):
    """A case with all that is known of it: here `attempts` lists them."""

    workers: list[StepWorker]
    retry_refusal: str | None = Field(description="Why nobody can retry it now; null where it can be.")

    attempts: list[Attempt]
    attempts_made: int
    occurrence_list: list[Occurrence]
    acts: list[Act]
    data: dict[str, Any]
    stacktrace: str | None


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


class Unit(BaseModel):
    """Everything of one unit of work."""

    correlation_id: str
    flows: list[str]
    state: str
    opened_at: Time
    completed_at: Time | None
    value: Money | None
    tenant: str | None
    business_unit: str | None
    customer: str | None
    segment: str | None
    spans: list[Span]
    logs: list[LogRecord]
    cases: list[Case]
    settling: list[SettlingFailure] = Field([], description="Failures that are no cases yet.")
    acts: list[Act]
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


class SourceFile(BaseModel):
    """A file of a source that has unread bytes, or that cannot be read."""

    path: str
    state: Literal["running", "stalled", "failed"]
    size_bytes: int
    read_bytes: int
    unread_bytes: int
    incomplete_bytes: int = Field(description="Those of the unread bytes that are a line without its end.")
    oldest_unread_at: Time | None
    lag_s: float
    last_error: str | None


class SourceClock(BaseModel):
    """A clock of a source that is off by more than two seconds, or whose records come late."""

    name: str = Field(description="The host's name, or the process where no host is named.")
    is_host: bool
    fast_s: float = Field(description="Below zero: it is slow by this much, or its records come late.")
    arrivals: int = Field(description="Requests that it was measured by.")
    measured_at: Time


class Source(BaseModel):
    """Where telemetry comes from."""

    name: str
    kind: str | None
    state: Literal["failed", "stalled", "running", "never_received", "silent", "not_collected"]
    state_since: Time | None = Field(description="Since when it is stalled or silent.")
    reason: str = Field(description="Why it is in this state.")
    next_step: str = Field(description="What to do about it; empty where nothing is to be done.")
    lag_s: float | None = Field(description="Age of the oldest unread record; 0 where nothing is unread.")
    unread_bytes: int
    unread_files: int
    followed_files: int
    oldest_unread_at: Time | None
    read_bytes_per_second: float | None = Field(description="Over the last half minute, while it reads.")
    seconds_left: float | None = Field(description="To read what is unread, at this rate.")
    files: list[SourceFile] = Field(description="At most 50, those with most unread bytes.")
    records: int
    duplicates: int
    quarantined: int
    dropped: int
    last_ingested_at: Time | None
    last_error: str | None
    clocks: list[SourceClock] = Field(
        default=[], description="Clocks that were off in the last day, those furthest off first."
    )


class Quarantined(BaseModel):
    """A record that was not taken; `sender` is its token, where that one is limited."""

    id: str
    source: str
    offset: int | None
    reason: str
    received_at: Time
    size: int
    sender: str | None
    sample: str


class Replayed(BaseModel):
    """How reading a quarantined record again went."""

    id: str
    result: str


class Breakdown(BaseModel):
    """A figure's share of one key."""

    key: str | None
    value: float | None
    n: int


class Kpi(BaseModel):
    """One figure, with what it takes to trust it."""

    id: str
    name: str
    value: float | None
    unit: str
    n: int
    in_flight: int | None
    definition_version: int
    breakdown: list[Breakdown]


class Lease(BaseModel):
    """A retry to execute."""

    id: str
    case: str
    flow: str
    step: str
    correlation_id: str
    idempotency_key: str
    attempt: int
    traceparent: str | None
    data: dict[str, Any]
    lease_until: Time


class LeaseState(BaseModel):
    """Where a lease stands after a heartbeat or a report."""

    id: str
    state: str | None = None
    lease_until: Time | None = None


class GivenRole(BaseModel):
    """A role; null: any tenant, any flow."""

    role: str
    tenant: str | None
    flow: str | None


class Me(BaseModel):
    """Who calls."""

    name: str
    kind: str
    local: bool
    roles: list[GivenRole]


class Person(BaseModel):
    """Somebody who was added."""

    name: str
    state: str
    signs_in_with: str | None
    created_at: Time
    signed_in_at: Time | None
    sessions: int
    roles: list[GivenRole]


class NewLink(BaseModel):
    """A one-time link; null where the OpenID provider vouches for the person."""

    name: str
    link: str | None
    expires_at: Time | None


class ServiceToken(BaseModel):
    """One secret of a token, without the secret."""

    id: str
    name: str
    created_at: Time
    created_by: str
    expires_at: Time
    used_at: Time | None
    roles: list[GivenRole]


class NewServiceToken(BaseModel):
    """A new secret, told once."""

    id: str
    name: str
    token: str
    expires_at: Time


class Revoked(BaseModel):
    """How many secrets were taken back."""

    revoked: int


class AuditEntry(BaseModel):
    """One entry of the audit, as it was sealed; null fields are left out of what is hashed."""

    seq: int
    v: int | None
    time: str
    actor: str
    actor_type: str
    kind: str
    verb: str
    act: str | None
    door: str | None
    credential: str | None
    subject: str | None
    case_id: str | None
    correlation_id: str | None
    flow: str | None
    step: str | None
    tenant: str | None
    from_state: str | None
    to_state: str | None
    reason: str | None
    details: str | None
    salt: str | None
    prev_hash: str
    hash: str


class ChainVerdict(BaseModel):
    """What a check of the audit's chain found."""

    intact: bool
    entries: int
    head: str
    broken_at: int | None
    reason: str | None
    checked_at: Time
    checkpoints: str | None


class Listed(BaseModel, Generic[T]):
    """Part of a list, how long the whole list is, and where the next part begins."""

    total: int
    items: list[T]
    next: str | None = None
