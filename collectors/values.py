"""Values on their way into a typed column: each function answers None for what does not fit."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from collectors import written_times
from unsnag.conventions import ERROR_CLASSES
from unsnag.glance import be_thorough
from unsnag.masking import mask_text

AHEAD_US: Final = 300_000_000
"""A record's time may be this far ahead of its arrival: five minutes."""
MAX_DEPTH: Final = 64
INT64: Final = 2**63
TRACE_DIGITS: Final = 32
SPAN_DIGITS: Final = 16

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - subtracted from naive UTC
_MICROSECOND: Final = timedelta(microseconds=1)
_CENT_PART: Final = Decimal("0.0001")
_MONEY_LIMIT: Final = Decimal(10) ** 14
_INT32: Final = 2**31
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_LONGEST_TIME: Final = 100
"""Characters of the longest text that is read as a time, spaces around it not counted."""
_ZONE_APART: Final = re.compile(r"\s*+(?:([+-]\d\d:?\d\d)|(?:UTC|GMT|Z))$", re.IGNORECASE)

SEVERITIES: Final = (
    *("trace",) * 5, *("debug",) * 4, *("info",) * 4, *("warning",) * 4, *("error",) * 4, *("critical",) * 4,
)  # fmt: skip
"""Severity number of OpenTelemetry to our name for it; 0, unspecified, does not come here."""

LEVELS: Final = {
    "trace": 1, "silly": 1, "finest": 1, "verbose": 5, "debug": 5, "finer": 5, "fine": 5,
    "info": 9, "information": 9, "informational": 9, "default": 9, "success": 9, "log": 9, "config": 9,
    "notice": 10, "warn": 13, "warning": 13, "error": 17, "err": 17, "severe": 17, "exception": 17,
    "critical": 21, "crit": 21, "fatal": 21, "alert": 22, "panic": 22, "emerg": 23, "emergency": 23,
    "fehler": 17, "warnung": 13, "erreur": 17, "avertissement": 13, "schwerwiegend": 17, "grave": 17,
    "infos": 9,
}  # fmt: skip
"""Level names of all dialects, lower case, to severity numbers."""
LEVELS.update({name.upper(): number for name, number in LEVELS.items()})

_SYSLOG: Final = (23, 22, 21, 17, 13, 10, 9, 5)


