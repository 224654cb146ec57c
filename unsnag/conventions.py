"""Names on the wire: the attributes and fields that the client writes and the server reads.

OpenTelemetry's name is used where it has one; ours begin with ``unsnag.``.
Standard library only, no imports of other rooms: both sides depend on this file.
"""

from __future__ import annotations

import hashlib
from typing import Final

# --- Identity of the work -------------------------------------------------------------------
CORRELATION_ID: Final = "unsnag.correlation_id"
FLOW: Final = "unsnag.flow"
STEP: Final = "unsnag.step"
RUN_ID: Final = "unsnag.run_id"
ATTEMPT: Final = "unsnag.attempt"
IDEMPOTENCY_KEY: Final = "unsnag.idempotency_key"
RETRY_ID: Final = "unsnag.retry_id"
PART: Final = "unsnag.part"
"""The entry point that the unit's block names: its normal end proves the failures of this part."""
SEQ: Final = "unsnag.seq"
"""Order of writing within one process."""
EXCEPTION_ID: Final = "unsnag.exception.id"
"""Names an exception object: all records that tell of it carry the same 16 hex digits."""
VERDICT: Final = "unsnag.verdict"
"""``ok``, ``failed`` or ``partial``, where the script itself said how the unit ended."""
COMPLETES: Final = "unsnag.completes"
"""Boolean, where the call said it: true completes the unit, false means that a later part does."""
PARTIAL_FAILED: Final = "unsnag.partial.failed"
PARTIAL_TOTAL: Final = "unsnag.partial.total"
SERVICE_INSTANCE: Final = "service.instance.id"
RECORD_ID: Final = "unsnag.record_id"
"""Identity of one log record (16 hex digits): the same record over two paths is one row."""

# --- Whose work it is, and what it is worth -------------------------------------------------
TENANT: Final = "unsnag.tenant"
BUSINESS_UNIT: Final = "unsnag.business_unit"
CUSTOMER: Final = "unsnag.customer"
SEGMENT: Final = "unsnag.segment"
ROUTING: Final = "unsnag.routing"
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
OUTCOME: Final = "unsnag.outcome"
"""On unit spans: how that part of the unit's life ended."""
OUTCOME_SUCCESS: Final = "success"
"""The unit's own success signal: the whole unit is complete."""
OUTCOME_PARTIAL: Final = "partial"
"""This program's part went well; a later program completes the unit."""
OUTCOME_FAILED: Final = "failed"
OUTCOME_PROGRESS: Final = "progress"

DEPENDENCY: Final = "unsnag.dependency"
IDEMPOTENT: Final = "unsnag.idempotent"
"""Boolean on step spans and error records: is the step safe to replay?"""

# --- Errors ---------------------------------------------------------------------------------
ERROR_CLASS: Final = "unsnag.error.class"
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
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"

# --- Where it ran ---------------------------------------------------------------------------
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
ENVIRONMENT: Final = "deployment.environment.name"

# --- The client about itself ----------------------------------------------------------------
DROPPED: Final = "unsnag.client.dropped"
"""Records that the client had to drop since its last report."""
EVENT_UNIT_STARTED: Final = "unit.started"
EVENT_UNIT_FAILED: Final = "unit.failed"
"""The one error record of a unit block that an exception left: automatic attempts are used up."""
EVENT_STEP_FAILED: Final = "step.failed"
"""An attempt failed (warning): more attempts may follow, so it opens no case."""
EVENT_CLIENT_DROPPED: Final = "client.dropped"
EVENT_PROCESS_FAILED: Final = "process.failed"
"""An exception that nobody caught ended a program or a thread, outside of any unit."""
EVENT_CONTEXT_INVALID: Final = "context.invalid"
"""What another program handed over as trace context could not be read; a new trace was started."""
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
DEFAULT_SPOOL: Final = "data/var/spool"
DEFAULT_SERVER: Final = "http://127.0.0.1:8501"
BAGGAGE_KEYS: Final = (CORRELATION_ID, FLOW, RUN_ID, TENANT, BUSINESS_UNIT)
"""What travels in W3C baggage. Never a customer, never a value."""

SEVERITY_NUMBERS: Final = {"trace": 1, "debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
"""OpenTelemetry's log data model: severity text to severity number."""


def idempotency_key(flow: str, step: str, correlation_id: str) -> str:
    """Return the key of one unit's step: 32 hex digits, the same on every retry."""
    text = f"{flow}\x1f{step}\x1f{correlation_id}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
