"""What becomes of each name that log records are known to carry: a text column, or a treatment of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from collectors import fields as names
from collectors import tracebacks, values
from collectors.log_columns import (
    DATA,
    ERROR_TYPE,
    EXCEPTION_MESSAGE,
    LOGGER,
    MESSAGE,
    NUMBER,
    OUTCOME,
    RECORD_ID,
    STACKTRACE,
    TIME,
    L,
)
from collectors.values import only, text
from unsnag import conventions as words
from unsnag.class_codes import GRPC_NUMBERS
from unsnag.classification import Evidence, Verdict, decide
from unsnag.glance import suspicious
from unsnag.masking import mask_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.fields import Fields
    from collectors.normalise import Normaliser

    Row = list[Any]
    Special = Callable[[Normaliser, Row, Fields, str, Any], None]
    """Places a value in its column of the row, or leaves it in the rest."""


def take_time(n: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
    """Take the record's time."""
    if row[TIME] is not None:
        rest[key] = value
    elif value is not None:
        n.set_time(row, rest, value, _gcp_micros(value) or n.micros(value, n.zone))


def _gcp_micros(value: Any) -> int | None:
    """Read Google's `{"seconds": ..., "nanos": ...}`."""
    if value.__class__ is not dict or not isinstance(value.get("seconds"), int):
        return None
    nanos = value.get("nanos")
    return int(value["seconds"] * 1_000_000 + (nanos if isinstance(nanos, int) else 0) // 1000)


def take_level(n: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
    """Take a level's name or number."""
    number = values.level(value)
    if number is None:
        _take_odd(n, row, rest, key, value)
    elif row[NUMBER] is None:
        row[NUMBER] = number


def _take_odd(n: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
    if value.__class__ is dict:
        n.nested(row, rest, key, value)
    elif value is not None:
        rest[key] = value


def take_exception(n: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
    """Take an exception given as text or as an object."""
    if value is None or value.__class__ is bool:
        return
    if value.__class__ is str and key in {"error", "err"} and "\n" not in value:
        rest[key] = value
        if row[EXCEPTION_MESSAGE] is None:
            row[EXCEPTION_MESSAGE] = value
        return
    parts = tracebacks.of_value(value)
    if parts == (None, None, None):
        rest[key] = value
        return
    for column, part in zip((ERROR_TYPE, EXCEPTION_MESSAGE, STACKTRACE), parts, strict=True):
        if row[column] is None:
            row[column] = part
    if value.__class__ is dict:
        n.nested(row, rest, key, {k: v for k, v in value.items() if v not in parts})


def take_data(_: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
    """Take what an operator needs to know of a failed unit."""
    if value.__class__ is dict:
        row[DATA] = dumped(mask_value("", value) if suspicious(dumped(value)) else value).decode()
    elif value is not None:
        rest[key] = value


def take_outcome(_: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
    """Take the unit's own signal."""
    if value in (words.OUTCOME_SUCCESS, words.OUTCOME_PROGRESS, words.OUTCOME_FAILED):
        row[OUTCOME] = value
    else:
        rest[key] = value


def take_record_id(_: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
    """Take the identity that the client gave."""
    number = values.record_id(value)
    if number is None:
        rest[key] = value
    else:
        row[RECORD_ID] = number


def take_renamed(_: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:  # noqa: ARG001 - as the others
    """Take a deprecated name under today's."""
    rest[names.RENAMED[key]] = value


def _converted(column: int, convert: Callable[[Any], Any]) -> Special:
    def take(_: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
        fit = convert(value) if row[column] is None else None
        if fit is not None:
            row[column] = fit
        elif value is not None and value != "":
            rest[key] = value

    return take


def _slots() -> dict[str, Any]:
    """Return what becomes of each known name: a text column's number, or a function."""
    slots: dict[str, Any] = {}
    for column, known in (names.TEXT | names.LOG_TEXT).items():
        slots |= dict.fromkeys(known, L[column])
    for name, (column, convert) in (names.CONVERTED | names.LOG_CONVERTED).items():
        slots[name] = _converted(L[column], convert)
    slots |= dict.fromkeys(names.LEVEL_NUMBER, _converted(NUMBER, values.severity_number))
    slots |= dict.fromkeys(names.PYTHON_LEVEL, _converted(NUMBER, values.python_level))
    slots |= dict.fromkeys(names.SYSLOG_LEVEL, _converted(NUMBER, values.syslog_priority))
    slots |= dict.fromkeys(names.TIME, take_time)
    slots |= dict.fromkeys(names.LEVEL, take_level)
    slots |= dict.fromkeys(names.EXCEPTION, take_exception)
    slots |= dict.fromkeys(names.RENAMED, take_renamed)
    slots[words.DATA] = take_data
    slots[words.OUTCOME] = take_outcome
    slots[words.RECORD_ID] = take_record_id
    return slots


SLOTS: Final = _slots()


def weak_message(row: Row, rest: Fields) -> None:
    """Take the message from a name that may mean something else, or from the exception."""
    for name in names.WEAK_MESSAGE:
        value = rest.get(name)
        if value is not None and value != "":
            row[MESSAGE] = value if value.__class__ is str else dumped(value).decode()
            del rest[name]
            return
    row[MESSAGE] = row[EXCEPTION_MESSAGE] or row[ERROR_TYPE] or ""


def weak_logger(row: Row, rest: Fields, fields: Fields) -> None:
    """Take the logger from `name`, in records of libraries that call it so."""
    if rest["name"].__class__ is str and not names.NAMED_LOGGERS.isdisjoint(fields):
        row[LOGGER] = rest.pop("name")


def alias(rest: Fields, known: tuple[str, ...]) -> str | None:
    """Return the text of the first of these names that the record carries."""
    for name in known:
        if name in rest:
            return text(only(rest[name]))
    return None


def verdict_of(kind: str | None, message: str, rest: Fields) -> Verdict:
    """Return the class of an error that nobody classified, with the rule that decided."""
    return decide(Evidence(kind or "", message or "", http_status(rest), codes=_codes(rest)))


def _codes(rest: Fields) -> dict[str, str]:
    """Return the codes that OpenTelemetry's attributes carry, by the table that knows them."""
    number, state = values.int32(rest.get("rpc.grpc.status_code")), rest.get("db.response.status_code")
    has_number = number is not None and 0 < number < len(GRPC_NUMBERS)
    grpc = {"grpc": GRPC_NUMBERS[number or 0]} if has_number else {}
    return grpc | ({"sqlstate": state} if isinstance(state, str) and len(state) == _SQLSTATE else {})


_SQLSTATE: Final = 5


def http_status(rest: Fields) -> int | None:
    """Return the status of the answer that a record speaks of."""
    return next((values.int32(rest[name]) for name in names.HTTP_STATUS if name in rest), None)


def dumped(value: Any) -> bytes:
    """Return a value as JSON, whatever it is."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(values.clean(value), default=str)
