"""Values as text, by table: every page, figure and message shows them this way."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from data import formats

NOW = datetime(2026, 11, 16, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1188.07", "EUR", "€1,188.07"),
        ("0", "USD", "$0.00"),
        ("-12", "GBP", "-£12.00"),
        ("-0.001", "EUR", "€0.00"),
        ("12", "CHF", "CHF 12.00"),
        ("3", "HUF", "HUF 3.00"),
        ("-3", "HUF", "-HUF 3.00"),
        ("99.999", "SEK", "SEK 100.00"),
        ("1188.07", "JPY", "JPY 1,188"),
        ("1.5", "KWD", "KWD 1.500"),
        ("5", None, "5.00"),
        ("5", "", "5.00"),
        ("123456789012345678.99", "EUR", "€123,456,789,012,345,678.99"),
        ("NaN", "EUR", "–"),
        ("Infinity", "EUR", "–"),
    ],
)
def test_money_has_its_currency_in_front_and_the_currencys_decimals(
    amount: str, currency: str | None, text: str
) -> None:
    assert formats.money(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "€0.00"),
        ("757.3", "€757.30"),
        ("999.99", "€999.99"),
        ("999.995", "€1,000"),
        ("9999.4", "€9,999"),
        ("9999.6", "€10.0k"),
        ("48810", "€48.8k"),
        ("757340.64", "€757.3k"),
        ("999940", "€999.9k"),
        ("999950", "€1.00M"),
        ("-28782042", "-€28.78M"),
        ("999995000", "€1.00B"),
        ("2500000000000", "€2.50T"),
        ("2500000000000000", "€2,500.00T"),
    ],
)
def test_short_money_is_never_a_thousand_of_a_smaller_unit(amount: str, text: str) -> None:
    assert formats.money(Decimal(amount), "EUR", short=True) == text


def test_an_unknown_amount_is_a_dash_and_never_a_zero() -> None:
    assert formats.money(None, "EUR") == "–"


DURATIONS = [
    (0, "0 s"),
    (0.0002, "< 1 ms"),
    (0.084, "84 ms"),
    (0.9994, "999 ms"),
    (0.9996, "1 s"),
    (1, "1 s"),
    (3.24, "3.2 s"),
    (9.94, "9.9 s"),
    (9.96, "10 s"),
    (45, "45 s"),
    (59.4, "59 s"),
    (59.6, "1 min"),
    (60, "1 min"),
    (119.6, "2 min"),
    (3_599, "59 min 59 s"),
    (3_599.6, "1 h"),
    (3_600, "1 h"),
    (7_140, "1 h 59 min"),
    (13_104, "3 h 38 min"),
    (86_399, "1 d"),
    (90_000, "1 d 1 h"),
    (187_200, "2 d 4 h"),
    (400 * 86_400, "400 d"),
    (1_000 * 86_400, "1,000 d"),
]


@pytest.mark.parametrize(
    ("seconds", "text"), [*DURATIONS, (-90, "-1 min 30 s"), (None, "–"), (math.nan, "–")]
)
def test_a_duration_is_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(48, "48 s"), (59.6, "1 min"), (80, "1 min"), (3_590, "1 h"), (90_000, "1 d 1 h")]
)
def test_a_coarse_duration_has_no_seconds_from_a_minute_on(seconds: float, text: str) -> None:
    assert formats.duration(seconds, coarse=True) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0, "0 %"),
        (0.001, "< 0.01 %"),
        (0.02, "0.02 %"),
        (0.06, "0.1 %"),
        (98.7, "98.7 %"),
        (99.94, "99.9 %"),
        (99.96, "99.96 %"),
        (99.999, "> 99.99 %"),
        (100, "100 %"),
        (112.34, "112.3 %"),
        (-3.21, "-3.2 %"),
    ],
)
def test_a_percentage_never_rounds_to_a_full_hundred_or_to_zero(value: float | None, text: str) -> None:
    assert formats.percent(value) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 exceptions"), (1, "1 exception"), (1_204, "1,204 exceptions")]
)
def test_a_count_agrees_with_its_noun(count: int, text: str) -> None:
    assert formats.count(count, "exception") == text


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert formats.count(2, "retry", "retries") == "2 retries"


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (999_600, "1.0 MB"),
        (1_240_000_000, "1.2 GB"),
        (999_960_000_000, "1.0 TB"),
        (5_000_000_000_000_000, "5,000.0 TB"),
    ],
)
def test_bytes_are_in_their_largest_unit(bytes_: float | None, text: str) -> None:
    assert formats.size(bytes_) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (0.9, "now"),
        (5.4, "5 s ago"),
        (45, "45 s ago"),
        (240, "4 min ago"),
        (-720, "in 12 min"),
        (7_200, "2 h ago"),
    ],
)
def test_a_moment_is_relative_to_now(seconds: float, text: str) -> None:
    assert formats.ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_what_never_happened_is_never() -> None:
    assert formats.ago(None, NOW) == "never"


@pytest.mark.parametrize(
    ("moment", "zone", "text"),
    [
        (None, "UTC", "–"),
        (NOW, "UTC", "22:30:00"),
        (NOW - timedelta(days=1), "UTC", "15 Nov 22:30:00"),
        (NOW - timedelta(days=365), "UTC", "16 Nov 2025 22:30:00"),
        (NOW, "Europe/Berlin", "23:30:00"),
        # 22:50 UTC yesterday is 23:50 in Berlin, and still yesterday there.
        (NOW - timedelta(hours=23, minutes=40), "Europe/Berlin", "15 Nov 23:50:00"),
        # In Tokyo both are the morning of the 17th.
        (NOW - timedelta(hours=7), "Asia/Tokyo", "00:30:00"),
    ],
)
def test_the_clock_is_of_the_zone_and_names_other_days(moment: datetime | None, zone: str, text: str) -> None:
    assert formats.clock(moment, zone, NOW) == text


def test_without_a_present_the_clock_always_names_the_day() -> None:
    assert formats.clock(NOW, "UTC") == "16 Nov 22:30:00"
