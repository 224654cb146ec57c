"""Sources under supervision: each goes on after it failed, at its cursor, and none ends another."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from collectors.backlog import Backlog
from collectors.source import Context, Health, Source
from collectors.states import SourceState, condition
from collectors.supervisor import FIRST_DELAY_S, LONGEST_DELAY_S, Failure, Supervised, Supervisor, delay_s
from data.clock import utc_now
from data.errors import StoreUnavailableError
from tests.collectors.test_files import messages
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data.store import Store


class Numbers(Source):
    """A system that holds numbered records and is asked for those behind a cursor."""

    kind = "numbers"

    def __init__(self, name: str, count: int, fails: Callable[[int], bool] = lambda _number: False) -> None:
        self.name = name
        self.count = count
        self.fails = fails
        self.starts: list[float] = []
        self.read = 0
        self.is_closed = False

    def run(self, context: Context) -> None:
        self.starts.append(time.monotonic())
        cursor = context.cursor() or {"behind": 0}
        self.read = cursor["behind"]
        while not context.stopping.is_set():
            if self.read < self.count:
                if self.fails(self.read):
                    raise ConnectionError(f"no answer after {self.read}")
                n = context.normaliser()
                for number in range(self.read, min(self.read + 10, self.count)):
                    n.log({"event": f"{self.name}-{number}"}, hash((self.name, number)) & (2**63 - 1))
                self.read = min(self.read + 10, self.count)
                context.send(n.batch(), cursor={"behind": self.read})
            else:
                context.settle()
                context.pause(0.01)
            context.well()

    def backlog(self) -> Backlog:
        return Backlog(items=self.count - self.read, oldest_item=utc_now() - timedelta(seconds=70))

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def run(store: Store) -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def start(source: Source, **options: Any) -> Supervised:
        supervised = Supervised(store, source, **{"delay": lambda _: 0.01, **options})
        supervised.start()
        started.append(supervised)
        return supervised

    yield start
    for supervised in started:
        supervised.stop()


def expected(*names: str, count: int) -> list[str]:
    return sorted(f"{name}-{number}" for name in names for number in range(count))


def test_a_source_that_raises_goes_on_at_its_cursor_and_stops_no_other(store: Store, run: Any) -> None:
    fallen: set[int] = set()

    def falls_once(read: int) -> bool:
        falls = read % 30 == 20 and read not in fallen
        fallen.add(read)
        return falls

    bad = run(Numbers("bad", 200, falls_once))
    run(Numbers("good", 200))
    eventually(lambda: messages(store) == expected("bad", "good", count=200))
    assert bad.restarts == len([read for read in fallen if read % 30 == 20])
    assert bad.restarts > 3
    duplicates = {row["name"]: row["duplicates"] for row in store.query("server/sources")}
    assert duplicates["good"] == 0


def test_what_a_source_raised_is_shown_until_it_is_well(store: Store, run: Any) -> None:
    broken = threading.Event()
    broken.set()
    supervised = run(Numbers("n", 50, lambda read: read == 20 and broken.is_set()))
    eventually(lambda: supervised.restarts > 2)
    assert supervised.last_error == "ConnectionError: no answer after 20"
    assert supervised.next_try_at is not None
    assert supervised.restarts >= 3
    broken.clear()
    eventually(lambda: messages(store) == expected("n", count=50))
    eventually(lambda: supervised.last_error is None)
    assert supervised.next_try_at is None


def test_a_source_waits_longer_after_each_failure_and_a_minute_at_most() -> None:
    waits = [delay_s(failures) for failures in range(1, 12)]
    assert waits[0] == FIRST_DELAY_S
    assert all(later == min(earlier * 2, LONGEST_DELAY_S) for earlier, later in pairwise(waits))
    assert delay_s(10_000) == LONGEST_DELAY_S


def test_each_failure_in_a_row_is_counted_for_the_delay(run: Any) -> None:
    asked: list[int] = []

    def delay(failures: int) -> float:
        asked.append(failures)
        return 0.01

    supervised = run(Numbers("n", 1, lambda _read: True), delay=delay)
    eventually(lambda: supervised.restarts >= 5)
    assert asked[:5] == [1, 2, 3, 4, 5]


def test_a_source_that_is_well_for_a_moment_only_does_not_start_over(run: Any) -> None:
    """Else a source that reads one page and fails, again and again, would be asked twice a second."""
    asked: list[int] = []

    class Flaps(Numbers):
        def run(self, context: Context) -> None:
            context.well()
            raise ConnectionError

    def delay(failures: int) -> float:
        asked.append(failures)
        return 0.01

    supervised = run(Flaps("n", 1), delay=delay)
    eventually(lambda: supervised.restarts >= 4)
    assert asked[:4] == [1, 2, 3, 4]


def test_a_source_that_ends_by_itself_is_started_again(run: Any) -> None:
    class Ends(Numbers):
        def run(self, context: Context) -> None:
            context.well()
            self.starts.append(time.monotonic())

    source = Ends("ends", 1)
    supervised = run(source)
    eventually(lambda: len(source.starts) > 2)
    eventually(lambda: supervised.last_error == "it ended by itself")


def test_a_source_that_failed_for_half_a_minute_counts_as_failed(store: Store) -> None:
    supervised = Supervised(store, Numbers("n", 0))
    supervised._failure = Failure("no answer", time.monotonic() - 29, utc_now())
    assert condition(supervised.signs(), utc_now()).state != SourceState.FAILED
    supervised._failure = Failure("no answer", time.monotonic() - 31, utc_now())
    found = condition(supervised.signs(), utc_now())
    assert (found.state, found.reason) == (SourceState.FAILED, "no answer.")


def test_a_cursor_is_committed_with_its_rows_or_not_at_all(store: Store) -> None:
    source = Numbers("n", 0)
    supervised = Supervised(store, source)
    context = supervised.context
    assert context.cursor() is None
    n = context.normaliser()
    n.log({"event": "first"}, 1)
    context.send(n.batch(), cursor={"page": [1, "é"]})
    context.finish()
    assert context.cursor() == {"page": [1, "é"]}
    n = context.normaliser()
    n.log({"event": "second"}, 2)
    batch = n.batch()
    batch.cursor, batch.source = "{}", None  # type: ignore[assignment] - no row fits, so nothing is written
    with pytest.raises(StoreUnavailableError):
        store.append(batch).result()
    assert (context.cursor(), messages(store)) == ({"page": [1, "é"]}, ["first"])


def test_sources_stop_in_the_reverse_order_and_commit_what_they_sent(store: Store) -> None:
    closed: list[str] = []

    class Noted(Numbers):
        def close(self) -> None:
            closed.append(self.name)

    supervisor = Supervisor()
    names = ("first", "second", "third")
    for name in names:
        supervisor.add(Supervised(store, Noted(name, 100_000)))
    supervisor.start()
    eventually(lambda: all(source.records for source in supervisor))
    supervisor.stop()
    assert sorted(closed) == sorted(names)
    for source in supervisor:
        assert source.source.read == source.context.cursor()["behind"], "what was sent is committed"
        stored = [name for name in messages(store) if name.startswith(source.name)]
        assert len(stored) == source.source.read


def test_a_source_that_counts_items_shows_its_lag_in_them(run: Any) -> None:
    source = Numbers("n", 25, lambda read: read == 10)
    supervised = run(source)
    eventually(lambda: source.read == 10)
    found = supervised.source.backlog().totals(time.monotonic(), utc_now())
    assert (found.unread_items, found.unread_files, found.unread_bytes) == (15, 0, 0)
    assert found.lag_s == pytest.approx(70, abs=5)
    assert condition(supervised.signs(), utc_now()).state in (SourceState.RUNNING, "stalled")
    assert supervised.signs().unread == 15


def test_a_source_answers_for_itself_only_what_it_defines(store: Store) -> None:
    class Plain(Source):
        name = kind = "plain"

        def run(self, context: Context) -> None:
            context.stopping.wait()

    plain = Plain()
    assert (plain.backlog(), plain.health()) == (Backlog(), Health())
    supervised = Supervised(store, plain)
    supervised.start()
    supervised.stop()
    assert supervised.last_error is None
