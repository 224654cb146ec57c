"""Names on the wire: the attributes and fields that the client writes and the server reads.

OpenTelemetry's name is used where it has one; ours begin with ``unsnag.``.
Standard library only, no imports of other packages: both sides depend on this file.
"""

from __future__ import annotations

import hashlib
from typing import Final

# --- Identity of the work -------------------------------------------------------------------
CORRELATION_ID: Final = "unsnag.correlation_id"
FLOW: Final = "unsnag.flow"
STEP: Final = "unsnag.step"
PART: Final = "unsnag.part"
"""Which part of the unit's way a block is: the text of ``unit(..., part=)``, on every line and span inside.

Not inherited by another unit inside.
"""
RUN_ID: Final = "unsnag.run_id"
"""The run that this process is part of, where a wrapper or an orchestrator names one; else absent."""
JOB: Final = "unsnag.job"
"""On the unit span and the start record of ``unsnag run --job NAME``: the declared job that is the unit."""
ATTEMPT: Final = "unsnag.attempt"
IDEMPOTENCY_KEY: Final = "unsnag.idempotency_key"
RETRY_ID: Final = "unsnag.retry_id"
RECORD_ID: Final = "unsnag.record_id"
"""Identity of one log record (16 hex digits): the same record over two paths is one row."""
SEQ: Final = "unsnag.seq"
"""Integer on each log record and span of ours: the order in which one process wrote them.

Taken in the thread that logs, so it orders the records of one `SERVICE_INSTANCE`; numbers may be missing.
"""

# --- Whose work it is (`unsnag.fields` has the rest), and what it is worth -------------------
TENANT: Final = "unsnag.tenant"
ROUTING: Final = "unsnag.routing"
ROUTING_MANUAL: Final = "manual"
"""The unit went the way of manual work."""
ACTOR_TYPE: Final = "unsnag.actor.type"
"""Who carried out a step: `ACTOR_HUMAN`, or a machine."""
ACTOR_HUMAN: Final = "human"
VALUE_AMOUNT: Final = "unsnag.value.amount"
"""Money the unit carries, as a decimal string: ``"129.90"``."""
VALUE_CURRENCY: Final = "unsnag.value.currency"
"""ISO 4217 code."""

# --- What a span or record is ---------------------------------------------------------------
KIND: Final = "unsnag.kind"
KIND_UNIT: Final = "unit"
"""A span over the part of a unit's life that one program performs."""
KIND_STEP: Final = "step"
"""A span over one attempt of a step."""
KIND_ENTRY: Final = "entry"
"""A span over a request or task of a framework that states nothing about its unit: refused, or ignored."""
OUTCOME: Final = "unsnag.outcome"
"""On unit spans, and on `EVENT_FAIL_TAKEN_BACK`: how that part of the unit's life ended."""
OUTCOME_SUCCESS: Final = "success"
"""The block ended normally. What that proves is for the reader to decide, from everything recorded inside."""
OUTCOME_PROGRESS: Final = "progress"
"""The block ended normally with ``completes=False``: the unit is not finished."""
OUTCOME_PARTIAL: Final = "partial"
"""The script called ``unit.partial(failed, total)``: `PARTIAL_FAILED` and `PARTIAL_TOTAL` say how much."""
OUTCOME_FAILED: Final = "failed"
"""An exception left the block, or the script called ``unit.fail()``."""
COMPLETES: Final = "unsnag.completes"
"""Boolean on unit spans and ``unit.started``, only where the call states it.

True: this end is final, the whole unit is done. False: a later part goes on. Absent: it ends its own part.
"""
PARTIAL_FAILED: Final = "unsnag.partial.failed"
"""Integer on unit spans whose outcome is `OUTCOME_PARTIAL`: how many of `PARTIAL_TOTAL` failed.

Both are absent where the script gave numbers that cannot be, such as 41 of 40.
"""
PARTIAL_TOTAL: Final = "unsnag.partial.total"
VERDICT: Final = "unsnag.verdict"
"""On unit spans, and on the record of ``unit.fail()``: how it ended according to the script itself.

The last call counts. An error that is logged after ``unit.ok()`` takes it back: the attribute is then absent.
"""
VERDICT_OK: Final = "ok"
VERDICT_FAILED: Final = "failed"
VERDICT_PARTIAL: Final = "partial"

