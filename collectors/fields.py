"""Names of attributes and fields, of ours and of other dialects, and the column that each fills.

Adding a dialect is adding names here; a dialect that wraps its fields is unwrapped in `dialects`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from collectors import values
from data.records import LOG_COLUMNS, SPAN_COLUMNS
from unsnag import conventions as words
from unsnag.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsnag.fields import Field

Fields = dict[str, Any]
"""What a record or a resource carries, by name."""

_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "service": ("service_name", "service"),
    "run_id": (
        "cicd.pipeline.run.id",
        "prefect.flow-run.id",
        "prefect.run.id",
        "airflow.dag_run.run_id",
        "flow_run_id",
    ),
    "environment": ("deployment.environment",),
    "error_type": (words.EXCEPTION_TYPE,),
    "map_index": ("airflow.task_instance.map_index",),
    "attempt": ("airflow.task_instance.try_number",),
}
"""What other dialects call our fields: asked where our own attribute is not there."""
_CONVERT: Final[dict[str, Callable[[Any], Any]]] = {
    "text": values.text,
    "integer": values.int32,
    "long": values.whole,
    "boolean": values.boolean,
    "money": values.money,
}
_OWN: Final[dict[str, Callable[[Any], Any]]] = {
    "error_class": values.error_class,
    "map_index": values.map_index,
}
"""Fields that not every text fits, or that are no text everywhere."""


def _converter(field: Field) -> Callable[[Any], Any]:
    """Return what reads a field's value: it answers None where the value does not fit."""
    if field.name in _OWN:
        return _OWN[field.name]
    return values.masked_text if field.is_masked else _CONVERT[field.type]


READ: Final = {field.name: _converter(field) for field in FIELDS}
"""How a value of each field is read."""

_NAMES: Final = {
    field.name: (*([field.attribute] if field.attribute else ()), *_ALIASES.get(field.name, ()))
    for field in FIELDS
}
TEXT: Final[dict[str, tuple[str, ...]]] = {
    column: known
    for column, known in _NAMES.items()
    if known and READ[column] in (values.text, values.masked_text)
}
"""Text columns of logs and spans, with the names that fill them: the first that is there."""

CONVERTED: Final[dict[str, Any]] = {
    name: (column, READ[column])
    for column, known in _NAMES.items()
    if READ[column] is not values.text
    for name in known
}
"""Names whose values are converted, checked or masked before they fill their column."""

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

TECHNICAL_IDS: Final = (
    "request_id", "x-request-id", "requestId", "aws_request_id", "faas.invocation_id", "celery.task_id",
)  # fmt: skip
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
EXCEPTION: Final = ("exception", "exc_info", "exc_text", "err", "error", "stack", "exc", "error_detail")

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
