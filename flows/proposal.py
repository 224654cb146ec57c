"""The first settings of a flow, made from what was observed, each with what it rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from data import formats
from data.nouns import noun
from kpis import targets

if TYPE_CHECKING:
    from datetime import datetime

    from data.store import Reading

_NEWEST: Final = 2_000
_LEVELS: Final = (("critical", "30 min", "4 h"), ("high", "2 h", "1 d"), ("medium", "1 d", "3 d"))
_MOST_OF: Final = 0.5
_WORDS: Final = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
"""Texts that YAML does not read as text."""
_UNREAD: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Observed:
    """What the newest completed units of a flow have in common."""

    units: int
    with_value: int
    currency: str | None
    currencies: int
    median_value: float | None
    by_people: int
    median_s: float | None
    p90_s: float | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class LastStep:
    """A step, and in how many units it came last."""

    step: str
    units: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment, and how many units it has."""

    segment: str
    units: int


def propose(reading: Reading, flow: str, owner: str | None = None) -> str:
    """Return settings for a flow as YAML; `owner` is the person who asks, as the owner to begin with."""
    asked = {"flow": flow, "newest": _NEWEST}
    (seen,) = reading.query("flows/observed", asked, into=noun(Observed))
    steps = reading.query("flows/observed_steps", asked, into=noun(LastStep))
    segments = reading.query("flows/observed_splits", asked, into=noun(Segment))
    lines = [f"flow: {_quoted(flow)}", *_people(owner), *_completing(seen, steps), *_people_seen(seen)]
    lines += [*_value(seen), *_levels(), *_targets(reading, flow), *_context(seen, segments)]
    return "\n".join(lines) + "\n"


def _people(owner: str | None) -> list[str]:
    named = f"owner: {_quoted(owner)}" if owner else "# owner: ann"
    return [
        f"{named}  # one person who answers for the flow",
        '# contact: "#orders in the chat"  # how the owner is reached',
        "criticality: medium  # critical, high, medium or low",
        "",
    ]


def _completing(seen: Observed, steps: list[LastStep]) -> list[str]:
    if not steps or steps[0].units < _MOST_OF * seen.units:
        return ["# No step came last in most of the completed units.", ""]
    first, share = steps[0], formats.percent(100 * steps[0].units / seen.units)
    came = f"{first.units:,} of {seen.units:,} completed units ({share})"
    return [f"# The step {_quoted(first.step)} came last in {came}.", ""]


def _people_seen(seen: Observed) -> list[str]:
    if not seen.by_people:
        return []
    return [f"# People carried out a step in {seen.by_people:,} of {seen.units:,} completed units.", ""]


def _value(seen: Observed) -> list[str]:
    if not seen.with_value:
        return ["# No completed unit carries a value: `value_amount` of a mapping can read one.", ""]
    known = f"# {seen.with_value:,} of {seen.units:,} completed units carry a value"
    if seen.currencies != 1 or seen.currency is None or len(seen.currency) != 3:  # noqa: PLR2004
        return [f"{known}, in {formats.count(seen.currencies, 'currency', 'currencies')}.", ""]
    return [f"{known}, median {formats.money(seen.median_value, seen.currency)}.", ""]


def _levels() -> list[str]:
    lines = ["service_levels:  # a proposal, not observed: until when exceptions are claimed and closed"]
    for severity, triage, resolve in _LEVELS:
        lines.append(f"  - {{severity: {severity}, triage: {triage}, resolve: {resolve}}}")
    return [*lines, ""]


def _targets(reading: Reading, flow: str) -> list[str]:
    """Return the targets that are set already: a file without them would leave them as they are."""
    known = targets.aims(reading, flow)
    lines = [
        f"  {kpi}: {{{', '.join(parts)}}}"
        for kpi, aim in sorted(known.items())
        if (parts := _aim(aim.target, aim.owner))
    ]
    if lines:
        return ["targets:  # as they are set now", *lines, ""]
    return ["# targets:", "#   K1: 95  # percent of units without a person", ""]


def _aim(target: float | None, owner: str | None) -> list[str]:
    found = [f"target: {target:g}"] if target is not None else []
    return [*found, f"owner: {_quoted(owner)}"] if owner else found


def _context(seen: Observed, segments: list[Segment]) -> list[str]:
    lines = []
    if seen.median_s is not None:
        p90 = formats.duration(seen.p90_s)
        lines.append(f"# Time to fulfil: median {formats.duration(seen.median_s)}, p90 {p90}.")
    if segments:
        named = ", ".join(f"{_quoted(one.segment)} ({one.units:,})" for one in segments)
        lines.append(f"# Segments: {named}.")
    return lines


def _quoted(text: str) -> str:
    """Return a text from telemetry as YAML: JSON is a part of it."""
    plain = text.replace("-", "").replace("_", "").replace(" ", "")
    is_plain = plain.isascii() and plain.isalpha() and text == text.strip() and text[0].isalpha()
    if is_plain and text.lower() not in _WORDS:
        return text
    # JSON leaves these as they are, and YAML does not read them.
    return _UNREAD.sub(lambda found: f"\\u{ord(found[0]):04x}", orjson.dumps(text).decode())
