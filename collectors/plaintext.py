"""Plain-text log lines of the common layouts to fields. A layout that nobody knows is a message."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from collectors import tracebacks
from collectors.values import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

    Fields = dict[str, Any]

_LEVEL: Final = (
    r"(?:TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARN(?:ING)?|ERR(?:OR)?|SEVERE|CRIT(?:ICAL)?"
    r"|FATAL|ALERT|EMERG(?:ENCY)?"
    r"|trace|debug|info|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|alert|emerg)"
)
_TIMED: Final = re.compile(
    r"\[?(?P<time>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d"
    r"(?:[.,]\d{1,9})?(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)\]?"
    r"[\s|:-]*(?P<rest>.*)",
    re.DOTALL,
)
_LEVEL_FIRST: Final = re.compile(
    rf"[\[<]?(?P<level>{_LEVEL})\b[\]>]?(?:\s+in\s+(?P<module>[\w.]+):)?[\s|:-]*(?P<rest>.*)", re.DOTALL
)
_LOGGER_THEN_LEVEL: Final = re.compile(
    rf"\[?(?P<logger>[\w.$/-]{{1,100}})\]?(?::\d+)?(?:\s+[|:-]\s+|\s+|:)"
    rf"[\[<]?(?P<level>{_LEVEL})[\]>]?(?:\s+[|:-]|:|\s)\s*(?P<rest>.*)",
    re.DOTALL,
)
_LOGURU_PLACE: Final = re.compile(
    r"(?P<logger>[\w.<>]+):(?P<function>[\w<>]+):(?P<line>\d+) - (?P<rest>.*)", re.DOTALL
)
_BASIC: Final = re.compile(
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[\w.-]+):(?P<rest>.*)", re.DOTALL
)
_SYSLOG: Final = re.compile(
    r"(?:<(?P<priority>\d{1,3})>)?"
    r"(?P<time>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d) "
    r"(?P<host>\S+) (?P<logger>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: ?(?P<rest>.*)",
    re.DOTALL,
)
_SYSLOG_5424: Final = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<logger>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r"(?:-|(?:\[[^\]]*\])+) ?(?P<rest>.*)",
    re.DOTALL,
)
_ACCESS: Final = re.compile(
    r"(?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+|-)'
)
_CONTINUES: Final = (
    "During handling of the above",
    "The above exception was",
    "Caused by:",
    "  + Exception Group",
)
_JAVA: Final = re.compile(r"(?:[\w$]+\.)+[\w$]*(?:Exception|Error)\b")
_WARNING: Final = 13
_BAD_REQUEST: Final = 500


def continues(line: str, group: list[str]) -> bool:
    """Tell whether a line belongs to the record that `group` began: part of a stack trace, or indented."""
    if not group:
        return False
    if not line.strip():
        return any(tracebacks.HEAD in part for part in group[-50:]) and not _told(group)
    if line[0] in " \t" or line.startswith(_CONTINUES) or _JAVA.match(line):
        return True
    if line.startswith(tracebacks.HEAD):
        return _may_fail(group[0]) or _told(group)
    if not any(tracebacks.HEAD in part for part in group[:200] + group[-50:]):
        return False
    # After the last frame comes the exception; its message may go on over lines that look like no record.
    return group[-1][:1] in (" ", "\t") or (_has_layout(group[0]) and not _has_layout(line))


def _told(group: list[str]) -> bool:
    """Tell whether a traceback in the group has come to its last line and a link to the next one."""
    return any(part.startswith(_CONTINUES) for part in group[-2:])


def _has_layout(line: str) -> bool:
    return any(pattern.match(line) for pattern, _ in _LAYOUTS)


def _may_fail(head: str) -> bool:
    """Tell whether a traceback can belong to this line: not to one that says all is well."""
    level = read(head).get("level")
    return level is None or LEVELS.get(str(level), _WARNING) >= _WARNING


def read(text: str) -> Fields:
    """Return the fields of one record: a line, and the stack trace under it."""
    head, newline, tail = text.partition("\n")
    fields = _read_head(head)
    if tracebacks.HEAD in text:
        at = text.index(tracebacks.HEAD)
        fields["exception"] = text[at:].rstrip()
        if at == 0:
            fields["event"] = fields["exception"].rsplit("\n", 1)[-1]
            fields["level"] = "error"
            return fields
        tail = text[len(head) + 1 : at].rstrip("\n")
    elif newline and _looks_like_stack(tail):
        fields["exception"], tail = tail, ""
    if tail.strip():
        fields["event"] = f"{fields['event']}\n{tail.rstrip()}"
    return fields


def _looks_like_stack(tail: str) -> bool:
    return bool(_JAVA.match(tail)) and "\n\tat " in tail


def _read_head(head: str) -> Fields:
    for pattern, make in _LAYOUTS:
        match = pattern.match(head)
        if match is not None:
            return make(match.groupdict())
    return {"event": head}


def _timed(found: Fields) -> Fields:
    fields: Fields = {"asctime": found["time"].replace("/", "-")}
    rest = found["rest"]
    match = _LEVEL_FIRST.match(rest) or _LOGGER_THEN_LEVEL.match(rest)
    if match is None:
        return {**fields, "event": rest}
    fields["level"] = match["level"].lower()
    named = match.groupdict()
    if logger := named.get("logger") or named.get("module"):
        fields["logger"] = logger
    place = _LOGURU_PLACE.match(match["rest"])
    if place is not None:
        fields |= {"logger": place["logger"], "code.function.name": place["function"]}
        return {**fields, "code.line.number": int(place["line"]), "event": place["rest"]}
    return {**fields, "event": match["rest"]}


def _basic(found: Fields) -> Fields:
    return {"level": found["level"].lower(), "logger": found["logger"], "event": found["rest"]}


def _levelled(found: Fields) -> Fields:
    return {"level": found["level"].lower(), "event": found["rest"]}


def _syslog(found: Fields) -> Fields:
    fields = {"logger": found["logger"], "host.name": found["host"], "event": found["rest"]}
    if (found["pid"] or "-") != "-":
        fields["process.pid"] = found["pid"]
    if found["priority"]:
        fields["PRIORITY"] = str(int(found["priority"]) % 8)
    time = found["time"]
    fields["asctime"] = _with_year(time) if time[:1].isalpha() else time
    return fields


def _with_year(time: str) -> str:
    """Put the year on a BSD syslog time, which has none: this one, or the last around New Year."""
    now = datetime.now(UTC)
    try:
        moment = datetime.strptime(f"{now.year} {time}", "%Y %b %d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return time
    ahead = (moment - now.replace(tzinfo=None)).days > 1
    return moment.replace(year=now.year - 1 if ahead else now.year).isoformat()


def _access(found: Fields) -> Fields:
    status = int(found["status"])
    return {
        "asctime": found["time"],
        "level": "warning" if status >= _BAD_REQUEST else "info",
        "event": f"{found['request']} {status}",
        "client.address": found["client"],
        "http.response.status_code": status,
    }


_LAYOUTS: Final[tuple[tuple[re.Pattern[str], Callable[[Fields], Fields]], ...]] = (
    (_TIMED, _timed),
    (_BASIC, _basic),
    (_SYSLOG_5424, _syslog),
    (_SYSLOG, _syslog),
    (_ACCESS, _access),
    (
        re.compile(
            r"\[?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\]?"
            r"(?::\s|\s+[|:-]\s+|\s)\s*(?P<rest>.*)",
            re.DOTALL,
        ),
        _levelled,
    ),
)
