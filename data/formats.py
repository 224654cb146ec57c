"""Values as text: money, durations, percentages, counts, sizes and times, the same on every page.

Screens, KPI figures and messages use these functions; exports keep raw numbers.
`views/components/formats.js` holds the duration for the browser; a test compares both.
Whatever has no value (None, NaN, infinity) is `MISSING`.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeGuard, TypeVar
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

_Number = TypeVar("_Number", bound=float | Decimal)

MISSING: Final = "–"
_SYMBOLS: Final = {"EUR": "€", "USD": "$", "GBP": "£"}
"""Symbols that mean one currency. Others, the dollar of Canada or the yen, stand as their code."""
_NO_DECIMALS: Final = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
    "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
_THREE_DECIMALS: Final = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
"""Decimals of ISO 4217; every other currency has two."""
_SHORT: Final = (("k", 10**3, 1), ("M", 10**6, 2), ("B", 10**9, 2), ("T", 10**12, 2))
_SHORT_FROM: Final = 10_000
_WHOLE_FROM: Final = 1_000
_SIZES: Final = ("B", "kB", "MB", "GB", "TB")
_PARTS: Final[tuple[tuple[str, int, str, int, float], ...]] = (
    ("min", 60, "s", 1, 3_600),
    ("h", 3_600, "min", 60, 86_400),
    ("d", 86_400, "h", 3_600, math.inf),
)
"""A unit and the one below it, each with its seconds, and the length from which the next pair is used."""


def money(amount: float | Decimal | None, currency: str | None = None, *, short: bool = False) -> str:
    """Return an amount with its currency in front: `€1,188.07`, `JPY 1,188`, `-HUF 3.00`.

    Args:
        amount: The amount, in units of the currency.
        currency: Its ISO 4217 code; an amount without one stands alone.
        short: Leave decimals out from 1,000 on, and shorten from 10,000 on: `€48.8k`, `€28.78M`.
    """
    if not _is_number(amount):
        return MISSING
    size = abs(Decimal(str(amount)))
    digits = _decimals(currency)
    text = _shortened(size, digits) if short else f"{size:,.{digits}f}"
    sign = "-" if amount < 0 and text.strip("0.,") else ""
    return f"{sign}{_mark(currency)}{text}"


def duration(seconds: float | None, *, coarse: bool = False) -> str:
    """Return a length of time in its two largest units: `84 ms`, `3.2 s`, `48 s`, `1 h 59 min`, `2 d 4 h`.

    Args:
        seconds: The length; a negative one keeps its sign.
        coarse: Leave the seconds out from one minute on.
    """
    if not _is_number(seconds):
        return MISSING
    sign = "-" if seconds < 0 else ""
    size = abs(seconds)
    if round(size, 3) < 1:
        return _milliseconds(size, sign)
    if round(size, 1) < 10:  # noqa: PLR2004 - two digits are enough
        return f"{sign}{f'{size:.1f}'.removesuffix('.0')} s"
    if round(size) < 60:  # noqa: PLR2004 - a minute
        return f"{sign}{size:.0f} s"
    return f"{sign}{_two_units(size, coarse=coarse)}"


def percent(value: float | None) -> str:
    """Return a percentage with one decimal: `98.7 %`.

    Two decimals where one would show 0 or 100 for a value that is neither; both ends stand without any.
    """
    if not _is_number(value):
        return MISSING
    if value in (0, 100):
        return f"{value:.0f} %"
    if 0 < value < 0.005:  # noqa: PLR2004 - less than two decimals can show
        return "< 0.01 %"
    if 99.995 <= value < 100:  # noqa: PLR2004 - the same at the other end
        return "> 99.99 %"
    digits = 2 if 0 < value < 0.05 or 99.95 <= value < 100 else 1  # noqa: PLR2004 - see above
    return f"{value:.{digits}f} %"


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Return a number with a comma for each thousand: `1,204`, `76.6` with one digit."""
    return f"{value:,.{digits}f}" if _is_number(value) else MISSING


def count(value: int | None, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 unit`, `1,204 units`, `2 retries`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def size(bytes_: float | None) -> str:
    """Return a number of bytes in its largest unit: `1.2 GB`. Units are decimal, as disks are sold."""
    if not _is_number(bytes_):
        return MISSING
    for name in _SIZES[:-1]:
        digits = 0 if name in {"B", "kB"} else 1
        if round(bytes_, digits) < 1_000:  # noqa: PLR2004 - decimal units
            return f"{bytes_:.{digits}f} {name}"
        bytes_ /= 1_000
    return f"{bytes_:,.1f} {_SIZES[-1]}"


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, or how far ahead, in the largest unit: `3 h ago`, `in 12 min`."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    largest = " ".join(duration(math.floor(abs(seconds))).split()[:2])
    return f"{largest} ago" if seconds > 0 else f"in {largest}"


def clock(moment: datetime | None, zone: str, now: datetime | None = None) -> str:
    """Return a moment in a time zone: `16 Nov 22:30:00`; the time alone where it is of the same day as `now`.

    A moment of another year than `now` names its year.
    """
    if moment is None:
        return MISSING
    local = moment.astimezone(ZoneInfo(zone))
    today = now.astimezone(ZoneInfo(zone)) if now else None
    if today and local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%d %b %Y %H:%M:%S}" if today and local.year != today.year else f"{local:%d %b %H:%M:%S}"


def _is_number(value: _Number | None) -> TypeGuard[_Number]:
    return value is not None and math.isfinite(value)


def _decimals(currency: str | None) -> int:
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def _mark(currency: str | None) -> str:
    return _SYMBOLS.get(currency, f"{currency} ") if currency else ""


def _shortened(amount: Decimal, digits: int) -> str:
    if round(amount, digits) < _WHOLE_FROM:
        return f"{amount:,.{digits}f}"
    if round(amount) < _SHORT_FROM:
        return f"{amount:,.0f}"
    for letter, unit, decimals in _SHORT:
        shown = round(float(amount) / unit, decimals)
        if shown < 1_000 or letter == _SHORT[-1][0]:  # noqa: PLR2004 - 1,000.0k is 1.00M
            return f"{shown:,.{decimals}f}{letter}"
    raise AssertionError  # the last letter takes everything


def _milliseconds(size: float, sign: str) -> str:
    if not size:
        return "0 s"
    milliseconds = round(size * 1_000)
    return f"{sign}{milliseconds} ms" if milliseconds else "< 1 ms"


def _two_units(seconds: float, *, coarse: bool) -> str:
    """Round to the smaller of two units; what rounds to a whole larger one is shown in that."""
    for name, unit, small_name, small, limit in _PARTS:
        step = unit if coarse and small == 1 else small
        rounded = round(seconds / step) * step
        if rounded < limit:
            whole, rest = divmod(rounded, unit)
            return f"{whole:,} {name}" + (f" {rest // small} {small_name}" if rest else "")
    raise AssertionError  # the last limit is infinite
