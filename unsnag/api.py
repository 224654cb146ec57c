"""What a script calls: `init`, `unit`, `step`, and the ways to hand context to other programs.

The life of a unit in one program:

1. `unit.__enter__` makes a scope, begins a span and records ``unit.started`` with the unit's value.
2. Each `step` is one attempt: a span, and when it fails the record ``step.failed``, a warning.
3. The block ends well: the unit's span says ``success``, or ``partial`` when a later program completes it.
4. An exception leaves the outermost block: one record ``unit.failed`` says from which step.
"""

from __future__ import annotations

import atexit
import threading
from collections import OrderedDict
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, cast

from unsnag import client as clients
from unsnag import clock, context, conventions, failures, hooks, joining, propagation, settings
from unsnag.client import harmless
from unsnag.context import Scope, entered
from unsnag.encoding import readable_str
from unsnag.records import Span

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextvars import Token
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")

_CO_COROUTINE: Final = 0x80
MAX_COUNTED: Final = 10_000


def init(
    flow: str,
    *,
    spool: str | os.PathLike[str] | None = None,
    service: str | None = None,
    environment: str | None = None,
    allow_fields: Iterable[str] | None = None,
    max_event_bytes: int = settings.MAX_EVENT_BYTES,
    rotate_bytes: int = settings.ROTATE_BYTES,
    queue_events: int = settings.QUEUE_EVENTS,
    queue_bytes: int = settings.QUEUE_BYTES,
    capture_stdlib: bool = True,
    capture_structlog: bool = True,
    capture_exceptions: bool = True,
    propagate_threads: bool = True,
) -> None:
    """Hook this process. Calling it again changes flow, service and the rest for what follows.

    Args:
        flow: Name of the automated process that this program is part of.
        spool: Folder for the files that a collector reads; else ``UNSNAG_SPOOL``, else ``data/var/spool``.
        service: Name of this program; else ``OTEL_SERVICE_NAME``, else the script's file name.
        environment: Where it runs; else from ``OTEL_RESOURCE_ATTRIBUTES``, else ``production``.
        allow_fields: The only fields of the script's own that may leave; others are dropped and counted.
        max_event_bytes: Longer events are cut, with a note of their size.
        rotate_bytes: A spool file of this size is left, and the next one begun.
        queue_events: Events that may wait for the writer; more are dropped and counted.
        queue_bytes: The same in bytes.
        capture_stdlib: Record what goes through `logging`.
        capture_structlog: Record what goes through structlog.
        capture_exceptions: Record exceptions that nobody caught.
        propagate_threads: Let threads and thread pools inherit the unit in which they are asked for.
    """
    try:
        clock.shift_by_environment()
        told = settings.read(
            flow,
            spool=spool,
            service=service,
            environment=environment,
            allow_fields=allow_fields,
            max_event_bytes=max_event_bytes,
            rotate_bytes=rotate_bytes,
            queue_events=queue_events,
            queue_bytes=queue_bytes,
        )
        hooks.want("stdlib", is_wanted=capture_stdlib)
        hooks.want("structlog", is_wanted=capture_structlog)
        hooks.want("exceptions", is_wanted=capture_exceptions)
        hooks.want("threads", is_wanted=propagate_threads)
        _begin(told)
    except Exception as fault:  # noqa: BLE001 - an automation must run without its telemetry
        clients.own_fault(fault)


def _begin(told: settings.Settings) -> None:
    client, is_new = clients.start(told)
    hooks.install()
    joining.join(client)
    if is_new:
        hooks.install_once("atexit", lambda: atexit.register(shutdown))
        _count_invalid(client, propagation.from_environment())


def shutdown() -> None:
    """Write what waits and unhook. It is called at exit by itself."""
    try:
        clients.stop()
    except Exception as fault:  # noqa: BLE001
        clients.own_fault(fault)


def flush(timeout_s: float = 5.0) -> bool:
    """Write what waits; False when that did not work in time."""
    client = clients.active()
    return client is None or client.output.flush(timeout_s)


# --- Units ---------------------------------------------------------------------------------------


class _Block:
    """A block that is a scope and a span. Its subclasses say what begins and what ends it."""

    def __init__(self) -> None:
        self._token: Token[Scope | None] | None = None
        self._outer: Scope = context.EMPTY
        self._scope: Scope = context.EMPTY
        self._start_ns = 0
        self._joined: joining.Joined | None = None

    def _enter(
        self,
        name: str,
        fields: Mapping[str, Any],
        *,
        money: Mapping[str, str] | None = None,
        completes: bool | None = None,
    ) -> None:
        self._outer = clients.current()
        self._start_ns = clock.now_ns()
        self._joined = joining.start_span(name, self._outer)
        ids = self._joined.ids if self._joined else _new_ids(self._outer)
        self._scope = self._outer.inner({**fields, **ids}, money=money, completes=completes)
        self._token = entered.set(self._scope)

    def _leave(self) -> None:
        if self._token is None:
            return
        try:
            entered.reset(self._token)
        except ValueError:  # left in another context than entered: an async generator was closed elsewhere
            entered.set(self._outer)
        self._token = None

    def _end_span(self, name: str, attributes: Mapping[str, Any], error: BaseException | None) -> None:
        if self._joined is not None:
            own = {key: value for key, value in self._scope.fields.items() if key.startswith("unsnag.")}
            self._joined.end({**own, **attributes}, error, clock.now_ns())
            if self._joined.is_recorded:
                return
        client = clients.active()
        if client is not None:
            client.span(
                Span(
                    scope=self._scope,
                    name=name,
                    parent_id=self._outer.span_id,
                    start_ns=self._start_ns,
                    end_ns=clock.now_ns(),
                    attributes=attributes,
                    error=None if error is None else readable_str(error),
                    events=_exception_events(error),
                )
            )


