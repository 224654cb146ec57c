"""Rows of units: found by the exact times at which they begin, and one for each tenant, ID and flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.intake import intake, prepare
from data.clock import micros
from data.store import Store
from data.transaction import Tx
from tests.telemetry import at, batch, span
from traces.units import Units, known_units

if TYPE_CHECKING:
    import pytest

_ROWS = """
    select
        correlation_id, flow, tenant, epoch_us(first_seen) as begun, epoch_us(last_seen) as ended,
        attempts
    from unit order by all
"""
_DAY = 86_400

SPANS = st.tuples(
    st.integers(0, 60), st.sampled_from(["SO-1", "SO-2", "SO-3"]), st.sampled_from(["a", "b"]),
    st.sampled_from(["acme", "globex"]),
)  # fmt: skip


def stored(store: Store) -> list[dict[str, Any]]:
    """Return the rows of units."""
    return store.act(lambda tx: tx.execute(_ROWS)).result()


def check(store: Store) -> None:
    """Compare the memory with the store: each unit begins at one of the times of its ID."""

    def look(tx: Tx) -> None:
        for row in tx.execute(_ROWS):
            moments = Units(known_units(tx)).moments([row["correlation_id"]])
            assert row["begun"] in moments["moments"]

    store.act(look).result()


@given(commits=st.lists(st.lists(SPANS, min_size=1, max_size=5), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_unit_has_one_row_however_late_its_records_come(
    tmp_path_factory: pytest.TempPathFactory, commits: list[list[tuple[int, str, str, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    store = Store.open(folder, intake)
    expected: dict[tuple[str, str, str], list[int]] = {}
    for number, rows in enumerate(commits):
        made = []
        for place, (day, unit, flow, tenant) in enumerate(rows):
            second = day * _DAY
            trace = f"{number * 10 + place:032x}"
            named = {"correlation_id": unit, "flow": flow, "tenant": tenant, "role": "step"}
            made.append(
                span(second, second + 1, trace_id=trace, ingested_at=micros(at(1e7 + number)), **named)
            )
            expected.setdefault((unit, flow, tenant), []).append(second)
        store.append(batch(*made)).result()
        if number == 3:
            store.close()
            store = Store.open(folder, intake)
            store.act(prepare).result()
        check(store)
    found = {(r["correlation_id"], r["flow"], r["tenant"]): r for r in stored(store)}
    assert len(found) == len(stored(store))
    assert {
        key: (row["begun"], row["ended"], row["attempts"]) for key, row in found.items()
    } == {
        key: (micros(at(min(seconds))), micros(at(max(seconds) + 1)), len(seconds))
        for key, seconds in expected.items()
    }  # fmt: skip
    store.close()


def test_a_commit_reads_the_units_of_its_ids_and_no_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(3):
        row = span(
            day * _DAY,
            day * _DAY + 1,
            trace_id=f"{day:032x}",
            correlation_id=f"SO-{day}",
            flow="a",
            tenant="acme",
        )
        store.append(batch(row)).result()
    read: list[list[int]] = []
    arrow = Tx.arrow

    def noted(tx: Tx, name: str, params: Any = None) -> Any:
        if name == "derive/held_units":
            read.append(params["moments"])
        return arrow(tx, name, params)

    monkeypatch.setattr(Tx, "arrow", noted)
    store.append(batch(span(9 * _DAY, 9 * _DAY + 1, correlation_id="SO-1", flow="a", tenant="acme"))).result()
    assert read == [[micros(at(_DAY))]]
