"""The hours in which a team works: when a duration ends that counts only these, and how many lie between.

Times are naive UTC, as the store keeps them. The hours are those of a zone's clock on the wall, so a day on
which the clock changes within them is an hour longer or shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = time(0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days and hours of work in a zone."""

    zone: str = "UTC"
    days: tuple[str, ...] = DAYS[:5]
    """At least one of `DAYS`."""
    opens: time = time(9)
    closes: time = time(17)
    """Midnight stands for the end of the day."""
    holidays: frozenset[date] = frozenset()

    def after(self, start: datetime, length: timedelta) -> datetime:
        """Return when `length` of business hours has passed since `start`."""
        left = length
        for opens, closes in self._windows(start):
            begins = max(opens, start)
            if begins < closes and left <= closes - begins:
                return begins + left
            left -= max(closes - begins, timedelta(0))
        raise AssertionError("a calendar has working days without end")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of the business hours lies between two times."""
        found = timedelta(0)
        for opens, closes in self._windows(start):
            if opens >= end:
                return found
            found += max(min(closes, end) - max(opens, start), timedelta(0))
        return found

    def _windows(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Return when work begins and ends on each working day, from the day of `start` on, without end."""
        zone, days = ZoneInfo(self.zone), {DAYS.index(name) for name in self.days}
        day = start.replace(tzinfo=UTC).astimezone(zone).date()
        while True:
            if day.weekday() in days and day not in self.holidays:
                until = day + _DAY if self.closes == _MIDNIGHT else day
                yield _utc(day, self.opens, zone), _utc(until, self.closes, zone)
            day += _DAY


def _utc(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return a time on the wall as naive UTC; one that the clock skips is as late as if it had not."""
    return datetime.combine(day, clock, zone).astimezone(UTC).replace(tzinfo=None)