def _new_ids(outer: Scope) -> dict[str, str]:
    return {
        conventions.FIELD_TRACE_ID: outer.trace_id or context.new_trace_id(),
        conventions.FIELD_SPAN_ID: context.new_span_id(),
    }


def _exception_events(error: BaseException | None) -> list[tuple[int, str, dict[str, Any]]]:
    return [] if error is None else [(clock.now_ns(), "exception", failures.exception_fields(error))]


class unit(_Block):  # noqa: N801 - it reads as a word in the script: with unsnag.unit(...)
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
            fields = {**_OF_ANOTHER_UNIT, **fields}
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
            if failure is not None and not self._is_inner:
                _record_unit_failed(self._scope, failure)
            outcome = self._outcome(error, failure)
            self._end_span(_unit_name(self._outer), {**outcome, **_error_attributes(failure)}, failure)
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


_OF_ANOTHER_UNIT: Final = dict.fromkeys(
    (
        conventions.TENANT,
        conventions.BUSINESS_UNIT,
        conventions.CUSTOMER,
        conventions.SEGMENT,
        conventions.ROUTING,
        conventions.STEP,
        conventions.ATTEMPT,
        conventions.IDEMPOTENCY_KEY,
        conventions.IDEMPOTENT,
        conventions.DEPENDENCY,
        conventions.RETRY_ID,
    )
)
"""What a unit inside another unit must not inherit."""


def _record_unit_failed(scope: Scope, error: BaseException) -> None:
    """Record the one error of a unit, as it was in the innermost step that the exception left."""
    client = clients.active()
    if client is None:
        return
    where = failures.origin(error, scope.correlation_id or "") or scope
    fields = {
        **_of_step(where),
        **scope.money,
        **failures.error_fields(error),
        **failures.exception_fields(error),
    }
    client.record("error", conventions.EVENT_UNIT_FAILED, fields, scope)
    failures.mark_reported(error)


def _record_step_failed(scope: Scope, error: BaseException) -> None:
    """Record that an attempt failed, and remember on the exception where it came from."""
    failures.remember_origin(error, scope)
    client = clients.active()
    if client is not None:
        fields = {**_of_step(scope), **failures.error_fields(error), **failures.exception_fields(error)}
        client.record("warning", conventions.EVENT_STEP_FAILED, fields, scope)


def _of_step(where: Scope) -> dict[str, Any]:
    return {key: where.fields[key] for key in _STEP_FIELDS if key in where.fields}


_STEP_FIELDS: Final = (
    conventions.STEP,
    conventions.ATTEMPT,
    conventions.IDEMPOTENT,
    conventions.DEPENDENCY,
    conventions.IDEMPOTENCY_KEY,
    conventions.FIELD_SPAN_ID,
)


def _error_attributes(error: BaseException | None) -> dict[str, Any]:
    return {} if error is None else failures.error_fields(error)


# --- Steps ---------------------------------------------------------------------------------------


