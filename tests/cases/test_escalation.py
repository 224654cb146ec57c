"""Escalation over the real store under a moved clock: by the clock, by people, and who owns what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import SYSTEM, Actor
from cases import following, groups, notices, queries
from cases.assigning import Assign
from cases.case import Case
from cases.commands import Claim, Resolve
from cases.errors import InvalidActError, NotAllowedNowError
from cases.escalating import Escalate
from cases.escalation import Escalation, OwnerRule, Step, Team
from cases.service_rules import ServiceRules
from cases.snoozing import Snooze
from cases.sweep import sweep
from data import clock
from data.clock import stored
from tests import shown
from tests.gates import local_context
from tests.telemetry import at, batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.store import Store

ANN, BOB, EVE = Actor("ann"), Actor("bob"), Actor("eve")
MINUTE = 60
REASON = "The customer calls every ten minutes"
TEAMS = {
    "Payments": Team("https://chat.example/payments", ("ann", "bob")),
    "Leads": Team(None, ("lea",)),
}
RULES = Escalation(
    TEAMS,
    (OwnerRule("Payments", flow="order-to-cash"),),
    (Step(timedelta(0), "owner"), Step(timedelta(hours=1), "team", "Leads")),
)
"""Of a medium exception triage is due after 2 hours, and its end after 8."""


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    clock.use(None)


def minute(number: float) -> None:
    clock.use(lambda: at(number * MINUTE))


@pytest.fixture
def queue(store: Store) -> Store:
    minute(0)
    following.use(ServiceRules(escalation=RULES), local_context(store))
    store.append(batch(failure(0))).result()
    return store


def the_case(store: Store) -> dict[str, Any]:
    (case,) = shown.cases(store)
    return case


def history(store: Store) -> list[dict[str, Any]]:
    acts = shown.case(store, the_case(store)["id"])["acts"]
    return [act for act in acts if act["verb"] == "escalated"]


def notices_of(store: Store, *people: str) -> list[int]:
    return [notices.unseen(store.everything(), name).total for name in people]


def swept(store: Store) -> int:
    return sweep(local_context(store, SYSTEM))


# --- by the clock ---------------------------------------------------------------------------------------


def test_what_nobody_takes_up_goes_to_its_owner_and_then_to_the_next_level(queue: Store) -> None:
    minute(119)
    assert swept(queue) == 0
    minute(120)
    assert swept(queue) == 1
    case = the_case(queue)
    assert (case["escalation_level"], case["assignee"], case["assignee_kind"]) == (1, "Payments", "team")
    assert (case["state"], case["holder"], case["escalated_at"]) == ("open", None, at(7200))
    assert notices_of(queue, "ann", "bob", "lea") == [1, 1, 0]
    assert swept(queue) == 0, "a step is taken once"
    minute(180)
    assert swept(queue) == 1
    assert the_case(queue)["assignee"] == "Leads"
    assert notices_of(queue, "ann", "bob", "lea") == [1, 1, 1]
    minute(9999)
    assert swept(queue) == 0, "there is no third step"
    first, second = history(queue)
    assert first["actor_type"] == "system"
    assert first["reason"] == (
        "triage was due at 2026-11-16 11:00 UTC, and nobody has taken it up; it goes to the team Payments"
    )
    assert second["details"]["level"] == 2
    assert {act["details"]["how"] for act in (first, second)} == {"timeout"}


def test_a_claim_answers_the_first_clock_and_the_end_begins_at_the_first_step(queue: Store) -> None:
    minute(120)
    swept(queue)
    perform(Claim(the_case(queue)["id"]), local_context(queue, ANN))
    assert the_case(queue)["escalation_level"] is None
    minute(400)
    swept(queue)  # the lease runs out
    perform(Claim(the_case(queue)["id"]), local_context(queue, EVE))
    for later in (419, 438, 457, 476):
        minute(later)
        perform(Claim(the_case(queue)["id"]), local_context(queue, EVE))
    minute(480)
    assert swept(queue) == 1
    case = the_case(queue)
    assert (case["holder"], case["state"], case["escalation_level"]) == ("eve", "claimed", 1)
    assert "its end was due at 2026-11-16 17:00 UTC, and it has not ended" in history(queue)[-1]["reason"]
    assert notices_of(queue, "ann", "bob", "eve") == [2, 2, 1], "its holder as well"


@pytest.mark.parametrize("ending", ["snoozed", "recovered", "resolved"])
def test_what_is_snoozed_or_has_ended_is_not_escalated(queue: Store, ending: str) -> None:
    case_id, ann = the_case(queue)["id"], local_context(queue, ANN)
    if ending == "snoozed":
        perform(Snooze(case_id, until=stored(at(86_400))), ann)
    elif ending == "resolved":
        perform(Resolve(case_id, "duplicate", REASON), ann)
    else:
        queue.append(batch(success(60))).result()
    minute(500)
    assert swept(queue) == 0


def test_what_comes_back_begins_at_the_first_step(queue: Store) -> None:
    minute(120)
    swept(queue)
    queue.append(batch(success(7300))).result()
    minute(300)
    queue.append(batch(failure(300 * MINUTE))).result()
    assert the_case(queue)["escalation_level"] is None
    minute(419)
    assert swept(queue) == 0
    minute(420)
    assert swept(queue) == 1
    assert the_case(queue)["escalation_level"] == 1


def test_a_flow_has_steps_of_its_own_and_without_an_owner_it_goes_to_nobody(store: Store) -> None:
    minute(0)
    own = Step(timedelta(minutes=5), "owner", flow="billing")
    following.use(ServiceRules(escalation=replace(RULES, steps=(*RULES.steps, own))), local_context(store))
    store.append(batch(failure(0, flow="billing"))).result()
    minute(124)
    assert swept(store) == 0
    minute(125)
    assert swept(store) == 1
    assert (the_case(store)["assignee"], the_case(store)["escalation_level"]) == (None, 1)
    assert "no team owns it" in history(store)[0]["reason"]
    minute(999)
    assert swept(store) == 0


def test_without_steps_nothing_escalates_by_itself(store: Store) -> None:
    minute(0)
    store.append(batch(failure(0))).result()
    minute(9999)
    assert swept(store) == 0


# --- by people ------------------------------------------------------------------------------------------


def test_a_person_escalates_with_a_reason_to_the_next_step_or_whom_they_name(queue: Store) -> None:
    case_id = the_case(queue)["id"]
    perform(Claim(case_id), local_context(queue, BOB))
    after = perform(Escalate(case_id, REASON), local_context(queue, ANN))
    assert (after.assignee, after.escalation_level, after.holder) == ("Payments", 1, "bob")
    assert notices_of(queue, "ann", "bob") == [0, 1], "not who did it"
    after = perform(Escalate(case_id, REASON, "eve"), local_context(queue, ANN))
    assert (after.assignee, after.assignee_kind, after.escalation_level) == ("eve", "person", 2)
    assert notices_of(queue, "eve") == [1]
    entry = history(queue)[-1]
    assert (entry["actor"], entry["reason"], entry["details"]["how"]) == ("ann", REASON, "manual")
    assert entry["details"]["was"] == "Payments"


def test_a_snoozed_case_that_is_escalated_is_awake(queue: Store) -> None:
    case_id = the_case(queue)["id"]
    perform(Snooze(case_id, until=stored(at(86_400))), local_context(queue, ANN))
    assert perform(Escalate(case_id, REASON), local_context(queue, BOB)).snoozed_by is None


def test_an_escalation_that_makes_no_sense_is_refused(store: Store) -> None:
    store.append(batch(failure(0))).result()
    case_id, ann = the_case(store)["id"], local_context(store, ANN)
    with pytest.raises(InvalidActError, match="Name a person or a team"):
        perform(Escalate(case_id, REASON), ann)
    with pytest.raises(InvalidActError, match="at least 10 characters"):
        perform(Escalate(case_id, "help", "eve"), ann)
    with pytest.raises(InvalidActError, match="person, team"):
        perform(Escalate(case_id, REASON, "eve", "robot"), ann)
    perform(Resolve(case_id, "duplicate", REASON), ann)
    with pytest.raises(NotAllowedNowError):
        perform(Escalate(case_id, REASON, "eve"), ann)


# --- who owns what --------------------------------------------------------------------------------------


def a_case(**fields: Any) -> Case:
    now = stored(at(0))
    stated = {
        "id": "c", "state": "open", "tenant": "acme", "flow": "orders", "step": "pay",
        "correlation_id": "SO-1", "error_class": "data", "severity": "high",
        "title": "", "message": "", "fingerprint": "",
        "occurrences": 1, "attempts": 1, "opened_at": now, "first_seen": now, "last_seen": now,
    }  # fmt: skip
    return Case(**stated | fields)


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        ({}, "Orders"),
        ({"step": "ship"}, "Warehouse"),
        ({"step": "ship", "tenant": "globex"}, "Warehouse"),
        ({"flow": "billing", "tenant": "globex"}, "Globex"),
        ({"flow": "billing"}, None),
        ({"flow": "billing", "error_class": "infrastructure"}, "Platform"),
    ],
)
def test_the_rule_that_names_most_says_who_owns_a_case(fields: dict[str, Any], owner: str | None) -> None:
    rules = Escalation(
        owners=(
            OwnerRule("Platform", error_class="infrastructure"),
            OwnerRule("Orders", flow="orders"),
            OwnerRule("Globex", tenant="globex"),
            OwnerRule("Warehouse", flow="orders", step="ship"),
        )
    )
    assert rules.owner_of(a_case(**fields)) == owner


def test_the_owner_stands_on_the_case_and_follows_the_rules(queue: Store) -> None:
    found = shown.case(queue, the_case(queue)["id"])
    assert (found["owner_team"], found["owner_contact"]) == ("Payments", "https://chat.example/payments")
    other = replace(RULES, owners=(OwnerRule("Leads", step="pay"),))
    assert following.use(ServiceRules(escalation=other), local_context(queue)) == 1
    found = shown.case(queue, the_case(queue)["id"])
    assert (found["owner_team"], found["owner_contact"]) == ("Leads", None)
    perform(Assign(found["id"], "eve"), local_context(queue, ANN))
    assert the_case(queue)["owner_team"] == "Leads", "an assignment is something else"


def test_who_looks_after_it_is_whom_it_is_assigned_to_else_its_owner(queue: Store) -> None:
    """List, facet and group agree with the column of the queue."""
    everything = queue.everything()

    def found(name: str) -> tuple[int, int]:
        chosen = queries.CaseFilter(assignee=[name])
        return queries.listed(everything, chosen).total, groups.listed(everything, chosen, at(60)).total

    assert (found("Payments"), queries.facets(everything).assignee) == ((1, 1), {"Payments": 1})
    unassigned = queries.CaseFilter(assigned=[False], assignee=["Payments"])
    assert queries.listed(everything, unassigned).total == 1, "a team owns it, and nobody is assigned"
    perform(Assign(the_case(queue)["id"], "eve"), local_context(queue, ANN))
    assert (found("Payments"), found("eve")) == ((0, 0), (1, 1))
    assert queries.facets(everything, queries.CaseFilter(assignee=["x"])).assignee == {"eve": 1}
    perform(Assign(the_case(queue)["id"], None), local_context(queue, ANN))
    assert found("Payments") == (1, 1)
