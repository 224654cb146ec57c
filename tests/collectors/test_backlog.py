"""No unread line is abandoned, and all are counted: real files, and a real store that is kept busy."""

from __future__ import annotations

import gzip
import json
import os
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from collectors.folder import MAX_OPEN, RETRY_S, Folder
from collectors.parse import MAX_LINE
from tests.collectors.statuses import status
from tests.collectors.test_files import line, messages, wait_for
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.store import Store

pytestmark = [pytest.mark.slow]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir()
    return made


@pytest.fixture
def held(store: Store) -> Iterator[threading.Event]:
    """Keep the store's writer busy until the event is set."""
    go = threading.Event()
    store.act(lambda _tx: go.wait(60))
    yield go
    go.set()


def lines(count: int, name: str = "e") -> bytes:
    return b"".join(line(f"{name}{number}") for number in range(count))


def counted(store: Store) -> int:
    return sum(row["records"] for row in store.query("server/sources"))


def slowed(store: Store, stop: threading.Event) -> threading.Thread:
    """Let the writer do something else for a while before each of its commits."""

    def work() -> None:
        while not stop.is_set():
            store.act(lambda _tx: time.sleep(0.15)).result()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def reasons(store: Store) -> list[str]:
    return [
        row["reason"] for row in store.query("server/quarantine", {"limit": 99, "offset": 0, "behind": None})
    ]


# --- a file is released only at its end --------------------------------------------------------------


def test_a_finished_file_that_takes_longer_than_the_idle_time_is_complete(
    store: Store, folder: Path, follow: Any
) -> None:
    (folder / "a.log").write_bytes(lines(60_000))
    stop, idle_s = threading.Event(), 0.2
    thread = slowed(store, stop)
    follower = follow(idle_s=idle_s)
    began = time.monotonic()
    try:
        eventually(lambda: counted(store) == 60_000)
    finally:
        stop.set()
        thread.join()
    assert time.monotonic() - began > 5 * idle_s, "reading took longer than the idle time"
    eventually(lambda: not any(tail.is_open for tail in follower.source._folder.tails.values()))


def test_a_file_that_is_deleted_while_unread_is_read_to_its_end(
    store: Store, folder: Path, follow: Any, held: threading.Event
) -> None:
    path = folder / "a.log"
    path.write_bytes(lines(30_000))
    follower = follow(idle_s=0.2)
    eventually(lambda: any(tail.is_open for tail in follower.source._folder.tails.values()))
    path.unlink()
    eventually(lambda: all(tail.gone for tail in follower.source._folder.tails.values()))
    time.sleep(0.5)  # longer than the idle time
    held.set()
    eventually(lambda: counted(store) == 30_000)
    eventually(lambda: not follower.source._folder.tails)


def test_what_is_written_just_before_a_closed_file_is_rotated_away_is_read(
    store: Store, folder: Path, follow: Any
) -> None:
    path = folder / "a.log"
    path.write_bytes(line("one"))
    follower = follow("*.log", idle_s=0.2)
    wait_for(store, ["one"])
    eventually(lambda: not any(tail.is_open for tail in follower.source._folder.tails.values()))
    with path.open("ab") as file:
        file.write(line("two"))
    path.rename(folder / "a.old")
    wait_for(store, ["one", "two"])


def test_a_file_that_was_rotated_away_while_nobody_followed_is_read_to_its_end(
    store: Store, folder: Path, follow: Any
) -> None:
    path = folder / "a.log"
    path.write_bytes(line("one"))
    first = follow("*.log")
    wait_for(store, ["one"])
    first.stop()
    with path.open("ab") as file:
        file.write(line("two"))
    path.rename(folder / "a.log.1")
    path.write_bytes(line("three"))
    second = follow("*.log")
    wait_for(store, ["one", "two", "three"])
    eventually(lambda: second.records >= 2)  # counted after the commit that the store shows
    assert second.records == 2, "nothing was read again"


