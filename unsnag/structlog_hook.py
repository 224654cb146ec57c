"""Hooks structlog: a processor before the renderer reads the event, one after it marks what logging gets.

Where the renderer makes JSON with orjson, one processor in its place makes the same JSON and records it.
"""

from __future__ import annotations

import logging
import sys
from logging import Logger
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

import orjson

from unsnag import clock, conventions, failures, joining, notes
from unsnag.client import OF_SCOPE, active, own_fault
from unsnag.context import entered
from unsnag.error_lines import of_reported, weigh

if TYPE_CHECKING:
    from unsnag.client import Client
    from unsnag.context import Scope

_LEVELS: Final = {
    "warn": "warning",
    "fatal": "critical",
    "exception": "error",
    "err": "error",
    "notset": "debug",
    "msg": "info",
}

is_wanted = False
"""Events are recorded."""


class Seen(str):
    """A rendered structlog event that was captured already; to everybody else it is a str."""

    __slots__ = ()


def came_from(record: logging.LogRecord) -> bool:
    """Say whether a record of stdlib logging was captured as an event of structlog."""
    return isinstance(record.msg, Seen) or (isinstance(record.msg, dict) and hasattr(record, "_logger"))


def hook() -> None:
    """Put our processors into the configured chain, if structlog is there and they are not yet."""
    structlog = sys.modules.get("structlog")
    if structlog is None or not is_wanted:
        return
    processors = structlog.get_config()["processors"]
    if not processors or capture_event in processors or getattr(processors[-1], "is_unsnag", False):
        return
    if isinstance(processors, list):  # in place: loggers that are bound already share the list
        processors[-1:] = _around(processors[-1])
    else:
        structlog.configure(processors=[*processors[:-1], *_around(processors[-1])])


def _around(renderer: Any) -> list[Any]:
    """Return what takes a renderer's place in the chain."""
    dumps, options = getattr(renderer, "_dumps", None), getattr(renderer, "_dumps_kw", {})
    is_json = type(renderer).__name__ == "JSONRenderer" and dumps is orjson.dumps
    if is_json and set(options) == {"default"}:
        return [_recording(renderer, options.get("default"))]
    return [capture_event, renderer, mark_seen]


def _recording(renderer: Any, default: Any) -> Any:
    """Return a renderer that makes the same JSON, and records it: it is made once for both."""
    dumps = orjson.dumps
    unusual: set[int] = set()  # threads whose event holds an object that JSON does not know

    def noting(value: Any) -> Any:
        unusual.add(get_ident())
        return default(value)

    def render(logger: Any, method: str, event: Any) -> Any:
        client = active()
        try:  # no error, no exception, nothing of the scope's: no look at its fields is needed
            is_direct = event.get("level") in _QUIET and _SPECIAL.isdisjoint(event)
        except Exception:  # noqa: BLE001 - an event that is no dictionary, a level that is no text
            is_direct = False
        if client is None or not is_direct or not is_wanted or isinstance(logger, Logger):
            return mark_seen(logger, method, renderer(logger, method, capture_event(logger, method, event)))
        try:
            rendered = dumps(event, noting)
        except Exception:
            unusual.discard(get_ident())
            capture_event(logger, method, event)
            raise
        try:
            scope = entered.get() or client.root
            if joining.joined is not None:
                scope = joining.adjusted(scope)
            is_known = not unusual or get_ident() not in unusual
            stamp = event.get("timestamp", "")
            is_captured = is_known and client.output.put_json(rendered[1:], scope, clock.now_ns(), stamp)
        except Exception as fault:  # noqa: BLE001
            is_captured = True
            own_fault(fault)
        if not is_captured:
            unusual.discard(get_ident())
            capture_event(logger, method, event)
        return rendered

    render.is_unsnag = True  # type: ignore[attr-defined]
    return render


_QUIET: Final = frozenset({"debug", "info", "warning"})


def capture_event(logger: Any, method: str, event: Any) -> Any:
    """Record an event on its way to the renderer and pass it on untouched."""
    client = active()
    if client is not None and is_wanted:
        try:
            _capture_event(client, logger, method, event)
        except Exception as fault:  # noqa: BLE001
            own_fault(fault)
    return event


def mark_seen(logger: Any, _method: str, rendered: Any) -> Any:
    """Mark what goes on to stdlib logging."""
    if not isinstance(logger, Logger):
        return rendered
    if type(rendered) is str:
        return Seen(rendered)
    if isinstance(rendered, dict) and type(rendered.get("msg")) is str:
        return {**rendered, "msg": Seen(rendered["msg"])}
    if isinstance(rendered, tuple) and len(rendered) == 2:  # noqa: PLR2004 - structlog's (args, kwargs)
        args, kwargs = rendered
        return (tuple(Seen(arg) if type(arg) is str else arg for arg in args[:1]) + tuple(args[1:]), kwargs)
    return rendered


def _capture_event(client: Client, logger: Any, method: str, event: dict[str, Any]) -> None:
    is_stdlib = isinstance(logger, Logger)
    level = _LEVELS.get(method, method)
    if is_stdlib and not logger.isEnabledFor(getattr(logging, level.upper(), logging.INFO)):
        return
    fields = event.copy()
    fields.pop("timestamp", None)
    if "level" not in fields:
        fields["level"] = level
    if is_stdlib and "logger" not in fields:
        fields["logger"] = logger.name
    scope = joining.adjusted(entered.get() or client.root)
    if "exc_info" in fields or "exception" in fields:
        scope = _replace_exception(fields, scope)
    elif level in {"error", "critical"}:
        scope = of_reported(fields, scope)
    if not _PLUMBING.isdisjoint(fields):
        for key in _PLUMBING.intersection(fields):
            del fields[key]
    client.capture(fields, scope)


_PLUMBING: Final = frozenset({"_record", "_from_structlog", "stack_info", "positional_args"})
_SPECIAL: Final = (OF_SCOPE | _PLUMBING | {"exc_info", "exception"}) - {"timestamp"}
"""Fields that are not recorded as they are."""


def _replace_exception(fields: dict[str, Any], scope: Scope) -> Scope:
    """Turn structlog's ways of saying exception into OpenTelemetry's, and return where the record belongs."""
    given = fields.pop("exc_info", None)
    text = fields.pop("exception", None)
    error = _error_of(given) or _current(given, text)
    if error is not None:
        scope = notes.place_of_report(error, scope)
        fields.update(failures.exception_fields(error, scope.correlation_id))
        weigh(fields, scope, error)
    elif isinstance(text, str):
        fields.update(_parsed_traceback(text))
    return scope


def _current(given: Any, text: Any) -> BaseException | None:
    """Return the exception being handled, unless a text that was rendered already is of another one."""
    error = sys.exc_info()[1] if given or text else None
    is_other = isinstance(text, str) and type(error).__qualname__.rpartition(".")[2] not in text
    return None if is_other else error


def _error_of(given: Any) -> BaseException | None:
    if isinstance(given, tuple) and len(given) == 3:  # noqa: PLR2004 - sys.exc_info()
        given = given[1]
    return given if isinstance(given, BaseException) else None


def _parsed_traceback(text: str) -> dict[str, str]:
    name, _, message = text.rstrip().rpartition("\n")[2].partition(": ")
    return {
        conventions.EXCEPTION_TYPE: name,
        conventions.EXCEPTION_MESSAGE: message,
        conventions.EXCEPTION_STACKTRACE: text,
    }
