"""Periods: half-open, from a moment to a moment; calendar cuts are those of the business time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from data.errors import UnsnagError

GRAINS: Final = {"hour": 1, "six hours": 6, "day": 24}
"""How fine a period can be cut, in hours of the clock on the wall."""
MAX_CUTS: Final = 1_000


class InvalidPeriodError(UnsnagError):
    """The period is not one: it must end after it starts."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, and without, `end`; both aware. Naive moments are the store's own: UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse what is no period."""
        for name in ("start", "end"):
            moment: datetime = getattr(self, name)
            object.__setattr__(self, name, moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if self.end <= self.start:
            raise InvalidPeriodError(f"The period ends at {self.end.isoformat()}, not after its start.")

    @property
    def before(self) -> Period:
        """Return the period of the same length that ends where this one starts."""
        return Period(self.start - (self.end - self.start), self.start)


def last(days: int, now: datetime, zone: str) -> Period:
    """Return the last `days` days up to now, by the clock on the wall: a day may have 23 or 25 hours."""
    wall = now.astimezone(ZoneInfo(zone))
    return Period((wall - timedelta(days=days)).astimezone(UTC), now.astimezone(UTC))


def evenly(period: Period, buckets: int) -> list[datetime]:
    """Return the `buckets + 1` edges that cut a period into equal parts."""
    step = (period.end - period.start) / buckets
    return [*(period.start + step * n for n in range(buckets)), period.end]


def cut(period: Period, grain: str, zone: str) -> list[datetime]:
    """Return the edges that cut a period at full hours or midnights of `zone`; the ends may be partial.

    Raises:
        InvalidPeriodError: unknown grain, or more than 1,000 parts.
    """
    if grain not in GRAINS:
        raise InvalidPeriodError(f"There is no grain {grain!r}. Choose one of: {', '.join(GRAINS)}.")
    if (period.end - period.start) / timedelta(hours=GRAINS[grain]) > MAX_CUTS:
        raise InvalidPeriodError(
            f"The period has more than {MAX_CUTS:,} parts by {grain}. Choose a coarser grain."
        )
    hours = GRAINS[grain]
    inner = _boundaries(period, hours, ZoneInfo(zone))
    return [period.start, *(edge for edge in inner if period.start < edge < period.end), period.end]


def _boundaries(period: Period, hours: int, zone: ZoneInfo) -> list[datetime]:
    """List the wall clock's full hours around a period, as UTC, each once."""
    if hours == 1:
        first = period.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        offset = period.start.astimezone(zone).utcoffset() or timedelta()
        first -= timedelta(seconds=offset.total_seconds() % 3600)  # zones with half hours
        return [first + timedelta(hours=n) for n in range(_steps(period, 1))]
    midnight = period.start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    walls = [midnight + timedelta(hours=hours * n) for n in range(_steps(period, hours) + 24 // hours)]
    return sorted({wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls})


def _steps(period: Period, hours: int) -> int:
    return int((period.end - period.start) / timedelta(hours=hours)) + 3
