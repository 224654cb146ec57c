"""PHP: Monolog's lines, and PHP's own error log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from collectors import parse
from collectors.layouts.layout import EVENT, SEVERITY, TIME, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_MONOLOG: Final = re.compile(
    rf"\[(?P<time>{TIME})\] (?P<logger>[\w./-]{{1,100}})\.(?P<level>DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL"
    r"|ALERT|EMERGENCY): (?P<message>.*)",
    re.DOTALL,
)
_EXCEPTION: Final = re.compile(
    r"\[object\] \((?P<type>[\w\\]{1,200}+)\(code: (?P<code>[^)\n]{0,40}+)\): (?P<message>.*)", re.DOTALL
)
_MARK: Final = '"exception":"'
_PLACE: Final = re.compile(r" at (?P<file>[^\s:]{1,400}+):(?P<line>\d{1,7}+)\)?$")
_OWN: Final = re.compile(
    r"(?:\[(?P<time>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d)(?: (?P<zone>[\w/+-]{1,40}+))?\] )?"
    r"PHP (?P<level>Fatal error|Parse error|Recoverable fatal error|Warning|Notice|Deprecated)"
    r": +(?P<message>.*)",
    re.DOTALL,
)
_OWN_LEVELS: Final = {"Warning": "warning", "Notice": "notice", "Deprecated": "notice"}
_UNCAUGHT: Final = re.compile(
    r"(?:PHP )?Uncaught (?P<type>[\w\\]{1,200}+): (?P<message>[^\n]{0,20000})", re.DOTALL
)
_MOST_STARTS: Final = 20


def _monolog(fields: Fields) -> Fields:
    """Divide the message from the context and the extra values, both JSON, that end the line."""
    text = fields[EVENT].rstrip()
    begin = -1
    for _ in range(_MOST_STARTS):
        begin = _next_json(text, begin)
        if begin < 0:
            break
        found = _values(text[begin:])
        if found is not None:
            exception = found.pop("exception", None)
            fields = {**found, **fields, "event": text[:begin].rstrip()}
            return {**fields, **(_exception(exception) if isinstance(exception, str) else {})}
    return {**fields, "event": text}


def _next_json(text: str, behind: int) -> int:
    """Return where the next value in brackets behind a space begins; -1 where there is none."""
    found = [place + 1 for mark in (" {", " [") if (place := text.find(mark, max(behind, 0))) >= 0]
    return min(found, default=-1)


def _values(text: str) -> Fields | None:
    """Return the members of both values, where the text is two JSON values, or one."""
    for cut in (text.rfind(" {"), text.rfind(" ["), len(text)):
        values = [_loaded(part) for part in (text[:cut], text[cut:].strip()) if part] if cut > 0 else []
        if values and all(value is not None for value in values):
            return {key: item for value in values if isinstance(value, dict) for key, item in value.items()}
    return None


def _loaded(text: str) -> Any:
    try:
        return parse.load(text.encode("utf-8", "replace"))
    except parse.UnreadableError:
        return None


def _monolog_body(fields: Fields, text: str) -> Fields:
    """Read what stands below: the stack trace inside the context, or the rest of a message."""
    head, mark, context = fields[EVENT].partition(" {")
    if not mark or _MARK not in context:
        return {**fields, "event": f"{fields['event']}\n{text}"}
    before, _, exception = f"{{{context}\n{text}".partition(_MARK)
    found = _loaded(before.rstrip(", ") + "}")
    fields = {**(found if isinstance(found, dict) else {}), **fields, "event": head}
    return {**fields, **_exception(exception.rpartition('"}')[0] or exception)}


def _exception(text: str) -> Fields:
    """Read `[object] (Type(code: 51): message at /shop.php:27)` and the trace behind it."""
    found = _EXCEPTION.match(text)
    if found is None:
        return {"exception": text}
    kind = found.group("type").replace("\\\\", "\\")
    first, _, rest = found.group("message").partition("\n")
    place = _PLACE.search(first[-500:])
    message = first[: -len(place[0])] if place is not None else first.removesuffix(")")
    trace = [f"{kind}: {message}"]
    trace += [f"at {place['file']}:{place['line']}"] if place is not None else []
    trace += [line for line in rest.split("\n") if line and line != "[stacktrace]"]
    return {
        "exception.type": kind,
        "exception.message": message,
        "exception.stacktrace": "\n".join(trace),
        "exception.code": found.group("code"),
    }


def _own(fields: Fields) -> Fields:
    fields[SEVERITY] = _OWN_LEVELS.get(fields[SEVERITY], "error")
    return fields


def _own_body(fields: Fields, text: str) -> Fields:
    found = _UNCAUGHT.match(fields[EVENT])
    if found is None:
        return {**fields, "event": f"{fields['event']}\n{text}"}
    message = found.group("message").rpartition(" in ")[0] or found.group("message")
    stack = f"{found['type']}: {message}\n{text}"
    return {
        **fields,
        "exception.type": found.group("type"),
        "exception.message": message,
        "exception.stacktrace": stack,
    }


LAYOUTS: Final = (
    by_pattern(
        "Monolog",
        "[",
        _MONOLOG,
        '[2026-11-29T20:00:00.123456+00:00] shop.pay.ERROR: payment declined {"order":"SO-17"} []',
        "[2026-11-29 21:00:00] app.INFO: started",
        finish=_monolog,
        body=_monolog_body,
    ),
    by_pattern(
        "PHP error log",
        "[P",
        _OWN,
        "[29-Nov-2026 21:00:00 Europe/Berlin] PHP Fatal error:  Uncaught Declined: card refused in "
        "/shop.php:3",
        "PHP Warning:  Undefined variable $x in /shop.php on line 3",
        finish=_own,
        body=_own_body,
    ),
)
