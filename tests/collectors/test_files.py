"""Real files, followed into a real store: rotated, truncated, packed, half written, oddly encoded."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from collectors.parse import MAX_LINE
from collectors.states import SourceState
from data.errors import StoreBusyError, StoreUnavailableError
from tests.collectors.statuses import status
from tests.waiting import eventually

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from data.records import Appended, Batch
    from data.store import Store

pytestmark = [pytest.mark.slow]

Follow = "Callable[..., Supervised]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir()
    return made


def line(event: str) -> bytes:
    return json.dumps({"event": event, "level": "info", "timestamp": "2026-11-16T09:00:00Z"}).encode() + b"\n"


def messages(store: Store) -> list[str]:
    params = dict.fromkeys(
        ("q", "from", "to", "flow", "severity_number", "source", "correlation_id", "trace_id")
    )
    rows = store.everything().query("units/logs", {**params, "limit": 100_000, "offset": 0, "behind": None})
    return sorted(row["message"] for row in rows)


def wait_for(store: Store, expected: list[str]) -> None:
    eventually(lambda: messages(store) == sorted(expected), lambda: messages(store))


def test_a_file_that_comes_while_the_folder_is_followed_is_read(
    store: Store, folder: Path, follow: Any
) -> None:
    follower = follow()
    eventually(lambda: status(follower).state == SourceState.NEVER_RECEIVED)
    (folder / "a.log").write_bytes(line("one"))
    wait_for(store, ["one"])


def test_a_half_line_waits_for_its_end(store: Store, folder: Path, follow: Any) -> None:
    follow()
    path = folder / "a.log"
    path.write_bytes(line("one") + line("two")[:20])
    wait_for(store, ["one"])
    with path.open("ab") as file:
        file.write(line("two")[20:])
    wait_for(store, ["one", "two"])


def test_a_renamed_file_is_read_to_its_end(store: Store, folder: Path, follow: Any) -> None:
    follow()
    path = folder / "a.log"
    with path.open("ab", buffering=0) as file:
        file.write(line("one"))
        wait_for(store, ["one"])
        path.rename(folder / "a.log.1")
        file.write(line("two"))
        path.write_bytes(line("three"))
        wait_for(store, ["one", "two", "three"])


def test_the_half_line_of_a_file_that_was_moved_away_is_taken(
    store: Store, folder: Path, follow: Any
) -> None:
    follow("*.log")
    path = folder / "a.log"
    path.write_bytes(line("one") + b"ERROR:shop:the end")
    wait_for(store, ["one"])
    path.rename(folder / "a.old")
    wait_for(store, ["one", "the end"])


def test_copytruncate_loses_nothing_and_doubles_nothing(store: Store, folder: Path, follow: Any) -> None:
    follow()
    path = folder / "a.log"
    path.write_bytes(line("one") + line("two"))
    wait_for(store, ["one", "two"])
    shutil.copy(path, folder / "a.log.1")
    os.truncate(path, 0)
    with path.open("ab") as file:
        file.write(line("three") + line("four") + line("five") + line("six"))
    wait_for(store, ["one", "two", "three", "four", "five", "six"])


def test_a_packed_copy_brings_no_record_twice(store: Store, folder: Path, follow: Any) -> None:
    follow()
    (folder / "a.log").write_bytes(line("one") + line("two"))
    wait_for(store, ["one", "two"])
    with gzip.open(folder / "a.log.1.gz", "wb") as file:
        file.write(line("one") + line("two") + line("three"))
    wait_for(store, ["one", "two", "three"])


def test_a_broken_gzip_file_is_quarantined_and_others_go_on(store: Store, folder: Path, follow: Any) -> None:
    follower = follow()
    (folder / "a.log.gz").write_bytes(b"\x1f\x8bnothing of the kind")
    (folder / "b.log").write_bytes(line("one"))
    wait_for(store, ["one"])
    # The broken file is set apart on its own.
    (row,) = eventually(lambda: store.query("server/quarantine", {"limit": 5, "offset": 0, "behind": None}))
    assert "cannot be read" in row["reason"]
    eventually(lambda: "a.log.gz" in (follower.signs().error or ""))
    eventually(lambda: follower.signs().unread == 0)  # a broken file is given up, and is no backlog


def test_following_goes_on_where_it_stopped(store: Store, folder: Path, follow: Any) -> None:
    path = folder / "a.log"
    path.write_bytes(line("one"))
    first = follow()
    wait_for(store, ["one"])
    first.stop()
    with path.open("ab") as file:
        file.write(line("two"))
    second = follow()
    wait_for(store, ["one", "two"])
    second.stop()
    assert second.records == 1, "nothing was read again"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("cp1252", b"")],
)
def test_encodings_that_nobody_wrote_down(
    store: Store, folder: Path, follow: Any, encoding: str, mark: bytes
) -> None:
    follow()
    texts = ["Größe überprüfen", "Zahlung für Müller läuft", "äöü ß"]
    raw = "".join(f'{{"event":"{text}","level":"info"}}\n' for text in texts).encode(encoding)
    (folder / "a.log").write_bytes(mark + raw)
    wait_for(store, texts)


def test_a_stack_trace_stays_with_its_line(store: Store, folder: Path, follow: Any) -> None:
    follow()
    with (folder / "a.log").open("wb", buffering=0) as file:
        file.write(b"2026-11-16 10:00:00,123 - shop - ERROR - no answer\n")
        time.sleep(0.3)
        file.write(b"Traceback (most recent call last):\n")
        file.write(b'  File "shop.py", line 3, in pay\nTimeoutError: after 10 s\n')
    wait_for(store, ["no answer"])
    (row,) = store.everything().query(
        "units/logs",
        dict.fromkeys(("q", "from", "to", "flow", "severity_number", "source", "correlation_id", "trace_id"))
        | {"limit": 5, "offset": 0, "behind": None},
    )
    assert (row["error_type"], row["exception_message"]) == ("TimeoutError", "after 10 s")


def test_a_line_that_is_too_long_costs_only_itself(store: Store, folder: Path, follow: Any) -> None:
    follow()
    giant = b'{"event":"' + b"x" * (3 * MAX_LINE) + b'"}\n'
    (folder / "a.log").write_bytes(line("one") + giant + line("two"))
    with gzip.open(folder / "b.log.gz", "wb") as file:
        file.write(line("three") + giant + line("four"))
    wait_for(store, ["one", "two", "three", "four"])
    rows = store.query("server/quarantine", {"limit": 5, "offset": 0, "behind": None})
    assert [row["size"] for row in rows] == [len(giant) - 1] * 2


class Moody:
    """A store that is busy, then fails, and refuses one record for good."""

    def __init__(self, store: Store, poison: str | None = None) -> None:
        self._store = store
        self._poison = poison
        self.trouble: list[Exception] = [
            StoreBusyError(),
            StoreUnavailableError("disk full"),
            StoreBusyError(),
        ]

    def append(self, batch: Batch) -> Future[Appended]:
        if self.trouble and len(batch):
            raise self.trouble.pop()
        if self._poison in batch.logs["message"]:
            raise StoreUnavailableError("cannot be written")
        return self._store.append(batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_store_in_trouble_loses_nothing(store: Store, folder: Path, follow: Any) -> None:
    events = [f"e{number}" for number in range(40)]
    (folder / "a.log").write_bytes(b"".join(map(line, events)))
    follow(on=Moody(store))
    wait_for(store, events)


def test_a_record_that_the_store_refuses_for_good_is_set_apart(
    store: Store, folder: Path, follow: Any
) -> None:
    events = [f"e{number}" for number in range(40)]
    (folder / "a.log").write_bytes(b"".join(map(line, events)))
    follow(on=Moody(store, poison="e13"))
    wait_for(store, [event for event in events if event != "e13"])
    rows = eventually(lambda: store.query("server/quarantine", {"limit": 5, "offset": 0, "behind": None}))
    assert "cannot be written" in rows[0]["reason"]
