"""Describes an exception in the words of the wire: type, message, stack, class, code and context."""

from __future__ import annotations

from typing import Any, Final

from unsnag import classification, conventions, evidence, notes
from unsnag.encoding import readable_str
from unsnag.errors import AutomationError
from unsnag.evidence import type_name

MAX_STACK: Final = 24_000


def exception_fields(error: BaseException, unit: str | None) -> dict[str, Any]:
    """Return OpenTelemetry's fields of an exception, and its identity, for a record of a unit."""
    return {
        conventions.EXCEPTION_TYPE: type_name(type(error)),
        conventions.EXCEPTION_MESSAGE: readable_str(error),
        conventions.EXCEPTION_STACKTRACE: stacktrace(error),
        **notes.identity(error, unit),
    }


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return what the exception center needs beyond OpenTelemetry's fields."""
    found = verdict(error)
    fields = {
        conventions.ERROR_TYPE: type_name(type(error)),
        conventions.ERROR_CLASS: found.error_class,
        conventions.ERROR_RULE: found.why,
    }
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
    return verdict(error).error_class


def verdict(error: BaseException) -> classification.Verdict:
    """Return the class of an exception with the rule that decided: the script's own word comes first."""
    if isinstance(error, AutomationError) and error.error_class != conventions.CLASS_UNKNOWN:
        return classification.Verdict(error.error_class, "script", 1.0)
    return classification.decide(evidence.of_exception(error))


def stacktrace(error: BaseException) -> str:
    """Return the stack as Python prints it; of a very long one the beginning and the end."""
    if isinstance(error, AutomationError) and error.stacktrace:
        return error.stacktrace
    import traceback  # noqa: PLC0415 - only failures need it

    try:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
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


def is_control_flow(error: BaseException) -> bool:
    """Say whether an exception is no failure: a generator was closed, or the program leaves content."""
    if isinstance(error, SystemExit):
        return error.code is None or (isinstance(error.code, int) and error.code == 0)
    return isinstance(error, GeneratorExit)


def is_interruption(error: BaseException) -> bool:
    """Say whether somebody stopped the work, rather than the work itself."""
    return isinstance(error, (KeyboardInterrupt, SystemExit)) or type(error).__name__ == "CancelledError"
