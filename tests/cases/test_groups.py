"""Exceptions with one cause are one line: what it counts, what it is doing, and what helped last time."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases import groups, queries
from cases.case import Money
from cases.commands import Claim, Resolve
from cases.errors import GroupNotFoundError
from cases.groups import Group
from cases.queries import CaseFilter
from data.store import Reading
from tests.gates import local_context
from tests.telemetry import at, batch, failure, success

if TYPE_CHECKING:
    from datetime import datetime

    from data.store import Store

ANN = Actor("ann")
NOW = at(3600)
OUTAGE = "the gateway at pay.example answered 503 for order {}"
DAY = 86_400


def fail(store: Store, seconds: float, unit: str, message: str = OUTAGE, **fields: Any) -> None:
    """Let a unit fail."""
    store.append(batch(failure(seconds, unit, exception_message=message.format(unit), **fields))).result()


def case_id(store: Store, unit: str) -> str:
    """Return the id of a unit's case."""
    (found,) = queries.listed(store.everything(), CaseFilter(text=unit), 10, 0).items
    return found.id


def listed(store: Store, now: datetime = NOW, **how: Any) -> list[Group]:
    return groups.listed(store.everything(), CaseFilter(), now, **how).items


def test_an_outage_is_one_line_over_flows_with_what_is_open_and_what_was(store: Store) -> None:
    fail(store, 0, "SO-1", flow="order-to-cash")
    fail(store, 10, "SO-2", flow="refunds", step="pay back")
    fail(store, 20, "SO-3", flow="order-to-cash")
    fail(store, 30, "SO-4", message="no table invoices in the database")
    store.append(batch(success(60, "SO-3"))).result()
    perform(Claim(case_id(store, "SO-2")), local_context(store, ANN))
    outage, other = listed(store)
    assert (outage.live_cases, outage.all_cases, outage.flows) == (2, 3, ["order-to-cash", "refunds"])
    assert outage.holders == ["ann"]
    assert (outage.oldest, outage.last_seen) == (at(0), at(20))
    assert (other.live_cases, other.all_cases, other.holders) == (1, 1, [])
    found = queries.listed(store.everything(), CaseFilter(group=[outage.id]), 10, 0)
    assert found.total == outage.all_cases


def test_money_is_by_currency_and_each_unit_counts_once(store: Store) -> None:
    fail(store, 0, "SO-1", flow="order-to-cash", value_amount=Decimal(10), value_currency="EUR")
    fail(store, 1, "SO-1", flow="labels", value_amount=Decimal(10), value_currency="EUR")
    fail(store, 2, "SO-2", flow="order-to-cash", value_amount=Decimal("5.50"), value_currency="EUR")
    fail(store, 3, "SO-3", flow="order-to-cash", value_amount=Decimal(7), value_currency="USD")
    fail(store, 4, "SO-4", flow="order-to-cash")
    (group,) = listed(store)
    assert group.value == [Money(Decimal("15.50"), "EUR"), Money(Decimal(7), "USD")]


def test_failures_are_counted_by_hour_and_by_day_the_oldest_first(store: Store) -> None:
    now = at(20 * DAY)
    for ago in (60, 120, 2 * 3600 + 1, 23.5 * 3600, 1.5 * DAY, 13.9 * DAY, 14.1 * DAY):
        fail(store, 20 * DAY - ago, "SO-1")
    (group,) = listed(store, now)
    assert len(group.hours) == 24
    assert (group.hours[-1], group.hours[-3], group.hours[0], sum(group.hours)) == (2, 1, 1, 4)
    assert len(group.days) == 14
    assert (group.days[-1], group.days[-2], group.days[0], sum(group.days)) == (4, 1, 1, 6)


def _group(**fields: Any) -> Group:
    base: dict[str, Any] = {
        "id": "g", "title": "t", "error_class": "data", "live_cases": 1, "all_cases": 1, "flows": ["f"],
        "holders": [], "oldest": NOW - timedelta(days=20), "first_seen": NOW - timedelta(days=20),
        "last_seen": NOW, "ended_last_seen": None, "hours": [0] * 24, "days": [5] * 14,
    }  # fmt: skip
    return Group(**base | fields)


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("ongoing", {}),
        ("closed", {"live_cases": 0, "oldest": None}),
        ("new", {"first_seen": NOW - timedelta(days=6)}),
        ("escalating", {"days": [5] * 13 + [10]}),
        ("ongoing", {"days": [5] * 13 + [9]}),
        ("ongoing", {"days": [1] * 13 + [9]}),
        ("new", {"days": [0] * 13 + [50], "first_seen": NOW - timedelta(hours=2)}),
        ("regressed", {"oldest": NOW, "ended_last_seen": NOW - timedelta(days=1)}),
        ("ongoing", {"oldest": NOW, "ended_last_seen": NOW - timedelta(hours=23)}),
        ("ongoing", {"oldest": NOW - timedelta(days=9), "ended_last_seen": NOW - timedelta(days=1)}),
    ],
)
def test_the_state_of_a_group(state: str, fields: dict[str, Any]) -> None:
    assert groups.state_of(_group(**fields), NOW) == state


