"""Lines with a time, a level and a logger in some order: what most home-made formats are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts.layout import (
    ASCTIME,
    CLOCK,
    DIGITS,
    EVENT,
    LETTERS,
    LEVEL,
    LOGGER,
    SEVERITY,
    TIME,
    Layout,
    by_pattern,
)

if TYPE_CHECKING:
    from collectors.fields import Fields


_TIMED: Final = re.compile(rf"\[?(?P<time>{TIME})\]?[\s|:-]*(?P<rest>.*)", re.DOTALL)
_BEHIND: Final = r"(?: ?[AaPp]\.?[Mm]\.?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)\]?[\s|:-]*(?P<rest>.*)"
_WEEKDAY: Final = r"(?:[^\W\d_]{2,12}+\.?,? )?"
_WRITTEN: Final = re.compile(
    rf"\[?(?P<time>{_WEEKDAY}\d{{1,2}}(?:\. ?|[ /-])(?:[^\W\d_]{{3,12}}+\.?|\d{{1,2}})[ ./-]\d{{4}}"
    rf"[ T,:]{{1,2}}{CLOCK}{_BEHIND}",
    re.DOTALL,
)
_MONTH_FIRST: Final = re.compile(
    rf"\[?(?P<time>{_WEEKDAY}[^\W\d_]{{3,12}}+\.? {{1,2}}\d{{1,2}},? \d{{4}},? \d{{1,2}}:\d\d:\d\d{_BEHIND}",
    re.DOTALL,
)
_CLOCKED: Final = re.compile(
    rf"\[?(?:(?P<clock>{CLOCK})|(?P<epoch>\d{{10}}(?:\.\d{{1,9}})?|\d{{13}}|\d{{16}}|\d{{19}}))\]?[\s|:-]+(?P<rest>.*)",
    re.DOTALL,
)
_LEVEL_FIRST: Final = re.compile(
    rf"[\[<]?(?P<level>{LEVEL})\b[\]>]?(?:\s+in\s+(?P<module>[\w.]+):)?[\s|:-]*(?P<rest>.*)", re.DOTALL
)
_LOGGER_THEN_LEVEL: Final = re.compile(
    rf"\[?(?P<logger>[\w.$/-]{{1,100}})\]?(?::\d+)?(?:\s++[|:-]\s++|\s++|:)"
    rf"[\[<]?(?P<level>{LEVEL})[\]>]?(?:\s++[|:-]|:|\s)\s*+(?P<rest>.*)",
    re.DOTALL,
)
_LOGURU_PLACE: Final = re.compile(
    r"(?P<logger>[\w.<>]+):(?P<function>[\w<>]+):(?P<line>\d+) - (?P<rest>.*)", re.DOTALL
)
_LEVELLED: Final = re.compile(
    r"\[?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\]?"
    r"(?::\s|\s+[|:-]\s+|\s)\s*(?P<message>.*)",
    re.DOTALL,
)


def _timed(line: str) -> Fields | None:
    found = _TIMED.match(line)
    if found is not None:
        return _level_and_logger({ASCTIME: found.group("time").replace("/", "-")}, found.group("rest"))
    found = _WRITTEN.match(line) or _MONTH_FIRST.match(line)
    if found is not None:
        return _level_and_logger({ASCTIME: found.group("time")}, found.group("rest"))
    return None


def _clocked(line: str) -> Fields | None:
    """Read a line that begins with a time of day or an epoch, if a level follows: numbers are common."""
    found = _CLOCKED.match(line)
    if found is None:
        return None
    epoch = found.group("epoch")
    time = f"T{found.group('clock')}" if epoch is None else float(epoch) if "." in epoch else int(epoch)
    fields = _level_and_logger({ASCTIME: time}, found.group("rest"))
    return fields if SEVERITY in fields else None


def _level_and_logger(fields: Fields, rest: str) -> Fields:
    match = _LEVEL_FIRST.match(rest) or _LOGGER_THEN_LEVEL.match(rest)
    if match is None:
        return {**fields, EVENT: rest}
    fields[SEVERITY] = match.group("level").lower()
    named = match.groupdict()
    if logger := named.get("logger") or named.get("module"):
        fields[LOGGER] = logger
    place = _LOGURU_PLACE.match(match.group("rest"))
    if place is not None:
        fields |= {LOGGER: place.group("logger"), "code.function.name": place.group("function")}
        return {**fields, "code.line.number": int(place.group("line")), EVENT: place.group("rest")}
    return {**fields, EVENT: match.group("rest")}


LAYOUTS: Final = (
    Layout(
        "a time, then level and logger in any order",
        "[" + DIGITS + LETTERS,
        _timed,
        (
            "2026-11-29 21:00:00,123 - shop.pay - ERROR - payment declined",
            "2026-11-29 21:00:00.123 | ERROR    | shop.pay:run:12 - payment declined",
            "2026/11/29 21:00:00 [error] 12#0: *1 connect() failed",
            "29. Nov. 2026 21:00:00 FEHLER shop.pay: nicht bezahlt",
            "Nov 29, 2026 9:00:00 PM ERROR payment declined",
        ),
        wraps=True,
        is_general=True,
    ),
    Layout(
        "a time of day or an epoch, then a level",
        "[" + DIGITS,
        _clocked,
        ("21:00:00,123 ERROR shop.pay: payment declined", "1795982400.123 [error] payment declined"),
        is_general=True,
    ),
    by_pattern(
        "a level, then the message",
        "[" + LETTERS,
        _LEVELLED,
        "ERROR: payment declined",
        is_general=True,
    ),
)