def test_a_renamed_file_keeps_its_place_over_two_restarts(store: Store, folder: Path, follow: Any) -> None:
    path = folder / "a.log"
    path.write_bytes(line("one"))
    first = follow()
    wait_for(store, ["one"])
    first.stop()
    path.rename(folder / "a.log.1")
    path.write_bytes(line("two"))
    second = follow()
    wait_for(store, ["one", "two"])
    eventually(lambda: str(folder / "a.log.1") in store.file_offsets())
    second.stop()
    third = follow()
    with path.open("ab") as file:
        file.write(line("three"))
    wait_for(store, ["one", "two", "three"])
    third.stop()
    assert [follower.records for follower in (second, third)] == [1, 1]


def test_a_half_line_of_plain_text_that_nobody_ends_is_taken_after_a_while(
    store: Store, folder: Path, follow: Any
) -> None:
    (folder / "a.log").write_bytes(b"ERROR:shop:one\nERROR:shop:the end")
    follow(idle_s=0.3)  # a half line waits ten times as long
    wait_for(store, ["one", "the end"])


def test_a_half_line_is_not_taken_before_its_time(store: Store, folder: Path, follow: Any) -> None:
    path = folder / "a.log"
    path.write_bytes(line("one") + b"ERROR:shop:half")
    follower = follow()
    wait_for(store, ["one"])
    eventually(lambda: status(follower).files != [] and not follower.signs().unread)
    (file,) = status(follower).files
    assert (file.unread_bytes, file.incomplete_bytes, file.lag_s) == (15, 15, 0)
    time.sleep(2.5)  # longer than the half line of a file that is gone
    assert messages(store) == ["one"]


def test_a_long_line_without_end_waits_in_bounded_memory_and_is_kept_when_its_end_comes(
    store: Store, folder: Path, follow: Any
) -> None:
    path = folder / "a.log"
    path.write_bytes(line("one") + b'{"event":"' + b"x" * (3 * MAX_LINE))
    follower = follow()
    wait_for(store, ["one"])
    eventually(lambda: not follower.signs().unread)
    with path.open("ab") as file:
        file.write(b'"}\n' + line("two"))
    wait_for(store, ["one", "two"])
    assert reasons(store) == [f"a line of {3 * MAX_LINE + 12} bytes, more than {MAX_LINE}"]


def test_a_line_in_utf16_that_is_too_long_costs_only_itself(store: Store, folder: Path, follow: Any) -> None:
    texts = ["one", "x" * (3 * MAX_LINE), "Größe Ċ"]  # U+010A holds the byte of a line's end
    raw = "".join(f'{{"event":"{text}","level":"info"}}\n' for text in texts).encode("utf-16-le")
    follow()
    (folder / "a.log").write_bytes(b"\xff\xfe" + raw)
    wait_for(store, ["one", "Größe Ċ"])


# --- truncated ---------------------------------------------------------------------------------------


def test_lines_that_were_unread_when_a_file_was_truncated_are_reported(
    store: Store, folder: Path, follow: Any, held: threading.Event
) -> None:
    path = folder / "a.log"
    path.write_bytes(lines(60_000))
    follower = follow("*.log")
    eventually(lambda: any(tail.offset for tail in follower.source._folder.tails.values()))
    os.truncate(path, 0)
    with path.open("ab") as file:
        file.write(line("new"))
    held.set()
    eventually(lambda: "new" in messages(store))
    eventually(lambda: any("was truncated while" in reason for reason in reasons(store)))


