"""Failures that wait for their unit root are shown, and are no cases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cases import units
from cases.settling import settling
from data.clock import utc_now
from data.store import Reading
from tests import shown
from tests.telemetry import batch, span
from tests.traces.test_arrival import settle_all

if TYPE_CHECKING:
    from data.store import Store


def waits(start: float = 1, **fields: Any) -> dict[str, Any]:
    """Return a failed span whose unit root has not come."""
    own = {"flow": "orders", "correlation_id": "SO-7", "service": "shop", "parent_span_id": "f" * 16}
    return span(start, start + 1, "query", kind="client", status="error", **{**own, **fields})


def test_a_failure_that_waits_for_its_root_is_shown_and_is_no_case(store: Store) -> None:
    inner = waits(correlation_id=None, flow=None, step="ask")
    order = span(1, 2, "order", flow="orders", correlation_id="SO-7", tenant="acme", span_id="e" * 16)
    store.append(batch(inner, order)).result()
    reading = store.everything()
    (found,) = settling(reading)
    assert (found.correlation_id, found.flow, found.step) == ("SO-7", "orders", "ask")
    assert (units.unit(reading, "SO-7").settling, units.unit(reading, "SO-7").cases) == ([found], [])
    assert settling(Reading(store, ("globex\x1f*",))) == []
    assert settling(Reading(store, ("acme\x1f*",))) == [found]


def test_what_settled_is_a_case_or_nothing(store: Store) -> None:
    store.append(batch(waits(correlation_id=None, flow=None))).result()
    assert len(settling(store.everything())) == 1
    root = span(0, 3, "GET /", kind="server", span_id="f" * 16, service="shop")
    store.append(batch(root)).result()
    assert settling(store.everything()) == [], "the work around it ended well"
    assert not shown.cases(store)


def test_a_root_that_does_not_come_in_time_opens_the_case(store: Store) -> None:
    store.append(batch(waits(correlation_id=None, flow=None))).result()
    (found,) = settling(store.everything())
    assert found.until - utc_now() <= timedelta(seconds=30)
    settle_all(store)
    assert settling(store.everything()) == []
    assert len(shown.cases(store)) == 1
