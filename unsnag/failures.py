"""Describes an exception in the words of the wire: type, message, stack, class, code and context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from unsnag import classification, conventions
from unsnag.encoding import readable_str
from unsnag.errors import AutomationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unsnag.context import Scope

MAX_STACK: Final = 24_000
_ORIGIN: Final = "__unsnag_origin__"
_REPORTED: Final = "__unsnag_reported__"
_CHAIN: Final = 20


def type_name(error_type: type[BaseException]) -> str:
    """Return a type's name with its module, built-in ones without."""
    module = error_type.__module__
    return error_type.__qualname__ if module == "builtins" else f"{module}.{error_type.__qualname__}"


def exception_fields(error: BaseException) -> dict[str, Any]:
    """Return OpenTelemetry's fields of an exception."""
    return {
        conventions.EXCEPTION_TYPE: type_name(type(error)),
        conventions.EXCEPTION_MESSAGE: readable_str(error),
        conventions.EXCEPTION_STACKTRACE: stacktrace(error),
    }


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return what the exception center needs beyond OpenTelemetry's fields."""
    fields = {conventions.ERROR_TYPE: type_name(type(error)), conventions.ERROR_CLASS: error_class(error)}
    if not isinstance(error, AutomationError):
        return fields
    own = {
        conventions.ERROR_CODE: error.code,
        conventions.VALUE_AT_RISK: None if error.value_at_risk is None else amount(error.value_at_risk),
        conventions.DATA: dict(error.context) or None,
    }
    return fields | {key: value for key, value in own.items() if value is not None}


def error_class(error: BaseException) -> str:
    """Return the class that the script named, or the one that the rules find."""
    if isinstance(error, AutomationError) and error.error_class != conventions.CLASS_UNKNOWN:
        return error.error_class
    bases = [type_name(base) for base in type(error).__mro__[:-1] if base not in {Exception, BaseException}]
    return classification.classify(type_name(type(error)), readable_str(error), http_status(error), bases)


def http_status(error: BaseException) -> int | None:
    """Return the status that a called system answered, as the usual HTTP clients keep it."""
    try:
        response = getattr(error, "response", None)
        candidates = [getattr(response, "status_code", None), getattr(response, "status", None)]
        candidates += [getattr(error, name, None) for name in ("status_code", "status", "code")]
    except Exception:  # noqa: BLE001 - a property of somebody's exception may raise
        return None
    return next((found for found in candidates if isinstance(found, int) and 100 <= found < 600), None)  # noqa: PLR2004


def stacktrace(error: BaseException) -> str:
    """Return the stack as Python prints it; of a very long one the beginning and the end."""
    if isinstance(error, AutomationError) and error.stacktrace:
        return error.stacktrace
    import traceback  # noqa: PLC0415 - only failures need it

    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - the message's own __str__ may raise
        text = _bare_stack(error)
    if len(text) <= MAX_STACK:
        return text
    return f"{text[: MAX_STACK // 3]}\n… [cut: {len(text)} characters]\n{text[-2 * MAX_STACK // 3 :]}"


def _bare_stack(error: BaseException) -> str:
    import traceback  # noqa: PLC0415

    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{frames}{type_name(type(error))}: {readable_str(error)}\n"


def amount(value: object) -> str:
    """Return money as a decimal text with at least two places: 129.9 is ``129.90``."""
    from decimal import Decimal, InvalidOperation  # noqa: PLC0415 - 3 ms that only units with a value need

    try:
        number = Decimal(readable_str(value))
        exponent = number.as_tuple().exponent
        is_short = isinstance(exponent, int) and exponent > -2  # noqa: PLR2004
        return str(number.quantize(Decimal("0.01")) if is_short else number)
    except (InvalidOperation, ValueError):
        return readable_str(value)


# --- Where it came from, remembered on the exception itself -------------------------------------


def is_control_flow(error: BaseException) -> bool:
    """Say whether an exception is no failure: a generator was closed, or the program leaves content."""
    return isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and error.code in {None, 0})


def is_interruption(error: BaseException) -> bool:
    """Say whether somebody stopped the work, rather than the work itself."""
    return isinstance(error, (KeyboardInterrupt, SystemExit)) or type(error).__name__ == "CancelledError"


def remember_origin(error: BaseException, scope: Scope) -> None:
    """Note the innermost step that an exception left."""
    if _noted(error, _ORIGIN) is None:
        _note(error, _ORIGIN, scope)


def origin(error: BaseException, correlation_id: str) -> Scope | None:
    """Return the scope of the step of this unit that an exception, or what caused it, came from."""
    scopes = (_noted(link, _ORIGIN) for link in _chain(error))
    return next(
        (found for found in scopes if found is not None and found.correlation_id == correlation_id), None
    )


def mark_reported(error: BaseException) -> None:
    """Note that an error record tells of this exception already."""
    _note(error, _REPORTED, True)  # noqa: FBT003


def is_reported(error: BaseException) -> bool:
    """Say whether an error record tells of this exception already."""
    return _noted(error, _REPORTED) is not None


def _note(error: BaseException, name: str, value: object) -> None:
    try:
        error.__dict__[name] = value
    except Exception:  # noqa: BLE001 - an exception without a dictionary stays without a note
        return


def _noted(error: BaseException, name: str) -> Any:
    try:
        return error.__dict__.get(name)
    except Exception:  # noqa: BLE001
        return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(_CHAIN):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__
