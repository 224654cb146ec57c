"""A function that a framework calls becomes the block of a unit; `rq`, `apscheduler`, `prefect`, ... use it.

What differs between frameworks is what they know of the call at hand: see `Try`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

from unsnag.api import flush
from unsnag.frameworks.entry import Entry
from unsnag.frameworks.naming import Naming, Rule, Source
from unsnag.units import unit as block

FLUSH_S = 2.0
"""How long a process that leaves may wait for its telemetry."""
F = TypeVar("F", bound=Callable[..., Any])


def _never(_: Any) -> bool:
    return False


class Try(NamedTuple):
    """What a framework knows of the call at hand."""

    name: str | None = None
    """Of the task; else the function's."""
    number: int | None = None
    """Which try it is, counted from 1."""
    repeats: Callable[[BaseException], bool] = _never
    """Whether the framework tries again after this exception."""
    repeats_after: Callable[[Any], bool] = _never
    """Whether it tries again after this result."""
    skips: Callable[[BaseException], bool] = _never
    """Whether this exception only ends the task, without a failure."""
    reported: Callable[[BaseException], object] = _never
    """Called with an exception after the block has reported it."""
    carrier: Mapping[str, object] = {}
    """Headers that the caller sent."""
    fields: Mapping[str, Any] = {}
    """What lines carry that are logged inside."""
    leaves: bool = False
    """Whether the process leaves after it without its exit handlers."""


def task(
    rule: Rule, *, job: str | None, options: Mapping[str, Any], look: Callable[[], Try]
) -> Callable[[F], F]:
    """Return the decorator.

    Args:
        rule: Where the ID of the unit is: see `unsnag.frameworks.naming`.
        job: Instead of it: the name of a job that repeats its whole work.
        options: What `unsnag.unit` takes beside the ID.
        look: Returns what the framework knows of the call at hand.
    """
    naming = Naming((lambda *_, **__: block(job, **options).as_job(job)) if job else rule, options)

    def decorate(function: F) -> F:
        calls = _Calls(function, naming, look)
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def wrapped(*args: Any, **kwargs: Any) -> Any:
                call = calls.begin(args, kwargs)
                try:
                    result = await function(*args, **kwargs)
                except BaseException as error:
                    call.failed(error)
                    raise
                return call.ended(result)

            return cast("F", wrapped)

        @wraps(function)
        def attempt(*args: Any, **kwargs: Any) -> Any:
            call = calls.begin(args, kwargs)
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                call.failed(error)
                raise
            return call.ended(result)

        return cast("F", attempt)

    return decorate


class _Calls:
    def __init__(self, function: Callable[..., Any], naming: Naming, look: Callable[[], Try]) -> None:
        self._function = function
        self._naming = naming
        self._look = look

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Call:
        known = _looked(self._look)
        found = self._naming.find(source_of(self._function, args, kwargs))
        name = known.name or name_of(self._function)
        entry = Entry(found, name, known.carrier, attempt=known.number, fields=known.fields)
        entry.begin()
        return _Call(entry, known)


class _Call:
    def __init__(self, entry: Entry, known: Try) -> None:
        self._entry = entry
        self._known = known

    def failed(self, error: BaseException) -> None:
        if _answer(self._known.skips, error):
            self._entry.prove_nothing()
            self._finish(None)
            return
        if _answer(self._known.repeats, error):
            self._entry.try_again()
        self._finish(error)
        _answer(self._known.reported, error)

    def ended(self, result: Any) -> Any:
        if _answer(self._known.repeats_after, result):
            self._entry.try_again()
        self._finish(None)
        return result

    def _finish(self, error: BaseException | None) -> None:
        self._entry.finish(error)
        if self._known.leaves:
            flush(FLUSH_S)


def source_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Source:
    """Return what a rule may look at of a call."""

    def arguments() -> Mapping[str, Any]:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    return Source(lambda rule: rule(*args, **kwargs), arguments=arguments)


def name_of(function: Callable[..., Any]) -> str:
    """Return a function's name with its module, for the program's own file without."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    module = getattr(function, "__module__", "__main__")
    return name if module == "__main__" else f"{module}.{name}"


def _looked(look: Callable[[], Try]) -> Try:
    try:
        return look()
    except Exception:  # noqa: BLE001 - outside of its framework a function is called as any other
        return Try()


def _answer(asked: Callable[[Any], object], about: Any) -> bool:
    try:
        return bool(asked(about))
    except Exception:  # noqa: BLE001 - a framework of another version: no is the answer that hides no failure
        return False
