"""The block of a unit: it begins with the unit's value and ends with its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from unsnag import client as clients
from unsnag import conventions, failures, hooks, notes
from unsnag.blocks import Block, error_attributes, of_step
from unsnag.client import harmless
from unsnag.context import OF_UNIT
from unsnag.encoding import readable_str

if TYPE_CHECKING:
    from types import TracebackType

    from unsnag.context import Scope


class unit(Block):  # noqa: N801 - it reads as a word in the script: with unsnag.unit(...)
    """The part of a unit's life that this program performs; a context manager, also an async one.

    Args:
        correlation_id: The name under which the business knows the unit.
        value: Money that it carries.
        currency: ISO 4217 code of the value.
        tenant: Whose work it is.
        business_unit: Part of the organisation.
        customer: Identity of the customer; never a name.
        segment: Part of the business, such as retail.
        routing: What decides who handles its exceptions.
        completes: Leaving the block without an error completes the unit; False when a later program does.
    """

    def __init__(
        self,
        correlation_id: object,
        *,
        value: object = None,
        currency: str | None = None,
        tenant: str | None = None,
        business_unit: str | None = None,
        customer: str | None = None,
        segment: str | None = None,
        routing: str | None = None,
        completes: bool = True,
    ) -> None:
        super().__init__()
        self.correlation_id = readable_str(correlation_id)
        self.completes = completes
        self._is_inner = False
        self._told = {
            conventions.TENANT: tenant,
            conventions.BUSINESS_UNIT: business_unit,
            conventions.CUSTOMER: customer,
            conventions.SEGMENT: segment,
            conventions.ROUTING: routing,
        }
        self._money = {
            conventions.VALUE_AMOUNT: None if value is None else failures.amount(value),
            conventions.VALUE_CURRENCY: currency,
        }

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish(error)

    @harmless
    def _begin(self) -> None:
        hooks.hook_structlog()  # it may have been configured since init
        outer = clients.current()
        told = {key: readable_str(text) for key, text in self._told.items() if text is not None}
        money = {key: text for key, text in self._money.items() if text is not None}
        is_same = outer.correlation_id == self.correlation_id
        self._is_inner = is_same and outer.completes is not None
        fields: dict[str, Any] = {conventions.CORRELATION_ID: self.correlation_id, **told}
        if not is_same:
            fields = {**dict.fromkeys(OF_UNIT), **fields}
        money = {**(outer.money if is_same else {}), **money}
        completes = outer.completes if self._is_inner else self.completes
        self._enter(_unit_name(outer), fields, money=money, completes=completes)
        client = clients.active()
        if client is not None and not self._is_inner:
            client.record("info", conventions.EVENT_UNIT_STARTED, self._scope.money, self._scope)

    @harmless
    def _finish(self, error: BaseException | None) -> None:
        if self._token is None:
            return
        failure = None if error is None or failures.is_control_flow(error) else error
        try:
            if failure is not None:
                notes.remember_unit(failure, self._scope, self._outer.correlation_id, self._entered_ns)
            if failure is not None and not self._is_inner:
                _record_unit_failed(self._scope, failure)
            outcome = self._outcome(error, failure)
            self._end_span(_unit_name(self._outer), {**outcome, **error_attributes(failure)}, failure)
        finally:
            self._leave()
        client = clients.active()
        if client is not None:
            client.output.settle()

    def _outcome(self, error: BaseException | None, failure: BaseException | None) -> dict[str, str]:
        """Return what the span says of the unit; a block inside its block only adds a success."""
        is_complete = failure is None and self.completes and not isinstance(error, GeneratorExit)
        if self._is_inner and (not is_complete or self._scope.completes):
            return {}
        outcome = conventions.OUTCOME_FAILED if failure is not None else conventions.OUTCOME_PARTIAL
        outcome = conventions.OUTCOME_SUCCESS if is_complete else outcome
        return {conventions.KIND: conventions.KIND_UNIT, conventions.OUTCOME: outcome, **self._scope.money}


def _unit_name(outer: Scope) -> str:
    return f"unit {outer.flow}" if outer.flow else "unit"


def _record_unit_failed(scope: Scope, error: BaseException) -> None:
    """Record the one error of a unit, as it was in the innermost step that the exception left."""
    client = clients.active()
    if client is None:
        return
    where = notes.step_of(error, scope.correlation_id) or scope.fields
    fields = {
        **of_step(where),
        **scope.money,
        **failures.error_fields(error),
        **failures.exception_fields(error, scope.correlation_id),
    }
    client.record("error", conventions.EVENT_UNIT_FAILED, fields, scope)
    notes.mark_reported(error)
