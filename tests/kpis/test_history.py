"""A past period stays as it was, whatever happens later: from records, through the intake, to the figures."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases.commands import FixedOutside, Resolve
from cases.intake import intake
from data.store import Store
from kpis import scoreboard
from kpis.periods import Period, week
from tests import shown
from tests.collectors.rows import read
from tests.gates import local_context
from tests.telemetry import START, batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kpis.figure import Kpi

WEEK_1 = week("2026-W47", "UTC")  # START is its Monday, at 09:00
DAY_S = 86_400
WEEK_2 = Period(WEEK_1.end, WEEK_1.end + timedelta(days=7))
LATER = datetime(2027, 1, 1, tzinfo=UTC)
ANN = Actor("ann")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


def bring(store: Store, *records: dict[str, Any]) -> None:
    for record in records:
        store.append(batch(record)).result()


def board(store: Store, period: Period) -> list[Kpi]:
    return scoreboard.scoreboard(store.everything(), period.start, period.end, buckets=7, now=LATER)


def figures(store: Store, period: Period = WEEK_1) -> dict[str, Any]:
    """Return all of every figure of a period, with its rows."""
    reading, found = store.everything(), board(store, period)
    behind = {one.id: scoreboard.rows(reading, one.id, period.start, period.end) for one in found}
    return {one.id: (one, behind[one.id]) for one in found}


FIRST = ("K1", "K19", "K7", "K3", "K8", "K9", "K16", "K20")


def values(store: Store, period: Period = WEEK_1) -> dict[str, Any]:
    return {one.id: (one.value, one.n) for one in board(store, period) if one.id in FIRST}


def test_a_unit_that_fails_again_later_changes_no_figure_of_the_week_before(store: Store) -> None:
    bring(store, failure(0), success(3_600))
    before = figures(store)
    assert {kpi_id: before[kpi_id][0].value for kpi_id in FIRST} == {
        "K1": 100.0, "K19": 100.0, "K7": 1000.0, "K3": 3600.0, "K8": 0, "K9": 0, "K16": 0, "K20": 1.0,
    }  # fmt: skip
    assert before["K9"][0].n == 1
    bring(store, failure(9 * DAY_S))
    assert figures(store) == before
    assert values(store, WEEK_2) == {
        "K1": (None, 0), "K19": (0.0, 1), "K7": (1000.0, 1), "K3": (None, 0),
        "K8": (0, 1), "K9": (0, 0), "K16": (1.0, 1), "K20": (0.0, 0),
    }  # fmt: skip
    bring(store, success(10 * DAY_S))
    assert figures(store) == before
    second = values(store, WEEK_2)
    # It had succeeded at the start of the week: its state is only repeated. Its exception took a day.
    assert (second["K19"], second["K20"], second["K9"]) == ((None, 0), (0.0, 0), (0, 0))
    assert (second["K3"], second["K16"]) == ((float(DAY_S), 1), (0.0, 0))


def test_what_people_do_for_a_later_failure_changes_no_figure_of_the_week_before(store: Store) -> None:
    bring(store, failure(0), success(3_600))
    before = figures(store)
    bring(store, failure(9 * DAY_S))
    (case,) = shown.cases(store)
    perform(FixedOutside(case["id"], reason="Paid by bank transfer"), local_context(store, ANN))
    bring(store, success(10 * DAY_S))
    assert figures(store) == before
    bring(store, failure(11 * DAY_S))
    perform(Resolve(case["id"], code="written_off", reason="Nobody pays this"), local_context(store, ANN))
    assert figures(store) == before


def test_a_state_that_is_repeated_counts_once(store: Store) -> None:
    bring(store, success(0), success(60), success(8 * DAY_S))
    bring(store, failure(0, unit="SO-2"), failure(8 * DAY_S, unit="SO-2"))
    first, second = values(store), values(store, WEEK_2)
    assert (first["K19"], first["K20"]) == ((50.0, 2), (1.0, 1))
    assert (second["K19"], second["K20"]) == ((None, 0), (0.0, 0))
    _, rows = figures(store)["K20"][1]
    assert [row["closed_at"] for row in rows] == [START]


def test_a_failure_stays_in_its_week_and_the_recovery_counts_in_the_next(store: Store) -> None:
    bring(store, failure(0), success(8 * DAY_S))
    assert values(store)["K19"] == (0.0, 1)
    assert values(store, WEEK_2)["K19"] == (100.0, 1)
    assert values(store)["K16"] == (1.0, 1)
    assert values(store, WEEK_2)["K9"] == (0, 1)


def test_a_success_that_does_not_cover_the_failure_leaves_the_unit_failed(store: Store) -> None:
    bring(store, failure(0, part="capture", seq=1), success(60) | {"part": "label", "seq": 9})
    assert values(store)["K19"] == (0.0, 1)
    bring(store, success(8 * DAY_S) | {"part": "capture", "seq": 10})
    assert values(store)["K19"] == (0.0, 1)
    assert values(store, WEEK_2)["K19"] == (100.0, 1)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_of_arrival_gives_the_same_units(tmp_path: Path, order: tuple[int, ...]) -> None:
    records = (failure(0), success(3_600), success(8 * DAY_S))
    store = Store.open(tmp_path, intake)
    bring(store, *(records[place] for place in order))
    names = ("K19", "K20", "K3", "K16", "K9")
    both = [values(store, one) for one in (WEEK_1, WEEK_2)]
    found = [{name: one[name] for name in names} for one in both]
    store.close()
    assert found == [
        {"K19": (100.0, 1), "K20": (1.0, 1), "K3": (3600.0, 1), "K16": (0.0, 0), "K9": (0, 1)},
        {"K19": (None, 0), "K20": (0.0, 0), "K3": (None, 0), "K16": (0.0, 0), "K9": (0, 0)},
    ]


# --- people's work outside -----------------------------------------------------------------------


def by_hand(seconds: float, unit: str = "SO-1") -> dict[str, Any]:
    line = {
        "timestamp": (START + timedelta(seconds=seconds)).isoformat(), "level": "info", "event": "paid",
        "unsnag.flow": "order-to-cash", "unsnag.correlation_id": unit, "unsnag.actor.type": "human",
    }  # fmt: skip
    return read(json.dumps(line)).batch()


@pytest.mark.parametrize(
    ("step_at", "people"),
    [(1_800, 1), (-1_800, 0), (7_200, 0)],
    ids=["between failure and proof", "before the failure", "after the proof"],
)
def test_a_recovery_is_by_people_if_a_person_worked_on_it_in_whatever_tool(
    store: Store, step_at: float, people: int
) -> None:
    store.append(by_hand(step_at)).result()
    bring(store, failure(0), success(3_600))
    one, (_, rows) = figures(store)["K9"]
    assert (one.details["people_n"], one.details["automatic_n"]) == (people, 1 - people)
    assert [row["recovered_by"] for row in rows] == ["people" if people else "automatic"]


def test_of_several_steps_by_people_each_is_known(store: Store) -> None:
    """The first one, before the failure, is not the one that repaired it."""
    for seconds in (-1_800, 1_800, -1_800):
        store.append(by_hand(seconds)).result()
    bring(store, failure(0), success(3_600))
    assert figures(store)["K9"][0].details["people_n"] == 1


def test_a_step_by_a_person_after_completion_is_no_touch(store: Store) -> None:
    bring(store, success(60))
    assert values(store)["K1"] == (100.0, 1)
    store.append(by_hand(90)).result()
    assert values(store)["K1"] == (100.0, 1)
    store.append(by_hand(30)).result()
    assert values(store)["K1"] == (0.0, 1)


# --- an old store --------------------------------------------------------------------------------


def test_a_store_without_the_new_columns_gives_the_same_figures(tmp_path: Path) -> None:
    """The columns as an earlier version left them are filled from signals, attempts and the audit."""
    store = Store.open(tmp_path, intake)
    bring(
        store, failure(0), success(3_600), failure(9 * DAY_S), success(0, "SO-2"), success(9 * DAY_S, "SO-2")
    )
    store.append(by_hand(-60, "SO-2")).result()
    (case,) = (one for one in shown.cases(store) if one["correlation_id"] == "SO-1")
    perform(FixedOutside(case["id"], reason="Paid by bank transfer"), local_context(store, ANN))
    bring(store, success(10 * DAY_S))
    expected = figures(store), figures(store, WEEK_2)
    new = ("first_completed_at", "first_failed_at", "first_error_at", "human_times")
    forget = partial(_forget, columns={"unit": new, "case_episode": ("people_at", "code", "recovered_by")})
    store.act(forget).result()
    store.close()
    again = Store.open(tmp_path, intake)
    found = figures(again), figures(again, WEEK_2)
    again.close()
    assert found == expected


def _forget(tx: Any, columns: dict[str, tuple[str, ...]]) -> None:
    for table, names in columns.items():
        for name in names:
            tx.execute(f"alter table {table} drop column {name}")
    tx.execute("create view touch as select 1 as one")
    tx.execute("delete from schema_migration where version = 26")
