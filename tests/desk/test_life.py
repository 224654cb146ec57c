"""The life of a case over the real store: acts, retries, time, and who may do what when."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access.errors import TokenReusedError
from audit.actor import Actor
from data.clock import stored, utc_now
from data.errors import ConflictError
from desk import cases
from desk.acts import Acts
from desk.errors import (
    AlreadyClaimedError,
    CaseNotFoundError,
    InvalidActError,
    LeaseLostError,
    NotAllowedNowError,
    ReasonMissingError,
)
from desk.lifecycle import RESOLUTION_CODES, Limits
from desk.retries import Retries
from desk.sweep import sweep
from tests.gates import local_gate
from tests.telemetry import START, batch, failure, span, success

if TYPE_CHECKING:
    from data.store import Store

ANN, BOB, WORKER = Actor("ann"), Actor("bob"), Actor("w1", "service")
LIMITS = Limits()
REASON = "Corrected the address with the customer"


class Center:
    """A case, and everybody who may touch it."""

    def __init__(self, store: Store, limits: Limits = LIMITS) -> None:
        self.store, self.limits = store, limits
        self.acts, self.retries = Acts(local_gate(store), limits), Retries(local_gate(store), limits)
        store.append(batch(failure(0))).result()
        self.retries.lease(None, worker=WORKER)  # a worker that takes everything is there
        (case,) = cases.listed(store.everything(), cases.CaseFilter(), 10, 0).items
        self.id: str = case["id"]

    def case(self) -> dict[str, Any]:
        return cases.one(self.store.everything(), self.id)

    def state(self) -> str:
        return str(self.case()["state"])

    def verbs(self) -> list[str]:
        return [act["verb"] for act in self.case()["acts"]]

    def succeed(self, seconds: float = 60) -> None:
        self.store.append(batch(success(seconds))).result()

    def lease(self, token: str | None = None) -> dict[str, Any]:
        lease = self.retries.lease(None, worker=WORKER, token=token)
        assert lease is not None
        return lease

    def pass_time(self, table: str, column: str) -> None:
        """Move a deadline into the past, as if the time had gone by."""
        sql = f"update {table} set {column} = $then::timestamp where {column} is not null"  # noqa: S608
        then = stored(utc_now() - timedelta(seconds=1))
        self.store.act(lambda tx: tx.execute(sql, {"then": then})).result()
        sweep(local_gate(self.store), self.limits)


@pytest.fixture
def center(store: Store) -> Center:
    return Center(store)


def test_the_whole_way_from_failure_to_proof(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    center.acts.retry(center.id, actor=ANN, reason="gateway is back")
    lease = center.lease()
    assert lease["idempotency_key"] == center.case()["idempotency_key"]
    assert lease["attempt"] == 2
    center.retries.complete(lease["id"], worker=WORKER)
    assert center.state() == "verifying", "the step ran: that proves nothing yet"
    center.succeed()
    case = center.case()
    assert (case["state"], case["recovered_by"]) == ("recovered", "retry")
    assert case["verified_at"] == START + timedelta(seconds=60)
    assert center.verbs() == ["opened", "claimed", "retried", "verifying", "recovered"]
    assert [a["actor_type"] for a in case["acts"]] == ["system", "human", "human", "service", "system"]


def test_a_proof_that_arrives_before_the_worker_reports_is_not_lost(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    lease = center.lease()
    center.succeed()
    center.retries.complete(lease["id"], worker=WORKER)
    assert center.state() == "recovered"


def test_a_retry_that_is_not_needed_any_more_is_never_handed_out(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    center.succeed()
    assert center.retries.lease(None, worker=WORKER) is None
    assert center.state() == "recovered"


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_retry_of_a_business_error_says_why_it_should_end_differently(
    center: Center, reason: str | None
) -> None:
    center.store.append(batch(failure(5, error_class="business"))).result()
    with pytest.raises(ReasonMissingError, match="why it should end differently"):
        center.acts.retry(center.id, actor=ANN, reason=reason)
    assert center.state() == "open"
    center.acts.retry(center.id, actor=ANN, reason=" The limit was raised ")
    case = center.case()
    assert (case["acts"][-1]["verb"], case["acts"][-1]["reason"]) == ("retried", "The limit was raised")
    assert case["retries"][0]["reason"] == "The limit was raised"


def test_a_failed_retry_opens_the_case_again(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    lease = center.lease()
    center.retries.fail(lease["id"], worker=WORKER, error_type="TimeoutError", message="still down")
    case = center.case()
    assert (case["state"], case["holder"], case["attempts_made"]) == ("open", None, 2)
    assert case["acts"][-1]["reason"] == "still down"
    assert case["retries"][0]["state"] == "failed"


def test_a_proof_that_never_comes_opens_the_case_again(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    center.retries.complete(center.lease()["id"], worker=WORKER)
    center.pass_time("exception_case", "verify_until")
    assert center.state() == "open"
    assert center.verbs()[-1] == "unproven"


def test_a_new_failure_while_verifying_opens_the_case_again(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    center.retries.complete(center.lease()["id"], worker=WORKER)
    center.store.append(batch(failure(30))).result()
    assert center.state() == "open"


def test_a_lost_worker_returns_its_lease_and_learns_it(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    lost = center.lease()
    center.pass_time("retry", "lease_until")
    assert center.state() == "retrying"
    again = center.lease()
    assert again["id"] != lost["id"]
    assert again["idempotency_key"] == lost["idempotency_key"]
    for report in (center.retries.heartbeat, center.retries.complete, center.retries.fail):
        with pytest.raises(LeaseLostError):
            report(lost["id"], worker=WORKER)
    center.retries.complete(again["id"], worker=WORKER)
    assert center.state() == "verifying"


def test_a_new_retry_takes_the_place_of_one_that_still_ran_when_the_case_recovered(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    lost = center.lease()
    center.succeed(60)
    center.store.append(batch(failure(70))).result()
    assert center.state() == "open"
    center.acts.retry(center.id, actor=ANN)
    assert [retry["state"] for retry in center.case()["retries"]] == ["cancelled", "queued"]
    with pytest.raises(LeaseLostError):
        center.retries.complete(lost["id"], worker=WORKER)


def test_a_retry_that_nobody_takes_returns_to_the_queue_with_the_reason(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    center.pass_time("retry", "requested_at")
    assert center.state() == "retrying"
    limits = dataclasses.replace(LIMITS, untaken_s=0)
    sweep(local_gate(center.store), limits)
    case = center.case()
    assert (case["state"], case["retries"][0]["state"]) == ("open", "cancelled")
    assert "no worker took the retry" in case["acts"][-1]["reason"]
    assert center.retries.lease(None, worker=WORKER) is None


def test_a_cancelled_retry_of_a_claimed_case_goes_back_to_its_holder_and_stays_due(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    due = center.case()["due_at"]
    center.acts.retry(center.id, actor=ANN)
    center.acts.cancel_retry(center.id, actor=BOB, reason="the gateway is down again")
    case = center.case()
    assert (case["state"], case["holder"], case["due_at"]) == ("claimed", "ann", due)
    assert case["lease_until"] > utc_now()
    assert (case["retries"][0]["state"], case["next_attempt_at"]) == ("cancelled", None)
    act = case["acts"][-1]
    told = (act["verb"], act["actor"], act["from_state"], act["to_state"], act["reason"])
    assert told == ("retry_cancelled", "bob", "retrying", "claimed", "the gateway is down again")
    assert center.retries.lease(None, worker=WORKER) is None


def test_a_cancelled_retry_of_an_open_case_goes_back_to_the_queue(center: Center) -> None:
    due = center.case()["due_at"]
    center.acts.retry(center.id, actor=ANN)
    center.acts.cancel_retry(center.id, actor=ANN)
    case = center.case()
    assert (case["state"], case["holder"], case["due_at"]) == ("open", None, due)
    center.acts.retry(center.id, actor=BOB)
    assert center.lease()["case"] == center.id


def test_a_retry_that_a_worker_runs_cannot_be_cancelled(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    center.lease()
    with pytest.raises(NotAllowedNowError, match="w1 runs its retry since"):
        center.acts.cancel_retry(center.id, actor=ANN)
    assert center.state() == "retrying"


def test_a_retry_whose_worker_was_lost_waits_again_and_can_be_cancelled(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    lost = center.lease()
    center.pass_time("retry", "lease_until")
    center.acts.cancel_retry(center.id, actor=ANN)
    assert center.state() == "open"
    with pytest.raises(LeaseLostError):
        center.retries.complete(lost["id"], worker=WORKER)


def test_only_a_retry_can_be_cancelled(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    with pytest.raises(NotAllowedNowError, match="no retry of it waits"):
        center.acts.cancel_retry(center.id, actor=ANN)


def test_a_case_that_was_fixed_outside_waits_for_its_proof_and_recovers_by_a_person(center: Center) -> None:
    center.acts.fixed_outside(center.id, actor=ANN, reason=REASON)
    case = center.case()
    assert (case["state"], case["holder"], case["retries"]) == ("verifying", "ann", [])
    left = case["verify_until"] - utc_now()
    assert timedelta(days=3) - left < timedelta(minutes=1)
    with pytest.raises(NotAllowedNowError, match="ann marked it as fixed outside"):
        center.acts.retry(center.id, actor=ANN)
    center.succeed()
    case = center.case()
    assert (case["state"], case["recovered_by"]) == ("recovered", "person")
    assert center.verbs() == ["opened", "fixed_outside", "recovered"]


def test_a_case_that_was_fixed_outside_without_proof_returns_to_the_queue_with_the_reason(
    center: Center,
) -> None:
    due = center.case()["due_at"]
    center.acts.claim(center.id, actor=ANN)
    center.acts.fixed_outside(center.id, actor=ANN, reason=REASON)
    center.pass_time("exception_case", "verify_until")
    case = center.case()
    assert (case["state"], case["holder"], case["due_at"]) == ("open", None, due)
    act = case["acts"][-1]
    words = "ann marked it as fixed outside, but no success arrived within 3 days"
    assert (act["verb"], act["reason"]) == ("unproven", words)


def test_a_new_failure_opens_a_case_that_was_fixed_outside(center: Center) -> None:
    center.acts.fixed_outside(center.id, actor=ANN, reason=REASON)
    center.store.append(batch(failure(30))).result()
    assert center.state() == "open"


def test_who_marked_a_case_as_fixed_outside_can_take_it_back(center: Center) -> None:
    center.acts.fixed_outside(center.id, actor=ANN, reason=REASON)
    with pytest.raises(AlreadyClaimedError):
        center.acts.release(center.id, actor=BOB)
    center.acts.release(center.id, actor=ANN)
    center.succeed()
    assert center.case()["recovered_by"] == "automatic"


def test_fixed_outside_needs_a_reason_and_a_unit_that_can_be_proven(store: Store, center: Center) -> None:
    with pytest.raises(InvalidActError, match="10 characters"):
        center.acts.fixed_outside(center.id, actor=ANN, reason="done")
    center.acts.claim(center.id, actor=BOB)
    with pytest.raises(AlreadyClaimedError):
        center.acts.fixed_outside(center.id, actor=ANN, reason=REASON)
    store.append(batch(span(0, 1, status="error", kind="server", service="shop"))).result()
    (case,) = [
        c for c in cases.listed(store.everything(), cases.CaseFilter(), 10, 0).items if c["id"] != center.id
    ]
    with pytest.raises(InvalidActError, match="only a trace or a request names its unit"):
        center.acts.fixed_outside(case["id"], actor=ANN, reason=REASON)


@pytest.mark.parametrize("code", RESOLUTION_CODES)
def test_a_later_success_verifies_what_was_resolved_as_repaired(center: Center, code: str) -> None:
    center.acts.resolve(center.id, actor=ANN, code=code, reason=REASON)
    center.succeed(60)
    case = center.case()
    assert case["state"] == "resolved"
    if code in ("fixed_upstream", "data_corrected"):
        assert case["verified_at"] == START + timedelta(seconds=60)
        assert center.verbs()[-1] == "verified"
    else:
        assert case["verified_at"] is None
        assert center.verbs()[-1] == "resolved"


def test_the_first_success_verifies_whatever_arrives_first(center: Center) -> None:
    center.acts.resolve(center.id, actor=ANN, code="data_corrected", reason=REASON)
    center.succeed(60)
    center.succeed(40)
    assert center.case()["verified_at"] == START + timedelta(seconds=40)
    center.store.append(batch(failure(50))).result()
    case = center.case()
    assert (case["state"], case["verified_at"]) == ("resolved", START + timedelta(seconds=60))


def test_a_success_before_the_failure_verifies_nothing(center: Center) -> None:
    center.acts.resolve(center.id, actor=ANN, code="fixed_upstream", reason=REASON)
    center.store.append(batch(success(-60))).result()
    assert center.case()["verified_at"] is None


def test_a_claim_and_a_retry_that_never_ran_are_no_recovery_by_people(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    center.acts.retry(center.id, actor=ANN)
    center.acts.cancel_retry(center.id, actor=ANN)
    center.acts.retry(center.id, actor=ANN)
    sweep(local_gate(center.store), dataclasses.replace(LIMITS, untaken_s=0))
    case = center.case()
    assert (case["state"], case["attempts_made"]) == ("open", 1)
    center.succeed()
    assert (center.case()["recovered_by"], center.case()["people_at"]) == ("automatic", None)


def test_a_retry_that_a_service_asked_for_is_not_by_people(center: Center) -> None:
    center.acts.retry(center.id, actor=Actor("service/ops", "service"))
    center.retries.complete(center.lease()["id"], worker=WORKER)
    center.succeed()
    assert (center.case()["recovered_by"], center.case()["people_at"]) == ("retry", None)


def test_what_people_did_before_a_case_came_back_does_not_count_for_the_next_time(center: Center) -> None:
    center.acts.fixed_outside(center.id, actor=ANN, reason=REASON)
    center.succeed(60)
    assert center.case()["people_at"]
    center.store.append(batch(failure(70))).result()
    assert center.case()["people_at"] is None
    center.succeed(80)
    assert center.case()["recovered_by"] == "automatic"


def test_a_unit_that_only_a_trace_names_cannot_be_retried(store: Store) -> None:
    store.append(batch(span(0, 1, status="error", kind="server", service="shop"))).result()
    (case,) = cases.listed(store.everything(), cases.CaseFilter(), 10, 0).items
    assert case["unit_kind"] == "trace"
    with pytest.raises(InvalidActError, match="only a trace or a request names its unit"):
        Acts(local_gate(store), LIMITS).retry(case["id"], actor=ANN)


def test_a_retry_that_kills_every_worker_is_given_up(store: Store) -> None:
    center = Center(store, dataclasses.replace(LIMITS, retry_leases=2))
    center.acts.retry(center.id, actor=ANN)
    for _ in range(2):
        center.lease()
        center.pass_time("retry", "lease_until")
    case = center.case()
    assert case["state"] == "open"
    assert case["acts"][-1]["reason"] == "2 workers were lost over this retry"
    assert center.retries.lease(None, worker=WORKER) is None


def test_a_heartbeat_keeps_a_lease(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    lease = center.lease()
    assert center.retries.heartbeat(lease["id"], worker=WORKER)["lease_until"] >= lease["lease_until"]


def test_a_worker_takes_only_its_own_flows(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    assert center.retries.lease(["returns"], worker=WORKER) is None
    assert center.retries.lease(["returns", "order-to-cash"], worker=WORKER) is not None


def test_a_claim_that_sees_no_activity_returns_to_the_queue(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    center.pass_time("exception_case", "lease_until")
    case = center.case()
    assert (case["state"], case["holder"]) == ("open", None)
    assert case["acts"][-1]["reason"] == "returned: no activity by ann"


def test_the_second_to_claim_is_told_who_was_faster(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    with pytest.raises(AlreadyClaimedError, match="already claimed by ann since") as told:
        center.acts.claim(center.id, actor=BOB)
    assert told.value.holder == "ann"


@pytest.mark.parametrize("act", ["claim", "release", "retry"])
def test_what_someone_else_holds_is_not_mine_to_touch(center: Center, act: str) -> None:
    center.acts.claim(center.id, actor=ANN)
    with pytest.raises(AlreadyClaimedError):
        getattr(center.acts, act)(center.id, actor=BOB)


def test_resolving_wins_over_a_claim_and_the_claimer_can_see_it(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    center.acts.resolve(center.id, actor=BOB, code="duplicate", reason=REASON)
    case = center.case()
    assert (case["state"], case["holder"]) == ("resolved", None)
    assert case["acts"][-1]["details"] == {"code": "duplicate", "taken_from": "ann"}


@pytest.mark.parametrize("act", ["claim", "release", "retry"])
def test_a_resolved_case_takes_no_more_acts(center: Center, act: str) -> None:
    center.acts.resolve(center.id, actor=ANN, code="false_alarm", reason=REASON)
    with pytest.raises(NotAllowedNowError, match="resolved"):
        getattr(center.acts, act)(center.id, actor=ANN)


def test_resolving_cancels_a_retry_that_nobody_took(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    center.acts.resolve(center.id, actor=ANN, code="moved_to_manual", reason=REASON)
    assert center.retries.lease(None, worker=WORKER) is None


def test_resolving_takes_the_lease_from_the_worker_that_runs_the_retry(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    lease = center.lease()
    center.acts.resolve(center.id, actor=ANN, code="moved_to_manual", reason=REASON)
    with pytest.raises(LeaseLostError):
        center.retries.heartbeat(lease["id"], worker=WORKER)


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [("nonsense", REASON, "no resolution code"), ("duplicate", "too short", "10 characters")],
)
def test_a_resolution_needs_a_known_code_and_a_reason(
    center: Center, code: str, reason: str, words: str
) -> None:
    with pytest.raises(InvalidActError, match=words):
        center.acts.resolve(center.id, actor=ANN, code=code, reason=reason)
    assert center.state() == "open"


@pytest.mark.parametrize("code", RESOLUTION_CODES)
def test_every_code_resolves(center: Center, code: str) -> None:
    assert center.acts.resolve(center.id, actor=ANN, code=code, reason=REASON)["resolution_code"] == code


def test_an_unknown_case_is_named(center: Center) -> None:
    with pytest.raises(CaseNotFoundError, match="deadbeef"):
        center.acts.claim("deadbeef", actor=ANN)


def test_the_same_token_acts_once_and_answers_the_same(center: Center) -> None:
    first = center.acts.retry(center.id, actor=ANN, token="t1")
    again = center.acts.retry(center.id, actor=ANN, token="t1")
    assert again == first
    assert center.verbs().count("retried") == 1
    assert len(center.case()["retries"]) == 1


def test_a_token_belongs_to_one_request(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN, token="t1")
    with pytest.raises(TokenReusedError):
        center.acts.release(center.id, actor=ANN, token="t1")


def test_the_same_lease_is_answered_again_to_a_worker_that_reconnects(center: Center) -> None:
    center.acts.retry(center.id, actor=ANN)
    assert center.lease(token="l1")["id"] == center.lease(token="l1")["id"]


def test_twenty_people_claim_at_once_and_one_gets_it(center: Center) -> None:
    won: list[str] = []
    lost: list[ConflictError] = []
    gate = threading.Barrier(20)

    def race(name: str) -> None:
        gate.wait()
        try:
            won.append(center.acts.claim(center.id, actor=Actor(name))["holder"])
        except ConflictError as error:
            lost.append(error)

    threads = [threading.Thread(target=race, args=(f"p{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 19)
    assert center.case()["holder"] == won[0]
    assert center.verbs().count("claimed") == 1


def test_every_change_of_state_has_its_audit_entry(center: Center) -> None:
    center.acts.claim(center.id, actor=ANN)
    center.acts.release(center.id, actor=ANN)
    center.acts.resolve(center.id, actor=BOB, code="duplicate", reason=REASON)
    steps = [(a["from_state"], a["to_state"]) for a in center.case()["acts"]]
    assert steps == [(None, "open"), ("open", "claimed"), ("claimed", "open"), ("open", "resolved")]
    assert center.case()["version"] == len(steps)


# --- expiry -----------------------------------------------------------------------------------------


def unplaced(seconds: float) -> dict[str, Any]:
    """Return an error line that belongs to no unit."""
    return failure(seconds, unit=None, step="", outcome=None)


def days_pass(store: Store, days: float) -> int:
    """Move the exceptions into the past, and let the clock look."""
    move = "update exception_case set updated_at = updated_at - $ago, last_seen = last_seen - $ago"
    store.act(lambda tx: tx.execute(move, {"ago": timedelta(days=days)})).result()
    return sweep(local_gate(store), LIMITS)


def test_an_exception_that_nothing_can_prove_expires_when_nothing_new_comes(store: Store) -> None:
    store.append(batch(unplaced(0))).result()
    assert days_pass(store, 13.9) == 0
    assert days_pass(store, 0.2) == 1
    (case,) = cases.listed(store.everything(), cases.CaseFilter(["expired"]), 10, 0).items
    told = cases.one(store.everything(), case["id"])
    assert (told["state"], told["recovered_by"], told["resolution_code"]) == ("expired", None, None)
    assert (told["acts"][-1]["verb"], told["acts"][-1]["actor_type"]) == ("closed", "system")
    closed = store.act(lambda tx: tx.execute("select how from case_episode where change = 'closed'")).result()
    assert closed == [{"how": "expired"}]


def test_an_expired_exception_comes_back_with_a_new_failure(store: Store) -> None:
    store.append(batch(unplaced(0))).result()
    days_pass(store, 15)
    soon = (utc_now() - START).total_seconds() + 60
    store.append(batch(unplaced(soon))).result()
    (case,) = cases.listed(store.everything(), cases.CaseFilter(), 10, 0).items
    assert (case["state"], case["occurrences"]) == ("open", 2)


def test_an_exception_of_a_named_unit_never_expires(center: Center) -> None:
    assert days_pass(center.store, 400) == 0
    assert center.state() == "open"
