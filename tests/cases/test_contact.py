"""Units whose process is lost: heartbeats that stop, processes of this machine that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from cases.contact import Contact, is_gone
from cases.intake import intake
from data.clock import micros, stored, utc_now
from data.store import Store
from tests import shown
from tests.telemetry import at, batch, failure, log, span, success
from tests.waiting import eventually
from unsnag import process

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = "00f067aa0ba902b7"
MINUTE = timedelta(minutes=1)
UNIT = {"flow": "orders", "correlation_id": "SO-1", "service": "shop", "instance": "p1"}


def sign(seconds: float, message: str = "unit.heartbeat", **fields: Any) -> dict[str, Any]:
    """Return a start or a heartbeat of the block; it arrives at its event time."""
    place = {"trace_id": span(0, 1)["trace_id"], "span_id": BLOCK, "seq": int(seconds) + 1}
    return log(seconds, message, **{**UNIT, **place, **fields})


def end(seconds: float, outcome: str = "success", **fields: Any) -> dict[str, Any]:
    """Return the end of the block."""
    own = {"role": "unit", "outcome": outcome, "span_id": BLOCK, "seq": int(seconds) + 1}
    return span(0, seconds, "unit orders", **{**UNIT, **own, **fields})


def started(seconds: float = 0, **fields: Any) -> dict[str, Any]:
    return sign(seconds, "unit.started", value_amount=None, **fields)


class Clock:
    """A server that started at the beginning of the tests' time, and looks when a test asks for it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.contact = Contact(store, stored(at(0)))

    def looks_at(self, seconds: float, *, behind: bool = False) -> int:
        return self.contact.look(stored(at(seconds)), lambda: behind)

    def states(self) -> list[tuple[str, str]]:
        found = shown.cases(self.store)
        return [(case["correlation_id"], case["state"]) for case in found]

    def outcomes(self) -> list[str | None]:
        rows = self.store.act(lambda tx: tx.execute("select outcome from unit order by 1")).result()
        return [row["outcome"] for row in rows]


@pytest.fixture
def clock(store: Store) -> Clock:
    return Clock(store)


def test_a_unit_whose_heartbeat_is_five_minutes_late_is_lost(clock: Clock) -> None:
    clock.store.append(batch(started(), sign(60), sign(120))).result()
    clock.looks_at(120 + 355)
    assert clock.states() == []
    clock.looks_at(120 + 390)
    assert clock.states() == [("SO-1", "open")]
    (case,) = shown.cases(clock.store)
    assert case["title"].startswith("Lost contact")
    assert case["last_seen"] == at(120), "it was alive until its last heartbeat"
    assert clock.outcomes() == ["failed"]


def test_a_unit_without_a_heartbeat_is_not_lost_by_time(clock: Clock) -> None:
    clock.store.append(batch(started())).result()
    assert clock.looks_at(3600) == 0


def test_a_late_heartbeat_takes_the_loss_back_and_a_later_silence_states_it_again(clock: Clock) -> None:
    clock.store.append(batch(started(), sign(60))).result()
    clock.looks_at(450)
    assert clock.states() == [("SO-1", "open")]
    clock.store.append(batch(sign(470))).result()
    assert clock.states() == []
    assert clock.outcomes() == ["in_flight"]
    clock.looks_at(600)
    assert clock.states() == []
    clock.looks_at(900)
    assert clock.states() == [("SO-1", "open")]


def test_a_late_end_record_decides(clock: Clock) -> None:
    clock.store.append(batch(started(), sign(60))).result()
    clock.looks_at(450)
    clock.store.append(batch(end(430))).result()
    assert (clock.states(), clock.outcomes()) == ([], ["success"])


def test_a_late_end_that_failed_leaves_one_exception(clock: Clock) -> None:
    clock.store.append(batch(started(), sign(60))).result()
    clock.looks_at(450)
    failed = failure(430, step=None, trace_id=span(0, 1)["trace_id"], span_id=BLOCK, **UNIT)
    clock.store.append(batch(end(430, "failed", status="error"), failed)).result()
    assert clock.states() == [("SO-1", "open")]


