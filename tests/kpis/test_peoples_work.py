"""What counts as people's work, from the record or the act to the figure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit.actor import Actor, service
from data.store import Store
from desk import cases
from desk.acts import Acts
from desk.intake import intake
from desk.lifecycle import Limits
from desk.retries import Retries
from kpis.periods import Period
from kpis.scoreboard import kpi
from tests.collectors.rows import read
from tests.gates import local_gate
from tests.telemetry import START, at, batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = Period(START - timedelta(hours=1), START + timedelta(days=1))
ANN, BOB = Actor("ann"), Actor("bob")
REASON = "Paid by bank transfer"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


def line(seconds: float, **fields: Any) -> str:
    told = {"timestamp": at(seconds).isoformat(), "level": "info", "event": "invoice.approved"}
    return json.dumps({**told, "unsnag.flow": "order-to-cash", "unsnag.correlation_id": "SO-1", **fields})


@pytest.mark.parametrize(
    ("told", "touchless"),
    [
        ({"unsnag.actor.type": "human"}, 0.0),
        ({"unsnag.actor.type": "service"}, 100.0),
        ({"unsnag.routing": "manual"}, 0.0),
        ({"unsnag.routing": "express"}, 100.0),
        ({}, 100.0),
    ],
)
def test_a_record_says_that_a_person_carried_out_a_step(
    store: Store, told: dict[str, str], touchless: float
) -> None:
    store.append(read(line(30, **told)).batch()).result()
    store.append(batch(success(60))).result()
    assert kpi(store.everything(), "K1", DAY).value == touchless


@pytest.mark.parametrize(
    ("acts", "touchless", "people"),
    [
        ((), 100.0, 0),
        (("claim", "release"), 100.0, 0),
        (("claim", "retry", "cancel_retry"), 0.0, 0),
        (("retry",), 0.0, 1),
        (("fixed_outside",), 0.0, 1),
        (("fixed_upstream",), 0.0, 1),
        (("data_corrected",), 0.0, 1),
        (("duplicate",), 100.0, None),
    ],
)
def test_acts_and_figures_agree(
    store: Store, acts: tuple[str, ...], touchless: float, people: int | None
) -> None:
    """Acts over the real desk; None: nothing is recovered, for it was closed as something else."""
    desk = Acts(local_gate(store), Limits())
    Retries(local_gate(store), Limits()).lease(None, worker=service("w1"))
    store.append(batch(failure(0))).result()
    (case,) = cases.listed(store.everything(), cases.CaseFilter(), 10, 0).items
    for name in acts:
        if name in ("fixed_upstream", "data_corrected", "duplicate"):
            desk.resolve(case["id"], actor=ANN, code=name, reason=REASON)
        elif name == "fixed_outside":
            desk.fixed_outside(case["id"], actor=ANN, reason=REASON)
        else:
            getattr(desk, name)(case["id"], actor=ANN)
    store.append(batch(success(60))).result()
    assert kpi(store.everything(), "K1", DAY).value == touchless
    recovered = kpi(store.everything(), "K9", DAY)
    assert (recovered.n, recovered.details.get("people_n")) == ((0, 0) if people is None else (1, people))
