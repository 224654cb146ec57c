"""Whose unit a record is that names ID and flow, but no tenant."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from cases.intake import intake
from data.store import Store
from data.transaction import Tx
from tests import shown
from tests.telemetry import batch, failure, span

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


def test_new_ids_of_a_tenant_ask_the_store_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(*rows())).result()
    asked: list[str] = []

    def noting(original: Any) -> Any:
        def noted(tx: Tx, statement: str, *args: Any, **options: Any) -> Any:
            asked.append(statement)
            return original(tx, statement, *args, **options)

        return noted

    for name in ("run", "arrow"):
        monkeypatch.setattr(Tx, name, noting(getattr(Tx, name)))
    new = {"flow": "orders", "service": "shop", "tenant": "acme"}
    made = [
        span(n, n + 1, "order", trace_id=f"{n:032x}", correlation_id=f"SO-{n}", **new) for n in range(50, 70)
    ]
    store.append(batch(*made)).result()
    derived = {name for name in asked if name.startswith("derive/")}
    assert (derived, "traces/tenants_of_ids" in asked) == ({"derive/units"}, False)
    store.append(batch(span(80, 81, "order", trace_id="8" * 32, **NAMED))).result()
    assert "traces/tenants_of_ids" in asked, "an ID that is known is looked up"
    store.close()


@pytest.mark.parametrize("together", [True, False])
def test_failures_without_an_id_give_each_other_no_tenant(tmp_path: Path, together: bool) -> None:  # noqa: FBT001
    store = Store.open(tmp_path, intake)
    made = [failure(1, None, tenant="acme"), failure(2, None)]
    for part in [made] if together else [[row] for row in made]:
        store.append(batch(*part)).result()
    assert {case["tenant"] for case in shown.cases(store)} == {"acme", None}
    store.close()
