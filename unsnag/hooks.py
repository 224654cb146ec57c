"""Hooks what a script has already: logging, structlog, uncaught exceptions, threads, forks.

The script's own output stays exactly as it is, for these reasons:

- stdlib logging: ``Logger.callHandlers`` is wrapped. A handler on the root logger would make a later
  ``logging.basicConfig`` do nothing, silence ``logging.lastResort`` and vanish with ``dictConfig``.
- structlog: one processor before the renderer reads the event, one after it marks what goes on to
  stdlib logging as seen, so no line is recorded twice.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from unsnag import clock, conventions, failures, notes, process
from unsnag.client import Client, active, harmless, own_fault
from unsnag.context import entered
from unsnag.encoding import readable_repr, readable_str
from unsnag.heartbeat import beats
from unsnag.joining import adjusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsnag.context import Scope

_LEVELS: Final = {
    "warn": "warning",
    "fatal": "critical",
    "exception": "error",
    "err": "error",
    "notset": "debug",
    "msg": "info",
}
_STANDARD: Final = frozenset(
    vars(logging.LogRecord("", 0, "", 0, "", None, None)).keys()
) | {"message", "asctime", "taskName", "exc_text", "_logger", "_name"}  # fmt: skip
_STEPS: Final = ((logging.CRITICAL, "critical"), (logging.ERROR, "error"), (logging.WARNING, "warning"),
                 (logging.INFO, "info"))  # fmt: skip

_installed: set[str] = set()
_wanted: set[str] = set()


def install_once(name: str, install: Callable[[], object]) -> None:
    """Install a hook, unless it is there already."""
    if name not in _installed:
        _installed.add(name)
        install()


def install() -> None:
    """Install what is wanted."""
    if "stdlib" in _wanted:
        install_once("stdlib", hook_logging)
    if "exceptions" in _wanted:
        install_once("exceptions", hook_exceptions)
    if "threads" in _wanted:
        install_once("threads", hook_threads)
    install_once("fork", hook_fork)
    hook_structlog()


# --- stdlib logging ------------------------------------------------------------------------------


def hook_logging() -> None:
    """See every record that reaches handlers, of any logger, however logging is configured."""
    original = logging.Logger.callHandlers

    @wraps(original)
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        client = active()
        if client is not None and "stdlib" in _wanted and not _came_from_structlog(record):
            try:
                _capture_record(client, record)
            except Exception as fault:  # noqa: BLE001
                own_fault(fault)
        original(self, record)

    # When a handler fails, logging prints the stack from the first frame outside of its own folder:
    # the script's line, as before, and not ours.
    ours: Any = call_handlers
    ours.__code__ = ours.__code__.replace(co_filename=f"{logging.__path__[0]}/unsnag")
    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


def want(name: str, *, is_wanted: bool) -> None:
    """Switch a hook on or off; once installed a hook stays, but it can be told to look away."""
    (_wanted.add if is_wanted else _wanted.discard)(name)


def _capture_record(client: Client, record: logging.LogRecord) -> None:
    fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    fields |= {"event": _message(record), "level": _level(record), "logger": record.name}
    error = record.exc_info[1] if record.exc_info else None
    scope = adjusted(client.scope())
    if error is not None:
        scope = notes.place_of_report(error, scope)
        fields |= failures.exception_fields(error, scope.correlation_id)
    elif record.levelno >= logging.ERROR:
        scope = _of_reported(fields, scope)
    created = int(record.created * 1e9) if clock.is_real() else clock.now_ns()
    client.capture(fields, scope, created)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - logging itself reports wrong arguments to the script's stderr
        return f"{readable_repr(record.msg)} % {len(record.args or ())} arguments that do not fit"


def _level(record: logging.LogRecord) -> str:
    name = record.levelname.lower()
    if name in conventions.SEVERITY_NUMBERS:
        return name
    return next((level for bound, level in _STEPS if record.levelno >= bound), "debug")


def _of_reported(fields: dict[str, Any], scope: Scope) -> Scope:
    """Name the reported exception that an error line tells of in its text; return where the line belongs.

    Job runners log the traceback of what left a unit as text, inside of their ``except`` block. The line is
    one more record of that exception only if it is being handled now and the text has its type and message.
    """
    error, text = sys.exc_info()[1], fields.get("event")
    if error is None or not notes.is_reported(error) or not _is_told(error, text):
        return scope
    scope = notes.place_of_report(error, scope)
    fields |= notes.identity(error, scope.correlation_id)
    return scope


def _is_told(error: BaseException, text: object) -> bool:
    if not isinstance(text, str):
        return False
    message = readable_str(error) or _TRACEBACK
    return type(error).__qualname__.rpartition(".")[2] in text and message in text


_TRACEBACK: Final = "Traceback (most recent call last)"


# --- structlog -----------------------------------------------------------------------------------


class Seen(str):
    """A rendered structlog event that was captured already; to everybody else it is a str."""

    __slots__ = ()


def _came_from_structlog(record: logging.LogRecord) -> bool:
    return isinstance(record.msg, Seen) or (isinstance(record.msg, dict) and hasattr(record, "_logger"))


def hook_structlog() -> None:
    """Put our processors into the configured chain, if structlog is there and they are not yet."""
    structlog = sys.modules.get("structlog")
    if structlog is None or "structlog" not in _wanted:
        return
    processors = structlog.get_config()["processors"]
    if capture_event in processors or not processors:
        return
    if isinstance(processors, list):  # in place: loggers that are bound already share the list
        processors.insert(len(processors) - 1, capture_event)
        processors.append(mark_seen)
        return
    chain = list(processors)
    structlog.configure(processors=[*chain[:-1], capture_event, chain[-1], mark_seen])


def capture_event(logger: Any, method: str, event: Any) -> Any:
    """Record an event on its way to the renderer and pass it on untouched."""
    client = active()
    if client is not None and "structlog" in _wanted:
        try:
            _capture_event(client, logger, method, event)
        except Exception as fault:  # noqa: BLE001
            own_fault(fault)
    return event


def mark_seen(logger: Any, _method: str, rendered: Any) -> Any:
    """Mark what goes on to stdlib logging."""
    if not isinstance(logger, logging.Logger):
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
    is_stdlib = isinstance(logger, logging.Logger)
    level = _LEVELS.get(method, method)
    if is_stdlib and not logger.isEnabledFor(getattr(logging, level.upper(), logging.INFO)):
        return
    fields = event.copy()
    fields.pop("timestamp", None)
    if "level" not in fields:
        fields["level"] = level
    if is_stdlib and "logger" not in fields:
        fields["logger"] = logger.name
    scope = adjusted(entered.get() or client.root)
    if "exc_info" in fields or "exception" in fields:
        scope = _replace_exception(fields, scope)
    elif level in {"error", "critical"}:
        scope = _of_reported(fields, scope)
    if not _PLUMBING.isdisjoint(fields):
        for key in _PLUMBING.intersection(fields):
            del fields[key]
    client.capture(fields, scope)


_PLUMBING: Final = frozenset({"_record", "_from_structlog", "stack_info", "positional_args"})


def _replace_exception(fields: dict[str, Any], scope: Scope) -> Scope:
    """Turn structlog's ways of saying exception into OpenTelemetry's, and return where the record belongs."""
    told = fields.pop("exc_info", None)
    text = fields.pop("exception", None)
    error = _error_of(told) or _current(told, text)
    if error is not None:
        scope = notes.place_of_report(error, scope)
        fields.update(failures.exception_fields(error, scope.correlation_id))
    elif isinstance(text, str):
        fields.update(_parsed_traceback(text))
    return scope


def _current(told: Any, text: Any) -> BaseException | None:
    """Return the exception being handled, unless a text that was rendered already is of another one."""
    error = sys.exc_info()[1] if told or text else None
    is_other = isinstance(text, str) and type(error).__qualname__.rpartition(".")[2] not in text
    return None if is_other else error


def _error_of(told: Any) -> BaseException | None:
    if isinstance(told, tuple) and len(told) == 3:  # noqa: PLR2004 - sys.exc_info()
        told = told[1]
    return told if isinstance(told, BaseException) else None


def _parsed_traceback(text: str) -> dict[str, str]:
    name, _, message = text.rstrip().rpartition("\n")[2].partition(": ")
    return {
        conventions.EXCEPTION_TYPE: name,
        conventions.EXCEPTION_MESSAGE: message,
        conventions.EXCEPTION_STACKTRACE: text,
    }


# --- uncaught exceptions -------------------------------------------------------------------------


def hook_exceptions() -> None:
    """Record what nobody caught, then do what was done before."""
    previous, previous_thread = sys.excepthook, threading.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        _record_crash(error)
        previous(kind, error, trace)

    def thread_excepthook(args: Any) -> None:
        if args.exc_value is not None:
            _record_crash(args.exc_value)
        previous_thread(args)

    sys.excepthook = excepthook
    threading.excepthook = thread_excepthook


@harmless
def _record_crash(error: BaseException) -> None:
    client = active()
    if (
        client is None
        or "exceptions" not in _wanted
        or notes.is_reported(error)
        or failures.is_interruption(error)
    ):
        return
    scope = notes.place_of_report(error, client.scope())
    fields = {**failures.exception_fields(error, scope.correlation_id), **failures.error_fields(error)}
    client.record("critical", conventions.EVENT_PROCESS_FAILED, fields, scope)
    notes.mark_reported(error)
    client.output.settle()


# --- threads, executors, forks -------------------------------------------------------------------


def hook_threads() -> None:
    """Let threads and thread pools inherit the unit in which they are asked for."""
    original = threading.Thread.start

    @wraps(original)
    def start(self: threading.Thread) -> None:
        scope = entered.get()
        if scope is not None and "threads" in _wanted:
            self.run = _carried(scope, self.run, is_thread=True)  # type: ignore[method-assign]
        original(self)

    threading.Thread.start = start  # type: ignore[method-assign]
    _hook_pool()


def _hook_pool() -> None:
    """Carry the scope with each task: the pool's threads outlive the unit that happened to start them."""
    from concurrent.futures import thread as pool  # noqa: PLC0415 - 4 ms, only when hooked

    original = pool.ThreadPoolExecutor.submit

    @wraps(original)  # type: ignore[arg-type]
    def submit(self: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        scope = entered.get()
        if scope is None or "threads" not in _wanted:
            return original(self, function, *args, **kwargs)
        token = entered.set(None)  # a thread that is started now must not keep this unit
        try:
            return original(self, _carried(scope, function), *args, **kwargs)
        finally:
            entered.reset(token)

    pool.ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]


def _carried(scope: Scope, function: Callable[..., Any], *, is_thread: bool = False) -> Callable[..., Any]:
    """Return a function that runs in a scope; what leaves a whole thread is an error that nobody handles."""

    def run(*args: Any, **kwargs: Any) -> Any:
        token = entered.set(scope)
        entered_ns = time.monotonic_ns()
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if scope.correlation_id is not None:
                notes.remember_unit(error, scope, None, entered_ns)
            if is_thread and scope.ending is not None and not failures.is_interruption(error):
                scope.ending.error_logged()
            raise
        finally:
            entered.reset(token)

    return run


def hook_fork() -> None:
    """Give a forked child a queue, a writer and a file of its own."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    process.after_fork()
    beats.forget()
    client = active()
    if client is None:
        return
    client.output.after_fork()
    multiprocessing = sys.modules.get("multiprocessing.util")
    if multiprocessing is not None:  # its children leave by os._exit, without atexit
        multiprocessing.register_after_fork(client.output, _flush_when_child_ends)


def _flush_when_child_ends(output: Any) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, output.flush, exitpriority=0)
