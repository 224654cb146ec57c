""".NET: the console of Microsoft.Extensions.Logging, and Serilog's text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts import pairs
from collectors.layouts.layout import ASCTIME, CLOCK, EVENT, SEVERITY, TIME, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_CONSOLE: Final = re.compile(
    rf"(?:\[?(?P<time>{TIME}|{CLOCK})\]? ?)?(?P<level>trce|dbug|info|warn|fail|crit): "
    r"(?P<logger>[^\s\[]{1,200}+)\[(?P<event_id>-?\d{1,10})\](?: (?P<message>.*))?",
    re.DOTALL,
)
_LEVELS: Final = {
    "trce": "trace", "dbug": "debug", "info": "info", "warn": "warning", "fail": "error", "crit": "critical",
    "VRB": "trace", "DBG": "debug", "INF": "info", "WRN": "warning", "ERR": "error", "FTL": "fatal",
}  # fmt: skip
_SERILOG: Final = re.compile(
    rf"(?:\[(?P<clock>{CLOCK}) |(?P<time>{TIME}) \[)(?P<level>VRB|DBG|INF|WRN|ERR|FTL)\] (?P<message>.*)",
    re.DOTALL,
)
_EXCEPTION: Final = re.compile(r"[A-Za-z_][\w`+]{0,100}+(?:\.[\w`+]{1,100}+){0,20}+: ")
_INDENT: Final = "      "
_SCOPE: Final = "=> "


def _short(fields: Fields) -> Fields:
    fields[SEVERITY] = _LEVELS[fields[SEVERITY]]
    clock = fields.pop("clock", None) or fields.get("asctime")
    if clock is not None and clock[2:3] == ":":
        fields[ASCTIME] = f"T{clock}"
    return fields


def _console_body(fields: Fields, text: str) -> Fields:
    """Read the lines below the head: scopes, the message, an exception; each is indented by six spaces."""
    lines = [line.removeprefix(_INDENT) for line in text.split("\n")]
    while lines and lines[0].startswith(_SCOPE):
        fields = {**_scopes(lines.pop(0)), **fields}
    return _split(fields, [fields[EVENT], *lines] if fields[EVENT] else lines)


def _scopes(line: str) -> Fields:
    """Return the pairs of the scopes: `=> order:SO-17 => RequestId:0HM, RequestPath:/pay`."""
    text = line.replace(_SCOPE, " ").replace(", ", " ")
    return pairs.unquoted(" " + " ".join(word.replace(":", "=", 1) for word in text.split()))[1]


def _serilog_body(fields: Fields, text: str) -> Fields:
    return _split(fields, [fields[EVENT], *text.split("\n")])


def _split(fields: Fields, lines: list[str]) -> Fields:
    """Divide the lines of a message from those of the exception below it."""
    first = next((at for at, line in enumerate(lines) if line.startswith("   at ")), None)
    if first is None:
        return {**fields, "event": "\n".join(lines).rstrip()}
    at = next((n for n in range(1, first + 1) if _EXCEPTION.match(lines[n])), max(first - 1, 0))
    return {**fields, "event": "\n".join(lines[:at]).rstrip(), "exception": "\n".join(lines[at:]).rstrip()}


LAYOUTS: Final = (
    by_pattern(
        ".NET console",
        "tdiwfc[0123456789",
        _CONSOLE,
        "fail: Shop.Pay[0]",
        "info: Microsoft.Hosting.Lifetime[14]",
        "2026-11-29 21:00:00 warn: Shop.Pay[7] slow",
        finish=_short,
        body=_console_body,
    ),
    by_pattern(
        "Serilog text",
        "[0123456789",
        _SERILOG,
        "[21:00:00 ERR] payment declined",
        "2026-11-29 21:00:00.123 +01:00 [WRN] slow",
        finish=_short,
        body=_serilog_body,
    ),
)
