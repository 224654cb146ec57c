"""Hooks what a script has already: logging, uncaught exceptions, forks.

`structlog_hook` hooks structlog and `carrying` threads.
The script's own output stays exactly as it is, so for stdlib logging ``Logger.callHandlers`` is wrapped.
A handler on the root logger would make a later ``logging.basicConfig`` do nothing, silence
``logging.lastResort`` and vanish with ``dictConfig``.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import orjson

from unsnag import carrying, clock, conventions, failures, joining, notes, process, structlog_hook
from unsnag.client import Client, active, harmless, own_fault
from unsnag.context import entered
from unsnag.encoding import encode, encode_text, readable_repr
from unsnag.error_lines import of_reported, weigh
from unsnag.heartbeat import beats

if TYPE_CHECKING:
    from collections.abc import Callable


_USUAL: Final = len(vars(logging.LogRecord("", 0, "", 0, "", None, None)))
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
        hook_notebook()
    if "threads" in _wanted:
        install_once("threads", carrying.hook_threads)
        carrying.hook_processes()
    install_once("fork", hook_fork)
    structlog_hook.hook()


# --- stdlib logging ------------------------------------------------------------------------------


def hook_logging() -> None:
    """See every record that reaches handlers, of any logger, however logging is configured."""
    original = logging.Logger.callHandlers

    @wraps(original)
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        client = active()
        if client is not None and "stdlib" in _wanted:
            try:
                if type(record.msg) is str or not structlog_hook.came_from(record):
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
    """Switch a hook on or off; once installed a hook stays, but it can be switched off."""
    (_wanted.add if is_wanted else _wanted.discard)(name)
    if name == "threads":
        carrying.is_wanted = is_wanted
    if name == "structlog":
        structlog_hook.is_wanted = is_wanted


def _capture_record(client: Client, record: logging.LogRecord) -> None:
    scope = entered.get() or client.root
    if joining.joined is not None:
        scope = joining.adjusted(scope)
    created = int(record.created * 1e9) if clock.is_real() else clock.now_ns()
    is_usual = len(vars(record)) <= _USUAL
    is_short = is_usual and record.levelno < logging.ERROR and not record.exc_info
    if is_short and client.output.put_json(_json(record), scope, created):
        return
    fields = {} if is_usual else {key: item for key, item in vars(record).items() if key not in _STANDARD}
    fields |= {"event": _message(record), "level": _level(record), "logger": record.name}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        scope = notes.place_of_report(error, scope)
        fields |= failures.exception_fields(error, scope.correlation_id)
        weigh(fields, scope, error)
    elif record.levelno >= logging.ERROR:
        scope = of_reported(fields, scope)
    client.capture(fields, scope, created)


def _json(record: logging.LogRecord) -> bytes:
    """Return the JSON of a record that has a message only, without its first brace."""
    try:
        event = orjson.dumps(record.getMessage())
    except Exception:  # noqa: BLE001 - arguments that do not fit, a lone surrogate
        event = encode_text(_message(record))
    end = _ends.get((record.levelno, record.levelname, record.name)) or _end(record)
    return b'"event":%b%b' % (event, end)


def _end(record: logging.LogRecord) -> bytes:
    """Return what all records of one kind have in common."""
    if len(_ends) >= _MOST_ENDS:
        _ends.clear()
    end = b"," + encode({"level": _level(record), "logger": record.name})[1:]
    _ends[(record.levelno, record.levelname, record.name)] = end
    return end


_MOST_ENDS: Final = 1000
_ends: dict[tuple[int, str, str], bytes] = {}


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


# --- uncaught exceptions -------------------------------------------------------------------------


def hook_exceptions() -> None:
    """Record what nobody caught, then do what was done before."""
    previous, previous_thread = sys.excepthook, threading.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        record_crash(error)
        previous(kind, error, trace)

    def thread_excepthook(args: Any) -> None:
        if args.exc_value is not None:
            record_crash(args.exc_value)
        previous_thread(args)

    sys.excepthook = excepthook
    threading.excepthook = thread_excepthook


def hook_notebook() -> None:
    """Record what leaves a cell, where IPython runs this process."""
    if "IPython" in sys.modules:
        from unsnag.frameworks import jupyter  # noqa: PLC0415

        shell = jupyter.running()
        if shell is not None:
            jupyter.hook(shell)


@harmless
def record_crash(error: BaseException) -> None:
    """Record what ended a program, a thread or a cell of a notebook, unless its unit reported it."""
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


# --- forks ---------------------------------------------------------------------------------------


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
        multiprocessing.register_after_fork(client.output, flush_when_child_ends)


def flush_when_child_ends(output: Any) -> None:
    """Write what waits when a process of multiprocessing ends, which it does without its exit handlers."""
    sys.modules["multiprocessing.util"].Finalize(None, output.flush, exitpriority=0)