def test_a_later_run_of_the_unit_recovers_it(clock: Clock) -> None:
    clock.store.append(batch(started(), sign(60))).result()
    again = success(400) | {"trace_id": "f" * 32, "flow": "orders", "service": "shop"}
    clock.store.append(batch(again)).result()
    clock.looks_at(450)
    assert clock.states() == [("SO-1", "recovered")]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_any_order_of_arrival_gives_the_same(tmp_path: Path, order: tuple[int, ...]) -> None:
    rows = [started(), sign(60), sign(120), end(130)]
    for wanted, given in (([], rows), ([("SO-1", "open")], rows[:3])):
        store = Store.open(tmp_path / str(len(given)), intake)
        clock = Clock(store)
        for late, number in enumerate(n for n in order if n < len(given)):
            # Each arrives after the one before has been silent for long.
            store.append(batch(given[number] | {"ingested_at": micros(at(1000 * late))})).result()
            clock.looks_at(1000 * late + 500)
        assert clock.states() == wanted, (order, len(given))
        store.close()


def test_a_restart_forgets_neither_open_blocks_nor_losses(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(started(), sign(60))).result()
    store.close()
    store = Store.open(tmp_path, intake)
    contact = Contact(store, stored(at(1000)))
    assert contact.look(stored(at(1300)), lambda: False) == 0, "what was sent meanwhile may still arrive"
    assert contact.look(stored(at(1361)), lambda: False) == 1
    store.close()
    store = Store.open(tmp_path, intake)
    assert Clock(store).states() == [("SO-1", "open")]
    store.append(batch(log(1400, "still here", trace_id=span(0, 1)["trace_id"], **UNIT))).result()
    assert Clock(store).states() == [("SO-1", "open")]
    store.append(batch(end(1500))).result()
    assert Clock(store).states() == []
    store.close()


def test_what_a_retry_began_is_reported_by_its_own_exception(clock: Clock) -> None:
    clock.store.append(batch(started(retry_id="r1"), sign(60, retry_id="r1"))).result()
    clock.looks_at(450)
    assert clock.states() == []


# --- processes of this machine -------------------------------------------------------------------------


def here(seconds: float, pid: int, **fields: Any) -> dict[str, Any]:
    own = {**process.place(), "process.pid": pid, **fields}
    return started(seconds, attributes=orjson.dumps(own).decode())


def ended_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_unit_whose_process_on_this_machine_is_gone_is_lost(clock: Clock) -> None:
    clock.store.append(batch(here(0, ended_process()))).result()
    assert clock.looks_at(60) == 0
    assert clock.looks_at(100, behind=True) == 0, "its end may be among what is not read yet"
    assert clock.looks_at(140) == 1
    assert clock.states() == [("SO-1", "open")]
    clock.store.append(batch(end(20))).result()
    assert clock.states() == []


def test_a_process_that_runs_or_cannot_be_known_is_not_gone(clock: Clock) -> None:
    gone = ended_process()
    now = (utc_now() - at(0)).total_seconds()
    rows = [
        here(now, os.getpid()),
        here(0, gone, **{"host.name": "elsewhere"}) | {"span_id": "1" * 16},
        here(0, gone, **{"unsnag.process.namespace": "1"}) | {"span_id": "2" * 16},
        started(0, attributes="{}", span_id="3" * 16),
    ]
    clock.store.append(batch(*rows)).result()
    contact = Contact(clock.store, stored(at(now)))
    assert contact.look(stored(at(now + 200)), lambda: False) == 0


def test_another_process_with_the_same_number_is_not_the_one_that_wrote() -> None:
    now = time.time()
    assert not is_gone(os.getpid(), now)
    assert is_gone(os.getpid(), now - 86_400 * 365), "this one began after that was written"


def test_a_process_that_has_ended_and_was_not_waited_for_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    assert eventually(lambda: is_gone(ended.pid, time.time()))
    ended.wait()
