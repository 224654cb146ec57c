"""What a case says: its failures counted together, what its unit adds, and how severe that is."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import orjson

from cases import lifecycle, plain
from cases.case import Case, CaseKey, Place, json_value
from cases.change import stated
from cases.tasks import cut
from data.nouns import shallow
from traces.outcome import NEEDS_A_LOOK
from unsnag.class_texts import HUNDREDS, STATUS
from unsnag.conventions import CLASS_UNKNOWN, idempotency_key
from unsnag.fields import ON_CASE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cases.failure import Counted, Details
    from traces.units import Described

_CARRIED: Final = (
    "run_id", "error_type", "error_code", "dependency", "service", "stacktrace", "trace_id", "span_id",
    "message", "note", "unit_kind",
)  # fmt: skip

_CRITICAL_VALUE: Final = Decimal(10_000)
_HIGH_VALUE: Final = Decimal(1_000)
_LOW_VALUE: Final = Decimal(50)
ERROR: Final = 17
_FATAL: Final = 21

_SCANNED: Final = 2_000
_PHRASES: Final = (
    (re.compile(r"time[sd]?[ -]?out|timeout|deadline", re.IGNORECASE), "did not answer in time"),
    (re.compile(r"\b429\b|too many requests|rate.?limit", re.IGNORECASE), "asked us to slow down"),
    (
        re.compile(r"refused|unreachable|connection|connect|dns|resolve", re.IGNORECASE),
        "could not be reached",
    ),
    (re.compile(r"\b5\d\d\b|server error|unavailable|bad gateway", re.IGNORECASE), "answered with an error"),
    (re.compile(r"lock|busy|deadlock", re.IGNORECASE), "was busy"),
    (re.compile(r"exit|killed|signal", re.IGNORECASE), "stopped"),
)


def counted_case(case: Case | None, key: CaseKey, found: Counted, units: list[Described]) -> Case:
    """Return a case as its failures tell it, a new one where there is none: the latest gives it its text."""
    details = found.details
    earlier = case.earlier_occurrences if case else 0
    first, last = found.first_seen, found.last_seen
    if case and earlier:
        first, last = min(case.first_seen, first), max(case.last_seen, last)
    amount, currency = _money(details, key, units)
    context, inherited = _context(details, units)
    counted: dict[str, Any] = {
        **_content(key, found),
        **_group(case, details),
        "value_amount": amount,
        "value_currency": currency,
        "context": context,
        "inherited": inherited,
        "severity": _severity(amount, details),
        "occurrences": earlier + found.failures,
        "attempts": max(case.attempts if case else 0, found.attempts),
        "first_seen": first,
        "opened_at": first,
        "last_seen": last,
    }
    if case:
        return replace(case, **counted)
    return Case(id=uuid.uuid4().hex[:16], state=lifecycle.OPEN, **key._asdict(), **counted)


def _content(key: CaseKey, found: Counted) -> dict[str, Any]:
    """Return what the latest failure says of the case."""
    details = found.details
    error_class = details.error_class or CLASS_UNKNOWN
    return {
        **shallow(details, _CARRIED),
        **shallow(found, ("part", "clock", "seq", "cause")),
        "error_class": error_class,
        **stated(details.class_rule),
        "class_by": None,
        "data": json_value(details.data) or {},
        "replay_safe": details.idempotent,
        "idempotency_key": details.idempotency_key or idempotency_key(key.flow, key.step, key.correlation_id),
        "affected": _affected(found.affected),
        "title": title(
            error_class=error_class,
            step=key.step,
            dependency=details.dependency or details.peer,
            error_type=details.error_type,
            message=details.message,
        ),
    }


def _group(case: Case | None, details: Details) -> dict[str, Any]:
    """Return the group of a case: one that it was given under other rules stays."""
    if case and case.group_version != details.group_version:
        return shallow(case, ("fingerprint", "group_version"))
    return shallow(details, ("fingerprint", "group_version"))


def _affected(lists: Iterable[str]) -> tuple[Place, ...]:
    places = {Place(*place) for text in lists for place in orjson.loads(text)}
    return tuple(sorted(places))


def _money(details: Details, key: CaseKey, units: list[Described]) -> tuple[Decimal | None, str | None]:
    """Return the value at risk: what the failure says, else what the unit carries in this or another flow."""
    if details.note == NEEDS_A_LOOK or details.unit_kind == "none":
        return None, None
    stated = amount_of(details.value_at_risk or details.value_amount)
    unit = valued(units, key.flow)
    amount = unit.amount if unit and stated is None else stated
    return amount, details.value_currency or (unit.currency if unit else None)


def valued(units: Iterable[Described], flow: str) -> Described | None:
    """Return the unit that says what an ID is worth: that of this flow before those of others."""
    own = sorted(units, key=lambda unit: unit.flow != flow)
    return next((unit for unit in own if unit.amount is not None), None)


def _context(details: Details, units: list[Described]) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Return the failure's context, filled from other flows of the ID, and the names that were filled."""
    context = dict(details.context)
    inherited = []
    for name in ON_CASE:
        if context[name] is None:
            context[name] = next((u.context[name] for u in units if u.context[name] is not None), None)
            inherited += [name] if context[name] is not None else []
    return context, tuple(inherited)


