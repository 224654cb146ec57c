"""K12 and K17: escalations and due times, from the acts to the figures."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from audit.actor import SYSTEM, Actor
from cases import following
from cases.commands import Claim
from cases.escalating import Escalate
from cases.escalation import Escalation, Step
from cases.intake import intake
from cases.service_rules import ServiceRules
from cases.sweep import sweep
from data import clock
from data.store import Store
from kpis.periods import Period
from kpis.scoreboard import kpi, rows
from tests import shown
from tests.gates import local_context
from tests.telemetry import START, at, batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN = Actor("ann")
HOUR = 3600
DAY = Period(START - timedelta(hours=1), START + timedelta(hours=12))
REASON = "The customer calls every ten minutes"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


@pytest.fixture
def queue(store: Store) -> Iterator[Store]:
    """Return six medium exceptions: triage is due after 2 hours, the end after 8."""
    rules = ServiceRules(escalation=Escalation(steps=(Step(timedelta(0), "team", "Leads"),)))
    following.use(rules, local_context(store))
    hour(0)
    store.append(batch(*(failure(0, f"SO-{n}") for n in range(1, 7)))).result()
    ids = {case["correlation_id"]: case["id"] for case in shown.cases(store)}
    ann = local_context(store, ANN)
    hour(1)
    perform(Claim(ids["SO-1"]), ann)  # in time, and it recovers in time
    perform(Claim(ids["SO-2"]), ann)  # in time, and it never ends
    store.append(batch(success(HOUR, "SO-3"))).result()  # nobody had to look at it
    hour(2)
    sweep(local_context(store, SYSTEM))  # SO-4, SO-5 and SO-6 missed their triage
    hour(3)
    perform(Claim(ids["SO-4"]), ann)  # too late
    perform(Escalate(ids["SO-5"], REASON, "eve"), ann)
    store.append(batch(success(4 * HOUR, "SO-1"), success(9 * HOUR, "SO-5"))).result()
    yield store
    clock.use(None)


def hour(number: float) -> None:
    clock.use(lambda: at(number * HOUR))


def test_triage_and_end_count_where_they_were_due(queue: Store) -> None:
    reading = queue.everything()
    found = kpi(reading, "K17", DAY)
    assert (found.n, found.value) == (5, 40.0), "SO-1 and SO-2 of all but SO-3"
    assert found.details["resolved_n"] == 6
    assert found.details["resolved"] == pytest.approx(100 * 2 / 6), "SO-1 and SO-3; SO-5 ended too late"
    total, listed = rows(reading, "K17", DAY.start, DAY.end)
    assert total == 5
    assert [row["correlation_id"] for row in listed[:3]] == ["SO-4", "SO-5", "SO-6"], "the missed ones first"
    before = kpi(reading, "K17", Period(DAY.start, START + timedelta(minutes=90)))
    assert (before.n, before.in_flight) == (0, 3), "SO-4, SO-5 and SO-6 were not taken up yet"


def test_an_escalated_exception_counts_once_and_by_whom(queue: Store) -> None:
    reading = queue.everything()
    found = kpi(reading, "K12", DAY)
    assert (found.n, found.value) == (6, 50.0)
    assert (found.details["by_time"], found.details["by_people"]) == (3, 1)
    early = kpi(reading, "K12", Period(DAY.start, START + timedelta(minutes=90)))
    assert (early.value, early.details["by_time"]) == (0.0, 0), "what happens later changes nothing"
    assert rows(reading, "K12", DAY.start, DAY.end)[0] == 6


def test_no_levels_and_no_exceptions_are_no_figure(store: Store) -> None:
    for name in ("K12", "K17"):
        found = kpi(store.everything(), name, DAY)
        assert (found.n, found.value) == (0, None)
