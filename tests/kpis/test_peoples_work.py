"""What counts as people's work, from the record or the act to the figure."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor, service
from cases.commands import CancelRetry, Claim, FixedOutside, Release, Resolve, RetryCase
from cases.intake import intake
from cases.retries import lease_next
from data.store import Store
from kpis.periods import Period
from kpis.scoreboard import kpi
from tests import shown
from tests.collectors.rows import read
from tests.gates import local_context
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
    reported = {"timestamp": at(seconds).isoformat(), "level": "info", "event": "invoice.approved"}
    return json.dumps({**reported, "unsnag.flow": "order-to-cash", "unsnag.correlation_id": "SO-1", **fields})


@pytest.mark.parametrize(
    ("reported", "touchless"),
    [
        ({"unsnag.actor.type": "human"}, 0.0),
        ({"unsnag.actor.type": "service"}, 100.0),
        ({"unsnag.routing": "manual"}, 0.0),
        ({"unsnag.routing": "express"}, 100.0),
        ({}, 100.0),
    ],
)
def test_a_record_says_that_a_person_carried_out_a_step(
    store: Store, reported: dict[str, str], touchless: float
) -> None:
    store.append(read(line(30, **reported)).batch()).result()
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
    by = partial(local_context, store)
    lease_next(local_context(store, service("w1")), None)
    store.append(batch(failure(0))).result()
    (case,) = shown.cases(store)
    for name in acts:
        if name in ("fixed_upstream", "data_corrected", "duplicate"):
            perform(Resolve(case["id"], code=name, reason=REASON), by(ANN))
        elif name == "fixed_outside":
            perform(FixedOutside(case["id"], reason=REASON), by(ANN))
        else:
            perform(
                {"claim": Claim, "retry": RetryCase, "release": Release, "cancel_retry": CancelRetry}[name](
                    case["id"]
                ),
                by(ANN),
            )
    store.append(batch(success(60))).result()
    assert kpi(store.everything(), "K1", DAY).value == touchless
    recovered = kpi(store.everything(), "K9", DAY)
    assert (recovered.n, recovered.details.get("people_n")) == ((0, 0) if people is None else (1, people))
