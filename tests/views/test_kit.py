"""Values in words: what people read on every page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from views.kit import words

NOW = datetime(2026, 11, 16, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("1284.5", "EUR", "€1,284.50"),
        ("0", "USD", "$0.00"),
        ("12", "GBP", "£12.00"),
        ("12", "CHF", "CHF 12.00"),
        ("99.999", "SEK", "100.00 SEK"),
        ("5", None, "5.00"),
    ],
)
def test_money_carries_its_currency(amount: str, currency: str | None, said: str) -> None:
    assert words.money({"amount": Decimal(amount), "currency": currency}) == said


@pytest.mark.parametrize("value", [None, {"amount": None, "currency": "EUR"}])
def test_money_that_nobody_knows_is_a_question_mark_never_a_nought(
    value: dict[str, str | None] | None,
) -> None:
    assert words.money(value) == "?"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.084, "84 ms"),
        (1, "1.0 s"),
        (3.24, "3.2 s"),
        (45, "45 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h 0 min"),
        (11_520, "3 h 12 min"),
        (187_200, "2 d 4 h"),
        (-90, "1 min"),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "now"),
        (0.9, "now"),
        (45, "45 s ago"),
        (240, "4 min ago"),
        (-720, "in 12 min"),
        (7_200, "2 h ago"),
    ],
)
def test_a_moment_is_said_as_seen_from_now(seconds: float, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_what_never_happened_is_never() -> None:
    assert words.ago(None, NOW) == "never"


@pytest.mark.parametrize(
    ("moment", "zone", "said"),
    [
        (NOW, "UTC", "22:30:00"),
        (NOW - timedelta(days=1), "UTC", "15 Nov 22:30:00"),
        (NOW, "Europe/Berlin", "23:30:00"),
        # 22:50 UTC yesterday is 23:50 in Berlin, and still yesterday there.
        (NOW - timedelta(hours=23, minutes=40), "Europe/Berlin", "15 Nov 23:50:00"),
        # In Tokyo both are the morning of the 17th.
        (NOW - timedelta(hours=7), "Asia/Tokyo", "00:30:00"),
    ],
)
def test_the_clock_is_the_business_zones_and_names_other_days(moment: datetime, zone: str, said: str) -> None:
    assert words.clock(moment, zone, NOW) == said


def test_without_a_present_the_clock_always_names_the_day() -> None:
    assert words.clock(NOW, "UTC") == "16 Nov 22:30:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain words", "plain words"),
        ("**bold**", r"\*\*bold\*\*"),
        ("[click](http://x)", "\\[click\\]\\(http\\:\u200b//x\\)"),
        ("<b>x</b>", r"\<b\>x\</b\>"),
        (":red[alarm]", r"\:red\[alarm\]"),
        ("$x$ & `y`", r"\$x\$ \& \`y\`"),
        ("two\n# lines", r"two \# lines"),
        ("a\\b", r"a\\b"),
    ],
)
def test_text_of_telemetry_stays_text_in_markdown(text: str, said: str) -> None:
    assert words.escape(text) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 exceptions"), (1, "1 exception"), (1_204, "1,204 exceptions")]
)
def test_a_count_agrees_with_its_noun(number: int, said: str) -> None:
    assert words.plural(number, "exception") == said


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert words.plural(2, "retry", "retries") == "2 retries"


@pytest.mark.parametrize("address", ["https://evil.example/x", "www.evil.example", "ann@evil.example"])
def test_an_address_from_telemetry_does_not_become_a_link(address: str) -> None:
    assert address not in words.escape(f"see {address} now").replace("\\", "")


@pytest.mark.parametrize(("seconds", "said"), [(59.7, "1 min"), (0.9996, "1.0 s"), (59.4, "59 s")])
def test_a_length_of_time_never_says_sixty_of_the_smaller_unit(seconds: float, said: str) -> None:
    assert words.duration(seconds).startswith(said)
