"""syslog: RFC 5424, RFC 3164, rsyslog's files, Heroku's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts.layout import ASCTIME, EVENT, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_NUMBERS: Final = {name: number for number, name in enumerate(_MONTHS.split("|"), 1)}
_PID: Final = r"(?:\[(?P<pid>[\w.-]{1,40}+)\])?"
_TAG: Final = rf"(?P<logger>[^\s:\[\]<>|]{{1,100}}+){_PID}: ?(?P<message>.*)"

_BSD: Final = re.compile(
    rf"(?:<(?P<priority>\d{{1,3}})>)?(?P<month>{_MONTHS}) (?P<day>[ \d]\d) (?P<clock>\d\d:\d\d:\d\d) "
    rf"(?P<host>\S{{1,255}}+) {_TAG}",
    re.DOTALL,
)
_ISO: Final = r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
_FILE: Final = re.compile(
    rf"(?:<(?P<priority>\d{{1,3}})>)?{_ISO} (?P<host>[\w.:-]{{1,255}}+) {_TAG}", re.DOTALL
)
_HEROKU: Final = re.compile(
    rf"{_ISO} (?P<logger>heroku|app)\[(?P<pid>[\w.-]{{1,40}}+)\]: (?P<message>.*)", re.DOTALL
)
_NEW: Final = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<time>\S{1,40}+) (?P<host>\S{1,255}+) (?P<logger>\S{1,100}+) "
    r"(?P<pid>\S{1,200}+) "
    r"(?P<id>\S{1,100}+) (?P<data>-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*+\")*+\])++) ?(?P<message>.*)",
    re.DOTALL,
)
_PARAMETER: Final = re.compile(r"[^\"]{0,200}?(?P<name>[^\s=\"\[\]]{1,64}+)=\"(?P<value>(?:[^\"\\]|\\.)*+)\"")
_MOST_PARAMETERS: Final = 100
_ESCAPES: Final = (("#012", "\n"), ("#011", "\t"), ("#015", "\r"), ("#033", "\x1b"))
"""How rsyslog writes control characters."""


def _common(fields: Fields) -> Fields:
    priority = fields.pop("priority", None)
    if priority is not None:
        fields["PRIORITY"] = str(int(priority) % 8)
    if fields.get("process.pid") == "-":
        del fields["process.pid"]
    text = fields[EVENT].removeprefix("\ufeff").lstrip(" ")
    for escape, letter in _ESCAPES:
        text = text.replace(escape, letter)
    return {**fields, "event": text.rstrip("\n")}


def _bsd(fields: Fields) -> Fields:
    month, day = _NUMBERS[fields.pop("month")], int(fields.pop("day"))
    # The year is put on where the time of arrival is known.
    fields[ASCTIME] = f"--{month:02}-{day:02}T{fields.pop('clock')}"
    return _common(fields)


def _new(fields: Fields) -> Fields:
    data, at = fields.pop("data"), 0
    found: Fields = {}
    for _ in range(_MOST_PARAMETERS):
        match = _PARAMETER.match(data, at)
        if match is None:
            break
        found[match.group("name")] = (
            match.group("value").replace('\\"', '"').replace("\\]", "]").replace("\\\\", "\\")
        )
        at = match.end()
    message_id = fields.pop("id")
    if message_id != "-":
        found["syslog.msgid"] = message_id
    if fields[ASCTIME] == "-":
        del fields[ASCTIME]
    return {**found, **_common(fields)}


LAYOUTS: Final = (
    by_pattern(
        "syslog, RFC 5424",
        "<",
        _NEW,
        "<11>1 2026-11-29T20:00:00.123Z host shop 12 - - no answer",
        '<165>1 2026-11-29T21:00:00.000003+01:00 host evntslog - ID47 [ex@32473 order="SO-17"] An event',
        finish=_new,
        wraps=True,
    ),
    by_pattern(
        "syslog, RFC 3164",
        "<JFMASOND",
        _BSD,
        "Nov 29 21:00:00 host shop[12]: no answer",
        "<11>Nov  9 21:00:00 host shop: no answer",
        finish=_bsd,
        wraps=True,
    ),
    by_pattern(
        "Heroku",
        "0123456789",
        _HEROKU,
        '2026-11-29T20:00:00.123456+00:00 heroku[router]: at=error code=H12 desc="Request timeout" '
        "status=503",
        "2026-11-29T20:00:00.123456+00:00 app[web.1]: started",
        finish=_common,
        wraps=True,
    ),
    by_pattern(
        "syslog, rsyslog's file format",
        "<0123456789",
        _FILE,
        "2026-11-29T21:00:00.123456+01:00 host shop[12]: no answer",
        finish=_common,
        wraps=True,
    ),
)
