"""The block of a unit: it begins with the unit's value and ends with its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unsnag import carrying, classification, conventions, failures, notes, process, structlog_hook
from unsnag import client as clients
from unsnag.blocks import Block, error_attributes, of_step
from unsnag.client import harmless
from unsnag.context import OF_UNIT
from unsnag.encoding import readable_str
from unsnag.ending import Ending, Failure, numbers
from unsnag.fields import context_attributes
from unsnag.heartbeat import Beat, beats
from unsnag.steps import record_step_failed

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from unsnag.context import Scope
    from unsnag.fields import UnitContext

_TRIED_AGAIN = "The framework tries again."
_NO_REASON = "The script called unit.fail() without a reason."


class unit(Block):  # noqa: N801 - it reads as a word in the script: with unsnag.unit(...)
    """The part of a unit's life that this program performs; a context manager, also an async one.

    Args:
        correlation_id: The name under which the business knows the unit.
        value: Money that it carries.
        currency: ISO 4217 code of the value.
        part: Which part of the unit's way this block is; without it the service is the part.
        completes: True: a normal end finishes the whole unit. False: a later part goes on with it. None: the
            normal end finishes this part.
        **context: Whose work it is: ``tenant`` and the other names of `unsnag.fields.UnitContext`.
    """

    def __init__(
        self,
        correlation_id: object,
        *,
        value: object = None,
        currency: str | None = None,
        part: str | None = None,
        completes: bool | None = None,
        **context: Unpack[UnitContext],
    ) -> None:
        super().__init__()
        self.correlation_id = readable_str(correlation_id)
        self.completes = _answer(completes)
        self._ending: Ending | None = None
        self._beat: Beat | None = None
        self._is_inner = False
        self._job: str | None = None
        self._entry: dict[str, Any] = {}
        self._named = {**context_attributes(context), conventions.PART: part}
        self._money = {
            conventions.VALUE_AMOUNT: None if value is None else failures.amount(value),
            conventions.VALUE_CURRENCY: currency,
        }

    def as_job(self, name: str) -> Self:
        """Declare the unit a job that repeats its whole work, as ``unsnag run --job`` does."""
        self._job = name
        return self

    def at(self, name: str, attempt: int | None = None) -> Self:
        """Make the block a request or task of a framework.

        Args:
            name: Its part, unless another is named, and its step where nothing inside is one.
            attempt: Which try it is, counted from 1.
        """
        self._named[conventions.PART] = self._named[conventions.PART] or name
        self._entry = {conventions.STEP: name, conventions.ATTEMPT: attempt}
        return self

    @property
    def ending(self) -> Ending | None:
        """How the block ends; None before it began."""
        return self._ending

    # --- what the script says of its end ---------------------------------------------------------

    @harmless
    def ok(self) -> None:
        """Say that the unit went well, whatever was logged before. An error that follows takes it back."""
        ending = self._open_ending("ok")
        if ending is not None:
            ending.ok()

    @harmless
    def fail(
        self, reason: object = "", *, error: BaseException | None = None, error_class: str | None = None
    ) -> None:
        """Say that the unit failed, though no exception leaves the block.

        Args:
            reason: What happened, in a sentence.
            error: The exception behind it; it may be given as the reason.
            error_class: ``business``, ``data`` or ``infrastructure``; else by rules from error or reason.
        """
        ending = self._open_ending("fail")
        if ending is None:
            return
        if error_class is not None and error_class not in conventions.ERROR_CLASSES:
            self._invalid("fail", f"{readable_str(error_class)!r} is none of the error classes")
            error_class = None
        given = (error, reason)
        caused = next((item for item in given if isinstance(item, BaseException)), None)
        stated = next((item for item in (reason, error) if item and not isinstance(item, BaseException)), "")
        ending.fail(Failure(readable_str(stated), caused, error_class, self._here().fields))

    @harmless
    def partial(self, failed: object = None, total: object = None) -> None:
        """Say that some items of the unit failed and the others went well.

        Args:
            failed: How many failed; 0 is the same as `ok`.
            total: Of how many.
        """
        ending = self._open_ending("partial")
        if ending is None:
            return
        counted = numbers(failed, total)
        if counted is None:
            named = f"failed={readable_str(failed)}, total={readable_str(total)}"
            self._invalid(
                "partial", f"{named} is not 0 <= failed <= total; the unit is partial without numbers"
            )
        if counted is not None and counted[0] == 0:
            ending.ok()
        else:
            ending.partial(counted)

    def _open_ending(self, call: str) -> Ending | None:
        if self._ending is None or self._ending.is_over:
            self._invalid(call, "it was called outside of the unit's block and has no effect")
            return None
        return self._ending

    def _invalid(self, call: str, reason: str) -> None:
        client = clients.active()
        if client is not None:
            fields = {"call": f"unit.{call}", "reason": reason}
            client.record("warning", conventions.EVENT_CALL_INVALID, fields, self._here())

    def _here(self) -> Scope:
        """Return where the running code is, if that is inside this unit, else the unit's own scope."""
        here = clients.current()
        is_inside = here.correlation_id == self.correlation_id or self._scope.correlation_id is None
        return here if is_inside else self._scope

    # --- the block -------------------------------------------------------------------------------

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
        structlog_hook.hook()  # it may have been configured since init
        carrying.hook_processes()  # likewise
        outer = clients.current()
        named = {key: readable_str(text) for key, text in self._named.items() if text is not None}
        money = {key: text for key, text in self._money.items() if text is not None}
        is_same = outer.correlation_id == self.correlation_id and _agrees(outer, named, conventions.TENANT)
        self._is_inner, self._ending = False, None
        if is_same and outer.ending is not None and outer.ending.is_open():
            self._is_inner = _agrees(outer, named, conventions.PART)
        self._ending = outer.ending if self._is_inner else Ending(self.completes)
        fields: dict[str, Any] = {conventions.CORRELATION_ID: self.correlation_id, **named, **self._entry}
        if not is_same:
            fields = {**dict.fromkeys(OF_UNIT), **fields}
        money = {**(outer.money if is_same else {}), **money}
        self._enter(_unit_name(outer), fields, money=money, ending=self._ending)
        if not self._is_inner:
            self._record_start()

    def _record_start(self) -> None:
        client = clients.active()
        if client is not None:
            self._beat = beats.begin(self._scope)
            fields = {**self._scope.money, **process.place(), **self._declared()}
            client.record("info", conventions.EVENT_UNIT_STARTED, fields, self._scope)

    def _declared(self) -> dict[str, Any]:
        """Return what the call states about the unit's completion; nothing where it states nothing."""
        if self.completes is None and self._job is None:
            return {}
        stated = {conventions.COMPLETES: self.completes, conventions.JOB: self._job}
        return {key: value for key, value in stated.items() if value is not None}

    @harmless
    def _finish(self, error: BaseException | None) -> None:
        if self._token is None:
            return
        if self._beat is not None:
            beats.end(self._beat)
        failure = None if error is None or failures.is_control_flow(error) else error
        try:
            if failure is not None:
                notes.remember_unit(failure, self._scope, self._outer.correlation_id, self._entered_ns)
            self._end(failure)
        finally:
            self._leave()
        clients.settle()

    def _end(self, failure: BaseException | None) -> None:
        ending = self._ending
        if ending is None or self._is_inner:
            money = self._scope.money
            attributes = {**money, **self._inner_outcome(failure), **error_attributes(failure)}
            self._end_span(_unit_name(self._outer), attributes, failure)
            return
        ending.is_over, ending.last_error = True, None
        if ending.kind == conventions.KIND_STEP:
            self._end_attempt(failure)
            return
        stated = ending.failure
        error = failure or (stated.error if stated else None)
        if failure is not None or stated is not None:
            _record_unit_failed(self._scope, error, stated)
        outcome = ending.attributes(is_left_by_error=failure is not None)
        if ending.taken_back and outcome.get(conventions.VERDICT) == conventions.VERDICT_OK:
            _record_taken_back(self._scope, ending.taken_back)
        attributes = {**self._of_unit(outcome), **error_attributes(error), **_class_of_call(stated, error)}
        status = None if stated is None else stated.reason or _NO_REASON
        self._end_span(_unit_name(self._outer), attributes, error, status)

    def _end_attempt(self, failure: BaseException | None) -> None:
        """End a try after which the framework tries again: a failed step, and nothing of the unit."""
        if failure is not None:
            record_step_failed(self._scope, failure)
            notes.mark_attempt(failure)
        fields = {conventions.KIND: conventions.KIND_STEP, **error_attributes(failure), **self._scope.money}
        self._end_span(_unit_name(self._outer), fields, failure, _TRIED_AGAIN)

    def _inner_outcome(self, failure: BaseException | None) -> dict[str, Any]:
        """Return what a block inside its unit's block adds: that the unit is finished, where it says so."""
        ending = self._ending
        if failure is not None or ending is None or not ending.is_good:
            return {}
        if not self.completes or ending.completes:
            return {}
        return self._of_unit({conventions.OUTCOME: conventions.OUTCOME_SUCCESS})

    def _of_unit(self, outcome: dict[str, Any]) -> dict[str, Any]:
        if self._ending is not None and self._ending.kind != conventions.KIND_UNIT:
            return {conventions.KIND: self._ending.kind, **self._scope.money}
        return {
            conventions.KIND: conventions.KIND_UNIT,
            **outcome,
            **self._declared(),
            **self._scope.money,
        }


