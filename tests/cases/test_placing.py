"""Of a trace with several units each page shows its own records, for every reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cases import unit_records, units
from cases.intake import intake
from data.paging import PageRequest
from data.store import Reading, Store
from tests.telemetry import batch, log, span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE = "0af7651916cd43dd8448eb211c80319c"


def part(start: float, name: str, own: str, parent: str | None, **order: Any) -> Any:
    """Return a span of the nightly run; `own` and `parent` are letters."""
    named = {**order, "flow": "orders"} if order else {}
    place = {"span_id": own * 16, "parent_span_id": parent and parent * 16, "service": "nightly"}
    return span(start, start + 1, name, **named, **place)


ROWS = [
    part(0, "run", "0", None),
    part(1, "first half", "1", "0"),
    part(2, "order one", "a", "1", correlation_id="SO-1", tenant="acme"),
    part(2.1, "pay for one", "b", "a"),
    part(4, "order two", "c", "1", correlation_id="SO-2", tenant="globex"),
    part(4.1, "pay for two", "d", "c"),
    part(4.2, "ask the bank for two", "e", "d"),
]
LINE = log(4.3, "the bank thinks about two", trace_id=TRACE, span_id="e" * 16, service="nightly")
OF_ONE = ["order one", "pay for one"]
OF_TWO = ["order two", "pay for two", "ask the bank for two"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    for row in reversed(ROWS):
        opened.append(batch(row)).result()
    opened.append(batch(LINE)).result()
    yield opened
    opened.close()


@pytest.mark.parametrize("scope", [None, ("acme\x1f*",)], ids=["all", "one tenant"])
def test_children_of_another_order_are_not_shown(store: Store, scope: tuple[str, ...] | None) -> None:
    reading = Reading(store, scope)
    found = units.unit(reading, "SO-1")
    assert [one.name for one in found.spans] == OF_ONE
    assert found.logs == []
    paged = unit_records.spans(reading, "SO-1", PageRequest())
    assert [one.name for one in paged.items] == OF_ONE


def test_a_line_of_a_child_is_shown_with_its_order(store: Store) -> None:
    found = units.unit(store.everything(), "SO-2")
    assert [one.name for one in found.spans] == OF_TWO
    assert [one.message for one in found.logs] == [LINE["message"]]
