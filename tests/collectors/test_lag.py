"""The lag of a source: the age of its oldest unread record, whichever file or item that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from collectors.backlog import Backlog, FileBacklog, lag

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
MONOTONIC = 1_000.0


def file(
    name: str, *, age_s: float | None = None, seen_s: float = 0, **more: int | str | bool
) -> FileBacklog:
    """Return a file whose oldest record is of this age, or says no time and was seen so long ago."""
    oldest = None if age_s is None else NOW - timedelta(seconds=age_s)
    sizes = {"size": 100, "unread": 100, "half": 0, **more}
    first_seen = MONOTONIC - seen_s
    return FileBacklog(name, waiting_since=first_seen, first_seen=first_seen, oldest=oldest, **sizes)


TABLE = [
    # files, items, the oldest item's age; lag in seconds
    ([], 0, None, 0),
    ([file("a", age_s=40)], 0, None, 40),
    ([file("a", age_s=40), file("b", age_s=90), file("c", age_s=7)], 0, None, 90),
    ([file("a", age_s=7), file("b", seen_s=31)], 0, None, 31),
    ([file("a", age_s=40, seen_s=3)], 0, None, 40),  # the line's own time, not when it was seen
    ([file("a", seen_s=12.5)], 0, None, 12.5),
    ([file("a", age_s=500, half=100), file("b", age_s=9)], 0, None, 9),  # half a line is not late
    ([file("a", age_s=500, unread=0), file("b", age_s=9)], 0, None, 9),  # all of it is stored
    ([file("a", age_s=500, is_broken=True), file("b", age_s=9)], 0, None, 9),  # given up
    ([file("a", age_s=-30)], 0, None, 0),  # a clock ahead
    ([], 3, 55, 55),
    ([file("a", age_s=9)], 3, 55, 55),
    ([file("a", age_s=90)], 3, 55, 90),
]


@pytest.mark.parametrize(("files", "items", "item_age_s", "expected"), TABLE)
def test_the_lag_is_the_age_of_the_oldest_unread_record(
    files: list[FileBacklog], items: int, item_age_s: float | None, expected: float
) -> None:
    oldest = None if item_age_s is None else NOW - timedelta(seconds=item_age_s)
    totals = Backlog(files, items=items, oldest_item=oldest).totals(MONOTONIC, NOW)
    assert totals.lag_s == expected
    has_unread = items or any(one.ready for one in files)
    assert (totals.oldest_unread_at is None) == (not has_unread)
    if has_unread and expected:
        assert totals.oldest_unread_at == NOW - timedelta(seconds=expected)


def test_each_file_has_a_lag_of_its_own() -> None:
    rows = Backlog([file("a", age_s=40), file("b", seen_s=90)]).largest(MONOTONIC, NOW)
    assert {row.path: row.lag_s for row in rows} == {"a": 40, "b": 90}


def test_a_lag_grows_by_a_second_a_second() -> None:
    backlog = Backlog([file("a", age_s=40), file("b", seen_s=10)])
    later = backlog.totals(MONOTONIC + 100, NOW + timedelta(seconds=100))
    assert later.lag_s == 140
    only_seen = Backlog([file("b", seen_s=10)]).totals(MONOTONIC + 100, NOW + timedelta(seconds=100))
    assert only_seen.lag_s == 110


def test_a_lag_is_in_seconds_to_a_tenth() -> None:
    assert lag(NOW - timedelta(hours=1, milliseconds=260), NOW).lag_s == 3600.3
    assert lag(None, NOW) == (None, 0.0)


def test_unread_items_are_files_and_items_that_can_be_read() -> None:
    files = [file("a"), file("b", half=100), file("c", unread=0), file("d", is_broken=True)]
    totals = Backlog(files, items=4).totals(MONOTONIC, NOW)
    assert (totals.unread_files, totals.unread_items, totals.unread_bytes) == (1, 5, 200)
