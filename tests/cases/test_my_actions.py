"""My actions: what a person did, what came of it, and what can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from audit.actor import Actor
from cases import my_actions, queries
from cases.batch_commands import FreezeBatch, StartBatch
from cases.batch_runner import step
from cases.commands import CancelRetry, Claim, FixedOutside, Release, Resolve, RetryCase
from cases.group_claims import ClaimGroup
from cases.holding import Extend, TakeOver
from cases.notes import AddNote
from cases.queries import CaseFilter
from cases.retries import Complete, Fail, lease_next
from cases.snoozing import Snooze, Wake
from data.paging import PageRequest
from data.store import Reading
from tests.gates import local_context
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from access.context import RequestContext
    from cases.my_actions import Action
    from data.store import Store

ANN, BOB, WORKER = Actor("ann"), Actor("bob"), Actor("w1", "service")
WHY = "The bank answers again since noon"


class Desk:
    """Ann at a queue with one exception, beside bob and a worker."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.append(batch(failure(0))).result()
        lease_next(self.context(WORKER), None)
        (case,) = queries.listed(store.everything(), CaseFilter()).items
        self.id = case.id

    def context(self, actor: Actor) -> RequestContext:
        return local_context(self.store, actor)

    def actions(self, actor: Actor = ANN) -> list[Action]:
        return my_actions.listed(self.store.everything(), actor.name, PageRequest()).items

    def lines(self, actor: Actor = ANN) -> list[tuple[str, str | None, str | None]]:
        return [(one.verb, one.outcome, one.undo) for one in self.actions(actor)]

    def retry(self) -> str:
        """Ask for a retry as ann, and let the worker take it."""
        perform(RetryCase(self.id), self.context(ANN))
        lease = lease_next(self.context(WORKER), None)
        assert lease is not None
        return lease.id


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def test_a_retry_is_followed_from_the_queue_to_the_proof(desk: Desk) -> None:
    perform(RetryCase(desk.id), desk.context(ANN))
    assert desk.lines() == [("retried", "waiting", "cancel_retry")]
    lease = lease_next(desk.context(WORKER), None)
    assert lease is not None
    assert desk.lines() == [("retried", "waiting", None)], "a worker has it"
    perform(Complete(lease.id), desk.context(WORKER))
    assert desk.lines() == [("retried", "verifying", None)]
    desk.store.append(batch(success(60))).result()
    assert desk.lines() == [("retried", "recovered", None)]


def test_each_retry_keeps_its_own_outcome(desk: Desk) -> None:
    perform(Fail(desk.retry(), "GatewayError", "no answer"), desk.context(WORKER))
    perform(Complete(desk.retry()), desk.context(WORKER))
    desk.store.append(batch(success(60))).result()
    assert [line[:2] for line in desk.lines()] == [("retried", "recovered"), ("retried", "failed_again")]


def test_a_retry_that_is_cancelled_says_so(desk: Desk) -> None:
    perform(RetryCase(desk.id), desk.context(ANN))
    perform(CancelRetry(desk.id), desk.context(ANN))
    assert desk.lines() == [("retry_cancelled", None, None), ("retried", "cancelled", None)]


def test_a_claim_can_be_taken_back_while_it_holds(desk: Desk) -> None:
    perform(Claim(desk.id), desk.context(ANN))
    perform(Extend(desk.id), desk.context(ANN))
    assert desk.lines() == [("claimed", "held", "release")], "a claim that is renewed is one act"
    perform(TakeOver(desk.id, WHY), desk.context(BOB))
    assert desk.lines() == [("claimed", "taken_over", None)]
    assert desk.lines(BOB) == [("taken_over", "held", "release")]
    perform(Release(desk.id), desk.context(BOB))
    assert desk.lines(BOB) == [("released", None, None), ("taken_over", "given_back", None)]


def test_a_snooze_a_note_and_a_resolution_have_their_outcomes(desk: Desk) -> None:
    perform(AddNote(desk.id, "Asked the bank"), desk.context(ANN))
    perform(Snooze(desk.id, more=3), desk.context(ANN))
    assert desk.lines() == [("snoozed", "snoozed", "wake"), ("noted", None, None)]
    perform(Wake(desk.id), desk.context(ANN))
    perform(Claim(desk.id), desk.context(ANN))
    perform(Resolve(desk.id, "fixed_upstream", WHY), desk.context(ANN))
    lines = [line[:2] for line in desk.lines()]
    assert lines[:4] == [
        ("resolved", "resolved"), ("claimed", "resolved"), ("woken", None), ("snoozed", "woken"),
    ]  # fmt: skip
    desk.store.append(batch(success(60))).result()
    assert desk.lines()[0] == ("resolved", "recovered", None)


def test_what_was_fixed_outside_fails_again(desk: Desk) -> None:
    perform(FixedOutside(desk.id, WHY), desk.context(ANN))
    assert desk.lines() == [("fixed_outside", "verifying", None)]
    desk.store.append(batch(failure(90))).result()
    assert desk.lines() == [("fixed_outside", "failed_again", None)]


def test_acts_on_groups_and_batches_are_one_line_each(desk: Desk) -> None:
    desk.store.append(batch(failure(10, "SO-2"))).result()
    (first, _) = queries.listed(desk.store.everything(), CaseFilter()).items
    perform(ClaimGroup(first.group), desk.context(ANN))
    frozen = perform(FreezeBatch("release", ids=(desk.id,)), desk.context(ANN))
    perform(StartBatch(frozen.id), desk.context(ANN))
    while step(local_context(desk.store), frozen.id):
        pass
    found = desk.actions()
    assert f"batch:{frozen.id}" in [one.subject for one in found]
    assert f"group:{first.group}" in [one.subject for one in found]
    assert len(found) == 2, "what was done to each exception stands with them"


def test_nobody_sees_acts_of_others_or_outside_of_their_scope(desk: Desk) -> None:
    perform(Claim(desk.id), desk.context(ANN))
    assert desk.actions(BOB) == []
    assert my_actions.listed(Reading(desk.store, ("other\x1f*",)), ANN.name, PageRequest()).items == []


def test_pages_follow_each_other(desk: Desk) -> None:
    for number in range(5):
        perform(AddNote(desk.id, f"note {number}"), desk.context(ANN))
    first = my_actions.listed(desk.store.everything(), ANN.name, PageRequest(3))
    second = my_actions.listed(desk.store.everything(), ANN.name, PageRequest(3, behind=first.after))
    assert (first.total, second.total) == (5, 5)
    assert [one.reason for one in (*first.items, *second.items)] == [f"note {n}" for n in (4, 3, 2, 1, 0)]
