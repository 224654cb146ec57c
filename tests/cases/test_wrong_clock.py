"""Claims that were made while the clock was ahead are found and returned once it is right again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from access.limits import Limits
from audit.actor import Actor
from cases.commands import Claim
from cases.sweep import sweep
from data import clock
from data.clock import utc_now
from tests import shown
from tests.gates import local_context
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.store import Store

ANN = Actor("ann")


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    clock.use(None)


def claimed_when_ahead(store: Store, by: timedelta) -> str:
    """Claim a case while the clock is ahead, and set it right; return the state after a sweep."""
    store.append(batch(failure(0))).result()
    (case,) = shown.cases(store)
    now = utc_now()
    clock.use(lambda: now + by)
    perform(Claim(case["id"]), local_context(store, ANN))
    clock.use(None)
    sweep(local_context(store))
    (case,) = shown.cases(store)
    return str(case["state"])


def test_a_claim_of_a_clock_that_was_a_day_ahead_returns_to_the_queue_with_the_reason(store: Store) -> None:
    assert claimed_when_ahead(store, timedelta(days=1)) == "open"
    (entry,) = [
        row for row in store.query("audit/page", {"after": 0, "limit": 100}) if row["verb"] == "expired"
    ]
    assert "the clock was wrong when ann claimed it" in entry["reason"]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=5)])
def test_a_claim_of_a_clock_that_was_nearly_right_stays(store: Store, ahead: timedelta) -> None:
    assert claimed_when_ahead(store, ahead) == "claimed"


def test_a_lease_that_a_longer_setting_gave_is_no_wrong_clock(store: Store) -> None:
    store.append(batch(failure(0))).result()
    (case,) = shown.cases(store)
    perform(Claim(case["id"]), local_context(store, ANN, Limits(claim_s=3600)))
    sweep(local_context(store, limits=Limits(claim_s=60)))
    (case,) = shown.cases(store)
    assert case["state"] == "claimed"
