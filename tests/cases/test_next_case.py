"""Claim next: what was given back keeps its place for others, and does not come back at once to its giver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from access.commands import perform
from access.limits import Limits
from audit.actor import Actor
from cases import queries
from cases.commands import Claim, Release
from cases.next_case import Offer, offered
from cases.queries import CaseFilter
from cases.sweep import sweep
from data.clock import utc_now
from tests.gates import local_context
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from data.store import Store

ANN, BOB = Actor("ann"), Actor("bob")
REST_S = 1200.0


def fail(store: Store, *units: str) -> None:
    for number, unit in enumerate(units):
        store.append(batch(failure(60 * number, unit))).result()


def claim(store: Store, actor: Actor, unit: str, limits: Limits | None = None) -> str:
    (case,) = queries.listed(store.everything(), CaseFilter(words=[unit])).items
    perform(Claim(case.id), local_context(store, actor, limits))
    return case.id


def next_of(store: Store, actor: Actor, later_s: float = 0) -> Offer:
    return offered(store.everything(), actor.name, utc_now() + timedelta(seconds=later_s), REST_S)


def units(offer: Offer) -> list[str]:
    return [case.correlation_id for case in offer.cases]


def test_what_was_given_back_is_first_again_for_another_person(store: Store) -> None:
    fail(store, "SO-1", "SO-2", "SO-3")
    perform(Release(claim(store, ANN, "SO-1")), local_context(store, ANN))
    assert units(next_of(store, BOB)) == ["SO-1", "SO-2", "SO-3"]
    assert [case.correlation_id for case in queries.listed(store.everything(), CaseFilter()).items] == [
        "SO-1", "SO-2", "SO-3",
    ]  # fmt: skip


def test_who_gave_it_back_gets_others_first_and_it_again_later(store: Store) -> None:
    fail(store, "SO-1", "SO-2")
    perform(Release(claim(store, ANN, "SO-1")), local_context(store, ANN))
    assert next_of(store, ANN)[1] == 1
    assert units(next_of(store, ANN)) == ["SO-2"]
    assert units(next_of(store, ANN, REST_S + 5)) == ["SO-1", "SO-2"]


def test_who_let_the_claim_run_out_gets_others_first(store: Store) -> None:
    fail(store, "SO-1", "SO-2")
    claim(store, ANN, "SO-1", Limits(claim_s=-1))
    sweep(local_context(store))
    assert units(next_of(store, ANN)) == ["SO-2"]
    assert units(next_of(store, BOB)) == ["SO-1", "SO-2"]


def test_what_somebody_holds_is_offered_to_nobody(store: Store) -> None:
    fail(store, "SO-1", "SO-2")
    claim(store, ANN, "SO-1")
    assert units(next_of(store, ANN)) == units(next_of(store, BOB)) == ["SO-2"]
