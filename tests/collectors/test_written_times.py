"""Times without a zone, a year or a date, epochs of any unit, month names of three languages."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from collectors.values import iso_micros, number_micros
from collectors.written_times import completed
from data.clock import micros
from tests.collectors.rows import BERLIN, logs, read

NINE = datetime(2026, 11, 16, 9, 0, 0, 123000, tzinfo=UTC)
at = partial(datetime, tzinfo=UTC)
WHOLE = micros(NINE.replace(microsecond=0))


@pytest.mark.parametrize(
    "text",
    [
        "16. Nov. 2026 10:00:00",
        "16. November 2026 10:00:00",
        "Montag, 16. November 2026 10:00:00",
        "lundi, 16 novembre 2026 10:00:00",
        "16 nov. 2026 10:00:00",
        "16-Nov-2026 10:00:00",
        "16/Nov/2026:10:00:00 +0100",
        "16-Nov-2026 10:00:00 Europe/Berlin",
        "Nov 16, 2026 10:00:00 AM",
        "Mon Nov 16 10:00:00 2026",
        "Nov 16 10:00:00 2026",
        "Mon, 16 Nov 2026 09:00:00 +0000",
        "Mon, 16 Nov 2026 09:00:00 GMT",
        "16.11.2026 10:00:00",
        "16/11/2026 10:00:00",
        "11/16/2026 10:00:00",
        "11/16/2026 10:00:00 AM",
        "2026/11/16 10:00:00",
        "2026-11-16 10:00:00+01:00",
    ],
)
def test_a_written_time_is_read(text: str) -> None:
    assert iso_micros(text, BERLIN) == WHOLE


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("1. März 2026 00:00:00", 3),
        ("1. Mai 2026 00:00:00", 5),
        ("1. Dez. 2026 00:00:00", 12),
        ("1 févr. 2026 00:00:00", 2),
        ("1 août 2026 00:00:00", 8),
        ("1 juin 2026 00:00:00", 6),
        ("1 juil. 2026 00:00:00", 7),
        ("1 décembre 2026 00:00:00", 12),
        ("1 June 2026 00:00:00", 6),
        ("1 July 2026 00:00:00", 7),
        ("05/11/2026 00:00:00", 11),
        ("05/11/2026 00:00:00 AM", 5),
    ],
)
def test_months_in_german_french_and_english_and_which_number_is_the_month(text: str, month: int) -> None:
    found = iso_micros(text, UTC)
    assert found is not None
    assert datetime.fromtimestamp(found / 1e6, UTC).month == month


@pytest.mark.parametrize(
    "text", ["30.02.2026 00:00:00", "1 xyz 2026 00:00:00", "16.11.2026 25:00:00", "soon"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert iso_micros(text, UTC) is None


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_an_epoch_is_read_by_its_size(unit: int) -> None:
    assert number_micros(WHOLE // 1_000_000 * unit) == WHOLE
    assert iso_micros(str(WHOLE // 1_000_000 * unit), BERLIN) == WHOLE


def test_no_epoch_is_read_as_a_date() -> None:
    assert iso_micros("1712011230123", UTC) == 1_712_011_230_123_000


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("16. Nov. 2026 10:00:00 FEHLER shop.pay: nicht bezahlt", "error"),
        ("16.11.2026 10:00:00 [WARNUNG] nicht bezahlt", "warning"),
        ("lundi 16 novembre 2026 10:00:00 ERREUR refus", "error"),
        ("Nov 16, 2026 10:00:00 AM SEVERE shop: declined", "error"),
        ("[16/Nov/2026 10:00:00] ERROR declined", "error"),
        ("1794819600 ERROR declined", "error"),
        ("1794819600000 | WARN | declined", "warning"),
        ("[1794819600000000] error: declined", "error"),
        ("1794819600000000000 ERROR declined", "error"),
    ],
)
def test_a_line_that_begins_with_such_a_time_is_read(line: str, severity: str) -> None:
    (row,) = logs(read(line))
    assert (row["time"], row["severity"]) == (WHOLE, severity)


def test_a_line_that_begins_with_a_number_only_is_of_no_layout() -> None:
    assert read("1794819600 orders were taken\n10:00:00 the shop opens").batch().text.unknown == 2


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("--11-16T10:00:00", at(2026, 11, 17, 0, 0), "2026-11-16T10:00:00"),
        ("--12-31T23:59:59", at(2027, 1, 1, 0, 1), "2026-12-31T23:59:59"),
        ("--01-01T00:00:01", at(2026, 12, 31, 23, 58), "2027-01-01T00:00:01"),
        ("--02-29T10:00:00", at(2027, 3, 1), "2024-02-29T10:00:00"),
        ("T23:59:59", at(2026, 11, 17, 0, 1), "2026-11-16T23:59:59"),
        ("T00:04:00", at(2026, 11, 17, 0, 1), "2026-11-17T00:04:00"),
        ("--13-45T10:00:00", at(2026, 11, 17), "13-45T10:00:00"),
    ],
)
def test_a_time_without_year_or_date_is_the_newest_before_its_arrival(
    text: str, now: datetime, expected: str
) -> None:
    assert completed(text, now) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("E1116 10:00:00.000000    12 pay.go:3] declined", "declined"),
        ("Nov 16 10:00:00 host shop[12]: declined", "declined"),
        ("29-Nov-2025 10:00:00.123 SEVERE [main] org.Shop.pay declined", "declined"),
    ],
)
def test_a_line_without_a_year_has_one_when_it_is_stored(line: str, message: str) -> None:
    (row,) = logs(read(line))
    assert row["message"] == message
    assert row["time"] in (WHOLE, micros(datetime(2025, 11, 29, 9, 0, 0, 123000, tzinfo=UTC)))
