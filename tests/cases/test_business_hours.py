"""Business hours: cases made by hand, and what must hold for any calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.business_hours import DAYS, Calendar

BERLIN = "Europe/Berlin"
OFFICE = Calendar(BERLIN)
HOUR = timedelta(hours=1)


def at(text: str, zone: str = BERLIN) -> datetime:
    """Return a time on the wall as naive UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "expected"),
    [
        (OFFICE, "2026-03-04 10:00", 2, "2026-03-04 12:00"),
        (OFFICE, "2026-03-04 15:00", 2, "2026-03-04 17:00"),
        (OFFICE, "2026-03-04 16:00", 2, "2026-03-05 10:00"),
        (OFFICE, "2026-03-04 06:00", 1, "2026-03-04 10:00"),
        (OFFICE, "2026-03-04 20:00", 1, "2026-03-05 10:00"),
        # Friday, over the weekend
        (OFFICE, "2026-03-06 16:30", 1, "2026-03-09 09:30"),
        (OFFICE, "2026-03-07 12:00", 8, "2026-03-09 17:00"),
        # Good Friday and Easter Monday
        (
            Calendar(BERLIN, holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6)})),
            "2026-04-02 16:00", 2, "2026-04-07 10:00",
        ),
        # The clock is put forward in the night to Sunday the 29th of March: the hours on the wall stay.
        (OFFICE, "2026-03-27 16:00", 2, "2026-03-30 10:00"),
        # and back in the night to the 25th of October
        (OFFICE, "2026-10-23 16:00", 2, "2026-10-26 10:00"),
        # Round the clock the day of the change has 23 hours, or 25.
        (
            Calendar(BERLIN, DAYS, time(0), time(0)),
            "2026-03-29 00:00", 24, "2026-03-30 01:00",
        ),
        (
            Calendar(BERLIN, DAYS, time(0), time(0)),
            "2026-10-25 00:00", 24, "2026-10-25 23:00",
        ),
        # Hours that the clock skips, or runs through twice
        (Calendar(BERLIN, DAYS, time(1), time(4)), "2026-03-29 00:00", 2, "2026-03-29 04:00"),
        (Calendar(BERLIN, DAYS, time(1), time(4)), "2026-10-25 00:00", 4, "2026-10-25 04:00"),
        # Work on Saturday and Sunday only
        (Calendar(BERLIN, ("sat", "sun")), "2026-03-04 10:00", 9, "2026-03-08 10:00"),
    ],
)  # fmt: skip
def test_a_duration_counts_only_business_hours(
    calendar: Calendar, start: str, hours: int, expected: str
) -> None:
    assert calendar.after(at(start), hours * HOUR) == at(expected)


def test_a_zone_on_the_other_side_of_the_day_has_its_own_weekend() -> None:
    auckland = Calendar("Pacific/Auckland")
    # Sunday evening in Berlin is Monday morning in Auckland.
    assert auckland.after(at("2026-03-08 22:00"), HOUR) == at("2026-03-09 11:00", "Pacific/Auckland")


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    opens = draw(st.times(max_value=time(20)))
    latest = time(23, 59)
    closes = draw(st.just(time(0)) | st.times(time(opens.hour + 3), latest))
    return Calendar(
        draw(st.sampled_from((BERLIN, "UTC", "America/New_York", "Asia/Kathmandu", "Africa/Cairo"))),
        tuple(draw(st.sets(st.sampled_from(DAYS), min_size=1))),
        opens,
        closes,
        draw(st.frozensets(st.dates(date(2026, 3, 20), date(2026, 4, 20)), max_size=20)),
    )


FIRST = datetime(2026, 3, 15, tzinfo=UTC).replace(tzinfo=None)
MOMENTS = st.datetimes(FIRST, FIRST + timedelta(days=245))
LENGTHS = st.timedeltas(timedelta(seconds=1), timedelta(hours=60))


@given(calendars(), MOMENTS, LENGTHS)
def test_exactly_the_duration_lies_between_start_and_due(
    calendar: Calendar, start: datetime, length: timedelta
) -> None:
    due = calendar.after(start, length)
    assert calendar.between(start, due) == length
    assert due >= start + length
    assert calendar.between(start, due - timedelta(microseconds=1)) < length, "none is due later than needed"


@given(calendars(), MOMENTS, LENGTHS, LENGTHS)
def test_two_durations_one_after_the_other_are_their_sum(
    calendar: Calendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    assert calendar.after(calendar.after(start, first), second) == calendar.after(start, first + second)


@given(calendars(), MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)), LENGTHS)
def test_what_starts_later_is_not_due_earlier(
    calendar: Calendar, start: datetime, later: timedelta, length: timedelta
) -> None:
    assert calendar.after(start, length) <= calendar.after(start + later, length)


@given(calendars(), MOMENTS, LENGTHS)
def test_a_due_time_lies_within_business_hours(
    calendar: Calendar, start: datetime, length: timedelta
) -> None:
    due = calendar.after(start, length)
    wall = due.replace(tzinfo=UTC).astimezone(ZoneInfo(calendar.zone))
    just_before = (due - timedelta(microseconds=1)).replace(tzinfo=UTC).astimezone(ZoneInfo(calendar.zone))
    assert DAYS[just_before.weekday()] in calendar.days, wall
    assert just_before.date() not in calendar.holidays
