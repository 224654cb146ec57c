"""A record joins its trace until 24 h after the trace's last record, and not longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cases import units
from cases.intake import intake
from data.store import Store
from tests import shown
from tests.telemetry import TRACE, batch, log, span
from traces import joining

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600


def request() -> dict[str, Any]:
    """Return a failed request without an ID."""
    own = {"kind": "server", "service": "shop", "status": "error", "error_type": "ValueError"}
    return span(0, 1, "POST /orders", exception_message="boom", **own)


def names_order(hours: float) -> dict[str, Any]:
    """Return a record of the same trace that names the order."""
    return log(hours * HOUR, "order received", trace_id=TRACE, correlation_id="SO-1", service="shop")


def stuck_units(store: Store) -> list[str]:
    return [case["correlation_id"] for case in shown.cases(store)]


@pytest.fixture(params=["in memory", "forgotten", "after a restart"])
def then(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return a way to send records one after the other, and what the store says at the end."""
    opened: list[Store] = []

    def forgetful(tx: Any) -> None:
        joining.recent_traces(tx).most_rows = 1
        intake(tx)

    def send(*rows: dict[str, Any]) -> list[str]:
        opened.append(Store.open(tmp_path, forgetful if request.param == "forgotten" else intake))
        for row in rows:
            opened[-1].append(batch(row)).result()
            opened[-1].append(batch(span(0, 1, "other", trace_id=f"{len(opened):032x}"))).result()
            if request.param == "after a restart":
                opened[-1].close()
                opened.append(Store.open(tmp_path, intake))
        return stuck_units(opened[-1])

    yield send
    opened[-1].close()


def test_a_record_23_hours_later_joins(then: Any) -> None:
    assert then(request(), names_order(23)) == ["SO-1"]


def test_a_record_25_hours_later_does_not_join(then: Any) -> None:
    assert then(request(), names_order(25)) == [TRACE]


def test_a_record_before_the_trace_counts_as_one_after_it(then: Any) -> None:
    assert then(names_order(25), request()) == [TRACE]


def test_records_in_between_join_what_lies_further_apart(then: Any) -> None:
    assert then(request(), names_order(46), log(23 * HOUR, "still at it", trace_id=TRACE, flow="shop")) == [
        "SO-1"
    ]


def test_a_look_up_of_the_order_shows_only_what_joins_it(store: Store) -> None:
    store.append(batch(request(), names_order(25))).result()
    found = units.unit(store.everything(), "SO-1")
    assert ([s.name for s in found.spans], [r.message for r in found.logs]) == (
        [],
        ["order received"],
    )


def test_a_record_joins_an_old_trace_whatever_newer_ones_there_are(then: Any) -> None:
    newer = span(240 * HOUR, 240 * HOUR + 1, "other", trace_id="9" * 32)
    assert then(request(), newer, names_order(23)) == ["SO-1"]


def test_what_a_start_finds_in_the_store_joins_what_came_after_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(request())).result()
    store.close()
    store = Store.open(tmp_path, intake)
    # By itself it has nothing that a later record could join.
    store.append(batch(names_order(46) | {"flow": "shop"})).result()
    store.append(batch(log(23 * HOUR, "still at it", trace_id=TRACE, flow="shop"))).result()
    assert stuck_units(store) == ["SO-1"]
    store.close()


def test_the_same_line_of_an_order_written_again_after_a_start_is_one_failure(tmp_path: Path) -> None:
    for seconds in (0, 3):
        store = Store.open(tmp_path, intake)
        own = {"severity_number": 17, "correlation_id": "SO-1", "flow": "orders", "service": "shop"}
        store.append(batch(log(seconds, "no answer", **own))).result()
        found = shown.cases(store)
        store.close()
    assert [case["occurrences"] for case in found] == [1]
