"""The state of a source, decided by values; and the figures that it is decided by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from collectors.backlog import Backlog, FileBacklog, Pace, time_of
from collectors.growth import Growth
from collectors.piece import Piece
from collectors.states import Signs, SourceState, condition, not_collected, silent_after
from collectors.status import Unread
from tests.collectors.rows import normaliser

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
FILES = Signs(matching=1)
OTLP = Signs(begin="Point an exporter at OTEL_EXPORTER_OTLP_ENDPOINT", repair="Senders send it again")


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


TABLE = [
    # what is known, state, words of its reason, words of its next step
    (FILES, "never_received", "No record has arrived yet", "Check that the script runs"),
    (replace(FILES, matching=0), "never_received", "no file matches", "Start the script"),
    (replace(FILES, missing="/logs"), "never_received", "/logs does not exist", "Create the folder"),
    (replace(FILES, trouble="/a: denied"), "never_received", "/a: denied", "Correct"),
    (OTLP, "never_received", "No record has arrived yet", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    (replace(FILES, unread=9), "running", "Reading", ""),
    (replace(FILES, unread=9, no_progress_s=29.9), "running", "Reading", ""),
    (replace(FILES, unread=9, no_progress_s=30), "stalled", "has not accepted", "Check the disk"),
    (replace(FILES, unread=9, no_progress_s=30, trouble="disk full"), "stalled", "disk full", "disk"),
    (replace(FILES, unread=0, no_progress_s=99, received_at=NOW), "running", "is stored", ""),
    (replace(FILES, error="a.gz: broken"), "failed", "a.gz: broken", "Correct or remove"),
    (replace(FILES, error="a.gz: broken", unread=9), "failed", "a.gz: broken", "Correct or remove"),
    (replace(FILES, error="a.gz", unread=9, no_progress_s=31), "stalled", "a.gz", "Check the disk"),
    (replace(OTLP, error="disk full", received_at=NOW), "failed", "disk full", "Senders send it again"),
    (replace(FILES, received_at=NOW, missing="/logs"), "failed", "/logs no longer exists", "Mount"),
    (replace(FILES, received_at=ago(days=9)), "running", "is stored", ""),
    (replace(FILES, received_at=ago(minutes=9), silent_after_s=600), "running", "is stored", ""),
    (replace(FILES, received_at=ago(minutes=11), silent_after_s=600), "silent", "the limit", "still runs"),
    (replace(OTLP, received_at=ago(minutes=11), silent_after_s=600), "silent", "the limit", "still runs"),
    (replace(FILES, received_at=ago(minutes=4), longest_pause_s=60), "running", "is stored", ""),
    (replace(FILES, received_at=ago(minutes=6), longest_pause_s=60), "silent", "usual pause", "still runs"),
    (replace(FILES, received_at=ago(hours=1), longest_pause_s=3600), "running", "is stored", ""),
    (replace(FILES, received_at=ago(hours=2), longest_pause_s=3600), "silent", "usual pause", "still runs"),
    (replace(FILES, received_at=ago(hours=2), unread=1, silent_after_s=60), "running", "Reading", ""),
]


@pytest.mark.parametrize(("signs", "state", "reason", "step"), TABLE)
def test_the_state_of_a_source(signs: Signs, state: str, reason: str, step: str) -> None:
    found = condition(signs, NOW)
    assert found.state == state
    assert reason in found.reason
    assert step in found.next_step
    assert bool(found.next_step) == (state != "running"), "a state that needs a person says what to do"


def test_every_state_occurs() -> None:
    assert {condition(signs, NOW).state for signs, *_ in TABLE} | {not_collected().state} == set(SourceState)


def test_stalled_and_silent_say_since_when() -> None:
    stalled = condition(replace(FILES, unread=1, no_progress_s=90), NOW)
    silent = condition(replace(FILES, received_at=ago(hours=3), silent_after_s=60), NOW)
    assert (stalled.since, silent.since) == (ago(seconds=90), ago(hours=3))


def test_a_configured_limit_wins_over_the_usual_pause() -> None:
    assert silent_after(replace(FILES, longest_pause_s=9000, silent_after_s=60)) == 60


# --- what is unread --------------------------------------------------------------------------------


def backlog_of(path: str, unread: int, **more: object) -> FileBacklog:
    plain = FileBacklog(path, 1000, unread, 0, waiting_since=0.0, first_seen=0.0, oldest=None)
    return replace(plain, **more)  # type: ignore[arg-type]


def test_the_lag_is_the_age_of_the_oldest_record_of_all_files() -> None:
    files = (backlog_of("a", 10, oldest=ago(minutes=5)), backlog_of("b", 20, first_seen=100.0))
    totals = Backlog(files, followed=3, rate=2.0).totals(160.0, NOW)
    assert totals == Unread(
        oldest_unread_at=ago(minutes=5),
        lag_s=300.0,
        unread_bytes=30,
        unread_files=2,
        unread_items=2,
        followed_files=3,
        read_bytes_per_second=2.0,
        seconds_left=15.0,
    )
    rows = Backlog(files, rate=2.0).largest(160.0, NOW)
    assert [(row.path, row.read_bytes, row.lag_s) for row in rows] == [
        ("b", 980, 60.0),
        ("a", 990, 300.0),
    ]


def test_a_half_line_and_a_broken_file_are_no_lag() -> None:
    files = (backlog_of("a", 10, half=10), backlog_of("b", 500, error="broken", is_broken=True))
    backlog = Backlog(files, stored_at=0.0)
    totals = backlog.totals(99.0, NOW)
    assert (totals.lag_s, totals.unread_bytes, totals.unread_files) == (0.0, 10, 0)
    assert backlog.no_progress_s(99.0) == 0
    assert [row.state for row in backlog.largest(99.0, NOW)] == ["failed", "running"]


def test_a_record_from_the_future_is_no_lag_below_zero() -> None:
    assert Backlog((backlog_of("a", 1, oldest=ago(hours=-1)),)).totals(0.0, NOW).lag_s == 0


def test_a_file_that_waits_for_its_turn_is_not_stalled_but_one_that_cannot_be_read_is() -> None:
    waiting, denied = backlog_of("a", 10), backlog_of("b", 10, error="denied")
    busy = Backlog((waiting,), stored_at=95.0)
    assert busy.no_progress_s(100.0) == 5
    assert busy.largest(100.0, NOW)[0].state == "running"
    held_up = Backlog((waiting, denied), stored_at=95.0)
    assert held_up.no_progress_s(100.0) == 100
    assert [row.state for row in held_up.largest(100.0, NOW)] == ["running", "stalled"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"event":"x","timestamp":"2026-11-16T09:00:00Z"}', datetime(2026, 11, 16, 9, tzinfo=UTC)),
        (b"2026-11-16 10:00:00,000 - shop - INFO - x", datetime(2026, 11, 16, 9, tzinfo=UTC)),  # Berlin
        (b'{"event":"x"}', None),
        (b"no time in here", None),
        (b"{broken", None),
    ],
)
def test_the_time_of_an_unread_line(line: bytes, expected: datetime | None) -> None:
    assert time_of(Piece([line], None, 0, 0, final=True), normaliser()) == expected


def test_bytes_are_as_old_as_the_first_look_that_saw_them() -> None:
    growth = Growth()
    for size, moment in ((10, 1.0), (20, 5.0), (20, 6.0), (30, 9.0)):
        growth.saw(size, 0, moment)
    ages = []
    for stored in (0, 9, 10, 19, 20, 29, 30):
        growth.settle(stored)
        ages.append(growth.since)
    assert ages == [1.0, 1.0, 5.0, 5.0, 9.0, 9.0, None]


def test_the_looks_that_are_remembered_stay_few_and_age_is_never_too_small() -> None:
    growth = Growth()
    for second in range(5000):
        growth.saw(second + 1, 0, float(second))
    assert len(growth._seen) <= 600
    growth.settle(4000)
    assert growth.since is not None
    assert growth.since <= 4000
    growth.settle(5000)
    assert growth.since is None


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    assert pace.rate is None
    for second in range(60):
        pace.note(second * 100 if second < 30 else 2900 + (second - 29) * 10, float(second), reading=True)
    assert pace.rate == pytest.approx(10)
    pace.note(9999, 61.0, reading=False)
    assert pace.rate is None
