"""What arrivals say of clocks: fast is certain, slow is a doubt, and late records prove nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from data.clock import micros, stored
from data.records import LOG_COLUMNS, SPAN_COLUMNS, to_arrow
from data.store import Store
from tests.telemetry import at, batch, log, span
from traces import clocks
from traces.clocks import Clock, Clocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.transaction import Tx

BETA = {"instance": "p1", "host": "beta", "source": "otlp"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def written(event: float, arrival: float, **fields: Any) -> dict[str, Any]:
    """Return a log record with the time that its clock gave it, and the time at which it arrived."""
    return log(event, **{**BETA, "ingested_at": micros(at(arrival)), **fields})


def learned(store: Store, *rows: dict[str, Any], now: float = 0) -> set[str]:
    """Let the clocks be measured by one commit, and return those that changed."""

    def work(tx: Tx) -> set[str]:
        made = batch(*rows)
        tx.view("incoming_log", to_arrow(made.logs, LOG_COLUMNS))
        tx.view("incoming_span", to_arrow(made.spans, SPAN_COLUMNS))
        return clocks.learn(tx, stored(at(now)))

    return store.act(work).result()


def known(store: Store) -> Clocks:
    return store.act(clocks.known).result()


def kept(store: Store) -> list[tuple[Any, ...]]:
    """Return what the table says: the clock, and how far it is fast, in seconds."""
    rows = store.act(lambda tx: tx.execute("from clock order by clock")).result()
    return [(row["clock"], -row["lag_us"] / 1e6) for row in rows]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(0, 0.1)], []),
        ([(0, 9)], []),  # an exporter may gather for seconds
        ([(0, 30)], [("p1", -30)]),
        ([(30, 0)], [("p1", 30)]),
        ([(1.5, 0)], []),
        ([(2.5, 0)], [("p1", 2.5)]),
        ([(0, 30), (29, 31)], []),  # a delayed request, then a fresh one
        ([(0, 30), (31, 61), (62, 92)], [("p1", -30)]),
        ([(0, 34), (31, 62), (62, 94)], [("p1", -31)]),
        ([(0, 3600), (600, 3600), (3599, 3600)], []),  # a backlog in one request: its newest record counts
        ([(n, n + 6) for n in range(19)], []),
        ([(n, n + 6) for n in range(20)], [("p1", -6)]),  # one of twenty would have come sooner
        ([(n, n + (0.5 if n == 7 else 6)) for n in range(20)], []),
    ],
)
def test_the_smallest_lag_counts(
    store: Store, events: list[tuple[float, float]], expected: list[tuple[str, float]]
) -> None:
    learned(store, *(written(event, arrival) for event, arrival in events))
    assert kept(store) == expected


@pytest.mark.parametrize("turn", [1, -1])
def test_any_order_and_any_split_into_commits_measure_the_same(store: Store, turn: int) -> None:
    for event, arrival in [(0, 34), (31, 62), (62, 94)][::turn]:
        learned(store, written(event, arrival))
    assert kept(store) == [("p1", -31)]


def test_spans_count_by_their_end(store: Store) -> None:
    learned(store, span(0, 100, **{**BETA, "ingested_at": micros(at(100.2))}))
    assert kept(store) == []
    learned(store, span(0, 100, **{**BETA, "instance": "p2", "ingested_at": micros(at(60))}))
    assert kept(store) == [("p2", 40)]


def test_a_file_that_is_read_late_says_nothing_and_one_that_is_read_early_does(store: Store) -> None:
    learned(store, written(0, 3600, source="spool"))
    assert kept(store) == []
    learned(store, written(30, 0, source="spool"))
    assert kept(store) == [("p1", 30)]


def test_a_record_without_process_or_host_has_no_clock(store: Store) -> None:
    learned(store, written(0, 3600, instance=None, host=None), written(0, 3600, instance=None))
    assert kept(store) == [("beta", -3600)]


def test_a_missing_time_says_nothing_and_a_replaced_one_what_it_was(store: Store) -> None:
    learned(store, written(0, 0))
    original = '{"unsnag.original_time":"2026-11-17T09:00:00.000000Z"}'
    learned(store, written(0, 0, instance="p2", attributes=original))
    learned(store, written(0, 0, instance="p3", attributes='{"unsnag.original_time":"yesterday"}'))
    assert kept(store) == [("p2", 86_400)]
    doubt = known(store).doubt(("p2", naive(0)), ("p9", naive(0)))
    assert doubt.ahead == timedelta(minutes=5, seconds=10), "beyond that its times are arrivals"


def test_a_row_is_written_only_when_the_lag_changes(store: Store) -> None:
    assert learned(store, written(0, 30)) == {"p1"}
    assert learned(store, written(10, 39.7)) == set()
    assert kept(store) == [("p1", -30)]
    assert learned(store, written(20, 48)) == {"p1"}
    assert kept(store) == [("p1", -28)]


def test_a_late_first_request_is_forgotten_and_a_clock_that_was_set_is_not(store: Store) -> None:
    learned(store, written(0, 30), now=30)
    learned(store, written(40, 40.1), now=41)
    assert kept(store) == []
    learned(store, written(1000, 1030), now=1030)
    learned(store, written(1400, 1430), now=1430)
    learned(store, written(2400, 2400.1), now=2401)
    assert kept(store) == [("p1", -30)], "times from before may still be judged"
    assert known(store).doubt(("p9", naive(1500)), ("p1", naive(1400))).ahead.total_seconds() == 30
    assert known(store).doubt(("p9", naive(3500)), ("p1", naive(3400))).ahead.total_seconds() == 0


def test_what_was_measured_outlives_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    learned(store, written(0, 30))
    store.close()
    store = Store.open(tmp_path)
    assert known(store).off["p1"].slow.total_seconds() == 30
    assert learned(store, written(31, 61)) == set()
    store.close()


def test_a_failed_transaction_teaches_nothing(store: Store) -> None:
    def work(tx: Tx) -> None:
        made = batch(written(0, 30))
        tx.view("incoming_log", to_arrow(made.logs, LOG_COLUMNS))
        tx.view("incoming_span", to_arrow(made.spans, SPAN_COLUMNS))
        clocks.learn(tx, stored(at(0)))
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        store.act(work).result()
    assert known(store).off == {}
    assert learned(store, written(0, 30)) == {"p1"}


def naive(seconds: float) -> datetime:
    return stored(at(seconds))


def off(name: str, fast_s: float, host: str | None = None, arrivals: int = 1) -> Clock:
    return Clock(name, host, "otlp", int(-fast_s * 1e6), arrivals, naive(0), naive(0))


@pytest.mark.parametrize(
    ("success", "failure", "ahead", "behind"),
    [
        (0, 0, 0, 0),
        (30, 0, 40, 0),  # fast by 30 s, or by more if its records took their time
        (0, -30, 30, 0),
        (30, -30, 70, 0),
        (-30, 0, 0, 30),  # slow or late: a success that came late happened no sooner
        (0, 30, 0, 40),
        (-30, -30, 30, 30),
    ],
)
def test_only_a_success_that_looks_later_than_it_was_is_dangerous(
    success: float, failure: float, ahead: float, behind: float
) -> None:
    rows = {name: off(name, fast) for name, fast in (("s", success), ("f", failure)) if fast}
    doubt = Clocks(rows).doubt(("s", naive(0)), ("f", naive(0)))
    assert (doubt.ahead.total_seconds(), doubt.behind.total_seconds()) == (ahead, behind)


def test_two_processes_of_one_host_have_one_clock() -> None:
    late = {"f": off("f", -3600, "beta"), "s": off("s", -1800, "beta")}
    assert Clocks(late).doubt(("s", naive(0)), ("f", naive(0))).clocks == ()
    one = {"f": off("f", -3600, "beta")}
    assert Clocks(one, {"s": "beta"}).doubt(("s", naive(0)), ("f", naive(0))).clocks == ()
    assert Clocks(one, {"s": "alpha"}).doubt(("s", naive(0)), ("f", naive(0))).clocks
