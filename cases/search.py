"""The text of a search becomes a filter: `flow:invoice class:business value:>1000 is:unclaimed "timeout"`.

Pure, and linear in the length of the text: a person, `now` and the text go in, a filter or faults come out.
What has no qualifier is text: each word, or all between two quotes, stands in the title, message or unit ID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cases.case import SEVERITIES, CaseState
from cases.queries import CaseFilter
from data.clock import stored
from data.errors import UnsnagError
from unsnag.conventions import ERROR_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MAX_CHARS: Final = 400
ME: Final = "me"
STATED: Final[dict[str, dict[str, Any]]] = {
    "unclaimed": {"claimed": [False]},
    "claimed": {"claimed": [True]},
    "unassigned": {"assigned": [False]},
    "assigned": {"assigned": [True]},
    "snoozed": {"snoozed": [True]},
    "awake": {"snoozed": [False]},
    "safe": {"safe": [True]},
    "unsafe": {"safe": [False]},
    "overdue": {"due": ["breached"]},
    "warning": {"due": ["warning"]},
    "unaddressed": {"due": ["unaddressed"]},
}
"""Values of `is:` that need neither the person nor the time, with what they choose."""
IS: Final = (*STATED, "mine")
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SMALLEST: Final = Decimal("0.0001")
"""Amounts are stored with four decimals: more than 1000 is 1000.0001 and more."""

_NAME: Final = re.compile(r"(?<![A-Za-z_])(-?)([A-Za-z][A-Za-z_]{0,19}+):(?!//)")
_BARE: Final = re.compile(r'[^\s",]++')
_AMOUNT: Final = re.compile(r"\A[0-9]{1,13}(?:\.[0-9]{1,4})?\Z")
_AGE: Final = re.compile(r"\A([0-9]{1,4})([mhdw])\Z")
_COMPARED: Final = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)


class Fault(NamedTuple):
    """What is wrong with a search, and where: the first character is 1."""

    position: int
    length: int
    what: str


class InvalidSearchError(UnsnagError):
    """A search that cannot be read."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(" ".join(f"Character {one.position}: {one.what}" for one in faults))


class Token(NamedTuple):
    """A part of a search: its qualifier, or "" for text, its values, and where it stands (from 0)."""

    name: str
    values: list[str]
    start: int
    end: int
    is_open: bool = False
    """A quote of it has no end."""
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """Who searches, and when."""

    name: str
    now: datetime
    """Aware."""


class _InvalidValueError(Exception):
    """A value that its qualifier does not take; the text is the hint."""


def parse(text: str, asker: Asker) -> CaseFilter:
    """Return the filter that a search states; an empty search chooses everything.

    Values of one qualifier are alternatives, different qualifiers all have to be true.

    Raises:
        InvalidSearchError: something in it cannot be read; the error says what, where, and what to write.
    """
    if len(text) > MAX_CHARS:
        raise InvalidSearchError([Fault(MAX_CHARS + 1, 1, f"A search has at most {MAX_CHARS} characters.")])
    chosen, faults = CaseFilter(), list[Fault]()
    grouped: dict[str, list[Token]] = {}
    for token in tokens(text):
        if problem := _problem(token, text):
            faults.append(Fault(token.start + 1, token.end - token.start, problem))
        else:
            grouped.setdefault(token.name, []).append(token)
    for name, parts in grouped.items():
        try:
            chosen = chosen.within(_stated(name, [value for part in parts for value in part.values], asker))
        except _InvalidValueError as error:
            start, end = parts[0].start, parts[-1].end
            faults.append(Fault(start + 1, end - start, str(error)))
    if faults:
        raise InvalidSearchError(sorted(faults))
    return chosen


# --- its parts ----------------------------------------------------------------------------------------


