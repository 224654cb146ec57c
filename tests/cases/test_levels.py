"""Service levels: which one holds for a case, and the due times of cases in a real store."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases import following, service_rules
from cases.business_hours import Calendar
from cases.case import SEVERITIES
from cases.commands import Claim, Classify, Release, Resolve
from cases.intake import intake
from cases.levels import Level, LevelTable, ServiceLevels, due_state
from cases.queries import one
from cases.service_rules import ServiceRules
from data import clock
from data.store import Store
from tests import shown
from tests.gates import local_context
from tests.telemetry import at, batch, failure, log, success
from unsnag.conventions import ERROR_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN = Actor("ann")
MINUTE = timedelta(minutes=1)
REASON = "Corrected the address with the customer"


def minutes(triage: float | None = None, resolve: float | None = None, *, hours: bool | None = None) -> Level:
    return Level(triage and triage * MINUTE, resolve and resolve * MINUTE, hours)


LEVELS = ServiceLevels(
    LevelTable({"high": minutes(40, 400)}, {"data": {"any": minutes(50)}}),
    {
        "billing": LevelTable({"any": minutes(hours=True)}, {"data": {"high": minutes(resolve=70)}}),
    },
)


@pytest.mark.parametrize(
    ("flow", "error_class", "severity", "expected"),
    [
        ("orders", "business", "critical", (10, 30, False)),
        ("orders", "business", "high", (40, 400, False)),
        ("orders", "data", "high", (50, 400, False)),
        ("orders", "data", "critical", (50, 30, False)),
        ("billing", "data", "high", (50, 70, True)),
        ("billing", "business", "high", (40, 400, True)),
        ("billing", "business", "low", (480, 1440, True)),
        ("orders", "business", "unheard of", (480, 1440, False)),
    ],
)
def test_what_an_entry_leaves_open_comes_from_the_next_wider_one(
    flow: str, error_class: str, severity: str, expected: tuple[float, float, bool]
) -> None:
    found = LEVELS.of(flow, error_class, severity)
    assert (found.triage / MINUTE, found.resolve / MINUTE, found.business_hours) == expected


def test_the_worse_the_sooner_it_is_due() -> None:
    for error_class in ERROR_CLASSES:
        found = [ServiceLevels().of("any", error_class, severity) for severity in SEVERITIES]
        assert found == sorted(found)
        assert all(level.triage < level.resolve for level in found)


def test_rules_come_back_from_the_store_as_they_were(store: Store) -> None:
    rules = ServiceRules(ServiceLevels(LEVELS.everywhere, LEVELS.flows, Calendar("Asia/Tokyo", ("mon",))))
    following.use(rules, local_context(store))
    assert service_rules.latest(store.query).rules == rules


# --- the due times of cases ---------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    clock.use(None)


def now_is(seconds: float) -> None:
    clock.use(lambda: at(seconds))


def dues(case: dict[str, Any]) -> list[float]:
    """Return the minutes after the start at which triage, its end, and what counts now are due."""
    found = (case["triage_due_at"], case["due_at"], case["next_due_at"])
    return [(moment - at(0)) / MINUTE for moment in found]


def the_case(store: Store) -> dict[str, Any]:
    (case,) = shown.cases(store)
    return case


def state_at(store: Store, minute: float) -> str | None:
    return due_state(one(store.everything(), the_case(store)["id"]).case, at(minute * 60))


def test_a_case_is_due_warns_and_is_breached_for_triage_then_for_its_end(store: Store) -> None:
    now_is(0)
    store.append(batch(failure(0))).result()
    assert dues(the_case(store)) == [120, 480, 120]
    assert [state_at(store, m) for m in (0, 89, 90, 119, 120)] == [
        "due", "due", "warning", "warning", "breached",
    ]  # fmt: skip
    now_is(3600)
    perform(Claim(the_case(store)["id"]), local_context(store, ANN))
    assert dues(the_case(store)) == [120, 480, 480]
    assert [state_at(store, m) for m in (120, 359, 360, 480)] == ["due", "due", "warning", "breached"]
    now_is(4000)
    perform(Release(the_case(store)["id"]), local_context(store, ANN))
    assert dues(the_case(store)) == [120, 480, 480], "it was taken up: giving it back starts no clock"


def test_due_times_follow_severity_class_and_the_rules(store: Store) -> None:
    now_is(0)
    rules = ServiceRules(ServiceLevels(LevelTable({}, {"business": {"any": minutes(5, 6)}})))
    store.append(batch(failure(0))).result()
    assert following.use(rules, local_context(store)) == 0, "no case is of this class"
    context = local_context(store, ANN)
    perform(Classify(the_case(store)["id"], "business"), context)
    assert dues(the_case(store)) == [5, 6, 5]
    assert following.use(ServiceRules(), local_context(store)) == 1
    assert dues(the_case(store)) == [120, 480, 120]
    last = shown.case(store, the_case(store)["id"])["acts"][-1]
    assert (last["verb"], last["actor_type"]) == ("due_changed", "system")
    own = {"value_amount": Decimal(20_000), "value_currency": "EUR", "service": "shop"}
    store.append(batch(log(5, "order", correlation_id="SO-1", flow="order-to-cash", **own))).result()
    assert dues(the_case(store)) == [10, 30, 10]


def test_rules_that_hold_already_change_and_write_nothing(store: Store) -> None:
    rules = ServiceRules(LEVELS)
    store.append(batch(failure(0))).result()
    following.use(rules, local_context(store))
    entries = len(store.query("audit/page", {"after": 0, "limit": 100}))
    following.use(rules, local_context(store))
    assert len(store.query("audit/page", {"after": 0, "limit": 100})) == entries


def test_a_start_that_was_stopped_in_between_goes_on(store: Store) -> None:
    store.append(batch(failure(0), failure(0, unit="SO-2"))).result()
    rules = ServiceRules(ServiceLevels(LevelTable({"any": minutes(1, 2)})))
    perform(following._Keep(rules), local_context(store))  # and no more
    assert following.use(rules, local_context(store)) == 2
    assert {case["due_at"] for case in shown.cases(store)} == {at(120)}


def test_business_hours_of_a_level_skip_the_weekend(store: Store) -> None:
    levels = ServiceLevels(LevelTable({"any": minutes(60, 600, hours=True)}), {}, Calendar("Europe/Berlin"))
    following.use(ServiceRules(levels), local_context(store))
    friday = 4 * 86_400 + 6 * 3600 + 1800  # 16:30 in Berlin
    now_is(friday)
    store.append(batch(failure(friday))).result()
    triage, end, _ = dues(the_case(store))
    monday_at_8 = 7 * 24 * 60 - 60
    assert (triage, end) == (monday_at_8 + 30, monday_at_8 + 24 * 60 + 90)


def test_an_exception_that_comes_back_has_its_time_anew_and_waits_to_be_taken_up(store: Store) -> None:
    now_is(0)
    store.append(batch(failure(0))).result()
    perform(Claim(the_case(store)["id"]), local_context(store, ANN))
    now_is(60)
    store.append(batch(success(60))).result()
    ended = the_case(store)
    assert (ended["state"], dues(ended)) == ("recovered", [120, 480, 480])
    now_is(86_400)
    store.append(batch(failure(86_400))).result()
    assert dues(the_case(store)) == [1440 + 120, 1440 + 480, 1440 + 120]
    rows = store.act(
        lambda tx: tx.execute("select triaged_at, due_at from case_episode where change = 'closed'")
    ).result()
    assert [list(row.values()) for row in rows] == [
        [at(0).replace(tzinfo=None), at(480 * 60).replace(tzinfo=None)]
    ]


def test_who_resolves_an_exception_that_nobody_claimed_has_taken_it_up(store: Store) -> None:
    now_is(0)
    store.append(batch(failure(0))).result()
    perform(Resolve(the_case(store)["id"], "duplicate", REASON), local_context(store, ANN))
    assert the_case(store)["triaged_at"] == at(0)


def test_a_store_of_an_earlier_version_opens_with_the_levels_that_are_built_in(tmp_path: Path) -> None:
    before = Store.open(tmp_path, intake)
    before.append(batch(failure(0), failure(0, unit="SO-2"), failure(0, unit="SO-3"))).result()
    before.append(batch(success(60, unit="SO-3"))).result()
    claimed = next(case["id"] for case in shown.cases(before) if case["correlation_id"] == "SO-2")
    perform(Claim(claimed), local_context(before, ANN))
    later = {case["correlation_id"]: case for case in shown.cases(before)}
    as_before_0041(before)
    before.close()
    after = Store.open(tmp_path, intake)
    try:
        found = {case["correlation_id"]: case for case in shown.cases(after)}
        for unit in ("SO-1", "SO-2"):
            assert dues(found[unit]) == dues(later[unit])
            for name in ("triaged_at", "triage_warns_at", "warns_at"):
                assert found[unit][name] == later[unit][name], name
        ended = found["SO-3"]
        assert (ended["due_at"], ended["triage_due_at"]) == (later["SO-3"]["due_at"], None)
    finally:
        after.close()


def as_before_0041(store: Store) -> None:
    """Take what the migrations 0041 and 0042 brought out of a store."""
    new = ("reopened_at", "triaged_at", "triage_due_at", "triage_warns_at", "warns_at")

    def undo(tx: Any) -> None:
        for name in new:
            tx.execute(f"alter table exception_case drop column {name}")
        for name in ("triaged_at", "triage_due_at", "due_at"):
            tx.execute(f"alter table case_episode drop column {name}")
        for name in ("owner_team", "escalation_level", "escalated_at"):
            tx.execute(f"alter table exception_case drop column {name}")
        tx.execute("drop table service_rule")
        tx.execute("delete from schema_migration where version in (41, 42)")

    store.act(undo).result()
