"""Whose unit a record is that names ID and flow, but no tenant."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from data.store import Store
from desk.intake import intake
from tests.telemetry import batch, span

if TYPE_CHECKING:
    from pathlib import Path

ACME, GLOBEX = "a" * 32, "9" * 32
NAMED: dict[str, Any] = {"correlation_id": "SO-1", "flow": "orders", "service": "shop"}


def rows() -> list[dict[str, Any]]:
    """Return the trace of one tenant whose inner span names only ID and flow, and one of another tenant."""
    root = span(0, 9, "GET /", trace_id=ACME, span_id="1" * 16, tenant="acme", service="shop")
    worth = {"value_amount": Decimal(700), "value_currency": "EUR"}
    inner = span(1, 2, "order", trace_id=ACME, parent_span_id="1" * 16, **NAMED, **worth)
    return [root, inner, span(3, 4, "order", trace_id=GLOBEX, tenant="globex", **NAMED)]


def units(store: Store) -> dict[str | None, tuple[Any, ...]]:
    """Return value and outcome of each tenant's unit."""
    sql = "select tenant, value_amount, outcome from unit where correlation_id = 'SO-1'"
    found = store.act(lambda tx: tx.execute(sql)).result()
    return {row["tenant"]: (row["value_amount"], row["outcome"]) for row in found}


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_a_record_without_a_tenant_is_of_its_traces_tenant(
    tmp_path: Path,
    order: tuple[int, ...],
    together: bool,  # noqa: FBT001
) -> None:
    store = Store.open(tmp_path, intake)
    made = [rows()[number] for number in order]
    for part in [made] if together else [[row] for row in made]:
        store.append(batch(*part)).result()
    assert units(store) == {"acme": (Decimal(700), "ended"), "globex": (None, "ended")}
    store.close()


def test_it_stays_so_when_the_units_are_derived_again_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(*rows())).result()
    store.close()
    store = Store.open(tmp_path, intake)
    store.append(batch(span(1, 2, "ask", trace_id=ACME, tenant="globex", service="shop"))).result()
    assert set(units(store)) == {"acme", "globex"}, "the span around it still says whose it is"
    store.close()
