"""Ten dialects of log lines, as the real libraries write them, fill the same columns."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from data.clock import micros
from tests.collectors.rows import logs, read

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
NINE = micros(datetime(2026, 11, 16, 9, 0, 0, 123000, tzinfo=UTC))
WHOLE_NINE = NINE - 123000
PYTHON_TRACE = (
    'Traceback (most recent call last):\n  File "shop.py", line 3, in pay\n    call()\n'
    "shop.GatewayError: card refused: 51"
)

CASES: dict[str, tuple[str | bytes | dict[str, Any], dict[str, Any]]] = {
    "structlog": (
        {
            "order": "SO-1",
            "timestamp": "2026-11-16T09:00:00.123000Z",
            "level": "error",
            "logger": "shop",
            "event": "order.failed",
            "trace_id": TRACE,
            "span_id": SPAN,
            "exception": PYTHON_TRACE,
        },
        {
            "time": NINE,
            "severity": "error",
            "message": "order.failed",
            "logger": "shop",
            "trace_id": TRACE,
            "span_id": SPAN,
            "error_type": "shop.GatewayError",
            "exception_message": "card refused: 51",
            "stacktrace": PYTHON_TRACE,
            "attributes": {"order": "SO-1"},
        },
    ),
    "structlog, formatted time without a zone is UTC": (
        {"timestamp": "2026-11-16 09:00:00.123", "level": "info", "event": "hi"},
        {"time": NINE},
    ),
    "structlog, dict_tracebacks": (
        {
            "event": "x",
            "level": "error",
            "exception": [
                {
                    "exc_type": "KeyError",
                    "exc_value": "'iban'",
                    "syntax_error": None,
                    "is_cause": False,
                    "frames": [{"filename": "a.py", "lineno": 3, "name": "f"}],
                }
            ],
        },
        {
            "error_type": "KeyError",
            "exception_message": "'iban'",
            "stacktrace": 'Traceback (most recent call last):\n  File "a.py", line 3, in f\n'
            "KeyError: 'iban'",
        },
    ),
    "python-json-logger: local time without a zone": (
        {
            "asctime": "2026-11-16 10:00:00,123",
            "levelname": "WARNING",
            "name": "shop.pay",
            "message": "slow",
            "exc_info": PYTHON_TRACE,
        },
        {
            "time": NINE,
            "severity": "warning",
            "message": "slow",
            "logger": "shop.pay",
            "error_type": "shop.GatewayError",
        },
    ),
    "stdlib text: local time": (
        "2026-11-16 10:00:00,123 - shop.pay - ERROR - no answer\n" + PYTHON_TRACE,
        {
            "time": NINE,
            "severity": "error",
            "message": "no answer",
            "logger": "shop.pay",
            "error_type": "shop.GatewayError",
            "exception_message": "card refused: 51",
            "stacktrace": PYTHON_TRACE,
        },
    ),
    "stdlib basicConfig": (
        "ERROR:shop:no answer",
        {"severity": "error", "logger": "shop", "message": "no answer"},
    ),
    "loguru serialize": (
        {
            "text": "2026-11-16 10:00 | ERROR | shop:pay:7 - no answer\n" + PYTHON_TRACE + "\n",
            "record": {
                "elapsed": {"repr": "0:00:01", "seconds": 1.0},
                "exception": {"type": "GatewayError", "value": "card refused: 51", "traceback": True},
                "extra": {"order": "SO-1", "trace_id": TRACE},
                "file": {"name": "shop.py", "path": "/a/shop.py"},
                "function": "pay",
                "level": {"icon": "x", "name": "ERROR", "no": 40},
                "line": 7,
                "message": "no answer",
                "module": "shop",
                "name": "shop",
                "process": {"id": 1, "name": "MainProcess"},
                "thread": {"id": 1, "name": "MainThread"},
                "time": {"repr": "2026-11-16 10:00:00.123000+01:00", "timestamp": 1794819600.123},
            },
        },
        {
            "time": NINE,
            "severity": "error",
            "message": "no answer",
            "logger": "shop",
            "trace_id": TRACE,
            "error_type": "shop.GatewayError",
            "stacktrace": PYTHON_TRACE,
        },
    ),
    "ECS nested": (
        {
            "@timestamp": "2026-11-16T09:00:00.123Z",
            "log": {"level": "error", "logger": "shop"},
            "message": "no answer",
            "ecs": {"version": "1.6.0"},
            "trace": {"id": TRACE},
            "span": {"id": SPAN},
            "error": {
                "type": "GatewayError",
                "message": "card refused",
                "stack_trace": "at line 3",
                "code": "51",
            },
            "service": {"name": "shop"},
        },
        {
            "time": NINE,
            "severity": "error",
            "message": "no answer",
            "logger": "shop",
            "trace_id": TRACE,
            "span_id": SPAN,
            "error_type": "GatewayError",
            "exception_message": "card refused",
            "stacktrace": "at line 3",
            "error_code": "51",
            "service": "shop",
        },
    ),
    "ECS dotted": (
        {
            "@timestamp": "2026-11-16T09:00:00.123Z",
            "log.level": "warn",
            "message": "slow",
            "ecs.version": "1.6.0",
            "log.logger": "shop",
            "trace.id": TRACE,
            "service.name": "shop",
        },
        {
            "time": NINE,
            "severity": "warning",
            "message": "slow",
            "logger": "shop",
            "trace_id": TRACE,
            "service": "shop",
        },
    ),
    "OpenTelemetry console exporter": (
        {
            "body": "no answer",
            "severity_number": 17,
            "severity_text": "ERROR",
            "attributes": {"exception.type": "GatewayError", "exception.message": "card refused"},
            "timestamp": "2026-11-16T09:00:00.123000Z",
            "trace_id": "0x" + TRACE,
            "span_id": "0x" + SPAN,
            "resource": {"attributes": {"service.name": "shop"}, "schema_url": ""},
        },
        {
            "time": NINE,
            "severity_number": 17,
            "message": "no answer",
            "trace_id": TRACE,
            "span_id": SPAN,
            "service": "shop",
            "error_type": "GatewayError",
            "exception_message": "card refused",
        },
    ),
    "OpenTelemetry data model": (
        {
            "Timestamp": 1794819600123000000,
            "SeverityText": "ERROR",
            "SeverityNumber": 18,
            "Body": "no answer",
            "TraceId": TRACE,
            "SpanId": SPAN,
            "Attributes": {"order": "SO-1"},
            "Resource": {"service.name": "shop"},
        },
        {"time": NINE, "severity_number": 17, "message": "no answer", "trace_id": TRACE, "service": "shop"},
    ),
    "Google Cloud, jsonPayload": (
        {
            "insertId": "1",
            "severity": "CRITICAL",
            "timestamp": "2026-11-16T09:00:00.123Z",
            "jsonPayload": {"message": "no answer", "order": "SO-1"},
            "trace": f"projects/p/traces/{TRACE}",
            "spanId": SPAN,
            "resource": {"type": "k8s_container"},
        },
        {"time": NINE, "severity": "critical", "message": "no answer", "trace_id": TRACE, "span_id": SPAN},
    ),
    "Google Cloud, textPayload without a time": (
        {"severity": "INFO", "textPayload": "hello"},
        {"severity": "info", "message": "hello"},
    ),
    "bunyan": (
        {
            "name": "shop",
            "hostname": "h",
            "pid": 1,
            "level": 50,
            "msg": "no answer",
            "time": "2026-11-16T09:00:00.123Z",
            "v": 0,
            "err": {
                "message": "card refused",
                "name": "GatewayError",
                "stack": "GatewayError: card refused\n    at f",
            },
        },
        {
            "time": NINE,
            "severity": "error",
            "message": "no answer",
            "logger": "shop",
            "error_type": "GatewayError",
            "exception_message": "card refused",
            "stacktrace": "GatewayError: card refused\n    at f",
        },
    ),
    "pino": (
        {"level": 30, "time": 1794819600123, "pid": 1, "hostname": "h", "msg": "hello"},
        {"time": NINE, "severity": "info", "message": "hello"},
    ),
    "winston": (
        {
            "level": "error",
            "message": "no answer",
            "timestamp": "2026-11-16T09:00:00.123Z",
            "stack": "GatewayError: card refused\n    at pay (shop.js:3:1)",
        },
        {
            "time": NINE,
            "severity": "error",
            "message": "no answer",
            "error_type": "GatewayError",
            "exception_message": "card refused",
        },
    ),
    "journald, MESSAGE as bytes": (
        {
            "__REALTIME_TIMESTAMP": "1794819600123000",
            "PRIORITY": "3",
            "SYSLOG_IDENTIFIER": "shop",
            "MESSAGE": list("Zahlung läuft nicht".encode()),
        },
        {"time": NINE, "severity": "error", "message": "Zahlung läuft nicht", "logger": "shop"},
    ),
    "logstash-async": (
        {
            "@timestamp": "2026-11-16T09:00:00.123Z",
            "@version": "1",
            "message": "slow",
            "level": "WARNING",
            "host": "h",
            "logsource": "h",
            "pid": 1,
            "program": "shop.py",
            "type": "python-logstash",
            "extra": {"correlation_id": "SO-1", "logger_name": "shop"},
        },
        {"time": NINE, "severity": "warning", "message": "slow", "logger": "shop", "correlation_id": "SO-1"},
    ),
    "Docker around JSON": (
        {
            "log": json.dumps({"level": "info", "msg": "hello"}) + "\n",
            "stream": "stdout",
            "time": "2026-11-16T09:00:00.123456789Z",
        },
        {"time": NINE + 456, "severity": "info", "message": "hello"},
    ),
    "syslog, RFC 5424": (
        "<11>1 2026-11-16T09:00:00.123Z host shop 12 - - no answer",
        {"time": NINE, "severity": "error", "logger": "shop", "message": "no answer"},
    ),
    "nginx access": (
        '10.0.0.1 - - [16/Nov/2026:10:00:00 +0100] "GET /pay HTTP/1.1" 502 12 "-" "curl"',
        {"time": WHOLE_NINE, "severity": "warning", "message": "GET /pay HTTP/1.1 502"},
    ),
    "nginx error": (
        "2026/11/16 10:00:00 [error] 12#0: *1 connect() failed",
        {"time": WHOLE_NINE, "severity": "error", "message": "12#0: *1 connect() failed"},
    ),
    "loguru text": (
        "2026-11-16 10:00:00.123 | ERROR    | shop.pay:run:12 - no answer",
        {"time": NINE, "severity": "error", "logger": "shop.pay", "message": "no answer"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_dialect_fills_the_columns(name: str) -> None:
    line, expected = CASES[name]
    n = read(json.dumps(line) if isinstance(line, dict) else line)
    assert not n.quarantined
    (row,) = logs(n)
    assert {key: row.get(key) for key in expected} == expected


def test_docker_lines_in_parts_become_one_record() -> None:
    text = json.dumps({"level": "info", "msg": "a" * 40_000}) + "\n"
    parts = [text[i : i + 16_384] for i in range(0, len(text), 16_384)]
    wrapped = [
        json.dumps({"log": part, "stream": "stdout", "time": "2026-11-16T09:00:00Z"}) for part in parts
    ]
    other = json.dumps({"log": "ERROR:shop:beside it\n", "stream": "stderr", "time": "2026-11-16T09:00:00Z"})
    n = read("\n".join([wrapped[0], other, *wrapped[1:]]))
    assert sorted(row["message"][:5] for row in logs(n)) == ["aaaaa", "besid"]
    assert not n.quarantined


def test_lines_that_structlog_itself_wrote() -> None:
    out = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    try:
        {}["iban"]
    except KeyError:
        log.exception("refund.failed", order="SO-1", correlation_id="SO-1")
    (row,) = logs(read(out.getvalue()))
    assert (row["message"], row["severity"], row["error_type"]) == ("refund.failed", "error", "KeyError")
    assert (row["exception_message"], row["error_class"], row["correlation_id"]) == ("'iban'", "data", "SO-1")


def test_lines_that_the_standard_library_itself_wrote() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("collectors.test.shop")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.info("started")
    try:
        raise TimeoutError("no answer\nafter 10 s")  # noqa: TRY301 - what is raised is what is tested
    except TimeoutError:
        logger.exception("capture failed")
    logger.info("went on")
    rows = logs(read(out.getvalue()))
    assert [row["severity"] for row in rows] == ["info", "error", "info"]
    assert rows[1]["error_type"] == "TimeoutError"
    assert rows[1]["error_class"] == "infrastructure"


def test_u2028_does_not_split_a_line() -> None:
    (row,) = logs(read('{"event":"a\u2028b","level":"info"}'))
    assert row["message"] == "a\u2028b"


def test_secrets_are_masked_wherever_they_stand() -> None:
    line = {
        "event": "card 4111 1111 1111 1111",
        "password": "hunter2",
        "level": "error",
        "exception": PYTHON_TRACE + " for ann@example.org",
        "unsnag.data": {"token": "abc"},
    }
    (row,) = logs(read(json.dumps(line)))
    assert "4111" not in row["message"]
    assert "hunter2" not in str(row["attributes"])
    assert "ann@" not in row["stacktrace"] + row["exception_message"]
    assert "abc" not in row["data"]
