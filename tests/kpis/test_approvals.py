"""An approval is no failure and no touch: it changes no figure but K43, which asks whether it was decided."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from access.commands import perform
from audit.actor import SYSTEM, Actor
from cases.approving import Approve, Reject
from cases.assigning import Assign
from cases.intake import intake
from cases.sweep import sweep
from data import clock
from data.store import Store
from kpis.periods import Period
from kpis.scoreboard import board, kpi
from tests import shown
from tests.gates import local_context
from tests.telemetry import START, at, batch, failure, log, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = Period(START - timedelta(hours=1), START + timedelta(days=1))
ANN = Actor("ann")
REASON = "The price is above what was agreed"


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    clock.use(None)


def lived(folder: Path, *, asks: bool) -> Store:
    """Return a store of a day in which three units ran, and somebody was asked about each of them, or not."""
    store = Store.open(folder, intake)
    clock.use(lambda: at(0))
    for number in range(3):
        question = {"unsnag.approval.question": "Sure?", "unsnag.approval.timeout_s": 60} if asks else {}
        fields: dict[str, Any] = {"correlation_id": f"SO-{number}", "flow": "order-to-cash", "step": "pay"}
        fields |= {"value_amount": Decimal(100), "value_currency": "EUR"}
        row = log(10, "waits", **fields, attributes=orjson.dumps(question).decode())
        row |= {"record_id": number + 1}
        store.append(batch(row)).result()
    clock.use(lambda: at(120))
    sweep(local_context(store, SYSTEM))
    waiting = [case for case in shown.cases(store) if case["approval_id"]]
    assert [case["escalation_level"] for case in waiting] == ([1, 1, 1] if asks else [])
    for case, command in zip(waiting, (Approve, Reject, None), strict=bool(waiting)):
        perform(Assign(case["id"], "bob"), local_context(store, ANN))
        if command:
            perform(command(case["id"], REASON), local_context(store, ANN))
    clock.use(lambda: at(300))
    store.append(batch(success(200, "SO-0"), failure(200, "SO-1"), success(200, "SO-2"))).result()
    return store


def test_every_figure_but_k43_is_the_same_with_and_without_approvals(tmp_path: Path) -> None:
    found = []
    for asks in (False, True):
        store = lived(tmp_path / str(asks), asks=asks)
        try:
            found.append(board(store.everything(), DAY))
            assert kpi(store.everything(), "K1", DAY).value == 100.0, "nobody touched what was completed"
        finally:
            store.close()
    plain, asked = ({one.id: one for one in figures} for figures in found)
    assert plain.keys() == asked.keys()
    assert plain.pop("K43").details["approvals"] == 3
    assert asked["K43"].details["approvals"] == 2, "nobody answered for SO-2, which ended"
    assert [(one, asked[name]) for name, one in plain.items() if one != asked[name]] == []
