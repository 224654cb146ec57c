"""What each part of a split contributes to the change of a figure. Together they add up to it exactly.

1. Counts and sums of money: a part contributes its own change.
2. Rates: a part contributes twice. Its own rate changed (rate), and its share of all units changed (mix).
   With p and q a part's rates, a and b its shares, P and Q the rates of all units, before and now:

       rate = (q - p) * (a + b) / 2        mix = (b - a) * ((p + q) / 2 - (P + Q) / 2)

   So every part may get better while the whole gets worse (Simpson's paradox): the mix says why.
   A part that was not there before, or is gone, has no change of its rate: all of it is mix.
3. A unit that is counted in several parts (in each flow that it entered) makes their sum another than the
   whole: that difference is a contribution of its own, so nothing is hidden.
4. Parts of a rate that share its base (errors per 1,000 by step) add up to it as they are: they contribute
   their own change, and there is no mix.
5. Medians have no parts that add up: `None`.

Fractions are exact. What is shown is rounded so that the rounded contributions add up to the rounded change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kpis.figure import Kpi

RATES: Final = {"percent": 100, "per 1,000": 1_000}
ADDED: Final = ("units", "exceptions", "retries")
SHARED_BASE: Final = (("K7", "class"), ("K7", "step"))
"""Figures and splits in which each part is of all units, not of its own."""
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Share:
    """A rate as its numerator and denominator, or a sum as its value over 1."""

    counted: Fraction
    of: Fraction


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a part contributes; `mix` is nothing where parts are added up."""

    key: str
    rate: Fraction
    mix: Fraction = Fraction()

    @property
    def total(self) -> Fraction:
        """Return both effects together."""
        return self.rate + self.mix


def of_sums(before: Mapping[str, Fraction], now: Mapping[str, Fraction]) -> list[Contribution]:
    """Return what each part contributes to the change of a sum."""
    nothing = Fraction()
    return [Contribution(key, now.get(key, nothing) - before.get(key, nothing)) for key in _keys(before, now)]


def of_rates(before: Mapping[str, Share], now: Mapping[str, Share], scale: int = 1) -> list[Contribution]:
    """Return what each part contributes to the change of the rate of all parts, times `scale`.

    Both sides need a part with units.
    """
    all_before, all_now = (sum((one.of for one in side.values()), Fraction()) for side in (before, now))
    middle = (_rate(before.values()) + _rate(now.values())) / 2
    found = []
    for key in _keys(before, now):
        first, then = before.get(key), now.get(key)
        share_before = first.of / all_before if first else Fraction()
        share_now = then.of / all_now if then else Fraction()
        rate_now = _own_rate(then) if then and then.of else _own_rate(first)
        rate_before = _own_rate(first) if first and first.of else rate_now
        own = (rate_now - rate_before) * (share_before + share_now) / 2
        mix = (share_now - share_before) * ((rate_before + rate_now) / 2 - middle)
        found.append(Contribution(key, own * scale, mix * scale))
    return found


def _keys(before: Iterable[str], now: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*now, *before]))


def _own_rate(one: Share | None) -> Fraction:
    return one.counted / one.of if one and one.of else Fraction()


def _rate(shares: Iterable[Share]) -> Fraction:
    found = list(shares)
    return sum((one.counted for one in found), Fraction()) / sum((one.of for one in found), Fraction())


@dataclass(frozen=True, slots=True)
class Split:
    """The contributions of the parts of a split, and what units in several parts make of it."""

    parts: list[Contribution]
    several: Fraction
    change: Fraction
    has_mix: bool = False


def split(before: Kpi, now: Kpi, by: str) -> Split | None:
    """Return the contributions to the change between two periods of a figure, each with its breakdown.

    None where the figure has no parts that add up, or one of both periods has no value.
    """
    if before.value is None or now.value is None or before.unit != now.unit:
        return None
    if now.unit in RATES:
        shares_base = (now.id, by) in SHARED_BASE
        return (_split_shared if shares_base else _split_rate)(before, now, RATES[now.unit])
    if now.unit == "seconds" or not _adds_up(before, now):
        return None
    sides = [{part.key: Fraction(part.value or 0) for part in one.breakdown} for one in (before, now)]
    change = Fraction(now.value) - Fraction(before.value)
    return _split(of_sums(sides[0], sides[1]), change)


def _split_rate(before: Kpi, now: Kpi, scale: int) -> Split | None:
    wholes = [_share(one.value, one.n, scale) for one in (before, now)]
    sides = [{part.key: _share(part.value, part.n, scale) for part in one.breakdown} for one in (before, now)]
    plain = [{key: one for key, one in side.items() if one is not None} for side in sides]
    if None in wholes or any(
        len(left) < len(side) or not left for left, side in zip(plain, sides, strict=True)
    ):
        return None
    rates = [_own_rate(one) * scale for one in wholes]
    return _split(of_rates(plain[0], plain[1], scale), rates[1] - rates[0], has_mix=True)


def _split_shared(before: Kpi, now: Kpi, scale: int) -> Split | None:
    """Return the contributions of parts that are counted among all units: their numerators are exact."""
    sides = [{part.key: _share(part.value, one.n, scale) for part in one.breakdown} for one in (before, now)]
    wholes = [_share(one.value, one.n, scale) for one in (before, now)]
    if None in (*wholes, *sides[0].values(), *sides[1].values()):
        return None
    parts = [{key: _own_rate(one) * scale for key, one in side.items()} for side in sides]
    rates = [_own_rate(one) * scale for one in wholes]
    return _split(of_sums(parts[0], parts[1]), rates[1] - rates[0])


def _split(parts: list[Contribution], change: Fraction, *, has_mix: bool = False) -> Split:
    ordered = sorted(parts, key=lambda one: (-abs(one.total), one.key))
    return Split(ordered, change - sum((one.total for one in parts), Fraction()), change, has_mix)


def _share(value: float | None, n: int, scale: int) -> Share | None:
    """Return a rate of `n` units as a fraction; None where it is no count of these units."""
    if value is None or not n:
        return None
    counted = float(value) * n / scale
    whole = round(counted)
    return Share(Fraction(whole), Fraction(n)) if abs(counted - whole) <= _TOLERANCE * max(1, n) else None


def _adds_up(before: Kpi, now: Kpi) -> bool:
    """Return whether the figure is a sum over its rows: a count of them, or money."""
    if now.unit in ADDED:
        return all(math.isclose(float(one.value), one.n) for one in (before, now))
    return not isinstance(now.value, float)


def rounded(values: Sequence[Fraction], step: Fraction) -> list[Fraction]:
    """Return values rounded to a step so that they add up to their rounded sum.

    Those with the largest remainders are rounded up; none moves by a step or more.
    """
    floors = [math.floor(value / step) for value in values]
    missing = round(sum(values, Fraction()) / step) - sum(floors)
    by_remainder = sorted(range(len(values)), key=lambda place: (floors[place] - values[place] / step, place))
    up = set(by_remainder[:missing])
    return [(floor + (place in up)) * step for place, floor in enumerate(floors)]
