"""What becomes of the server's log events: a line on stderr each, and in a file where the settings name one.

A line is JSON for programs and text for people. Without a setting, a terminal gets text and everything else
gets JSON; the file always gets JSON. What other libraries log (uvicorn) takes the same way.

A line names the trace and the span in which it was written, and is masked as telemetry is: it carries no
password, token or card number.
"""

from __future__ import annotations

import logging
import sys
from logging.handlers import WatchedFileHandler
from pathlib import Path  # noqa: TC003 - pydantic reads it while it runs
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict

from data.errors import UnsnagError
from unsnag.conventions import FIELD_SPAN_ID, FIELD_TRACE_ID, SERVICE_NAME
from unsnag.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import Processor

    Fields = MutableMapping[str, Any]

SERVICE: Final = "unsnag"
"""The `service.name` of each line, hence the flow of its exceptions in an Unsnag that reads them."""


class LogSettings(BaseModel):
    """The section [log]: what the server says of itself, and where."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["auto", "console", "json"] = "auto"
    """Of stderr. auto: console on a terminal, else json."""
    level: Literal["debug", "info", "warning", "error"] = "warning"
    file: Path | None = None
    """Gets the same events as JSON lines. It may be rotated by rename."""


class LogFileError(UnsnagError):
    """The log file cannot be written."""


def configure(settings: LogSettings | None = None) -> None:
    """Send all log events where the settings say; a second call replaces the first.

    Raises:
        LogFileError: the log file cannot be opened.
    """
    chosen = settings or LogSettings()
    handlers = [_on_stderr(chosen.format)]
    if chosen.file is not None:
        handlers.append(_in_file(chosen.file))
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler.formatter, _Formatter)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(chosen.level.upper())


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Knows our own handlers from those of others on the root logger."""


def silence(name: str) -> None:
    """Let a library's own log be written nowhere: it would name what is secret."""
    logging.getLogger(name).disabled = True


def _on_stderr(form: str) -> logging.Handler:
    is_text = form == "console" or (form == "auto" and sys.stderr.isatty())
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(_as_text() if is_text else _AS_JSON))
    return handler


def _in_file(path: Path) -> logging.Handler:
    try:
        handler = WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise LogFileError(f"The log file {path} cannot be written (log.file): {error.strerror}.") from error
    handler.setFormatter(_formatter(_AS_JSON))
    return handler


def _formatter(rendering: list[Processor]) -> logging.Formatter:
    return _Formatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        processors=[
            # A traceback without the values of local variables: they may hold secrets.
            structlog.processors.format_exc_info,
            _mask,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _add_span,
            *rendering,
        ],
    )


def _add_span(_logger: Any, _method: str, fields: Fields) -> Fields:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        fields[FIELD_TRACE_ID] = trace.format_trace_id(span.trace_id)
        fields[FIELD_SPAN_ID] = trace.format_span_id(span.span_id)
    return fields


def _add_service(_logger: Any, _method: str, fields: Fields) -> Fields:
    fields[SERVICE_NAME] = SERVICE
    return fields


def _mask(_logger: Any, _method: str, fields: Fields) -> Fields:
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = mask_text(value)
    return fields


_AS_JSON: Final[list[Processor]] = [_add_service, structlog.processors.JSONRenderer(default=str)]


def _as_text() -> list[Processor]:
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