class Attempts:
    """Counts the attempts of each step of each unit; a success ends the count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def next(self, key: tuple[str, str, str], first: int = 1) -> int:
        """Return the number of the attempt that begins."""
        with self._lock:
            number = max(self._counts.pop(key, 0) + 1, first)
            self._counts[key] = number
            if len(self._counts) > MAX_COUNTED:
                self._counts.popitem(last=False)
            return number

    def end(self, key: tuple[str, str, str]) -> None:
        """Begin at one again: the step was done."""
        with self._lock:
            self._counts.pop(key, None)

    def after_fork(self) -> None:
        """Replace a lock that another thread may have held."""
        self._lock = threading.Lock()


attempts: Final = Attempts()


class _Attempt(_Block):
    """One try of a step."""

    def __init__(self, told: step) -> None:
        super().__init__()
        self._told = told
        self._key: tuple[str, str, str] | None = None

    @harmless
    def begin(self) -> None:
        """Enter the step."""
        outer = clients.current()
        name = self._told.name
        fields: dict[str, Any] = {
            conventions.STEP: name,
            conventions.ATTEMPT: self._number(outer),
            conventions.IDEMPOTENT: self._told.idempotent,
            conventions.DEPENDENCY: self._told.dependency,
            conventions.IDEMPOTENCY_KEY: _key_of(outer, name),
        }
        self._enter(f"step {name}", fields)

    @harmless
    def finish(self, error: BaseException | None) -> None:
        """Leave it."""
        if self._token is None:
            return
        failure = None if error is None or failures.is_control_flow(error) else error
        try:
            self._tell(failure)
        finally:
            self._leave()

    def _tell(self, failure: BaseException | None) -> None:
        attributes = {conventions.KIND: conventions.KIND_STEP, **_error_attributes(failure)}
        if failure is None and self._key is not None:
            attempts.end(self._key)
        if failure is not None:
            _record_step_failed(self._scope, failure)
        self._end_span(f"step {self._told.name}", attributes, failure)

    def _number(self, outer: Scope) -> int:
        if outer.correlation_id is None:
            return 1
        self._key = (outer.flow, outer.correlation_id, self._told.name)
        restored = outer.restored
        if restored is None or not restored.is_of(outer.correlation_id, self._told.name):
            return attempts.next(self._key)
        restored.was_entered = True
        return attempts.next(self._key, restored.attempt)


class RetryAttempt(_Block):
    """The attempt that a worker makes: it stands for the step, unless the handler enters the step itself."""

    def __init__(self, name: str, restored: context.Restored) -> None:
        super().__init__()
        self._name = name
        self._restored = restored

    @harmless
    def begin(self) -> None:
        """Enter the retried step."""
        fields = {
            conventions.STEP: self._name,
            conventions.ATTEMPT: self._restored.attempt,
            conventions.IDEMPOTENCY_KEY: self._restored.idempotency_key,
        }
        self._enter(f"retry {self._name}", fields)

    @harmless
    def finish(self, error: BaseException | None) -> None:
        """Leave it."""
        if self._token is None:
            return
        kind = {} if self._restored.was_entered else {conventions.KIND: conventions.KIND_STEP}
        try:
            if error is not None and not self._restored.was_entered:
                _record_step_failed(self._scope, error)
            self._end_span(f"retry {self._name}", {**kind, **_error_attributes(error)}, error)
        finally:
            self._leave()
        client = clients.active()
        if client is not None:
            client.output.settle()


class step:  # noqa: N801 - it reads as a word in the script: @unsnag.step(...)
    """The smallest thing that is retried; a decorator for functions, sync and async, or a context manager.

    Args:
        name: The step's name; as a bare decorator the function's name.
        dependency: The system that it depends on.
        idempotent: Doing it again does no harm; None when nobody said so.
    """

    def __init__(self, name: str, *, dependency: str | None = None, idempotent: bool | None = None) -> None:
        self.name = readable_str(name)
        self.dependency = dependency
        self.idempotent = idempotent
        self._open: list[_Attempt] = []

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Make each call of a function one attempt."""
        flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
        if flags & _CO_COROUTINE:
            return cast("Callable[P, R]", self._wrap_async(cast("Any", function)))

        @wraps(function)
        def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
            with step(self.name, dependency=self.dependency, idempotent=self.idempotent):
                return function(*args, **kwargs)

        return attempt

    def _wrap_async(self, function: Any) -> Any:
        @wraps(function)
        async def attempt(*args: Any, **kwargs: Any) -> Any:
            with step(self.name, dependency=self.dependency, idempotent=self.idempotent):
                return await function(*args, **kwargs)

        return attempt

    def __enter__(self) -> Self:
        attempt = _Attempt(self)
        self._open.append(attempt)
        attempt.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.pop().finish(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


# --- Context for others --------------------------------------------------------------------------


def correlation_id() -> str | None:
    """Return the identity of the unit at hand, outside of units None."""
    return clients.current().correlation_id


def idempotency_key() -> str:
    """Return the key that makes asking twice harmless: the same on every try of this unit's step."""
    scope = clients.current()
    return scope.fields.get(conventions.IDEMPOTENCY_KEY) or _key_of(scope, scope.step or "")


def _key_of(scope: Scope, step_name: str) -> str:
    restored = scope.restored
    if restored is not None and restored.is_of(scope.correlation_id, step_name):
        return restored.idempotency_key
    return conventions.idempotency_key(scope.flow, step_name, scope.correlation_id or "")


def headers() -> dict[str, str]:
    """Return HTTP headers that carry the context: ``traceparent``, ``tracestate``, ``baggage``."""
    try:
        return joining.adjusted(clients.current()).carrier()
    except Exception as fault:  # noqa: BLE001
        clients.own_fault(fault)
        return {}


def environment() -> dict[str, str]:
    """Return environment variables that carry the context to a program that is started."""
    return {key.upper(): text for key, text in headers().items()}


@contextmanager
def from_headers(headers: Mapping[str, str]) -> Iterator[None]:
    """Go on with the work of the program that sent these headers."""
    token = None
    try:
        remote = propagation.parse(headers)
        token = entered.set(clients.current().continuing(remote))
        _count_invalid(clients.active(), remote)
    except Exception as fault:  # noqa: BLE001
        clients.own_fault(fault)
    try:
        yield
    finally:
        if token is not None:
            entered.reset(token)


def _count_invalid(client: clients.Client | None, remote: propagation.Remote) -> None:
    if client is not None and remote.is_invalid:
        client.record("warning", conventions.EVENT_CONTEXT_INVALID, {"header": "traceparent"})
