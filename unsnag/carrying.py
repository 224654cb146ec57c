"""Carries the unit into threads, thread pools, and processes of `multiprocessing`.

A worker of a pool outlives the unit that happened to start it. So a worker starts without a unit, and each
task takes its own along: as it is to a thread, as plain values to a process.
"""

from __future__ import annotations

import sys
import threading
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from unsnag import client as clients
from unsnag import failures, notes
from unsnag.context import Scope, entered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unsnag.settings import Settings

is_wanted = True
"""What ``init(propagate_threads=)`` says."""
_hooked: Final[set[str]] = set()
_TASKS: Final = ("apply_async", "_map_async", "imap", "imap_unordered")
"""Methods of `multiprocessing.pool.Pool` that take a function; all others call one of these."""


# --- threads -------------------------------------------------------------------------------------


def hook_threads() -> None:
    """Let threads and thread pools inherit the unit in which they are asked for."""
    original = threading.Thread.start

    @wraps(original)
    def start(self: threading.Thread) -> None:
        scope = entered.get()
        if scope is not None and is_wanted:
            self.run = _carried(scope, self.run, is_thread=True)  # type: ignore[method-assign]
        original(self)

    threading.Thread.start = start  # type: ignore[method-assign]
    from concurrent.futures import thread as pool  # noqa: PLC0415 - 4 ms, only when hooked

    _hook_submit(pool.ThreadPoolExecutor, _carried)


def _hook_submit(pool: Any, carry: Callable[[Scope, Callable[..., Any]], Callable[..., Any]]) -> None:
    original = pool.submit

    @wraps(original)
    def submit(self: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        scope = entered.get()
        if scope is None or not is_wanted:
            return original(self, function, *args, **kwargs)
        token = entered.set(None)  # a worker that is started now must not keep this unit
        try:
            return original(self, carry(scope, function), *args, **kwargs)
        finally:
            entered.reset(token)

    pool.submit = submit


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


# --- processes -----------------------------------------------------------------------------------


class _Handed(NamedTuple):
    """A scope as plain values, and what a process needs that was not forked from this one."""

    fields: Mapping[str, Any]
    money: Mapping[str, str]
    flags: str
    tracestate: str
    settings: Settings | None


class Carried:
    """A function that runs in the scope that was handed to its process; it can be pickled if both can."""

    def __init__(self, scope: Scope, function: Callable[..., Any]) -> None:
        client = clients.active()
        settings = None if client is None else client.settings
        self._handed = _Handed(scope.fields, dict(scope.money), scope.flags, scope.tracestate, settings)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""
        fields, money, flags, tracestate, settings = self._handed
        if settings is not None and clients.active() is None:
            _begin(settings)
        scope = Scope(dict(fields), money=money, flags=flags, tracestate=tracestate)
        return _carried(scope, self._function)(*args, **kwargs)


@clients.harmless
def _begin(settings: Settings) -> None:
    """Begin to record in a process that was started afresh and has not called `unsnag.init`."""
    from unsnag import api, hooks  # noqa: PLC0415 - both import this module

    for name in ("stdlib", "structlog", "exceptions", "threads"):
        hooks.want(name, is_wanted=True)
    api.begin(settings)
    client = clients.active()
    if client is not None and "multiprocessing.util" in sys.modules:
        hooks.flush_when_child_ends(client.output)


def hook_processes() -> None:
    """Hook `multiprocessing` and its pools, as far as the script has imported them by now."""
    if not is_wanted:
        return
    for name, hook in _MODULES.items():
        if name not in _hooked and name in sys.modules:
            _hooked.add(name)
            hook(sys.modules[name])


def _hook_process(module: Any) -> None:
    """Let a process that is not forked inherit the unit; a fork has it anyway."""
    original = module.BaseProcess.start

    @wraps(original)
    def start(self: Any) -> None:
        scope, target = entered.get(), getattr(self, "_target", None)
        if scope is not None and target is not None and is_wanted and not _is_forked(self):
            self._target = Carried(scope, target)
        original(self)

    module.BaseProcess.start = start


def _is_forked(started: Any) -> bool:
    method = getattr(type(started), "_start_method", None)
    if method is None:
        import multiprocessing  # noqa: PLC0415 - imported by the script already

        method = multiprocessing.get_start_method()
    return bool(method == "fork")


def _hook_executor(module: Any) -> None:
    _hook_submit(module.ProcessPoolExecutor, Carried)


def _hook_pool(_context: Any) -> None:
    from multiprocessing.pool import Pool  # noqa: PLC0415 - 3 ms; a context imports it with its first pool

    pool: Any = Pool
    for name in _TASKS:
        setattr(pool, name, _with_unit(getattr(pool, name)))
    original = pool.__init__

    @wraps(original)
    def begin(self: Any, *args: Any, **kwargs: Any) -> None:
        token = entered.set(None)  # neither its workers nor its threads must keep this unit
        try:
            original(self, *args, **kwargs)
        finally:
            entered.reset(token)

    pool.__init__ = begin


def _with_unit(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def method(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        scope = entered.get()
        carried = func if scope is None or not is_wanted else Carried(scope, func)
        return original(self, carried, *args, **kwargs)

    return method


_MODULES: Final = {
    "multiprocessing.process": _hook_process,
    "multiprocessing.context": _hook_pool,
    "concurrent.futures.process": _hook_executor,
}
