"""Figures as text: in the units people speak in, the same on every screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from kpis.scoreboard import Kpi

_DURATIONS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_PLAIN: Final = ("units", "exceptions")
_MONEY_WORDS: Final = ((1_000_000, 2, "M"), (100_000, 1, "k"))
_SIZES: Final = {"M": 1_000_000, "k": 1_000}
_CENTS_BELOW: Final = 1_000
_NEARLY: Final = 0.05
CLASSES: Final = {
    "business": "Business",
    "data": "Data",
    "infrastructure": "Infrastructure",
    "unknown": "Unknown",
    "none": "No error",
}


def figure(value: Any, unit: str) -> str:
    """Return a value with its unit: `97.3%`, `3 h 38 min`, `757.3k EUR`; a dash where there is none."""
    if value is None:
        return "–"
    if unit == "percent":
        return percent(float(value))
    if unit == "seconds":
        return duration(float(value))
    if unit == "per 1,000":
        return f"{float(value):.1f}"
    if unit in _PLAIN:
        return f"{int(value):,}"
    return money(value, unit)


def percent(value: float) -> str:
    """Return one decimal; two where one would claim a full hundred or a nought that is not."""
    digits = 2 if 0 < value < _NEARLY or 100 - _NEARLY <= value < 100 else 1  # noqa: PLR2004 - per cent
    return f"{value:.{digits}f}%"


def duration(seconds: float) -> str:
    """Return the two biggest parts of a duration: `2 d 3 h`, `3 h 38 min`, `48 s`, `0.4 s`."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    for place, (name, size) in enumerate(_DURATIONS):
        if seconds >= size:
            smaller = _DURATIONS[place + 1 : place + 2]
            return _two_parts(seconds, name, size, smaller[0] if smaller else None)
    raise AssertionError  # every second is at least one


def money(amount: Any, currency: str) -> str:
    """Return a sum with its currency, long ones in thousands or millions."""
    code = "" if currency == "money" else f" {currency}"
    for least, digits, word in _MONEY_WORDS:
        if abs(amount) >= least:
            return f"{float(amount) / _SIZES[word]:,.{digits}f}{word}{code}"
    cents = 2 if abs(amount) < _CENTS_BELOW and amount % 1 else 0
    return f"{amount:,.{cents}f}{code}"


def change(one: Kpi) -> str | None:
    """Return the change against the period before, signed, in natural units; None where none can be told."""
    if one.value is None or one.previous is None or one.too_few or one.previous_n < one.floor:
        return None
    difference = float(one.value) - float(one.previous)
    text = _difference(abs(difference), one.unit)
    return text if text is None else f"{'-' if difference < 0 else '+'}{text}"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun: `1 unit`, `1,200 units`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def is_better(one: Kpi) -> bool | None:
    """Tell whether the change is for the good; None where there is none."""
    text = change(one)
    return None if text is None else text.startswith("+") == (one.better == "up")


def note(one: Kpi) -> str:
    """Return the second figure that keeps the first one honest."""
    if not one.details:
        return ""
    return _NOTES[one.id](one) if one.id in _NOTES else ""


def _difference(size: float, unit: str) -> str | None:
    if unit == "percent":
        return f"{size:.1f} pt" if round(size, 1) else None
    if unit == "per 1,000":
        return f"{size:.1f}" if round(size, 1) else None
    if unit == "seconds":
        return duration(_coarse(size)) if size >= 1 else None
    return figure(size, unit) if round(size) else None


def _coarse(seconds: float) -> float:
    """Leave the seconds of a change out from a minute on, and the minutes from a day on."""
    step = 3_600 if seconds >= 86_400 else 60 if seconds >= 60 else 1  # noqa: PLR2004 - parts of a day
    return round(seconds / step) * step


def _two_parts(seconds: float, name: str, size: int, smaller: tuple[str, int] | None) -> str:
    if smaller is None:
        return f"{seconds:.0f} s"
    whole, rest = divmod(round(seconds / smaller[1]), size // smaller[1])
    return f"{whole} {name} {rest} {smaller[0]}" if rest else f"{whole} {name}"


def _times(one: Kpi) -> str:
    if not one.n:
        return ""
    with_open = one.details["median_with_open"]
    second = "less than half ended" if with_open is None else f"{duration(with_open)} with open ones"
    p90 = one.details["p90"]
    return second if p90 is None else f"p90 {duration(p90)} · {second}"


def _risk(one: Kpi) -> str:
    others = one.details["units_in_other_currencies"]
    coverage = f"Value known for {one.details['coverage']:.0f}%"
    return f"{coverage} · {others:,} in other currencies" if others else coverage


def _recovered(one: Kpi) -> str:
    parts = [f"{word} {money(one.details[word], one.unit)}" for word in ("automatic", "people")]
    return " · ".join(parts)


def _backlog(one: Kpi) -> str:
    days = one.details["backlog_days"]
    flow = f"{one.details['inflow']:,} in · {one.details['outflow']:,} out"
    return flow if days is None else f"{flow} · {days:.1f} days of work"


_NOTES: Final[dict[str, Callable[[Kpi], str]]] = {
    "K1": lambda one: f"{one.details['assisted']:,} assisted by people",
    "K19": lambda one: f"{one.details['failed']:,} failed",
    "K7": lambda one: f"{counted(one.details['with_error'], 'unit')} with an error",
    "K3": _times,
    "K8": _risk,
    "K9": _recovered,
    "K16": _backlog,
    "K20": lambda one: f"At most {one.details['peak_per_hour']:,} in an hour",
}
