"""W3C Trace Context and Baggage: how a unit's identity travels to other programs.

The same three texts travel as HTTP headers and, in capitals, as environment variables.
Baggage carries only what `conventions.BAGGAGE_KEYS` names: never a customer, never a value.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from unsnag.conventions import BAGGAGE_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MEMBERS: Final = 64
MAX_BYTES: Final = 8192
_MAX_TRACESTATE: Final = 512
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NAMES: Final = ("traceparent", "tracestate", "baggage")


class Remote(NamedTuple):
    """What another program handed over."""

    trace_id: str | None = None
    span_id: str | None = None
    flags: str = "01"
    tracestate: str = ""
    baggage: Mapping[str, str] = {}
    is_invalid: bool = False
    """A traceparent was there and could not be read."""


def parse(carrier: Mapping[str, str]) -> Remote:
    """Read headers or environment variables, whatever the case of their names."""
    found = {name: str(text) for key, text in carrier.items() if (name := str(key).lower()) in _NAMES}
    baggage = parse_baggage(found.get("baggage", ""))
    text = found.get("traceparent", "").strip()
    trace = parse_traceparent(text)
    if trace is None:
        return Remote(baggage=baggage, is_invalid=bool(text))
    return Remote(*trace, tracestate=found.get("tracestate", "")[:_MAX_TRACESTATE], baggage=baggage)


def from_environment() -> Remote:
    """Read what the program that started us handed over."""
    return parse({name: os.environ.get(name.upper(), "") for name in _NAMES})


def parse_traceparent(text: str) -> tuple[str, str, str] | None:
    """Return trace id, span id and flags, or None when the text is no valid traceparent."""
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    is_zero = not trace_id.strip("0") or not span_id.strip("0")
    if version == "ff" or is_zero or (version == "00" and rest):
        return None
    return trace_id, span_id, flags


def format_traceparent(trace_id: str, span_id: str, flags: str = "01") -> str:
    """Return a traceparent of version 00."""
    return f"00-{trace_id}-{span_id}-{flags}"


def parse_baggage(text: str) -> dict[str, str]:
    """Return the members that are ours."""
    if not text or len(text) > MAX_BYTES:
        return {}
    from urllib.parse import unquote  # noqa: PLC0415 - 5 ms that most scripts never need

    members = (member.partition(";")[0].partition("=") for member in text.split(",")[:MAX_MEMBERS])
    return {key.strip(): unquote(value.strip()) for key, _, value in members if key.strip() in BAGGAGE_KEYS}


def format_baggage(fields: Mapping[str, object]) -> str:
    """Return ours as baggage, within the specification's limits."""
    from urllib.parse import quote  # noqa: PLC0415

    text = ""
    for key in BAGGAGE_KEYS:
        if fields.get(key):
            member = f"{key}={quote(str(fields[key]), safe='', errors='replace')}"
            joined = f"{text},{member}" if text else member
            text = joined if len(joined) <= MAX_BYTES else text
    return text