def tokens(text: str) -> list[Token]:
    """Return the parts of a search, in their order."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        found.append(_token(text, place))
        place = found[-1].end
    return found


def _token(text: str, start: int) -> Token:
    name = _NAME.match(text, start)
    values, end, is_open = _values(text, name.end() if name else start, is_listed=name is not None)
    minus, word = (name[1], name[2].lower()) if name else ("", "")
    return Token(word, values, start, end, is_open, is_excluded=bool(minus))


def _values(text: str, start: int, *, is_listed: bool) -> tuple[list[str], int, bool]:
    """Return the values from a place to the next space, with commas between where a list is meant."""
    values, place, is_open = [""], start, False
    while place < len(text) and not text[place].isspace():
        if text[place] == '"':
            closing = text.find('"', place + 1)
            is_open = closing < 0
            closing = len(text) if is_open else closing
            values[-1] += text[place + 1 : closing]
            place = min(closing + 1, len(text))
        elif text[place] == ",":
            values = [*values, ""] if is_listed else [*values[:-1], values[-1] + ","]
            place += 1
        else:
            match = _BARE.match(text, place)
            values[-1] += match[0] if match else text[place]
            place = match.end() if match else place + 1
    return [value for value in values if value.strip()], place, is_open


def _problem(token: Token, text: str) -> str | None:
    """Return what is wrong with the form of a part; None where its values decide."""
    if token.is_open:
        return 'A quote has no end. Add a ".'
    if not token.name:
        return None
    if token.name not in QUALIFIERS:
        near = get_close_matches(token.name, QUALIFIERS, 1)
        advice = f"Did you mean {near[0]}:?" if near else f"Choose one of: {', '.join(QUALIFIERS)}."
        return f"There is no qualifier {token.name}:. {advice} To search for it as text, put it in quotes."
    if token.is_excluded:
        return f"A search cannot leave values out. Remove the - before {token.name}:."
    if not token.values:
        more = "" if token.end == len(text) else " No space may follow the colon."
        return f"{token.name}: lacks a value, such as {QUALIFIERS[token.name].example}.{more}"
    return None


# --- what they state ----------------------------------------------------------------------------------


class Qualifier(NamedTuple):
    """What can stand before a colon."""

    means: str
    example: str
    values: tuple[str, ...] | None = None
    """All values that it takes; None: others, too."""


QUALIFIERS: Final = {
    "flow": Qualifier("the flow", "flow:invoice"),
    "class": Qualifier("the class of the failure", "class:business", ERROR_CLASSES),
    "severity": Qualifier("how severe it is", "severity:critical,high", SEVERITIES),
    "tenant": Qualifier("the tenant", "tenant:acme"),
    "step": Qualifier("the step", "step:pay"),
    "state": Qualifier("where it stands", "state:claimed", tuple(CaseState)),
    "is": Qualifier("what is true of it", "is:unclaimed", IS),
    "holder": Qualifier("who has claimed it", "holder:me"),
    "assignee": Qualifier("the person or team it is assigned to", "assignee:me"),
    "group": Qualifier("the group, by its ID", "group:4f1c"),
    "value": Qualifier("money at risk, whatever the currency", "value:>1000"),
    "currency": Qualifier("the currency of its money", "currency:EUR"),
    "age": Qualifier("the time since it was opened", "age:>2h"),
}
"""What a search can name."""


def _stated(name: str, values: list[str], asker: Asker) -> CaseFilter:
    """Return what one qualifier with all its values chooses."""
    if not name:
        return CaseFilter(words=values)
    return _READ.get(name, _listed)(name, values, asker)


def _listed(name: str, values: list[str], asker: Asker) -> CaseFilter:
    allowed = QUALIFIERS[name].values
    if allowed:
        values = [value.lower() for value in values]
        for wrong in (value for value in values if value not in allowed):
            raise _InvalidValueError(f"{name}: does not take {wrong}. Choose one of: {', '.join(allowed)}.")
    if name in ("holder", "assignee"):
        values = [asker.name if value == ME else value for value in values]
    own: dict[str, Any] = {"klass" if name == "class" else name: list(dict.fromkeys(values))}
    return CaseFilter(**own)


def _currency(_name: str, values: list[str], _asker: Asker) -> CaseFilter:
    return CaseFilter(currency=[value.upper() for value in values])


def _is(_name: str, values: list[str], asker: Asker) -> CaseFilter:
    """Return what all values of `is:` choose together: unlike other values they are no alternatives."""
    chosen = CaseFilter()
    for value in values:
        chosen = chosen.within(_is_one(value.lower(), asker))
    return chosen


def _is_one(value: str, asker: Asker) -> CaseFilter:
    if value == "mine":
        return CaseFilter(holder=[asker.name])
    if value not in STATED:
        near = get_close_matches(value, IS, 1)
        advice = f"Did you mean is:{near[0]}?" if near else f"Choose one of: {', '.join(IS)}."
        raise _InvalidValueError(f"is: does not take {value}. {advice}")
    return CaseFilter(**STATED[value])


def _value(_name: str, values: list[str], _asker: Asker) -> CaseFilter:
    chosen = CaseFilter()
    for value in values:
        low, high = _range(value, _amount)
        chosen = chosen.within(CaseFilter(value_from=low, value_to=high))
    return chosen


def _age(_name: str, values: list[str], asker: Asker) -> CaseFilter:
    """Return what is so old: older is opened earlier."""
    chosen = CaseFilter()
    for value in values:
        low, high = _range(value, _seconds)
        since, until = (None if age is None else stored(asker.now - age) for age in (high, low))
        chosen = chosen.within(CaseFilter(opened_from=since, opened_to=until))
    return chosen


def _range(value: str, read: Callable[[str], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return the least and the most that a value allows, such as `>1000`, `<=50` or `100..500`.

    `read` returns a value and the smallest step of its kind.
    """
    if ".." in value:
        low, _, high = value.partition("..")
        return read(low)[0], read(high)[0]
    match = _COMPARED.fullmatch(value)
    sign, (size, step) = (match[1] if match else None), read(match[2] if match else value)
    return {
        ">": (size + step, None),
        ">=": (size, None),
        "<": (None, size - step),
        "<=": (None, size),
    }.get(sign or "=", (size, size))


def _amount(text: str) -> tuple[Decimal, Decimal]:
    if not _AMOUNT.fullmatch(text):
        raise _InvalidValueError(
            "value: takes an amount, such as >1000, <=49.50 or 100..500, without a sign of its currency."
        )
    return Decimal(text), _SMALLEST


def _seconds(text: str) -> tuple[timedelta, timedelta]:
    match = _AGE.fullmatch(text)
    if match is None:
        raise _InvalidValueError(
            "age: takes minutes, hours, days or weeks, such as >90m, <2h, >3d or 1d..2w."
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]]), timedelta()


_READ: Final[dict[str, Callable[[str, list[str], Asker], CaseFilter]]] = {
    "is": _is,
    "value": _value,
    "age": _age,
    "currency": _currency,
}
"""What reads the values of a qualifier; those of others are a list."""
