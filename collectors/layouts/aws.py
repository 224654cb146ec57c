"""AWS: the text that Lambda's runtimes write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors import parse
from collectors.layouts.layout import EVENT, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_ID: Final = r"(?P<request_id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_TIME: Final = r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
_PYTHON: Final = re.compile(
    rf"\[(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)\]\t{_TIME}\t{_ID}\t(?P<message>.*)", re.DOTALL
)
_NODE: Final = re.compile(
    rf"{_TIME}\t(?:{_ID}|undefined)\t(?P<level>TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\t(?P<message>.*)", re.DOTALL
)
_CRASHED: Final = re.compile(r"\[ERROR\] (?P<message>(?P<type>[A-Za-z_][\w.]{0,200}+): .*)", re.DOTALL)
_PLATFORM: Final = re.compile(rf"(?P<event>START|END|REPORT) RequestId: {_ID}(?P<rest>.*)", re.DOTALL)
_TIMEOUT: Final = re.compile(rf"{_TIME} {_ID} (?P<message>Task timed out after .*)", re.DOTALL)


def _node(fields: Fields) -> Fields:
    """Read what Node's runtime writes of an exception: a title, and JSON with the stack."""
    title, tab, data = fields[EVENT].partition("\t")
    if not tab or not data.startswith("{"):
        return fields
    try:
        value = parse.load(data.encode("utf-8", "replace"))
    except parse.UnreadableError:
        return fields
    stack = value.get("stack")
    return {
        **fields,
        "event": title.strip(),
        "exception.type": value.get("errorType"),
        "exception.message": value.get("errorMessage"),
        "exception.stacktrace": "\n".join(map(str, stack)) if isinstance(stack, list) else None,
    }


def _crashed(fields: Fields) -> Fields:
    kind = fields.pop("type")
    return {
        **fields,
        "level": "error",
        "exception.type": kind,
        "exception.message": fields[EVENT][len(kind) + 2 :],
    }


def _crashed_body(fields: Fields, text: str) -> Fields:
    stack = f"{text.rstrip()}\n{fields['event']}"
    return {**fields, "exception.stacktrace": stack}


def _platform(fields: Fields) -> Fields:
    text = f"{fields.pop('event')} RequestId: {fields['request_id']}{fields.pop('rest', '')}"
    return {**fields, "level": "info", "event": text.rstrip()}


def _timeout(fields: Fields) -> Fields:
    return {
        **fields,
        "level": "error",
        "exception.type": "TimeoutError",
        "exception.message": fields[EVENT],
    }


LAYOUTS: Final = (
    by_pattern(
        "AWS Lambda, Python",
        "[",
        _PYTHON,
        "[ERROR]\t2026-11-29T20:00:00.123Z\t8f507cfc-1b2c-4d3e-9f4a-0a1b2c3d4e5f\tpayment declined",
    ),
    by_pattern(
        "AWS Lambda, Python, unhandled",
        "[",
        _CRASHED,
        "[ERROR] Declined: card refused",
        finish=_crashed,
        body=_crashed_body,
    ),
    by_pattern(
        "AWS Lambda, Node",
        "0123456789",
        _NODE,
        "2026-11-29T20:00:00.123Z\t8f507cfc-1b2c-4d3e-9f4a-0a1b2c3d4e5f\tERROR\tpayment declined",
        finish=_node,
    ),
    by_pattern(
        "AWS Lambda, platform",
        "SER",
        _PLATFORM,
        "START RequestId: 8f507cfc-1b2c-4d3e-9f4a-0a1b2c3d4e5f Version: $LATEST",
        finish=_platform,
    ),
    by_pattern(
        "AWS Lambda, time-out",
        "0123456789",
        _TIMEOUT,
        "2026-11-29T20:00:00.123Z 8f507cfc-1b2c-4d3e-9f4a-0a1b2c3d4e5f Task timed out after 3.00 seconds",
        finish=_timeout,
    ),
)
