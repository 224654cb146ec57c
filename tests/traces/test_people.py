"""A step that a person carried out touches the unit that its trace names, whatever arrives first."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from cases.intake import intake
from data.store import Store
from tests.telemetry import at, batch, log, span

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

TRACE = "a" * 32
NAMED: dict[str, Any] = {"correlation_id": "SO-1", "flow": "orders"}


def rows() -> list[dict[str, Any]]:
    """Return a trace in which one span names the order, and two others and a line say that a person acted."""
    own = {"trace_id": TRACE, "service": "shop"}
    root = span(0, 9, "work", span_id="1" * 16, **own)
    looked = span(4, 6, "look", parent_span_id="1" * 16, actor_type="human", **own)
    checked = span(1, 3, "check", parent_span_id="1" * 16, actor_type="human", **own)
    reported = log(5, "approved", actor_type="human", **own)
    return [root, looked, checked, reported, span(7, 8, "ship", parent_span_id="1" * 16, **NAMED, **own)]


def touched(store: Store) -> dict[str, datetime | None]:
    """Return when a person first acted on each unit."""
    sql = "select correlation_id, human_at from unit"
    found = store.act(lambda tx: tx.execute(sql)).result()
    return {row["correlation_id"]: row["human_at"] for row in found}


@pytest.mark.parametrize("order", list(permutations(range(5)))[::7])
def test_the_first_step_of_a_person_counts_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    store = Store.open(tmp_path, intake)
    for number in order:
        store.append(batch(rows()[number])).result()
    assert touched(store)["SO-1"] == at(3).replace(tzinfo=None)
    store.close()


def test_it_moves_with_its_record_to_the_order_that_a_later_one_names(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(*rows())).result()
    own = {"trace_id": TRACE, "service": "shop", "parent_span_id": "1" * 16}
    store.append(batch(span(10, 11, "pack", correlation_id="SO-2", flow="orders", **own))).result()
    assert touched(store)["SO-1"] is None, "in a trace of several orders nothing says whose step it was"
    store.close()


def test_what_a_machine_did_touches_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    made = [row | {"actor_type": "service"} if "actor_type" in row else row for row in rows()]
    store.append(batch(*made)).result()
    assert touched(store)["SO-1"] is None
    store.close()
