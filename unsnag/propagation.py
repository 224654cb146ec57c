"""W3C Trace Context and Baggage: how a unit's identity travels to other programs.

The same three texts travel as HTTP headers and, in capitals, as environment variables.
Baggage carries only what `fields.BAGGAGE` names: never a customer, never a value.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from unsnag import fields as names

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MEMBERS: Final = 64
MAX_BYTES: Final = 8192
_MAX_TRACESTATE: Final = 512
_MAX_STATES: Final = 32
_LARGE_STATE: Final = 128
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_STATE: Final = re.compile(
    r"([a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=[ -+\x2d-<>-~]{0,255}[!-+\x2d-<>-~]"
)
"""A member of tracestate: its key; its value is printable ASCII without comma and equals sign."""
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


def parse(carrier: Mapping[str, object]) -> Remote:
    """Read headers or environment variables, whatever the case of their names.

    A header that is repeated counts as one list, as HTTP says: a second `traceparent` makes it invalid.
    """
    found = _joined(carrier)
    baggage = parse_baggage(found.get("baggage", ""))
    text = found.get("traceparent", "").strip()
    trace = parse_traceparent(text)
    if trace is None:
        return Remote(baggage=baggage, is_invalid=bool(text))
    return Remote(*trace, tracestate=checked_tracestate(found.get("tracestate", "")), baggage=baggage)


def _joined(carrier: Mapping[str, object]) -> dict[str, str]:
    """Return the texts of our headers: from several entries of one name, or from an entry that is a list."""
    found: dict[str, list[str]] = {}
    for key, value in carrier.items():
        if (name := str(key).lower()) in _NAMES:
            texts = value if isinstance(value, (list, tuple)) else [value]
            found.setdefault(name, []).extend(map(str, texts))
    return {name: ",".join(texts) for name, texts in found.items()}


def checked_tracestate(text: str) -> str:
    """Return the members of a tracestate that are valid, within the specification's limits.

    OpenTelemetry's own reader discards all members for a bad one, and a long list as a whole.
    """
    members: dict[str, str] = {}
    for part in text.split(","):
        member = part.strip(" \t")
        match = _STATE.fullmatch(member)
        if match is not None:
            members.setdefault(match[1], member)
    return _fitting(list(members.values())[:_MAX_STATES])


def _fitting(members: list[str]) -> str:
    """Return whole members up to 512 characters: large ones are dropped first, each time from the end."""
    while len(text := ",".join(members)) > _MAX_TRACESTATE:
        large = [place for place, member in enumerate(members) if len(member) > _LARGE_STATE]
        del members[large[-1] if large else -1]
    return text


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
    return {key.strip(): unquote(value.strip()) for key, _, value in members if key.strip() in names.BAGGAGE}


def format_baggage(fields: Mapping[str, object]) -> str:
    """Return ours as baggage, within the specification's limits."""
    from urllib.parse import quote  # noqa: PLC0415

    text = ""
    for key in names.BAGGAGE:
        if fields.get(key):
            member = f"{key}={quote(str(fields[key]), safe='', errors='replace')}"
            joined = f"{text},{member}" if text else member
            text = joined if len(joined) <= MAX_BYTES else text
    return text
