"""Steps: each try is a span with a number; a failed one is a warning, and the exception remembers it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from unsnag import client as clients
from unsnag import context, conventions, failures, notes
from unsnag.blocks import Block, error_attributes, of_step
from unsnag.client import harmless
from unsnag.encoding import readable_str

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import ParamSpec, Self

    from unsnag.context import Scope

    P = ParamSpec("P")
R = TypeVar("R")

_CO_GENERATOR: Final = 0x20
_CO_COROUTINE: Final = 0x80
_CO_ASYNC_GENERATOR: Final = 0x200
MAX_COUNTED: Final = 10_000


def record_step_failed(scope: Scope, error: BaseException) -> None:
    """Record that an attempt failed: a warning, as more attempts may follow."""
    client = clients.active()
    if client is not None:
        fields = {
            **of_step(scope.fields),
            **failures.error_fields(error),
            **failures.exception_fields(error, scope.correlation_id),
        }
        client.record("warning", conventions.EVENT_STEP_FAILED, fields, scope)


def _step_failed(scope: Scope, error: BaseException, entered_ns: int) -> None:
    """Record it, and remember on the exception where it came from."""
    notes.remember_step(error, scope, entered_ns)
    record_step_failed(scope, error)


def key_of(scope: Scope, step_name: str) -> str:
    """Return the idempotency key of a step of the unit at hand."""
    restored = scope.restored
    if restored is not None and restored.is_of(scope.correlation_id, step_name):
        return restored.idempotency_key
    return conventions.idempotency_key(scope.flow, step_name, scope.correlation_id or "")


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


class _Attempt(Block):
    """One try of a step."""

    def __init__(self, options: step) -> None:
        super().__init__()
        self._options = options
        self._key: tuple[str, str, str] | None = None

    @harmless
    def begin(self) -> None:
        """Enter the step."""
        outer = clients.current()
        name = self._options.name
        fields: dict[str, Any] = {
            conventions.STEP: name,
            conventions.ATTEMPT: self._number(outer),
            conventions.IDEMPOTENT: self._options.idempotent,
            conventions.DEPENDENCY: self._options.dependency,
            conventions.IDEMPOTENCY_KEY: key_of(outer, name),
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
        clients.settle()

    def _tell(self, failure: BaseException | None) -> None:
        attributes = {conventions.KIND: conventions.KIND_STEP, **error_attributes(failure)}
        if failure is None and self._key is not None:
            attempts.end(self._key)
        if failure is not None:
            _step_failed(self._scope, failure, self._entered_ns)
        self._end_span(f"step {self._options.name}", attributes, failure)

    def _number(self, outer: Scope) -> int:
        if outer.correlation_id is None:
            return 1
        self._key = (outer.flow, outer.correlation_id, self._options.name)
        restored = outer.restored
        if restored is None or not restored.is_of(outer.correlation_id, self._options.name):
            return attempts.next(self._key)
        restored.was_entered = True
        return attempts.next(self._key, restored.attempt)


class RetryAttempt(Block):
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
                _step_failed(self._scope, error, self._entered_ns)
            self._end_span(f"retry {self._name}", {**kind, **error_attributes(error)}, error)
        finally:
            self._leave()
        clients.settle()


class step:  # noqa: N801 - it reads as a word in the script: @unsnag.step(...)
    """The smallest thing that is retried; a decorator for functions and generators, or a context manager.

    Args:
        name: The step's name; as a bare decorator the function's name.
        dependency: The system that it depends on.
        idempotent: Doing it again does no harm; None when not declared.
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
        if flags & (_CO_GENERATOR | _CO_ASYNC_GENERATOR):
            from unsnag import generators  # noqa: PLC0415 - few scripts need it

            is_async = bool(flags & _CO_ASYNC_GENERATOR)
            wrap = generators.wrapped_async if is_async else generators.wrapped
            return cast("Callable[P, R]", wrap(function, lambda: _Attempt(self)))

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
