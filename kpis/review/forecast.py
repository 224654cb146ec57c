"""The backlog of next week, by a method simple enough to be checked by hand, with its past error.

1. The change of a week is the backlog at its end less the backlog at the end of the week before.
2. The forecast is the last backlog plus the mean change of up to eight weeks before, and never below zero.
3. The same is done for each earlier week from those before it, four changes at least. How far it was off on
   average, without the sign, is the past error.
4. The interval is the forecast plus and minus what eight of ten of these were off at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import fmean
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGES: Final = 8
LEAST: Final = 4
_TRIALS: Final = 3
_COVERED: Final = 0.8


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected at the end of next week, and how far such forecasts were off."""

    value: float
    low: float
    high: float
    error: float
    """The mean size of past errors, in exceptions."""
    last_error: float
    """What the forecast for the last week was off: what came less what was expected."""
    trials: int


def forecast(backlogs: Sequence[float]) -> Forecast | None:
    """Return the forecast from backlogs at the ends of weeks, the oldest first; None with too few weeks."""
    tried = [(backlogs[place], _next(backlogs[:place])) for place in range(LEAST + 1, len(backlogs))]
    if len(tried) < _TRIALS:
        return None
    errors = [came - expected for came, expected in tried]
    sizes = sorted(abs(one) for one in errors)
    width = sizes[ceil(_COVERED * len(sizes)) - 1]
    value = _next(backlogs)
    return Forecast(value, max(value - width, 0), value + width, fmean(sizes), errors[-1], len(sizes))


def _next(backlogs: Sequence[float]) -> float:
    changes = [right - left for left, right in pairwise(backlogs)][-CHANGES:]
    return max(backlogs[-1] + fmean(changes), 0)
