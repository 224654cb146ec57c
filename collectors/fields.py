"""Names of attributes and fields, of ours and of other dialects, and the column that each fills.

Adding a dialect is adding names here; a dialect that wraps its fields is unwrapped in `dialects`.
"""

from __future__ import annotations

from typing import Any, Final

from collectors import values
from data.records import LOG_COLUMNS, SPAN_COLUMNS
from unsnag import conventions as words

TEXT: Final[dict[str, tuple[str, ...]]] = {
    "service": (words.SERVICE_NAME, "service_name", "service"),
    "flow": (words.FLOW,),
    "step": (words.STEP,),
    "run_id": (
        words.RUN_ID,
        "cicd.pipeline.run.id",
        "prefect.flow-run.id",
        "prefect.run.id",
        "airflow.dag_run.run_id",
        "flow_run_id",
    ),
    "correlation_id": (words.CORRELATION_ID,),
    "tenant": (words.TENANT,),
    "business_unit": (words.BUSINESS_UNIT,),
    "customer": (words.CUSTOMER,),
    "segment": (words.SEGMENT,),
    "environment": (words.ENVIRONMENT, "deployment.environment"),
    "routing": (words.ROUTING,),
    "actor_type": (words.ACTOR_TYPE,),
    "dependency": (words.DEPENDENCY,),
    "idempotency_key": (words.IDEMPOTENCY_KEY,),
    "retry_id": (words.RETRY_ID,),
    "error_type": (words.ERROR_TYPE, words.EXCEPTION_TYPE),
    "value_currency": (words.VALUE_CURRENCY,),
    "part": (words.PART,),
    "exception_id": (words.EXCEPTION_ID,),
    "instance": (words.SERVICE_INSTANCE,),
    "verdict": (words.VERDICT,),
}
"""Text columns of logs and spans, with the names that fill them: the first that is there."""

CONVERTED: Final[dict[str, Any]] = {
    words.ATTEMPT: ("attempt", values.int32),
    words.IDEMPOTENT: ("idempotent", values.boolean),
    words.VALUE_AMOUNT: ("value_amount", values.money),
    words.ERROR_CLASS: ("error_class", values.error_class),
    words.SEQ: ("seq", values.whole),
    words.COMPLETES: ("completes", values.boolean),
}

SPAN_CONVERTED: Final[dict[str, Any]] = {
    words.PARTIAL_FAILED: ("partial_failed", values.int32),
    words.PARTIAL_TOTAL: ("partial_total", values.int32),
}

LOG_TEXT: Final[dict[str, tuple[str, ...]]] = {
    "message": ("event", "message", "msg"),
    "logger": ("logger", "logger_name", "log.logger", "loggerName", "logger.name"),
    "error_code": (words.ERROR_CODE, "error.code", "error_code"),
    "exception_message": (words.EXCEPTION_MESSAGE, "error.message"),
    "stacktrace": (words.EXCEPTION_STACKTRACE, "error.stack_trace", "stack_trace", "stacktrace"),
}

LOG_CONVERTED: Final[dict[str, Any]] = {
    **dict.fromkeys(("trace_id", "trace.id", "traceId", "TraceId", "traceid", "otelTraceID"),
                    ("trace_id", values.trace_id)),
    **dict.fromkeys(("span_id", "span.id", "spanId", "SpanId", "spanid", "otelSpanID"),
                    ("span_id", values.span_id)),
}  # fmt: skip

CORRELATION_ALIASES: Final = (
    "correlation_id", "correlationId", "CorrelationId", "x-correlation-id",
    "messaging.message.conversation_id", "message.conversation_id", "http.request.header.x-correlation-id",
)  # fmt: skip
"""Asked only where neither `unsnag.correlation_id` nor a mapping names the ID."""

TECHNICAL_IDS: Final = ("request_id", "x-request-id", "faas.invocation_id", "celery.task_id")
"""What names a request or a task where nobody names the business ID."""
TASKS: Final = {"prefect.run.type": "task"}
"""What says of a span that the run which it names is one task inside a run: a technical ID, and no run."""
PEERS: Final = ("peer.service", "server.address", "net.peer.name")
"""What names the system that was called."""
ROUTES: Final = ("http.route", "url.template")
HTTP_STATUS: Final = ("http.response.status_code", "http.status_code")
HOSTS: Final = ("host.name", "k8s.node.name")
"""Attributes of a resource that say whose clock it was."""

TIME: Final = ("timestamp", "@timestamp", "Timestamp", "timeUnixNano", "time_unix_nano")
"""Without a zone they are UTC, as structlog writes them."""
WEAK_TIME: Final = ("asctime", "time", "ts", "datetime", "date", "eventTime", "observedTimeUnixNano",
                    "receiveTimestamp")  # fmt: skip
"""Asked where there is no other time; without a zone they are local, as Python's logging writes them."""
WEAK_MESSAGE: Final = ("@message", "short_message", "textPayload", "text", "body", "Body", "log", "error")
NAMED_LOGGERS: Final = frozenset({"levelname", "asctime", "levelno", "hostname", "v", "pid"})
"""Beside one of these, `name` is the logger's: python-json-logger, bunyan, pino."""
LEVEL: Final = (
    "level", "levelname", "severity", "log.level", "severity_text", "SeverityText", "severityText",
    "loglevel", "log_level", "lvl", "logLevel",
)  # fmt: skip
LEVEL_NUMBER: Final = ("severity_number", "SeverityNumber", "severityNumber")
PYTHON_LEVEL: Final = ("levelno",)
SYSLOG_LEVEL: Final = ("PRIORITY", "syslog.severity")
EXCEPTION: Final = ("exception", "exc_info", "exc_text", "err", "error", "stack", "exc")

RENAMED: Final = {
    "code.function": "code.function.name",
    "code.filepath": "code.file.path",
    "code.lineno": "code.line.number",
    "code.column": "code.column.number",
}
"""Deprecated names of OpenTelemetry, and what they are called now."""

NESTED: Final = frozenset({
    "log", "error", "trace", "span", "transaction", "service", "event", "host", "process", "ecs", "labels",
    "agent", "container", "http", "url", "user", "exception", "deployment", "code",
})  # fmt: skip
"""Objects whose members are fields of their own (`log.level` beside `{"log": {"level": ...}}`): ECS."""

LOG_INDEX: Final = {name: number for number, name in enumerate(LOG_COLUMNS)}
SPAN_INDEX: Final = {name: number for number, name in enumerate(SPAN_COLUMNS)}
