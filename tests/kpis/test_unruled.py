"""Units that ended in foreign telemetry are counted apart, because nothing says whether they succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cases.intake import intake
from data.store import Reading, Store
from kpis import scoreboard
from kpis.periods import Period
from kpis.unruled import Unruled, unruled
from tests.telemetry import at, batch, failure, span, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = Period(at(0), at(3600))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path, intake)
    yield store
    store.close()


def ended(number: int, second: float, flow: str = "shop", **fields: Any) -> dict[str, Any]:
    """Return a request that ended well; no mapping says that this is success."""
    return span(
        second, second + 1, "POST /orders", trace_id=f"{number:032x}", kind="server", flow=flow, service=flow,
        correlation_id=f"SO-{number}", **fields,
    )  # fmt: skip


def test_they_are_counted_by_flow_and_are_in_no_rate(store: Store) -> None:
    store.append(batch(*[ended(n, n) for n in range(1, 4)], ended(9, 9, "crm"))).result()
    assert unruled(Reading(store, None), HOUR) == [Unruled("shop", 3), Unruled("crm", 1)]
    assert unruled(Reading(store, None), HOUR, "crm") == [Unruled("crm", 1)]
    rate = scoreboard.kpi(Reading(store, None), "K19", HOUR)
    assert (rate.value, rate.n) == (None, 0)


def test_a_unit_that_succeeded_or_failed_is_not_one_of_them(store: Store) -> None:
    store.append(batch(success(10), failure(20, "SO-2"))).result()
    assert unruled(Reading(store, None), HOUR) == []


def test_the_period_is_half_open_and_that_of_the_last_end(store: Store) -> None:
    store.append(batch(ended(1, 3598), ended(2, 3599), ended(3, -1), ended(4, -2))).result()
    assert unruled(Reading(store, None), HOUR) == [Unruled("shop", 2)]
    store.append(batch(ended(1, 4000, span_id="2" * 16))).result()
    assert unruled(Reading(store, None), HOUR) == [Unruled("shop", 1)]


def test_only_what_the_reader_may_see_is_counted(store: Store) -> None:
    store.append(batch(ended(1, 1, tenant="acme"), ended(2, 2, tenant="globex"))).result()
    assert unruled(Reading(store, None), HOUR) == [Unruled("shop", 2)]
    assert unruled(Reading(store, ("acme\x1f*",)), HOUR) == [Unruled("shop", 1)]