def _answer(completes: object) -> bool | None:
    """Return yes or no, or None where nothing is stated; an object without a truth value states nothing."""
    try:
        return None if completes is None else bool(completes)
    except Exception:  # noqa: BLE001 - whatever a script's own class raises
        return None


def _agrees(outer: Scope, named: dict[str, str], key: str) -> bool:
    """Say whether a block does not name another tenant, or another part, than the scope around it."""
    return key not in named or outer.fields.get(key) in {None, named[key]}


def _unit_name(outer: Scope) -> str:
    return f"unit {outer.flow}" if outer.flow else "unit"


def _record_unit_failed(scope: Scope, error: BaseException | None, stated: Failure | None) -> None:
    """Record the one error of a unit, as it was in the innermost step that the exception left."""
    client = clients.active()
    if client is None:
        return
    client.record("error", conventions.EVENT_UNIT_FAILED, _of_failure(scope, error, stated), scope)
    if error is not None:
        notes.mark_reported(error)


def _record_taken_back(scope: Scope, stated: Failure) -> None:
    """Record, as a warning, what the script called failed before it called it good."""
    client = clients.active()
    if client is not None:
        fields = _of_failure(scope, stated.error, stated) | {conventions.OUTCOME: conventions.OUTCOME_FAILED}
        client.record("warning", conventions.EVENT_FAIL_TAKEN_BACK, fields, scope)