def iso_micros(text: str, zone: tzinfo) -> int | None:
    """Return microseconds since the epoch; a time without a zone is of `zone`."""
    if text[4:5].isdecimal() and text.isdecimal():  # fromisoformat reads 13 digits as a date and a time
        return _odd_micros(text, zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _odd_micros(text, zone)
    return _micros(moment, zone)


def _micros(moment: datetime, zone: tzinfo) -> int | None:
    if moment.tzinfo is None:
        if zone is UTC:
            return (moment - _NAIVE_EPOCH) // _MICROSECOND
        moment = moment.replace(tzinfo=zone)
    try:
        return (moment - _EPOCH) // _MICROSECOND
    except OverflowError:
        return None


def _odd_micros(text: str, zone: tzinfo) -> int | None:
    text = text.strip()
    if len(text) > _LONGEST_TIME:
        return None
    if numeric := _number(text):
        return number_micros(numeric)
    text = text.replace("/", "-") if text[4:5] == "/" else text
    apart = _ZONE_APART.sub(lambda match: match.group(1) or "+00:00", text)
    try:
        return _micros(datetime.fromisoformat(apart), zone)
    except ValueError:
        pass
    moment = written_times.moment(text)
    return None if moment is None else _micros(moment, zone)


def _number(text: str) -> float | int | None:
    try:
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else float(text)  # noqa: PLR2004
    except ValueError:
        return None


def number_micros(value: float) -> int | None:
    """Return microseconds of an epoch time in seconds, milli-, micro- or nanoseconds, by its size."""
    size = abs(value)
    if not math.isfinite(size):
        return None
    if size < 1e11:  # noqa: PLR2004 - seconds until the year 5138
        return int(value * 1_000_000) if isinstance(value, int) else round(value * 1_000_000)
    if size < 1e14:  # noqa: PLR2004
        return int(value * 1000)
    return int(value) if size < 1e17 else int(value) // 1000  # noqa: PLR2004


def iso(micros: int) -> str | None:
    """Return a moment as text, or None where no calendar holds it."""
    try:
        return f"{(_NAIVE_EPOCH + micros * _MICROSECOND).isoformat(timespec='microseconds')}Z"
    except OverflowError:
        return None


def text(value: Any) -> str | None:
    """Return a value as a text column holds it; containers do not fit."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


be_thorough()


def masked_name(name: str) -> str:
    """Return a name, masked: of a span, an event, a type, an attribute. Each is looked at once."""
    return _known_name(name) if len(name) <= _NAME_LENGTH else mask_text(name)


_NAME_LENGTH: Final = 200
_known_name: Final = lru_cache(maxsize=8192)(mask_text)


def masked_text(value: Any) -> str | None:
    """Return a value as a text column holds it, without what must not be shown."""
    plain = text(value)
    return None if plain is None else mask_text(plain)


def only(value: Any) -> Any:
    """Return the one value of a list that holds one: instrumentations write headers as lists."""
    return value[0] if value.__class__ is list and len(value) == 1 else value


def money(value: Any) -> Decimal | None:
    """Return an amount as DECIMAL(18, 4) holds it."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        amount = Decimal(str(value))
        # Compared before it is rounded: 1e999999 must not become a million digits.
        if not amount.is_finite() or abs(amount) >= _MONEY_LIMIT:
            return None
        return amount.quantize(_CENT_PART)
    except (ArithmeticError, ValueError):
        return None


def int32(value: Any) -> int | None:
    """Return a whole number from 0 that fits 32 bits."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 10):  # noqa: PLR2004
            return None
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT32
    return value if fits else None


def map_index(value: Any) -> str | None:
    """Return which of several tasks a value names; Airflow writes -1 for a task that is the only one."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def whole(value: Any) -> int | None:
    """Return an integer that fits 64 bits, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    if isinstance(value, str) and not (len(value) < 20 and value.isascii() and value.isdigit()):  # noqa: PLR2004 - 64 bits
        return None
    number = int(value)
    return number if abs(number) < 2**63 else None


def boolean(value: Any) -> bool | None:
    """Return a truth value, also from its name."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def trace_id(value: Any) -> str | None:
    """Return 32 lower-case hex digits."""
    return _hex(value, TRACE_DIGITS)


def span_id(value: Any) -> str | None:
    """Return 16 lower-case hex digits."""
    return _hex(value, SPAN_DIGITS)


def _hex(value: Any, digits: int) -> str | None:
    if not isinstance(value, str) or len(value) != digits or not _HEX.fullmatch(value):
        return None
    value = value.lower()
    return value if value.strip("0") else None


def record_id(value: Any) -> int | None:
    """Return the number behind a record id's hex digits."""
    known = isinstance(value, str) and 0 < len(value) <= SPAN_DIGITS and _HEX.fullmatch(value)
    return int(value, 16) if known else None


def error_class(value: Any) -> str | None:
    """Return one of our error classes."""
    return value if value in ERROR_CLASSES else None


def level(value: Any) -> int | None:
    """Return the severity number of a level's name, or of a bunyan, pino or Python level number."""
    if isinstance(value, str):
        return LEVELS.get(value) or LEVELS.get(value.strip().lower()) or _numeric_level(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _scaled_level(value)


def _numeric_level(value: str) -> int | None:
    return _scaled_level(int(value)) if value.isascii() and value.isdigit() and len(value) < 4 else None  # noqa: PLR2004


def _scaled_level(value: float) -> int | None:
    """Read pino's and bunyan's scale (10 trace to 60 fatal)."""
    if not 10 <= value <= 60:  # noqa: PLR2004
        return None
    return (1, 5, 9, 13, 17, 21)[int(value) // 10 - 1]


def python_level(value: Any) -> int | None:
    """Read Python's scale: 10 debug, 20 info, 30 warning, 40 error, 50 critical."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 60:  # noqa: PLR2004
        return None
    return (1, 5, 9, 13, 17, 21, 21)[int(value) // 10]


def severity_number(value: Any) -> int | None:
    """Return OpenTelemetry's severity number, 1 to 24."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 3 else None  # noqa: PLR2004
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 25  # noqa: PLR2004
    return value if fits else None


def syslog_priority(value: Any) -> int | None:
    """Return the severity number of syslog's 0 (emergency) to 7 (debug)."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return _SYSLOG[number] if 0 <= number < len(_SYSLOG) else None


def depth(value: Any) -> int:
    """Return how many containers lie in each other at the deepest place."""
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        inner, level_now = waiting.pop()
        if isinstance(inner, (dict, list)):
            deepest = max(deepest, level_now)
            waiting.extend(
                (item, level_now + 1) for item in (inner.values() if isinstance(inner, dict) else inner)
            )
    return deepest


def clean_text(text: str) -> str:
    """Return text that can be stored: NUL and lone surrogates become replacement characters."""
    if "\0" in text:
        text = text.replace("\0", "�")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def clean(value: Any) -> Any:
    """Return a parsed value that JSON, Arrow and the store can hold. Not for deep nesting."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -INT64 <= value < INT64:
        return str(value)
    return value
