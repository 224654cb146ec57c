"""Periods are cut by the clock on the wall of the business."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis.periods import GRAINS, InvalidPeriodError, Period, cut, evenly, last, week, week_of

NOW = datetime(2026, 3, 31, 10, tzinfo=UTC)


def test_the_last_day_has_23_hours_when_clocks_go_forward() -> None:
    period = last(1, datetime(2026, 3, 29, 10, tzinfo=UTC), "Europe/Berlin")
    assert period.end - period.start == timedelta(hours=23)


def test_the_one_before_has_the_same_length_and_no_gap() -> None:
    period = last(7, NOW, "UTC")
    assert period.before.end == period.start
    assert period.before.end - period.before.start == timedelta(days=7)


def test_days_begin_at_midnight_of_the_zone() -> None:
    period = Period(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC))
    assert cut(period, "day", "Europe/Berlin") == [
        period.start,
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),  # the day had 23 hours
        period.end,
    ]


def test_hours_of_zones_with_half_hours_begin_at_their_full_hour() -> None:
    period = Period(datetime(2026, 3, 1, 0, 10, tzinfo=UTC), datetime(2026, 3, 1, 2, tzinfo=UTC))
    inner = cut(period, "hour", "Asia/Kolkata")[1:-1]
    assert [edge.minute for edge in inner] == [30, 30]


@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive by contract
    hours=st.floats(0.1, 900),
    grain=st.sampled_from(list(GRAINS)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_cuts_cover_the_period_without_gap_or_overlap(
    start: datetime, hours: float, grain: str, zone: str
) -> None:
    period = Period(start, start + timedelta(hours=hours))
    edges = cut(period, grain, zone)
    assert (edges[0], edges[-1]) == (period.start, period.end)
    assert all(left < right for left, right in pairwise(edges))
    longest = max(right - left for left, right in pairwise(edges))
    assert longest <= timedelta(hours=GRAINS[grain] + 1)


def test_even_parts_end_exactly_at_the_end() -> None:
    edges = evenly(Period(NOW, NOW + timedelta(seconds=1)), 7)
    assert len(edges) == 8
    assert edges[-1] == NOW + timedelta(seconds=1)


def test_too_many_or_unknown_parts_are_refused() -> None:
    with pytest.raises(InvalidPeriodError, match="coarser"):
        cut(last(60, NOW, "UTC"), "hour", "UTC")
    with pytest.raises(InvalidPeriodError, match="fortnight"):
        cut(last(60, NOW, "UTC"), "fortnight", "UTC")


BERLIN = "Europe/Berlin"


def test_a_week_is_the_iso_week_of_the_business_zone() -> None:
    summer_ends = week("2026-W43", BERLIN)
    assert (summer_ends.start, summer_ends.end) == (
        datetime(2026, 10, 18, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )
    half_hours = week("2026-W43", "Asia/Kolkata")
    assert half_hours.start == datetime(2026, 10, 18, 18, 30, tzinfo=UTC)


def test_only_years_that_have_it_have_a_week_53() -> None:
    last_of_2026 = week("2026-W53", BERLIN)
    assert last_of_2026.start == datetime(2026, 12, 27, 23, tzinfo=UTC)
    assert week_of(datetime(2027, 1, 2, 12, tzinfo=UTC), BERLIN) == "2026-W53"
    assert week("2027-W01", BERLIN).before == last_of_2026
    with pytest.raises(InvalidPeriodError, match="2025-W53"):
        week("2025-W53", BERLIN)


@pytest.mark.parametrize("name", ["", "2026-48", "2026-W00", "2026-W54", "9999-W52", "0001-W01", "2026-W1\n"])
def test_what_is_no_week_is_refused_with_the_form_of_one(name: str) -> None:
    with pytest.raises(InvalidPeriodError, match="2026-W48"):
        week(name, BERLIN)


def test_the_week_before_ends_where_this_one_begins_across_daylight_saving() -> None:
    """The week after the change has 168 hours, the one with it 169."""
    after = week("2026-W44", BERLIN)
    assert after.before == week("2026-W43", BERLIN)
    assert after.before.end == after.start


def test_a_running_week_is_compared_with_the_same_part_of_the_week_before() -> None:
    now = datetime(2026, 10, 28, 14, 30, tzinfo=UTC)  # Wednesday, 15:30 in Berlin
    running = week("2026-W44", BERLIN).until(now)
    assert (running.start, running.end) == (datetime(2026, 10, 25, 23, tzinfo=UTC), now)
    # Wednesday, 15:30 in Berlin, of the week before, in summer time.
    assert running.before == Period(
        datetime(2026, 10, 18, 22, tzinfo=UTC), datetime(2026, 10, 21, 13, 30, tzinfo=UTC), BERLIN
    )
    over = week("2026-W43", BERLIN)
    assert over.until(now) == over


def test_rolling_days_across_daylight_saving_begin_at_the_same_time_of_day() -> None:
    rolling = last(7, datetime(2026, 10, 28, 11, tzinfo=UTC), BERLIN)  # 12:00 in Berlin
    assert rolling.start == datetime(2026, 10, 21, 10, tzinfo=UTC)
    assert rolling.before.start == datetime(2026, 10, 14, 10, tzinfo=UTC)
    assert rolling.before.end == rolling.start


def test_the_parts_of_a_week_are_its_days() -> None:
    period = week("2026-W43", BERLIN)
    assert evenly(period, 7)[-3:] == [
        datetime(2026, 10, 23, 22, tzinfo=UTC),
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    ]


@given(
    number=st.integers(0, 60 * 52),
    share=st.floats(0.0001, 1),
    zone=st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_every_week_meets_the_next_and_has_its_name(number: int, share: float, zone: str) -> None:
    moment = datetime(1980, 1, 7, 12, tzinfo=UTC) + timedelta(weeks=number)
    period = week(week_of(moment, zone), zone)
    assert period.start <= moment < period.end
    assert period.before.end == period.start
    assert week(week_of(period.end, zone), zone).start == period.end
    running = period.until(period.start + (period.end - period.start) * share)
    assert running.before.start == period.before.start < running.before.end <= period.start


def test_hours_that_are_no_whole_days_step_by_the_time_that_passed() -> None:
    start = datetime(2026, 3, 29, 0, tzinfo=UTC)
    period = Period(start, start + timedelta(hours=5), "Europe/Berlin")
    earlier = period.earlier(2)
    assert (earlier.start, earlier.end) == (start - timedelta(hours=10), start - timedelta(hours=5))
    assert earlier.zone == "Europe/Berlin"
    assert evenly(period, 4) == [start + timedelta(minutes=75 * n) for n in range(5)]


def test_a_moment_without_a_zone_is_utc_and_a_period_has_a_length() -> None:
    berlin = datetime(2026, 3, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    period = Period(datetime(2026, 3, 1), berlin + timedelta(hours=5))  # noqa: DTZ001 - what is tested
    assert (period.start, period.end) == (
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 5, tzinfo=UTC),
    )
    with pytest.raises(InvalidPeriodError, match="ends at 2026-03-31T10:00:00"):
        Period(NOW, NOW)


def test_only_a_period_that_still_runs_is_cut() -> None:
    period = Period(NOW, NOW + timedelta(hours=1))
    assert period.until(period.start) == period
    assert period.until(period.end) == period
    half = NOW + timedelta(minutes=30)
    assert (period.until(half).end, period.until(half).whole_end) == (half, period.end)


def test_an_even_part_of_days_begins_at_midnight_and_each_edge_stands_once() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    days = [start + timedelta(days=n) for n in range(4)]
    assert evenly(Period(start, days[3]), 3) == days
    assert cut(Period(start, days[3]), "day", "UTC") == days


def test_full_hours_and_midnights_do_not_depend_on_when_a_period_begins() -> None:
    odd = datetime(2026, 3, 1, 10, 34, 56, 789, tzinfo=UTC)
    end = odd + timedelta(days=2)
    assert cut(Period(odd, end), "day", "UTC")[1:-1] == [datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3)]
    hours = cut(Period(odd, odd + timedelta(hours=2)), "hour", "UTC")[1:-1]
    assert hours == [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in (11, 12)]


def test_so_many_parts_are_allowed_and_no_more() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert len(cut(Period(start, start + timedelta(hours=1_000)), "hour", "UTC")) == 1_001
    with pytest.raises(InvalidPeriodError, match="Choose one of: hour, six hours, day"):
        cut(Period(start, start + timedelta(hours=1)), "minute", "UTC")


@pytest.mark.parametrize(
    ("name", "is_one"), [("2199-W52", True), ("2200-W10", False), ("1970-W02", True), ("1969-W50", False)]
)
def test_weeks_are_those_of_1970_to_2199(name: str, is_one: bool) -> None:  # noqa: FBT001 - a table
    if is_one:
        assert week_of(week(name, "UTC").start, "UTC") == name
    else:
        with pytest.raises(InvalidPeriodError):
            week(name, "UTC")
