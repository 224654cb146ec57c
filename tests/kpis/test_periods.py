"""Periods are cut by the clock on the wall of the business."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis.periods import GRAINS, InvalidPeriodError, Period, cut, evenly, last

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
