"""A block of the script that is a scope and a span: what units and steps have in common."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from unsnag import client as clients
from unsnag import clock, context, conventions, failures, joining, process
from unsnag.context import Scope, entered
from unsnag.encoding import readable_str
from unsnag.records import Span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

    from unsnag.ending import Ending


class Block:
    """A block that is a scope and a span. Its subclasses say what begins and what ends it."""

    def __init__(self) -> None:
        self._token: Token[Scope | None] | None = None
        self._outer: Scope = context.EMPTY
        self._scope: Scope = context.EMPTY
        self._start_ns = 0
        self._entered_ns = 0
        """By the monotonic clock, which no test and no environment shifts."""
        self._joined: joining.Joined | None = None

    def _enter(
        self,
        name: str,
        fields: Mapping[str, Any],
        *,
        money: Mapping[str, str] | None = None,
        ending: Ending | None = None,
    ) -> None:
        self._outer = clients.current()
        self._start_ns = clock.now_ns()
        self._entered_ns = time.monotonic_ns()
        self._joined = joining.start_span(name, self._outer)
        ids = self._joined.ids if self._joined else new_ids(self._outer)
        self._scope = self._outer.inner({**fields, **ids}, money=money, ending=ending)
        self._token = entered.set(self._scope)

    @clients.harmless
    def pause(self) -> None:
        """Leave the scope until `resume`: a generator hands an item out."""
        if self._joined is not None:
            self._joined.pause()
        self._reset()

    @clients.harmless
    def resume(self) -> None:
        """Enter the scope again."""
        if self._joined is not None:
            self._joined.resume()
        if self._scope is not context.EMPTY:
            self._token = entered.set(self._scope)

    def _leave(self) -> None:
        self._reset()

    def _reset(self) -> None:
        if self._token is None:
            return
        try:
            entered.reset(self._token)
        except ValueError:  # left in another context than entered: an async generator was closed elsewhere
            entered.set(self._outer)
        self._token = None

    def _end_span(
        self,
        name: str,
        attributes: dict[str, Any],
        error: BaseException | None,
        status: str | None = None,
    ) -> None:
        """End the span: with an error, or with the status of a failure that is none of Python's."""
        status = readable_str(error) if error is not None else status
        client = clients.active()
        if client is not None:
            attributes = client.allowed_data(attributes)
        if self._joined is not None:
            own = {key: value for key, value in self._scope.fields.items() if key.startswith("unsnag.")}
            self._joined.end({**own, **attributes}, error, clock.now_ns(), status)
            if self._joined.is_recorded:
                return
        if client is not None:
            client.span(
                Span(
                    scope=self._scope,
                    name=name,
                    parent_id=self._outer.span_id,
                    start_ns=self._start_ns,
                    end_ns=clock.now_ns(),
                    attributes=attributes,
                    error=status,
                    events=self._exception_events(error),
                    resource=client.settings.resource,
                    seq=process.next_seq(),
                )
            )

    def _exception_events(self, error: BaseException | None) -> list[tuple[int, str, dict[str, Any]]]:
        if error is None:
            return []
        fields = failures.exception_fields(error, self._scope.correlation_id)
        return [(clock.now_ns(), "exception", fields)]


def new_ids(outer: Scope) -> dict[str, str]:
    """Return the ids of a span inside a scope: those of its trace, else of a new one."""
    return {
        conventions.FIELD_TRACE_ID: outer.trace_id or context.new_trace_id(),
        conventions.FIELD_SPAN_ID: context.new_span_id(),
    }


def of_step(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an error record takes from the fields of the step that it came from."""
    return {key: fields[key] for key in STEP_FIELDS if key in fields}


STEP_FIELDS: Final = (
    conventions.STEP,
    conventions.ATTEMPT,
    conventions.IDEMPOTENT,
    conventions.DEPENDENCY,
    conventions.IDEMPOTENCY_KEY,
    conventions.FIELD_SPAN_ID,
)


def error_attributes(error: BaseException | None) -> dict[str, Any]:
    """Return what a span says of the error that ended it."""
    return {} if error is None else failures.error_fields(error)
