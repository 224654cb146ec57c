"""What the client remembers on an exception itself: its identity, and the step and the unit that it left.

The notes are plain values in the exception's own dictionary. So they go with it to other threads and,
pickled, to other processes, also to one that does not know this package.

A program may raise the same object again, later and elsewhere. So each note has the time at which the
exception left the block. A block that was entered before that time encloses the noted block; one that was
entered after it has nothing to do with it.
"""

from __future__ import annotations

import builtins
import time
from typing import TYPE_CHECKING, Any, Final

from unsnag import conventions
from unsnag.context import OF_UNIT, Scope
from unsnag.fields import CONTEXT_ATTRIBUTES
from unsnag.process import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY: Final = "__unsnag__"
_GROUP: Final[Any] = getattr(builtins, "BaseExceptionGroup", ())  # before 3.11 there are none
_CHAIN: Final = 20
_DICTIONARY: Final[Any] = BaseException.__dict__["__dict__"]
"""Reads the dictionary that every exception has, whatever its class does to attributes."""
_OF_REPORT: Final = (
    conventions.CORRELATION_ID,
    conventions.FLOW,
    conventions.PART,
    conventions.STEP,
    *CONTEXT_ATTRIBUTES.values(),
    conventions.FIELD_TRACE_ID,
    conventions.FIELD_SPAN_ID,
)
"""What a report takes over from the unit that its exception left."""
_OF_TRACE: Final = (conventions.FIELD_TRACE_ID, conventions.FIELD_SPAN_ID)


def identity(error: BaseException, unit: str | None) -> dict[str, Any]:
    """Return the exception's id for a record of a unit, with the ids of the causes that were reported there.

    The first record of an exception gives it its id.
    """
    causes = [found for link in _causes(error) if (found := _id_in(link, unit))]
    notes = _notes(error)
    if notes is None:
        return {}
    first = notes.setdefault("first", (new_id(), unit))
    return {conventions.EXCEPTION_ID: first[0]} | ({conventions.CAUSE_IDS: causes} if causes else {})


def _id_in(error: BaseException, unit: str | None) -> str | None:
    """Return the id of an exception whose first record was one of this unit."""
    found, noted_unit = _noted(error, "first") or (None, None)
    return found if noted_unit == unit else None


def remember_step(error: BaseException, scope: Scope, entered_ns: int) -> None:
    """Note the innermost step that an exception left."""
    noted = _noted(error, "step")
    if noted is None or noted[1] < entered_ns:
        _note(error, "step", (scope.fields, time.monotonic_ns()))


def remember_unit(error: BaseException, scope: Scope, around: str | None, entered_ns: int) -> None:
    """Note the innermost unit that an exception left, and each unit around it that it leaves next."""
    noted = _noted(error, "unit")
    if noted is None or noted[1] < entered_ns:
        noted = (scope.fields, time.monotonic_ns(), [])
        _note(error, "unit", noted)
    noted[2].append(around)


def remember_trace(error: BaseException, scope: Scope) -> None:
    """Note the trace of a request or task without a unit that an exception left."""
    if _noted(error, "unit") is None:
        _note(error, "trace", {key: scope.fields[key] for key in _OF_TRACE if key in scope.fields})


def step_of(error: BaseException, unit: str | None) -> dict[str, Any] | None:
    """Return the fields of the step of a unit that an exception, or what caused it, left."""
    found = (noted[0] for link in _chain(error) if (noted := _noted(link, "step")))
    return next((fields for fields in found if fields.get(conventions.CORRELATION_ID) == unit), None)


def place_of_report(error: BaseException, scope: Scope) -> Scope:
    """Return where a record that reports an exception belongs: to the unit that the exception left.

    It stays where it is when it is written inside its own unit, or inside one that has nothing to do with it.
    A unit whose block holds the other's block has to do with it: the report is about what failed inside.
    """
    noted = _noted(error, "unit")
    if noted is None:
        return scope if scope.trace_id else scope.inner(_noted(error, "trace") or {})
    fields, _, around = noted
    unit, here = fields.get(conventions.CORRELATION_ID), scope.correlation_id
    if here == unit or (here is not None and here not in around):
        return scope
    left = step_of(error, unit) or fields
    kept = {key: value for key, value in scope.fields.items() if key not in OF_UNIT}
    return Scope(kept | {key: left[key] for key in _OF_REPORT if key in left}, flags=scope.flags)


def mark_reported(error: BaseException) -> None:
    """Note that an error record reports this exception already."""
    _note(error, "is_reported", value=True)


def mark_attempt(error: BaseException) -> None:
    """Note that the framework tries again after this exception."""
    _note(error, "is_attempt", value=True)


def is_attempt(error: BaseException) -> bool:
    """Say whether the framework tries again after this exception."""
    return _noted(error, "is_attempt") is not None


def is_reported(error: BaseException) -> bool:
    """Say whether an error record reports this exception already."""
    return _noted(error, "is_reported") is not None


def _notes(error: BaseException) -> dict[str, Any] | None:
    try:
        notes: dict[str, Any] = _DICTIONARY.__get__(error).setdefault(_KEY, {})
    except Exception:  # noqa: BLE001 - an exception that takes no note stays without one
        return None
    return notes


def _note(error: BaseException, name: str, value: object) -> None:
    notes = _notes(error)
    if notes is not None:
        notes[name] = value


def _noted(error: BaseException, name: str) -> Any:
    try:
        return _DICTIONARY.__get__(error).get(_KEY, {}).get(name)
    except Exception:  # noqa: BLE001
        return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give what an exception was raised ``from``, what it groups, and so on.

    What was merely being handled (`__context__`) is no cause: it may be another failure of the same unit.
    """
    waiting, seen = [error], 0
    while waiting and seen < _CHAIN:
        link = waiting.pop(0)
        if link is not error:
            yield link
        waiting += [found for found in (link.__cause__, *_members(link)) if found is not None]
        seen += 1


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an exception and everything that led to it."""
    waiting, seen = [error], 0
    while waiting and seen < _CHAIN:
        link = waiting.pop(0)
        yield link
        waiting += [
            found for found in (link.__cause__ or link.__context__, *_members(link)) if found is not None
        ]
        seen += 1


def _members(error: BaseException) -> tuple[BaseException, ...]:
    return tuple(error.exceptions) if isinstance(error, _GROUP) else ()