DEPENDENCY: Final = "unsnag.dependency"
IDEMPOTENT: Final = "unsnag.idempotent"
"""Boolean on step spans and error records: is the step safe to replay?"""

# --- Approvals: what an automation asks a person, on a log record or a span ------------------------
APPROVAL_PREFIX: Final = "unsnag.approval."
APPROVAL_ID: Final = "unsnag.approval.id"
"""Names what is asked; else it is made of tenant, flow, ID and question."""
APPROVAL_QUESTION: Final = "unsnag.approval.question"
"""What a person is asked. A record with it waits for their answer."""
APPROVAL_TIMEOUT: Final = "unsnag.approval.timeout_s"
"""Seconds after which the approval is escalated."""
APPROVAL_STATE: Final = "unsnag.approval.state"
"""``waiting`` where it is absent; ``stopped``: nobody waits; ``approved``, ``rejected``: elsewhere."""
APPROVAL_WAITING: Final = "waiting"
APPROVAL_STOPPED: Final = "stopped"
EVENT_APPROVAL_WAITS: Final = "approval.waits"
EVENT_APPROVAL_ANSWERED: Final = "approval.answered"
EVENT_APPROVAL_STOPPED: Final = "approval.stopped"

# --- Errors ---------------------------------------------------------------------------------
ERROR_CLASS: Final = "unsnag.error.class"
ERROR_RULE: Final = "unsnag.error.rule"
"""The rule that gave `ERROR_CLASS`, its confidence and the version of the rules: ``http.402 0.90 2``."""
ERROR_CODE: Final = "unsnag.error.code"
VALUE_AT_RISK: Final = "unsnag.error.value_at_risk"
DATA: Final = "unsnag.data"
"""Object of context fields that an operator needs: ``{"order": "SO-1", "card_country": "DE"}``."""
CLASS_BUSINESS: Final = "business"
CLASS_DATA: Final = "data"
CLASS_INFRASTRUCTURE: Final = "infrastructure"
CLASS_UNKNOWN: Final = "unknown"
ERROR_CLASSES: Final = (CLASS_BUSINESS, CLASS_DATA, CLASS_INFRASTRUCTURE, CLASS_UNKNOWN)

ERROR_TYPE: Final = "error.type"
ERROR_MESSAGE: Final = "error.message"
"""The reason of a ``unit.fail(reason)`` without an exception."""
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
EXCEPTION_ID: Final = "unsnag.exception.id"
"""Identity of one exception object, 16 hex digits: the same in every record that reports this object."""
CAUSE_IDS: Final = "unsnag.exception.cause_ids"
"""List of the ids of the exceptions that this one was raised ``from``, or groups, as far as records of the
same unit have reported them before.
"""

# --- Where it ran ---------------------------------------------------------------------------
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE: Final = "service.instance.id"
"""One process, 16 random hex digits, other ones after a fork: in the resource of spans, and on log lines."""
ENVIRONMENT: Final = "deployment.environment.name"
PROCESS_PID: Final = "process.pid"
"""Integer on ``unit.started`` and ``unit.heartbeat``."""
HOST_NAME: Final = "host.name"
ORIGINAL_TIME: Final = "unsnag.original_time"
"""Set by the server: the time that a record gave itself, where its arrival took the place of it."""
"""The machine's name, on ``unit.started`` and ``unit.heartbeat``: with the pid it names a process."""
PROCESS_NAMESPACE: Final = "unsnag.process.namespace"
"""Linux only, beside the pid: within which namespace that is a process's number; a container has its own."""