def test_a_cause_that_was_all_closed_and_comes_back_is_regressed(store: Store) -> None:
    fail(store, 0, "SO-1")
    store.append(batch(success(60, "SO-1"))).result()
    assert listed(store) == []
    assert [group.state for group in listed(store, is_open=False)] == ["closed"]
    fail(store, 2 * DAY, "SO-2")
    assert [group.state for group in listed(store, at(2 * DAY + 60))] == ["regressed"]


def test_the_last_fix_that_worked_is_named_with_how_often(store: Store) -> None:
    for number in range(3):
        fail(store, number, f"SO-{number}")
    (group,) = listed(store)
    assert group.last_fix is None
    written_off = Resolve(case_id(store, "SO-0"), "written_off", "Too small to be worth it")
    perform(written_off, local_context(store, ANN))
    assert listed(store)[0].last_fix is None, "it was not repaired"
    corrected = Resolve(case_id(store, "SO-1"), "data_corrected", "The order had no address")
    perform(corrected, local_context(store, ANN))
    fix = listed(store)[0].last_fix
    assert fix is not None
    assert (fix.how, fix.worked, fix.tried) == ("data_corrected", 1, None)


def test_a_retry_is_counted_by_what_was_tried(store: Store) -> None:
    for number in range(3):
        fail(store, number, f"SO-{number}")
    ids = [case_id(store, f"SO-{number}") for number in range(3)]
    for number, (one, state) in enumerate(zip(ids, ("succeeded", "succeeded", "failed"), strict=True)):
        _retried(store, number, one, state)
    (fix,) = [group.last_fix for group in listed(store)]
    assert fix is not None
    assert (fix.how, fix.worked, fix.tried) == ("retry", 2, 3)


def _retried(store: Store, number: int, one: str, state: str) -> None:
    """Write a retry that a worker finished, and what its case is after it."""
    row = {
        "id": str(number), "case_id": one, "flow": "f", "step": "s", "correlation_id": "c", "attempt": 1,
        "state": state, "idempotency_key": "k", "requested_by": "ann", "leases": 1,
        "requested_at": at(100 + number).replace(tzinfo=None),
    }  # fmt: skip

    def write(tx: Any) -> None:
        tx.view_rows("new_retry", [row], like="retry")
        tx.run("cases/insert_retry")
        if state == "succeeded":
            proven = f"recovered_by = 'retry', verified_at = '2026-11-16 10:0{number}:00'"
            tx.execute(f"update exception_case set state = 'recovered', {proven} where id = '{one}'")  # noqa: S608

    store.act(write).result()


def test_pages_follow_each_other_without_a_gap_or_a_repetition(store: Store) -> None:
    for number in range(7):
        message = f"no table {'abcdefg'[number] * 3} in the database"
        for unit in range(1 + number // 3):
            fail(store, number, f"SO-{number}-{unit}", message=message)
    whole = listed(store)
    assert [group.live_cases for group in whole] == [3, 2, 2, 2, 1, 1, 1]
    found: list[Group] = []
    place = None
    while part := groups.listed(store.everything(), CaseFilter(), NOW, place=place, limit=2):
        assert part.total == 7 or not part.items
        if not part.items:
            break
        found += part.items
        place = groups.after(part.items[-1])
    assert [group.id for group in found] == [group.id for group in whole]


def test_a_reader_sees_and_counts_only_what_is_in_the_scope(store: Store) -> None:
    fail(store, 0, "SO-1", tenant="acme", value_amount=Decimal(10), value_currency="EUR")
    fail(store, 1, "SO-2", tenant="globex", value_amount=Decimal(20), value_currency="EUR")
    (whole,) = listed(store)
    reading = Reading(store, ("acme\x1f*",))
    (own,) = groups.listed(reading, CaseFilter(), NOW).items
    assert (whole.live_cases, own.live_cases) == (2, 1)
    assert own.value == [Money(Decimal(10), "EUR")]
    assert sum(own.hours) == 1
    assert groups.one(reading, whole.id, NOW).live_cases == 1
    with pytest.raises(GroupNotFoundError):
        groups.one(Reading(store, ("other\x1f*",)), whole.id, NOW)
