"""Which unit, step and attempt the running code works on.

A `Scope` never changes after it was entered; entering a block makes a new one.
A context variable holds it, so asyncio tasks inherit it by themselves, and `hooks` carries it into threads.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from unsnag import glance, masking, propagation
from unsnag.conventions import (
    ATTEMPT,
    CORRELATION_ID,
    DEPENDENCY,
    FIELD_SPAN_ID,
    FIELD_TRACE_ID,
    FLOW,
    IDEMPOTENCY_KEY,
    IDEMPOTENT,
    PART,
    RETRY_ID,
    STEP,
)
from unsnag.encoding import encode
from unsnag.fields import CONTEXT_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unsnag.ending import Ending


OF_UNIT: Final = frozenset(
    {
        CORRELATION_ID,
        PART,
        *CONTEXT_ATTRIBUTES.values(),
        STEP,
        ATTEMPT,
        IDEMPOTENCY_KEY,
        IDEMPOTENT,
        DEPENDENCY,
        RETRY_ID,
    }
)
"""What belongs to one unit: another unit inside does not inherit it."""
_SPANS_ONLY: Final = frozenset({IDEMPOTENT, IDEMPOTENCY_KEY, DEPENDENCY})


class Restored:
    """What the server handed over with a retry: the first attempt's key, number and identity."""

    __slots__ = ("attempt", "correlation_id", "idempotency_key", "step", "was_entered")

    def __init__(self, correlation_id: str, step: str, attempt: int, idempotency_key: str) -> None:
        self.correlation_id = correlation_id
        self.step = step
        self.attempt = attempt
        self.idempotency_key = idempotency_key
        self.was_entered = False
        """The handler entered the step itself, so the attempt has its span already."""

    def is_of(self, correlation_id: str | None, step: str) -> bool:
        """Say whether a step is the one that is retried."""
        return self.correlation_id == correlation_id and self.step == step


class Scope:
    """Where the running code is; `fields` is what every line logged here carries."""

    __slots__ = ("_json", "ending", "fields", "flags", "money", "restored", "tracestate")

    def __init__(
        self,
        fields: dict[str, Any],
        *,
        money: Mapping[str, str] | None = None,
        flags: str = "01",
        tracestate: str = "",
        restored: Restored | None = None,
        ending: Ending | None = None,
    ) -> None:
        self.fields = fields
        self.money = money or {}
        self.flags = flags
        self.tracestate = tracestate
        self.restored = restored
        self.ending = ending
        """How the unit's outermost block ends. None outside of blocks."""
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        """The fields, masked and encoded once for all lines of the scope; a comma ends each."""
        if self._json is None:
            fields = self.of_lines()
            text = encode(fields)
            if glance.suspicious(text):
                text = encode(masking.mask_fields(fields))
            self._json = text[1:-1] + b"," if fields else b""
        return self._json

    def of_lines(self) -> dict[str, Any]:
        """Return the fields that log lines carry."""
        return {key: value for key, value in self.fields.items() if key not in _SPANS_ONLY}

    @property
    def flow(self) -> str:
        """Name of the automated process."""
        return str(self.fields.get(FLOW, ""))

    @property
    def correlation_id(self) -> str | None:
        """Identity of the unit, outside of units None."""
        return self.fields.get(CORRELATION_ID)

    @property
    def step(self) -> str | None:
        """Name of the step, outside of steps None."""
        return self.fields.get(STEP)

    @property
    def trace_id(self) -> str | None:
        """Trace id in hex."""
        return self.fields.get(FIELD_TRACE_ID)

    @property
    def span_id(self) -> str | None:
        """Span id in hex."""
        return self.fields.get(FIELD_SPAN_ID)

    def inner(
        self,
        fields: Mapping[str, Any],
        *,
        money: Mapping[str, str] | None = None,
        restored: Restored | None = None,
        ending: Ending | None = None,
    ) -> Scope:
        """Return a scope inside this one, with more or other fields; a field that is None is taken away."""
        return Scope(
            {key: value for key, value in {**self.fields, **fields}.items() if value is not None},
            money=self.money if money is None else money,
            flags=self.flags,
            tracestate=self.tracestate,
            restored=restored or self.restored,
            ending=ending or self.ending,
        )

    def with_fields(self, fields: Mapping[str, Any]) -> Scope:
        """Return the scope with more fields; itself where there are none."""
        return self.inner(fields) if fields else self

    def carrier(self) -> dict[str, str]:
        """Return what to hand to another program: ``traceparent``, ``tracestate``, ``baggage``."""
        carried = {"baggage": propagation.format_baggage(self.fields), "tracestate": self.tracestate}
        if self.trace_id and self.span_id:
            carried["traceparent"] = propagation.format_traceparent(self.trace_id, self.span_id, self.flags)
        return {key: text for key, text in carried.items() if text}

    def continuing(self, remote: propagation.Remote) -> Scope:
        """Return the scope in which another program's work goes on here."""
        trace = {FIELD_TRACE_ID: remote.trace_id, FIELD_SPAN_ID: remote.span_id} if remote.trace_id else {}
        return Scope(
            {**self.fields, **remote.baggage, **trace}, flags=remote.flags, tracestate=remote.tracestate
        )


EMPTY: Final = Scope({})
entered: Final[ContextVar[Scope | None]] = ContextVar("unsnag_scope", default=None)


def new_trace_id() -> str:
    """Return a random trace id. Not from `random`: scripts seed it."""
    return os.urandom(16).hex()


def new_span_id() -> str:
    """Return a random span id."""
    return os.urandom(8).hex()