def _of_failure(scope: Scope, error: BaseException | None, stated: Failure | None) -> dict[str, Any]:
    step = None if error is None else notes.step_of(error, scope.correlation_id)
    where = step or (scope.fields if stated is None else stated.where)
    return {**of_step(where), **scope.money, **_of_error(scope, error), **_of_call(stated, error)}


def _of_error(scope: Scope, error: BaseException | None) -> dict[str, Any]:
    if error is None:
        return {}
    return {**failures.error_fields(error), **failures.exception_fields(error, scope.correlation_id)}


def _of_call(stated: Failure | None, error: BaseException | None) -> dict[str, Any]:
    """Return what ``unit.fail()`` adds to the record: the reason, and the class."""
    if stated is None:
        return {}
    fields: dict[str, Any] = {conventions.VERDICT: conventions.VERDICT_FAILED}
    reason = stated.reason or ("" if error is not None else _NO_REASON)
    if reason:
        fields["message"] = reason
    if error is None:
        fields[conventions.ERROR_MESSAGE] = reason
    return fields | _class_of_call(stated, error)


def _class_of_call(stated: Failure | None, error: BaseException | None) -> dict[str, Any]:
    """Return the class that ``unit.fail()`` named; without an exception the one that the reason shows."""
    if stated is None:
        return {}
    if stated.error_class:
        found = classification.Verdict(stated.error_class, "script", 1.0)
    elif error is None:
        found = classification.decide(classification.Evidence("", stated.reason))
    else:
        return {}
    return {conventions.ERROR_CLASS: found.error_class, conventions.ERROR_RULE: found.why}
