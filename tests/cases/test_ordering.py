"""The order of lists: each key both ways over all pages, no value last, ties the same in every store."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from audit.actor import Actor
from cases import queries
from cases.case import SEVERITIES, Case
from cases.commands import Claim
from cases.errors import InvalidActError
from cases.intake import intake
from cases.ordering import KEYS, Order
from cases.queries import CaseFilter
from data.store import Store
from tests.gates import local_context
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from pathlib import Path

VALUES = (None, 5, 20_000, 5, 1_500, None, 60, 20_000, 5, 60, 1_500, 5)

MEASURES = {
    "due": lambda case: case.next_due_at,
    "value": lambda case: case.value_amount,
    "age": lambda case: -case.opened_at.timestamp(),
    "severity": lambda case: -SEVERITIES.index(case.severity),
    "seen": lambda case: case.occurrences,
    "last": lambda case: case.last_seen,
    "attempts": lambda case: case.attempts,
    "unit": lambda case: case.correlation_id,
}


def fill(store: Store) -> None:
    """Twelve cases of one second and two: many are equal by what they are sorted by."""
    for number, value in enumerate(VALUES):
        more = {} if value is None else {"value_amount": Decimal(value), "value_currency": "EUR"}
        for again in range(1 + number % 3):
            at = 1 + number % 2 + 10 * again
            rows = [failure(at, f"SO-{number:02}", exception_message="no answer of it", **more)]
            store.append(batch(*rows)).result()


def pages(store: Store, order: Order | None, size: int = 5) -> list[Case]:
    """Return the whole list, read page by page."""
    reading, found = store.everything(), list[Case]()
    while page := queries.listed(reading, CaseFilter(), size, len(found), order).items:
        found += page
    return found


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_each_key_sorts_all_pages_and_puts_what_has_no_value_last(
    store: Store, name: str, direction: str
) -> None:
    fill(store)
    perform(Claim(pages(store, None)[0].id), local_context(store, Actor("ann")))
    measured = [MEASURES[name](case) for case in pages(store, Order(name, direction))]
    known = [value for value in measured if value is not None]
    assert len(measured) == len(VALUES)
    assert known == sorted(known, reverse=direction == "desc")
    assert measured[len(known) :] == [None] * (len(measured) - len(known))


@pytest.mark.parametrize("name", [None, *KEYS])
def test_what_is_equal_has_the_same_order_in_every_store(tmp_path: Path, name: str | None) -> None:
    orders = []
    for folder in ("one", "other"):
        opened = Store.open(tmp_path / folder, intake)
        fill(opened)
        order = Order.of(name)
        lists = {tuple(case.correlation_id for case in pages(opened, order, size)) for size in (2, 5, 50)}
        assert len(lists) == 1, "pages of any size are parts of one list"
        orders.append(lists)
        opened.close()
    assert orders[0] == orders[1], "ids of cases are random, the order is not"


def test_an_order_is_read_and_written_as_an_address_has_it() -> None:
    value = Order.of("value")
    assert value is not None
    assert (value.text, value.words) == ("value", "value at risk, largest first")
    assert (value.turned.text, value.turned.words) == ("value.asc", "value at risk, smallest first")
    assert Order.of("value.asc") == value.turned
    assert Order.of("value.desc") == value
    assert Order.of("") is None
    for wrong in ("nothing", "value.up", "VALUE", "value.asc.asc"):
        with pytest.raises(InvalidActError):
            Order.of(wrong)
