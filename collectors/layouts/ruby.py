"""Ruby: the standard Logger, and Rails on top of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts.layout import EVENT, SEVERITY, TIME, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_LOGGER: Final = re.compile(
    rf"[DIWEFA], \[(?P<time>{TIME}) #(?P<pid>\d{{1,10}})\] +(?P<level>DEBUG|INFO|WARN|ERROR|FATAL|ANY) -- "
    r"(?P<logger>[^:\n]{0,200}+): ?(?P<message>.*)",
    re.DOTALL,
)
_REQUEST: Final = re.compile(r"\[(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\] ?")
_FAILED: Final = re.compile(r"(?P<message>[^\n]{0,20000}) \((?P<type>[A-Z][\w:]{0,200}+)\)$")
_RAILS: Final = re.compile(r"(?P<type>[A-Z][\w:]{0,200}+) \((?P<message>[^\n]{0,20000})\):?$")
_FRAME: Final = re.compile(r"\s{0,8}[^\s:]{1,400}+:\d{1,7}+:in ['`]")


def _read(fields: Fields) -> Fields:
    if fields[SEVERITY] == "ANY":
        fields[SEVERITY] = "error"  # Logger::UNKNOWN: always shown, whatever the level is
    request = _REQUEST.match(fields[EVENT])
    if request is not None:
        fields |= {"request_id": request.group("id"), "event": fields[EVENT][request.end() :]}
    return fields


def _owns(line: str) -> bool:
    return bool(_FRAME.match(line) or _RAILS.match(line))


def _body(fields: Fields, text: str) -> Fields:
    """Read a message with a backtrace below it: `message (Type)`, or Rails' `Type (message):`."""
    lines = [fields[EVENT], *text.split("\n")]
    first = next((at for at, line in enumerate(lines) if _FRAME.match(line)), None)
    if first is None:
        return {**fields, "event": "\n".join(lines).strip()}
    head = [line for line in lines[:first] if line.strip()]
    for pattern in (_FAILED, _RAILS):
        found = pattern.match(head[-1]) if head else None
        if found is not None:
            fields |= {"exception.type": found.group("type"), "exception.message": found.group("message")}
            head[-1] = found.group("message")
            break
    return {**fields, "event": "\n".join(head), "exception.stacktrace": "\n".join(lines).strip()}


LAYOUTS: Final = (
    by_pattern(
        "Ruby and Rails logger",
        "DIWEFA",
        _LOGGER,
        "E, [2026-11-29T21:00:00.123456 #4711] ERROR -- shop: card refused (Declined)",
        "I, [2026-11-29T21:00:00.123456 #4711]  INFO -- : [2f1b6c0e-5a4d-4c3b-9a2f-0d1e2f3a4b5c] Started "
        'GET "/pay"',
        finish=_read,
        body=_body,
        owns=_owns,
    ),
)
