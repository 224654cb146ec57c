"""Web servers: Apache's error log, and the access log that Apache, nginx and others share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts.layout import ASCTIME, EVENT, SEVERITY, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_DAY: Final = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \d{4})"
)
_ERROR: Final = re.compile(
    rf"\[{_DAY}\] \[(?:(?P<logger>\w{{0,40}}+):)?(?P<level>emerg|alert|crit|error|warn"
    r"|notice|info|debug|trace[1-8])\] "
    r"(?:\[pid (?P<pid>\d{1,10}+)(?::tid (?P<thread>\d{1,20}+))?\] )?(?P<message>.*)",
    re.DOTALL,
)
_CLIENT: Final = re.compile(r"\[(?:client|remote) (?P<client>[^\]\s]{1,80}+)\] ")
_CODE: Final = re.compile(r"(?P<code>AH\d{5}): ")
_ACCESS: Final = re.compile(
    r"(?P<client>[^\s]{1,100}+) [^\s]{1,100}+ (?P<user>[^\s]{1,200}+) "
    r"\[(?P<time>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d{1,20}+|-)'
)
_BAD_REQUEST: Final = 500


def _error(fields: Fields) -> Fields:
    if fields[SEVERITY].startswith("trace"):
        fields[SEVERITY] = "trace"
    text = fields[EVENT]
    # The client stands before the message or, where the system reports a fault, behind it.
    client = _CLIENT.match(text)
    at = text.find("[client ") if client is None else 0
    client = client or (_CLIENT.match(text, at) if 0 <= at <= 300 else None)  # noqa: PLR2004
    if client is not None:
        fields["client.address"] = client["client"]
        text = text[:at] + text[client.end() :]
    code = _CODE.match(text)
    if code is not None:
        fields["error.code"] = code["code"]
    return {**fields, "event": text}


def _access(fields: Fields) -> Fields:
    status = int(fields["status"])
    return {
        "asctime": fields[ASCTIME],
        "level": "warning" if status >= _BAD_REQUEST else "info",
        "event": f"{fields['request']} {status}",
        "client.address": fields["client.address"],
        "http.response.status_code": status,
    }


LAYOUTS: Final = (
    by_pattern(
        "Apache error log",
        "[",
        _ERROR,
        "[Sun Nov 29 21:00:00.123456 2026] [core:error] [pid 12:tid 140] [client 10.0.0.1:4711] AH00126: "
        "Invalid URI",
        "[Sun Nov 29 21:00:00 2026] [error] [client 10.0.0.1] File does not exist: /srv/x",
        finish=_error,
    ),
    by_pattern(
        "access log",
        "0123456789abcdefghijklmnopqrstuvwxyz:",
        _ACCESS,
        '10.0.0.1 - - [29/Nov/2026:21:00:00 +0100] "GET /pay HTTP/1.1" 502 12 "-" "curl"',
        finish=_access,
    ),
)
