"""Periods: half-open, from a moment to a moment; calendar cuts are those of the business time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from data.errors import UnsnagError

GRAINS: Final = {"hour": 1, "six hours": 6, "day": 24}
"""How fine a period can be cut, in hours of the clock on the wall."""
MAX_CUTS: Final = 1_000
_DAY: Final = timedelta(days=1)
_WEEK: Final = re.compile(r"(?P<year>[0-9]{4})-W(?P<week>[0-9]{2})")
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200


class InvalidPeriodError(UnsnagError):
    """The period is not one: it must end after it starts."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, and without, `end`; both aware. Naive moments are the store's own: UTC."""

    start: datetime
    end: datetime
    zone: str = "UTC"
    """The business time zone: by its clock the period before is found."""
    whole_end: datetime | None = None
    """Where a calendar period ends that still runs and is cut at `end`; None where it is whole."""

    def __post_init__(self) -> None:
        """Refuse what is no period."""
        for name in ("start", "end"):
            moment: datetime = getattr(self, name)
            object.__setattr__(self, name, moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if self.end <= self.start:
            raise InvalidPeriodError(f"The period ends at {self.end.isoformat()}, not after its start.")

    @property
    def before(self) -> Period:
        """Return the period before, cut at the same point where this one still runs.

        Whole days are counted by the clock on the wall, so that a week across daylight saving begins and ends
        at the same time of day as this one. Any other length is that of the time that passed.
        """
        return self.earlier(1)

    def earlier(self, periods: int) -> Period:
        """Return the period that lies so many periods before this one."""
        whole = self.whole_end or self.end
        step = (self._wall(whole) - self._wall(self.start)) * periods
        if step % _DAY:
            start = self.start - (whole - self.start) * periods
            return Period(start, start + (self.end - self.start), self.zone)
        start, end = (_moment(self._wall(edge) - step, self.zone) for edge in (self.start, self.end))
        # Minutes that a change of the clock leaves out are none: the length counts then.
        return Period(start, end if end > start else start + (self.end - self.start), self.zone)

    def until(self, now: datetime) -> Period:
        """Return the period cut at `now` where it still runs."""
        return replace(self, end=now, whole_end=self.end) if self.start < now < self.end else self

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)


def week(name: str, zone: str) -> Period:
    """Return an ISO week, such as `2026-W48`, from Monday to Monday in the business time zone.

    Raises:
        InvalidPeriodError: it is no week, or its year has no such week.
    """
    found = _WEEK.fullmatch(name)
    try:
        monday = date.fromisocalendar(int(found["year"]), int(found["week"]), 1) if found else None
    except ValueError:
        monday = None
    if monday is None or not _FIRST_YEAR <= monday.year < _LAST_YEAR:
        raise InvalidPeriodError(f"There is no week {name!r}. A week is written such as 2026-W48.")
    return Period(midnight(monday, zone), midnight(monday + 7 * _DAY, zone), zone)


def week_of(moment: datetime, zone: str) -> str:
    """Return the name of the ISO week that a moment lies in, in the business time zone."""
    year, number, _ = moment.astimezone(ZoneInfo(zone)).isocalendar()
    return f"{year}-W{number:02}"


def midnight(day: date, zone: str) -> datetime:
    """Return the moment at which a day begins in the business time zone."""
    return _moment(datetime.combine(day, time()), zone)


def last(days: int, now: datetime, zone: str) -> Period:
    """Return the last `days` days up to now, by the clock on the wall: a day may have 23 or 25 hours."""
    wall = now.astimezone(ZoneInfo(zone))
    return Period((wall - timedelta(days=days)).astimezone(UTC), now.astimezone(UTC), zone)


def evenly(period: Period, buckets: int) -> list[datetime]:
    """Return the `buckets + 1` edges that cut a period into equal parts, whole days by the wall clock."""
    zone = ZoneInfo(period.zone)
    start, end = (edge.astimezone(zone).replace(tzinfo=None) for edge in (period.start, period.end))
    if (end - start) % _DAY:
        step = (period.end - period.start) / buckets
        return [*(period.start + step * n for n in range(buckets)), period.end]
    walls = [start + (end - start) / buckets * n for n in range(1, buckets)]
    edges = [period.start, *(_moment(wall, period.zone) for wall in walls), period.end]
    # An edge within the hour that is left out or repeated never lies before the one before it.
    return list(accumulate(edges, max))


def parts(period: Period, buckets: int) -> list[Period]:
    """Return the equal parts of a period, oldest first; none where there are to be none."""
    edges = evenly(period, buckets) if buckets else []
    return [Period(left, right, period.zone) for left, right in pairwise(edges) if left < right]


def back(period: Period, count: int) -> list[Period]:
    """Return the last periods up to this one, oldest first: those before as a whole, this one as it is."""
    whole = replace(period, end=period.whole_end or period.end, whole_end=None)
    return [*(whole.earlier(n) for n in range(count - 1, 0, -1)), *([period] if count else [])]


def _moment(wall: datetime, zone: str) -> datetime:
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


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