def _severity(value: Decimal | None, details: Details) -> str:
    if details.note == NEEDS_A_LOOK:
        return "low"
    return severity(value, details.severity_number or ERROR)


# --- its title ------------------------------------------------------------------------------------------


def title(
    *, error_class: str, step: str, dependency: str | None, error_type: str | None, message: str
) -> str:
    """Return one line of at most 120 characters, in plain words where the failure is known."""
    if found := plain_title(error_type or "", message, dependency):
        return cut(found)
    summary = _first_sentence(message) or error_type or "No message"
    if error_class == "infrastructure" and (who := dependency or step):
        return cut(_infrastructure(who, f"{error_type or ''} {message}", summary))
    if error_class == "data":
        return cut(
            summary if summary[:1].isupper() and " " in summary else f"A record could not be used: {summary}"
        )
    return cut(_capitalised(summary))


def plain_title(error_type: str, message: str, dependency: str | None) -> str | None:
    """Return the sentence of a common failure; None where the table does not know it."""
    if error_type.removeprefix("unsnag.") in plain.OWN_WORDS:
        return None
    text = f"{error_type}\n{message}"[:_SCANNED]
    found = _sentence(plain.ANYWHERE, text) or _of_status(message[:_SCANNED]) or _sentence(plain.BEHIND, text)
    if found is None:
        return None
    sentence, values = found
    return _filled(sentence, {**values, "who": _system(error_type, text, dependency, sentence)})


def _sentence(entries: Iterable[plain.Plain], text: str) -> tuple[str, dict[str, str]] | None:
    lower = text.lower()
    for entry in entries:
        if entry.clue in lower and (match := entry.pattern.search(text)):
            return entry.sentence, match.groupdict()
    return None


def _of_status(text: str) -> tuple[str, dict[str, str]] | None:
    match = STATUS.search(text) if HUNDREDS.search(text) else None
    if match is None or _explains(text[match.end() :]):
        return None
    sentence = plain.STATUSES.get(int(next(group for group in match.groups() if group)))
    return (sentence, {}) if sentence else None


def _explains(rest: str) -> bool:
    """Return whether what follows a status is a sentence of its own, and no address or dump."""
    return len(rest.split()) > plain.WORDY and not any(mark in rest for mark in ("http", "{", "<", "="))


def _system(error_type: str, text: str, dependency: str | None, sentence: str) -> str:
    """Name the system that failed: as the script does, else by its library or its host."""
    if dependency:
        return _named(dependency)
    known = next((name for start, name in plain.SYSTEMS if error_type.startswith(start)), None)
    host = plain.HOST.search(text)
    if known or host:
        return known or str(host and host.group("host"))
    if sentence in plain.OF_DATABASES:
        return plain.DATABASE
    subject = plain.SUBJECT.search(text)
    return _named(subject.group("name")) if subject else plain.UNNAMED


def _filled(sentence: str, values: dict[str, str]) -> str:
    """Return a sentence with its values; "The" within it is written small."""
    if not sentence.startswith("{who}") and values["who"].startswith("The "):
        values = {**values, "who": f"the {values['who'][4:]}"}
    if limit := values.get("limit"):
        values = {**values, "limit": f"{round(float(limit.rstrip('.')), 2):g}"}
    return sentence.format_map(values)


def _infrastructure(who: str, clue: str, summary: str) -> str:
    for pattern, phrase in _PHRASES:
        if pattern.search(clue, 0, _SCANNED):
            return f"{_named(who)} {phrase}"
    return f"{_named(who)} failed: {summary}"


def _named(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _capitalised(text: str) -> str:
    """Return a sentence with a capital; a name such as `foo.bar` or a quoted value stays."""
    word = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if word.isalpha() and word.islower() and word != text else text


def _first_sentence(message: str) -> str:
    line = message.strip().splitlines()[0] if message.strip() else ""
    return line.rstrip(".")


# --- how severe it is ---------------------------------------------------------------------------------


def amount_of(value: Any) -> Decimal | None:
    """Return money as it was reported, or None where it cannot be read."""
    try:
        number = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number is None or number.is_finite() else None


def severity(value: Decimal | None, severity_number: int) -> str:
    """Return the severity from the money at stake and the record's own severity number."""
    if severity_number >= _FATAL or (value is not None and value >= _CRITICAL_VALUE):
        return "critical"
    if value is not None and value >= _HIGH_VALUE:
        return "high"
    if value is not None and value < _LOW_VALUE:
        return "low"
    return "medium"
