"""Two tenants that have the same correlation ID share nothing in a figure: records through the intake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cases.intake import intake
from data.store import Reading, Store
from kpis.figure import Kpi, Part
from kpis.periods import week
from kpis.scoreboard import failures_by_step, kpi, rows
from tests.telemetry import batch, span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEEK = week("2026-W47", "UTC")
FLOW = {"flow": "order-to-cash", "correlation_id": "SO-1"}
GLOBEX: tuple[str, ...] = ("globex\x1f*",)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


def step(store: Store, tenant: str, start: float, error: str | None, attempt: int = 1, **more: Any) -> None:
    """Record one attempt of the step pay."""
    failed = {"status": "error", "error_class": error} if error else {"status": "ok"}
    own = {"role": "step", "step": "pay", "attempt": attempt, "tenant": tenant, "trace_id": f"of {tenant}"}
    store.append(batch(span(start, start + 1, "pay", **FLOW, **own, **failed, **more))).result()


def ended(store: Store, tenant: str, time: float, **more: Any) -> None:
    """Record the success of a unit."""
    own = {"role": "unit", "outcome": "success", "tenant": tenant, "trace_id": f"of {tenant}"}
    store.append(batch(span(time - 1, time, "order", **FLOW, **own, **more))).result()


def of(store: Store, kpi_id: str, by: str | None = None) -> Kpi:
    return kpi(store.everything(), kpi_id, WEEK, by=by)


def test_the_class_of_an_error_is_that_of_the_unit_of_its_tenant(store: Store) -> None:
    step(store, "acme", 0, "business")
    step(store, "globex", 10, "infrastructure")
    for tenant in ("acme", "globex"):
        step(store, tenant, 20, None, attempt=2)
        ended(store, tenant, 30)
    figure = of(store, "K7", by="class")
    assert (figure.value, figure.n) == (1000.0, 2)
    assert figure.breakdown == [Part("business", 500.0, 1), Part("infrastructure", 500.0, 1)]
    globex = kpi(Reading(store, GLOBEX), "K7", WEEK, by="class").breakdown
    assert globex == [Part("infrastructure", 1000.0, 1)]


def test_steps_that_another_tenant_ran_answer_nothing(store: Store) -> None:
    step(store, "acme", 0, None)
    ended(store, "acme", 30)
    ended(store, "globex", 30)
    figure = of(store, "K43")
    assert (figure.details["steps"], figure.n) == (1, 2)
    _, found = rows(store.everything(), "K43", WEEK.start, WEEK.end)
    assert sorted(row["steps"] for row in found) == [False, True]
    assert kpi(Reading(store, GLOBEX), "K43", WEEK).details["steps"] == 0


def test_a_retry_is_wasted_by_the_failure_of_its_own_tenant(store: Store) -> None:
    step(store, "acme", 0, "infrastructure")
    step(store, "globex", 10, "business")
    step(store, "acme", 20, None, attempt=2)
    for tenant in ("acme", "globex"):
        ended(store, tenant, 30)
    figure = of(store, "K5", by="class")
    assert (figure.n, figure.details["wasted"]) == (1, 0)
    assert figure.breakdown == [Part("infrastructure", 1.0, 1)]


def test_a_step_fails_for_each_tenant_apart_and_nobody_sees_those_of_another(store: Store) -> None:
    step(store, "acme", 0, "business")
    step(store, "acme", 5, "business", attempt=2)
    step(store, "globex", 10, "infrastructure")
    for tenant in ("acme", "globex"):
        step(store, tenant, 20, None, attempt=3)
        ended(store, tenant, 30)
    found = failures_by_step(store.everything(), WEEK.start, WEEK.end)
    assert [(one.error_class, one.units, one.failed_attempts, one.step_units) for one in found] == [
        ("business", 1, 2, 2),
        ("infrastructure", 1, 1, 2),
    ]
    (own,) = failures_by_step(Reading(store, GLOBEX), WEEK.start, WEEK.end)
    assert (own.error_class, own.failed_attempts) == ("infrastructure", 1)
    assert rows(Reading(store, GLOBEX), "failures_by_step", WEEK.start, WEEK.end)[0] == 1


def test_a_retry_counts_for_the_unit_of_its_tenant_alone(store: Store) -> None:
    for tenant in ("acme", "globex"):
        step(store, tenant, 0, "infrastructure" if tenant == "acme" else None)
    step(store, "acme", 20, None, attempt=2)
    for tenant in ("acme", "globex"):
        ended(store, tenant, 30)
    assert of(store, "K40").n == 1
    assert kpi(Reading(store, GLOBEX), "K40", WEEK).n == 0


def test_the_failure_before_a_retry_counts_where_it_lies_before_the_period(store: Store) -> None:
    before = -7 * 86_400
    step(store, "acme", before, "business", dependency="bank")
    step(store, "acme", 20, None, attempt=2)
    ended(store, "acme", 30)
    figure = of(store, "K5", by="dependency")
    assert (figure.n, figure.details["wasted"]) == (1, 1)
    assert figure.breakdown == [Part("bank", 1.0, 1)]
