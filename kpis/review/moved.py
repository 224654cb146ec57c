"""Which figures of a week deserve a talk: off target, or clearly moved. At most five, by rule.

1. Too few units, or no full week before: the figure is not judged.
2. Off target: it has a target and does not reach it.
3. Outside its usual range: with 12 earlier weeks, beyond the limits of an XmR chart (mean of these weeks plus
   and minus 2.66 times the mean change from one to the next). What lies within is noise.
4. Clearly moved, while there are fewer weeks: by more than three standard errors and by at least one point of
   a percentage or a tenth of anything else. Sums of money and times, whose errors are not known: a quarter.

Figures off target come first, each kind by how far it is off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Final

from kpis import display
from kpis.review.contributions import ADDED, RATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kpis.figure import Kpi
    from kpis.targets import Aim

MOST: Final = 5
LIMITS_FROM: Final = 12
"""So many earlier weeks it takes to know what is usual."""
TREND_FROM: Final = 3
_XMR: Final = 2.66
_ERRORS: Final = 3
_POINTS: Final = 1.0
_SHARE: Final = 0.1
_LARGE_SHARE: Final = 0.25
_ENOUGH: Final = 20


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a figure deserves a talk."""

    kind: str
    """off target, unusual or changed."""
    words: str
    size: float
    """How far it is off, as a share: for the order."""


def limits(earlier: Sequence[float]) -> tuple[float, float] | None:
    """Return the usual range of a figure, from its earlier weeks; None while there are fewer than 12."""
    if len(earlier) < LIMITS_FROM:
        return None
    middle = fmean(earlier)
    spread = _XMR * fmean(abs(right - left) for left, right in pairwise(earlier))
    return middle - spread, middle + spread


def reason(one: Kpi, aim: Aim, earlier: Sequence[float], *, compared: bool) -> Reason | None:
    """Return why a figure deserves a talk, or None.

    Args:
        one: The figure of the week.
        aim: Its target.
        earlier: Its values of earlier weeks, the oldest first.
        compared: Whether there is a full week before.
    """
    if one.value is None or one.too_few:
        return None
    value = float(one.value)
    return _off_target(one, value, aim.target) or (_moved(one, value, earlier) if compared else None)


def is_off_target(value: float, better: str, target: float | None) -> bool:
    """Return whether a value does not reach its target."""
    return target is not None and (value < target if better == "up" else value > target)


def _off_target(one: Kpi, value: float, target: float | None) -> Reason | None:
    if target is None or not is_off_target(value, one.better, target):
        return None
    words = f"Off target: {display.figure(one.value, one.unit)}, the target is {_shown(target, one.unit)}."
    return Reason("off target", words, abs(value - target) / (abs(target) or 1))


def _moved(one: Kpi, value: float, earlier: Sequence[float]) -> Reason | None:
    usual = limits(earlier)
    if usual:
        low, high = usual
        if low <= value <= high:
            return None
        words = f"Outside its usual range, {_shown(max(low, 0), one.unit)} to {_shown(high, one.unit)}."
        return Reason("unusual", words, abs(value - fmean(usual)) / (abs(fmean(usual)) or 1))
    change = _clear_change(one, value)
    text = display.change(one)
    if change is None or text is None:
        return None
    return Reason("changed", f"{text} against the week before, more than chance explains.", change)


def _clear_change(one: Kpi, value: float) -> float | None:
    """Return the change as a share of the value before, or None where chance explains it."""
    if one.previous is None or not (one.previous_n or one.unit in ADDED):
        return None
    before = float(one.previous)
    size = abs(value - before)
    share = size / (abs(before) or 1)
    error = _standard_error(one, value, before)
    if error is None:
        enough = min(one.n, one.previous_n) >= max(one.floor, _ENOUGH)
        return share if enough and share >= _LARGE_SHARE else None
    is_large = size >= _POINTS if one.unit == "percent" else share >= _SHARE
    return share if is_large and size > _ERRORS * error else None


def _standard_error(one: Kpi, value: float, before: float) -> float | None:
    """Return the standard error of a difference of shares, of rates or of counts."""
    if one.unit == "percent":
        of_all = (value * one.n + before * one.previous_n) / (one.n + one.previous_n) / 100
        of_all = min(max(of_all, 0), 1)
        return 100 * math.sqrt(of_all * (1 - of_all) * (1 / one.n + 1 / one.previous_n))
    if one.unit in RATES:
        scale = RATES[one.unit]
        return math.sqrt(scale * (max(value, 0) / one.n + max(before, 0) / one.previous_n))
    return math.sqrt(max(value + before, 0)) if one.unit in ADDED else None


def _shown(value: float, unit: str) -> str:
    return display.figure(round(value) if unit in ADDED else value, unit)
