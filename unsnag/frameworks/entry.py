"""One request, task or job of a framework: the caller's context, and the unit's block around the work.

Where no rule names a unit, the one that the caller handed over in baggage counts. Where there is none, no
unit is made, no span is sent, and what is logged carries a trace ID only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unsnag import client as clients
from unsnag import conventions, joining, notes, propagation
from unsnag.blocks import new_ids
from unsnag.client import harmless
from unsnag.context import EMPTY, Scope, entered
from unsnag.units import unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token


class Entry:
    """The work that one request, task or job is.

    Args:
        found: The block of its unit, where a rule found one.
        name: What it is called: its part and its step.
        carrier: Headers that the caller sent.
        attempt: Which try it is, counted from 1, where the framework counts.
        fields: What lines carry that are logged inside.
        is_request: The context of a server's thread is none of its own. A task may run inside a block.
        is_reading: It is no part of a unit's way, whatever the caller handed over.
    """

    def __init__(
        self,
        found: unit | None,
        name: str,
        carrier: Mapping[str, object],
        *,
        attempt: int | None = None,
        fields: Mapping[str, Any] | None = None,
        is_request: bool = False,
        is_reading: bool = False,
    ) -> None:
        self.unit = found
        self._name = name
        self._carrier = carrier
        self._attempt = attempt
        self._fields = fields or {}
        self._is_request = is_request
        self._is_reading = is_reading
        self._token: Token[Scope | None] | None = None
        self._scope = EMPTY
        self._entered_ns = 0

    @harmless
    def begin(self) -> None:
        """Enter the caller's context and the unit's block. Before `unsnag.init` nothing is done."""
        client = clients.active()
        if client is None:
            self.unit = None
            return
        joining.join(client)  # a server may set its tracer provider after init
        self._scope = self._around(client).with_fields(self._fields)
        if self.unit is None:
            self.unit = self._handed_over()
        is_bare = self.unit is None or self._attempt is not None
        if is_bare and joining.adjusted(self._scope).trace_id is None:
            self._scope = self._scope.inner(new_ids(self._scope))
        self._token = entered.set(self._scope)
        if self.unit is not None:
            self.unit.at(self._name, self._attempt).__enter__()

    @property
    def carrier(self) -> Mapping[str, object]:
        """Return the headers that another try of this needs, so that both have the same parent."""
        return self._scope.carrier() if self._scope.span_id else self._carrier

    def _handed_over(self) -> unit | None:
        """Return the block of the unit that the caller's baggage names."""
        is_open = self._scope.ending is not None
        named = None if is_open or self._is_reading else self._scope.correlation_id
        return None if named is None else unit(named)

    def _around(self, client: clients.Client) -> Scope:
        around = client.root if self._is_request else clients.current()
        remote = propagation.parse(self._carrier)
        if remote.is_invalid:
            client.record("warning", conventions.EVENT_CONTEXT_INVALID, {"header": "traceparent"}, around)
        return around.continuing(remote) if remote.trace_id or remote.baggage else around

    @harmless
    def try_again(self) -> None:
        """Say that the framework will try again after this: the try has failed, the unit has not."""
        ending = self.unit.ending if self.unit else None
        if ending is not None:
            ending.is_attempt()

    @harmless
    def prove_nothing(self) -> None:
        """Say that the end states nothing about the unit, unless the program says how it ended."""
        ending = self.unit.ending if self.unit else None
        if ending is not None:
            ending.proves_nothing()

    @harmless
    def fail(self, reason: str, error: BaseException | None = None) -> None:
        """Say that the unit failed though no exception leaves; without one, what was logged last counts."""
        ending = self.unit.ending if self.unit else None
        if self.unit is not None and ending is not None and ending.failure is None:
            self.unit.fail(reason, error=error or ending.last_error)

    @harmless
    def finish(self, error: BaseException | None = None) -> None:
        """Leave the block, normally or by an exception."""
        if self._token is None:
            return
        token, self._token = self._token, None
        try:
            if self.unit is not None:
                self.unit.__exit__(type(error) if error else None, error, None)
            elif error is not None:
                notes.remember_trace(error, self._scope)
        finally:
            _reset(token)


def _reset(token: Token[Scope | None]) -> None:
    try:
        entered.reset(token)
    except ValueError:  # an answer that is streamed may end in another context
        entered.set(None)
