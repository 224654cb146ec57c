"""A week is frozen from figures that readers computed, while commits go on; changes meanwhile are noticed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from data.clock import utc_now
from kpis import weeks
from kpis.freezing import FreezeWeek, freeze, ready
from kpis.review.errors import WeekChangedError
from kpis.targets import SetTarget
from tests.gates import local_context
from tests.kpis.tables import START
from tests.kpis.varied import fill
from tests.telemetry import batch, success

if TYPE_CHECKING:
    from data.store import Store
    from tests.kpis.tables import Tables

WEEK = "2026-W10"


def frozen(tables: Tables) -> weeks.Content:
    (week,) = weeks.frozen(tables.reading)
    return weeks.Content.of(week.content)


MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
"""Where the times of `tests.telemetry` begin."""


def arrive(store: Store, name: str, moment: datetime) -> None:
    """Take in the success of a unit at some moment, now."""
    seconds = (moment - MONDAY).total_seconds()
    store.append(batch(success(seconds, name))).result()


class Load(threading.Thread):
    """A program whose records are taken in one after the other, as fast as they are committed."""

    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self._store = store
        self.taken = 0
        self.stopping = threading.Event()
        self.started = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            arrive(self._store, f"now {self.taken}", utc_now())
            self.taken += 1
            self.started.set()


def test_records_are_taken_in_while_a_week_is_computed(tables: Tables) -> None:
    fill(tables.store)
    ctx = local_context(tables.store)
    load = Load(tables.store)
    load.start()
    assert load.started.wait(60)
    before = load.taken
    command = ready(ctx, WEEK, "UTC")
    during = load.taken - before
    for kpi in command.prepared.content.uncommented if command.prepared else ():
        perform(weeks.CommentOnFigure(WEEK, kpi, "The carrier was down."), ctx)
    freeze(ctx, WEEK, "UTC")
    load.stopping.set()
    load.join()
    assert during > 20, "commits waited for the figures"
    kept = frozen(tables)
    assert kept.figures["K19"].n == command.prepared.content.figures["K19"].n > 0  # type: ignore[union-attr]
    assert kept.parts["flow"]["K19"].keys() > {"orders"}


def test_the_writer_computes_no_figure(tables: Tables) -> None:
    """What was not prepared is refused: the writer only checks and writes."""
    for n in range(3):
        tables.unit(f"SO-{n}", opened=1, done=2)
    with pytest.raises(WeekChangedError):
        perform(FreezeWeek(WEEK, "UTC"), local_context(tables.store))
    assert freeze(local_context(tables.store), WEEK, "UTC")["week"] == WEEK


def test_a_record_of_the_week_that_arrives_meanwhile_has_it_computed_again(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=2)
    ctx = local_context(tables.store)
    command = ready(ctx, WEEK, "UTC")
    arrive(tables.store, "SO-2", START + timedelta(hours=3))
    tables.unit("SO-2", opened=1, done=3)
    with pytest.raises(WeekChangedError, match="Freeze it again"):
        perform(command, ctx)
    freeze(ctx, WEEK, "UTC")
    assert frozen(tables).figures["K20"].n == 2


def test_a_record_of_a_later_week_that_arrives_meanwhile_changes_nothing(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=2)
    ctx = local_context(tables.store)
    command = ready(ctx, WEEK, "UTC")
    arrive(tables.store, "later", START + timedelta(days=8))
    assert perform(command, ctx)["week"] == WEEK


def test_what_is_set_meanwhile_has_it_computed_again(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=2)
    ctx = local_context(tables.store)
    command = ready(ctx, WEEK, "UTC")
    perform(SetTarget("K20", 1, "ann"), ctx)
    with pytest.raises(WeekChangedError):
        perform(command, ctx)
    freeze(ctx, WEEK, "UTC")
    assert frozen(tables).figures["K20"].target == 1


def test_what_people_write_meanwhile_is_frozen_with_it(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=2)
    ctx = local_context(tables.store)
    command = ready(ctx, WEEK, "UTC")
    perform(weeks.CommentOnFigure(WEEK, "K20", "Written in the last second"), ctx)
    perform(command, ctx)
    assert frozen(tables).figures["K20"].comment == "Written in the last second"


def test_the_same_key_has_the_same_answer_whatever_was_computed(tables: Tables) -> None:
    tables.unit("SO-1", opened=1, done=2)
    ctx = local_context(tables.store)
    first = freeze(ctx, WEEK, "UTC", key="k1")
    assert freeze(ctx, WEEK, "UTC", key="k1") == first
    assert len(weeks.frozen(tables.reading)) == 1