# --- The client about itself ----------------------------------------------------------------
DROPPED: Final = "unsnag.client.dropped"
"""Records that the client had to drop since its last report."""
EVENT_UNIT_STARTED: Final = "unit.started"
EVENT_UNIT_HEARTBEAT: Final = "unit.heartbeat"
"""Each 60 s (info) while a unit's block stays open: its process is alive."""
EVENT_UNIT_FAILED: Final = "unit.failed"
"""The one error record of a unit block that an exception left, or that the script called failed."""
EVENT_FAIL_TAKEN_BACK: Final = "unit.fail_taken_back"
"""The script called ``unit.fail()`` and afterwards ``unit.ok()`` (warning): closed before it was reported."""
EVENT_STEP_FAILED: Final = "step.failed"
"""An attempt failed (warning): more attempts may follow, so it opens no case."""
EVENT_CLIENT_DROPPED: Final = "client.dropped"
EVENT_PROCESS_FAILED: Final = "process.failed"
"""An exception that nobody caught ended a program or a thread, outside of any unit."""
OUTCOME_EVENTS: Final = frozenset(
    {EVENT_UNIT_FAILED, EVENT_FAIL_TAKEN_BACK, EVENT_STEP_FAILED, EVENT_PROCESS_FAILED}
)
"""Events that say how something ended; the client drops them last."""
EVENT_CONTEXT_INVALID: Final = "context.invalid"
"""What another program handed over as trace context could not be read; a new trace was started."""
EVENT_CALL_INVALID: Final = "call.invalid"
"""The script called the client with what makes no sense (warning); the call had no such effect."""
FIELDS_DROPPED: Final = "unsnag.client.fields_dropped"
"""Fields of this record that the flow's allow-list does not name."""
ORIGINAL_BYTES: Final = "unsnag.client.original_bytes"
"""Size of this record before it was cut."""

# --- Fields of a log line (structlog's own names, then OpenTelemetry's) ----------------------
FIELD_TIMESTAMP: Final = "timestamp"
FIELD_LEVEL: Final = "level"
FIELD_EVENT: Final = "event"
FIELD_LOGGER: Final = "logger"
FIELD_TRACE_ID: Final = "trace_id"
FIELD_SPAN_ID: Final = "span_id"

# --- Environment variables and headers that carry context ------------------------------------
ENV_SPOOL: Final = "UNSNAG_SPOOL"
ENV_SERVER: Final = "UNSNAG_URL"
ENV_TOKEN: Final = "UNSNAG_TOKEN"  # noqa: S105 - the variable's name, not a token
ENV_TRACEPARENT: Final = "TRACEPARENT"
ENV_TRACESTATE: Final = "TRACESTATE"
ENV_BAGGAGE: Final = "BAGGAGE"
ENV_RUN_ID: Final = "UNSNAG_RUN_ID"
"""Names the run, where no wrapper of ours and no known orchestrator does."""
ENV_CORRELATION_ID: Final = "UNSNAG_CORRELATION_ID"
ENV_IDEMPOTENCY_KEY: Final = "UNSNAG_IDEMPOTENCY_KEY"
ENV_RETRY_ID: Final = "UNSNAG_RETRY_ID"
ENV_ATTEMPT: Final = "UNSNAG_ATTEMPT"
"""What a command that a worker runs again gets to know of its retry."""
ENV_HEARTBEAT: Final = "UNSNAG_HEARTBEAT_S"
"""Seconds between two ``unit.heartbeat``; for tests."""
DEFAULT_SERVER: Final = "http://127.0.0.1:8501"

SEVERITY_NUMBERS: Final = {"trace": 1, "debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
"""OpenTelemetry's log data model: severity text to severity number."""


def approval_id(tenant: str | None, flow: str, correlation_id: str, key: str) -> str:
    """Return the id of what is asked about a unit: who asks the same again gets the same answer."""
    text = "\x1f".join(("approval", tenant or "", flow, correlation_id, key))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def idempotency_key(flow: str, step: str, correlation_id: str) -> str:
    """Return the key of one unit's step: 32 hex digits, the same on every retry."""
    text = f"{flow}\x1f{step}\x1f{correlation_id}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
