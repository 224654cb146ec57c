"""A class that the rules are not sure of is asked for. A person's word stays, and may be the group's rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases import queries
from cases.classes import is_guess
from cases.commands import Classify, Resolve
from cases.errors import InvalidActError, NotAllowedNowError
from tests.collectors import rows
from tests.gates import local_context
from tests.telemetry import batch, failure
from unsnag.classification import VERSION

if TYPE_CHECKING:
    from cases.case import Case
    from data.store import Store

ANN = Actor("ann")
GUESS = {"error_class": "data", "class_rule": "type.IndexError 0.60 2", "error_type": "IndexError"}


def case_of(store: Store, unit: str, tenant: str | None = None) -> Case:
    """Return the one case of a unit."""
    found = queries.listed(store.everything(), queries.CaseFilter(text=unit), 10, 0).items
    (case,) = [one for one in found if one.correlation_id == unit and one.tenant == tenant]
    return queries.one(store.everything(), case.id).case


def fail(store: Store, seconds: float, unit: str = "SO-1", **fields: Any) -> Case:
    """Let a unit fail with a class that is a guess."""
    store.append(batch(failure(seconds, unit, **{**GUESS, **fields}))).result()
    return case_of(store, unit, fields.get("tenant"))


def test_a_case_keeps_the_rule_its_confidence_and_the_version_of_the_rules(store: Store) -> None:
    case = fail(store, 0)
    assert (case.class_rule, case.class_confidence, case.class_version) == ("type.IndexError", 0.6, 2)
    assert is_guess(case)


@pytest.mark.parametrize("rule", [None, "http.402 0.90 2", "script 1.00 2", "fault 0.90 2"], ids=str)
def test_a_class_that_is_stated_or_sure_asks_nobody(store: Store, rule: str | None) -> None:
    assert not is_guess(fail(store, 0, class_rule=rule))


def test_a_persons_class_stays_when_the_case_fails_again(store: Store) -> None:
    case = fail(store, 0)
    after = perform(Classify(case.id, "business"), local_context(store, ANN))
    assert (after.error_class, after.class_rule, after.class_by) == ("business", "person", "ann")
    assert not is_guess(after)
    again = fail(store, 60)
    assert again.occurrences == 2
    assert (again.error_class, again.class_by) == ("business", "ann")
    # Another unit with the same cause is still asked for.
    assert is_guess(fail(store, 90, "SO-2"))


def test_a_class_for_the_group_is_the_rule_for_what_arrives_later_in_its_tenant(store: Store) -> None:
    case = fail(store, 0, tenant="acme")
    earlier = fail(store, 10, "SO-2", tenant="acme")
    perform(Classify(case.id, "infrastructure", for_group=True), local_context(store, ANN))
    later = fail(store, 20, "SO-3", tenant="acme")
    assert (later.error_class, later.class_rule, later.class_by) == ("infrastructure", "group", "ann")
    assert is_guess(case_of(store, "SO-2", "acme")), "what was there before stays"
    assert earlier.fingerprint == later.fingerprint
    assert is_guess(fail(store, 30, "SO-4", tenant="other"))
    assert is_guess(fail(store, 40, "SO-5", tenant="acme", exception_message="another cause"))


def test_a_group_takes_the_last_class_that_was_named(store: Store) -> None:
    case = fail(store, 0)
    for name in ("infrastructure", "business"):
        perform(Classify(case.id, name, for_group=True), local_context(store, ANN))
    assert fail(store, 20, "SO-3").error_class == "business"


def test_each_word_is_a_label_beside_what_the_rules_had_found(store: Store) -> None:
    case = fail(store, 0)
    perform(Classify(case.id, "business"), local_context(store, ANN))
    (label,) = store.act(lambda tx: tx.execute("select * from class_label")).result()
    assert (label["class"], label["was_class"], label["was_rule"]) == ("business", "data", "type.IndexError")
    assert (label["was_confidence"], label["was_version"], label["actor"]) == (0.6, 2, "ann")
    assert label["for_group"] is False
    (entry,) = [one for one in queries.one(store.everything(), case.id).history if one.verb == "classified"]
    assert entry.actor == "ann"


def test_only_a_known_class_of_a_live_case_can_be_named(store: Store) -> None:
    case, ctx = fail(store, 0), local_context(store, ANN)
    with pytest.raises(InvalidActError, match="business, data, infrastructure"):
        perform(Classify(case.id, "unknown"), ctx)
    perform(Resolve(case.id, "false_alarm", "Nothing was wrong with it"), ctx)
    with pytest.raises(NotAllowedNowError):
        perform(Classify(case.id, "data"), ctx)


def test_a_collector_states_the_rule_beside_the_class() -> None:
    (row,) = rows.logs(rows.read("2026-01-01 00:00:00 ERROR pay: HTTP 402 from the gateway\n"))
    assert (row["error_class"], row["class_rule"]) == ("business", f"http.402 0.90 {VERSION}")
    (row,) = rows.logs(rows.read('{"level": "error", "event": "x", "rpc.grpc.status_code": 14}\n'))
    assert row["class_rule"].startswith("grpc.UNAVAILABLE ")