def test_a_copy_that_is_followed_brings_what_truncation_took(
    store: Store, folder: Path, follow: Any, held: threading.Event
) -> None:
    path = folder / "a.log"
    path.write_bytes(lines(40_000))
    follower = follow()
    eventually(lambda: any(tail.offset for tail in follower.source._folder.tails.values()))
    (folder / "a.log.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    with path.open("ab") as file:
        file.write(line("new"))
    held.set()
    eventually(lambda: counted(store) == 40_001)
    time.sleep(3)  # as long as the copy is waited for
    assert reasons(store) == []


# --- packed ------------------------------------------------------------------------------------------


def packed(raw: bytes) -> bytes:
    return gzip.compress(raw, mtime=0)


def noisy(count: int, name: str = "e") -> list[str]:
    chance = random.Random(7)
    return [f"{name}{number} {chance.getrandbits(256):x}" for number in range(count)]


def test_of_a_packed_file_that_breaks_off_what_can_be_read_is_read_and_the_rest_reported(
    store: Store, folder: Path, follow: Any
) -> None:
    events = noisy(2000)
    whole = packed(b"".join(map(line, events)))
    (folder / "a.log.gz").write_bytes(whole[: len(whole) // 2])
    follower = follow(idle_s=0.5)
    eventually(lambda: any("cannot be read behind byte" in reason for reason in reasons(store)))
    found = set(messages(store)) & set(events)
    assert len(found) > 900
    assert found == set(events[: len(found)])
    eventually(lambda: "a.log.gz" in (follower.signs().error or ""))
    (folder / "a.log.gz").write_bytes(whole)
    eventually(lambda: set(events) <= set(messages(store)))


def test_a_packed_file_that_is_still_written_is_no_bad_record(
    store: Store, folder: Path, follow: Any
) -> None:
    events = noisy(2000)
    whole = packed(b"".join(map(line, events)))
    follow()
    with (folder / "a.log.gz").open("wb", buffering=0) as file:
        for start in range(0, len(whole), len(whole) // 5):
            file.write(whole[start : start + len(whole) // 5])
            time.sleep(0.6)  # longer than a scan
    wait_for(store, events)
    assert reasons(store) == []


def test_a_packed_file_that_was_empty_when_it_was_opened_is_unpacked(
    store: Store, folder: Path, follow: Any
) -> None:
    path = folder / "a.log.gz"
    path.touch()
    follower = follow()
    eventually(lambda: any(tail.is_open for tail in follower.source._folder.tails.values()))
    path.write_bytes(packed(line("one") + line("two")))
    wait_for(store, ["one", "two"])


def test_a_packed_file_that_is_written_over_or_grows_by_a_member_is_read(
    store: Store, folder: Path, follow: Any
) -> None:
    path = folder / "a.log.gz"
    path.write_bytes(packed(line("one") + line("two")))
    follow(idle_s=0.3)
    wait_for(store, ["one", "two"])
    with path.open("ab") as file:
        file.write(packed(line("three")))
    wait_for(store, ["one", "two", "three"])
    path.write_bytes(packed(line("four") + line("five")))
    wait_for(store, ["one", "two", "three", "four", "five"])


# --- several files -----------------------------------------------------------------------------------


def test_a_huge_file_does_not_keep_small_ones_waiting(store: Store, folder: Path, follow: Any) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.log").write_bytes(lines(60_000, name))
    (folder / "z.log").write_bytes(line("small one"))
    follower = follow()
    eventually(lambda: counted(store) > 0)
    with (folder / "z.log").open("ab") as file:
        file.write(line("small two"))
    eventually(lambda: {"small one", "small two"} <= set(messages(store)))
    left = follower.source._folder.tails.values()
    assert sum(tail.size - tail.offset for tail in left) > 1_000_000, "the huge ones were not read first"
    assert {tail.offset > 0 for tail in left} == {True}, "the huge ones go on side by side"


def test_more_files_than_may_be_open_are_all_read(store: Store, folder: Path, follow: Any) -> None:
    count = MAX_OPEN + 50
    for number in range(count):
        (folder / f"{number}.log").write_bytes(line(f"e{number}"))
    follower = follow()
    eventually(lambda: counted(store) == count)
    assert sum(tail.is_open for tail in follower.source._folder.tails.values()) <= MAX_OPEN


def test_a_file_that_cannot_be_read_for_now_is_tried_again_though_it_does_not_change(folder: Path) -> None:
    (folder / "a.log").write_bytes(line("one"))
    watched = Folder([str(folder / "*.log")], None, idle_s=60)
    now = time.monotonic()
    watched.scan(now)
    (tail,) = watched.tails.values()
    watched.cannot_read(tail, PermissionError(13, "Permission denied"), now)
    watched.scan(now + 1)
    assert not tail.is_open
    assert watched.refused == [], "that is no bad record"
    watched.scan(now + RETRY_S + 1)
    assert tail.is_open
    watched.close()


# --- a store that fails ------------------------------------------------------------------------------


class Crashing:
    """A store that now and then raises what nobody expects."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls = 0

    def append(self, batch: Any) -> Any:
        self.calls += 1
        if self.calls in {2, 4}:
            raise RuntimeError("nobody expects this")
        return self._store.append(batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_batch_that_is_lost_on_its_way_is_read_again(store: Store, folder: Path, follow: Any) -> None:
    (folder / "a.log").write_bytes(lines(45_000))
    (folder / "b.log.gz").write_bytes(packed(lines(5_000, "p")))
    crashing = Crashing(store)
    follow(on=crashing)
    eventually(lambda: counted(store) == 50_000)
    assert crashing.calls > 4


# --- what is unread is reported ----------------------------------------------------------------------


def dated(stamp: str, count: int) -> bytes:
    made = json.dumps({"event": "e", "level": "info", "timestamp": stamp}).encode() + b"\n"
    return made * count


def test_the_lag_is_the_time_of_the_oldest_unread_line_and_all_bytes_that_are_not_stored(
    folder: Path, follow: Any, held: threading.Event
) -> None:
    old = dated("2026-11-16T09:00:00Z", 1)
    size = (folder / "a.log").write_bytes(old + dated("2026-11-16T10:00:00Z", 40_000))
    (folder / "b.log").write_bytes(b"a line without a time\n" * 3)
    follower = follow()
    eventually(lambda: status(follower).unread_files == 2)
    found = status(follower)
    by_path = {file.path.rpartition("/")[2]: file for file in found.files}
    assert found.unread_bytes == size + 66
    assert found.oldest_unread_at.isoformat() == "2026-11-16T09:00:00+00:00"
    assert by_path["a.log"].lag_s == pytest.approx(found.lag_s, abs=1)
    assert 0 <= by_path["b.log"].lag_s < 30, "since its bytes were first seen"
    held.set()
    eventually(lambda: status(follower).unread_bytes == 0 and status(follower).lag_s == 0)


def test_a_file_that_comes_and_goes_while_the_writer_is_busy_is_read(
    store: Store, folder: Path, follow: Any, held: threading.Event
) -> None:
    (folder / "a.log").write_bytes(lines(30_000))
    follower = follow()
    eventually(lambda: any(tail.offset for tail in follower.source._folder.tails.values()))
    (folder / "b.log").write_bytes(line("brief"))
    eventually(lambda: sum(tail.is_open for tail in follower.source._folder.tails.values()) == 2)
    (folder / "b.log").unlink()
    held.set()
    eventually(lambda: "brief" in messages(store))


def test_a_writer_that_accepts_nothing_makes_no_progress(
    store: Store, folder: Path, follow: Any, held: threading.Event
) -> None:
    (folder / "a.log").write_bytes(lines(10))
    follower = follow()
    eventually(lambda: follower.signs().unread > 0)
    before = follower.signs().no_progress_s
    eventually(lambda: follower.signs().no_progress_s > before + 1)
    with (folder / "a.log").open("ab") as file:
        file.write(lines(10, "more"))
    eventually(lambda: follower.signs().unread == len(lines(10) + lines(10, "more")))
    assert follower.signs().no_progress_s > before + 1, "growing is no progress"
    held.set()
    eventually(lambda: follower.signs().no_progress_s == 0)
    assert counted(store) == 20


def test_a_missing_and_an_empty_folder_are_distinguished(store: Store, folder: Path, follow: Any) -> None:
    follower = follow("later/*.log")
    eventually(lambda: follower.signs().missing == str(folder / "later"))
    (folder / "later").mkdir()
    eventually(lambda: follower.signs().missing is None)
    assert follower.signs().matching == 0
    (folder / "later/a.log").write_bytes(line("one"))
    wait_for(store, ["one"])
    (folder / "later/a.log").unlink()
    (folder / "later").rmdir()
    eventually(lambda: follower.signs().missing == str(folder / "later"))


def test_a_folder_that_cannot_be_listed_is_an_error_and_not_a_missing_one(folder: Path) -> None:
    (folder / "loop").symlink_to(folder / "loop")
    watched = Folder([str(folder / "loop/*.log")], None, idle_s=60)
    watched.scan(0.0)
    assert watched.missing is None
    assert "loop cannot be listed: Too many levels of symbolic links" in (watched.error or "")
