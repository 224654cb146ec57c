"""Figures of KPIs as text: value, change against the period before, and the note under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from data import formats

if TYPE_CHECKING:
    from collections.abc import Callable

    from kpis.figure import Kpi

_PLAIN: Final = ("units", "exceptions")
CLASSES: Final = {
    "business": "Business",
    "data": "Data",
    "infrastructure": "Infrastructure",
    "unknown": "Unknown",
    "none": "No error",
}


def figure(value: Any, unit: str) -> str:
    """Return a value with its unit: `97.3 %`, `3 h 38 min`, `€757.3k`; a dash where there is none."""
    if value is None:
        return "–"
    if unit == "percent":
        return formats.percent(float(value))
    if unit == "seconds":
        return formats.duration(float(value))
    if unit == "per 1,000":
        return formats.number(float(value), 1)
    if unit in _PLAIN:
        return formats.number(int(value))
    return money(value, unit)


def money(amount: Any, unit: str) -> str:
    """Return a sum with its currency, shortened as tiles need it; the unit `money` names no currency."""
    return formats.money(amount, None if unit == "money" else unit, short=True)


def change(one: Kpi) -> str | None:
    """Return the change against the period before, signed, in natural units; None where there is none."""
    if one.value is None or one.previous is None or one.too_few or one.previous_n < one.floor:
        return None
    difference = float(one.value) - float(one.previous)
    text = _difference(abs(difference), one.unit)
    return text if text is None else f"{'-' if difference < 0 else '+'}{text}"


def is_better(one: Kpi) -> bool | None:
    """Return whether the change is for the good; None where there is none."""
    text = change(one)
    return None if text is None else text.startswith("+") == (one.better == "up")


def note(one: Kpi) -> str:
    """Return the second figure that keeps the first one honest."""
    if not one.details:
        return ""
    return _NOTES[one.id](one) if one.id in _NOTES else ""


def _difference(size: float, unit: str) -> str | None:
    if unit == "percent":
        return f"{formats.number(size, 1)} pt" if round(size, 1) else None
    if unit == "per 1,000":
        return formats.number(size, 1) if round(size, 1) else None
    if unit == "seconds":
        return formats.duration(round(size), coarse=True) if size >= 1 else None
    return figure(size, unit) if round(size) else None


def _touches(one: Kpi) -> str:
    assisted = f"{one.details['assisted']:,} assisted by people"
    # Without a source that names people's steps, what they do in other tools looks like automation.
    return assisted if one.details.get("outside_is_seen") else f"{assisted} · work outside is not seen"


def _times(one: Kpi) -> str:
    if not one.n:
        return ""
    with_open = one.details["median_with_open"]
    second = "less than half ended" if with_open is None else f"{formats.duration(with_open)} with open ones"
    p90 = one.details["p90"]
    return second if p90 is None else f"p90 {formats.duration(p90)} · {second}"


def _risk(one: Kpi) -> str:
    others = one.details["units_in_other_currencies"]
    coverage = f"Value known for {formats.percent(one.details['coverage'])}"
    return f"{coverage} · {others:,} in other currencies" if others else coverage


def _recovered(one: Kpi) -> str:
    parts = [f"{word} {money(one.details[word], one.unit)}" for word in ("automatic", "people")]
    return " · ".join(parts)


def _backlog(one: Kpi) -> str:
    days = one.details["backlog_days"]
    flow = f"{one.details['inflow']:,} in · {one.details['outflow']:,} out"
    return flow if days is None else f"{flow} · {days:.1f} days to clear at the current rate"


_NOTES: Final[dict[str, Callable[[Kpi], str]]] = {
    "K1": _touches,
    "K19": lambda one: f"{one.details['failed']:,} failed",
    "K7": lambda one: f"{formats.count(one.details['with_error'], 'unit')} with an error",
    "K3": _times,
    "K8": _risk,
    "K9": _recovered,
    "K16": _backlog,
    "K20": lambda one: f"At most {one.details['peak_per_hour']:,} in an hour",
}
