"""The life of a case over the real store: acts, retries, time, and who may do what when."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from access.errors import TokenReusedError
from access.limits import Limits
from audit.actor import Actor
from cases import queries
from cases.commands import CancelRetry, CaseCommand, Claim, FixedOutside, Release, Resolve, RetryCase
from cases.errors import (
    AlreadyClaimedError,
    CaseNotFoundError,
    InvalidActError,
    LeaseLostError,
    NotAllowedNowError,
    ReasonMissingError,
)
from cases.lifecycle import RESOLUTION_CODES
from cases.retries import Complete, Fail, Heartbeat, Lease, lease_next
from cases.sweep import sweep
from data.clock import stored, utc_now
from data.errors import ConflictError
from tests import shown
from tests.gates import local_context
from tests.telemetry import START, batch, failure, span, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.context import RequestContext
    from data.store import Store

ANN, BOB, WORKER = Actor("ann"), Actor("bob"), Actor("w1", "service")
LIMITS = Limits()
REASON = "Corrected the address with the customer"


class Container:
    """A case, and everybody who may touch it."""

    def __init__(self, store: Store, limits: Limits = LIMITS) -> None:
        self.store, self.limits = store, limits
        store.append(batch(failure(0))).result()
        lease_next(self.context(WORKER), None)  # a worker that takes everything is there
        (case,) = shown.cases(store)
        self.id: str = case["id"]

    def context(self, actor: Actor) -> RequestContext:
        return local_context(self.store, actor, self.limits)

    def case(self) -> dict[str, Any]:
        return shown.case(self.store, self.id)

    def state(self) -> str:
        return str(self.case()["state"])

    def verbs(self) -> list[str]:
        return [act["verb"] for act in self.case()["acts"]]

    def succeed(self, seconds: float = 60) -> None:
        self.store.append(batch(success(seconds))).result()

    def lease(self, token: str | None = None) -> Lease:
        lease = lease_next(self.context(WORKER), None, key=token)
        assert lease is not None
        return lease

    def pass_time(self, table: str, column: str) -> None:
        """Move a deadline into the past, as if the time had gone by."""
        sql = f"update {table} set {column} = $then::timestamp where {column} is not null"  # noqa: S608
        then = stored(utc_now() - timedelta(seconds=1))
        self.store.act(lambda tx: tx.execute(sql, {"then": then})).result()
        sweep(local_context(self.store, limits=self.limits))


@pytest.fixture
def container(store: Store) -> Container:
    return Container(store)


def test_the_whole_way_from_failure_to_proof(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    perform(RetryCase(container.id, reason="gateway is back"), container.context(ANN))
    lease = container.lease()
    assert lease.idempotency_key == container.case()["idempotency_key"]
    assert lease.attempt == 2
    perform(Complete(lease.id), container.context(WORKER))
    assert container.state() == "verifying", "the step ran: that proves nothing yet"
    container.succeed()
    case = container.case()
    assert (case["state"], case["recovered_by"]) == ("recovered", "retry")
    assert case["verified_at"] == START + timedelta(seconds=60)
    assert container.verbs() == ["opened", "claimed", "retried", "verifying", "recovered"]
    assert [a["actor_type"] for a in case["acts"]] == ["system", "human", "human", "service", "system"]


def test_a_proof_that_arrives_before_the_worker_reports_is_not_lost(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    lease = container.lease()
    container.succeed()
    perform(Complete(lease.id), container.context(WORKER))
    assert container.state() == "recovered"


def test_a_retry_that_is_not_needed_any_more_is_never_handed_out(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    container.succeed()
    assert lease_next(container.context(WORKER), None) is None
    assert container.state() == "recovered"


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_retry_of_a_business_error_says_why_it_should_end_differently(
    container: Container, reason: str | None
) -> None:
    container.store.append(batch(failure(5, error_class="business"))).result()
    with pytest.raises(ReasonMissingError, match="why it should end differently"):
        perform(RetryCase(container.id, reason=reason), container.context(ANN))
    assert container.state() == "open"
    perform(RetryCase(container.id, reason=" The limit was raised "), container.context(ANN))
    case = container.case()
    assert (case["acts"][-1]["verb"], case["acts"][-1]["reason"]) == ("retried", "The limit was raised")
    assert case["retries"][0]["reason"] == "The limit was raised"


def test_a_failed_retry_opens_the_case_again(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    lease = container.lease()
    perform(Fail(lease.id, error_type="TimeoutError", message="still down"), container.context(WORKER))
    case = container.case()
    assert (case["state"], case["holder"], case["attempts_made"]) == ("open", None, 2)
    assert case["acts"][-1]["reason"] == "still down"
    assert case["retries"][0]["state"] == "failed"


def test_a_proof_that_never_comes_opens_the_case_again(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    perform(Complete(container.lease().id), container.context(WORKER))
    container.pass_time("exception_case", "verify_until")
    assert container.state() == "open"
    assert container.verbs()[-1] == "unproven"


def test_a_new_failure_while_verifying_opens_the_case_again(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    perform(Complete(container.lease().id), container.context(WORKER))
    container.store.append(batch(failure(30))).result()
    assert container.state() == "open"


def test_a_lost_worker_returns_its_lease_and_learns_it(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    lost = container.lease()
    container.pass_time("retry", "lease_until")
    assert container.state() == "retrying"
    again = container.lease()
    assert again.id != lost.id
    assert again.idempotency_key == lost.idempotency_key
    for report in (Heartbeat, Complete, Fail):
        with pytest.raises(LeaseLostError):
            perform(report(lost.id), container.context(WORKER))
    perform(Complete(again.id), container.context(WORKER))
    assert container.state() == "verifying"


def test_a_new_retry_takes_the_place_of_one_that_still_ran_when_the_case_recovered(
    container: Container,
) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    lost = container.lease()
    container.succeed(60)
    container.store.append(batch(failure(70))).result()
    assert container.state() == "open"
    perform(RetryCase(container.id), container.context(ANN))
    assert [retry["state"] for retry in container.case()["retries"]] == ["cancelled", "queued"]
    with pytest.raises(LeaseLostError):
        perform(Complete(lost.id), container.context(WORKER))


def test_a_retry_that_nobody_takes_returns_to_the_queue_with_the_reason(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    container.pass_time("retry", "requested_at")
    assert container.state() == "retrying"
    limits = dataclasses.replace(LIMITS, untaken_s=0)
    sweep(local_context(container.store, limits=limits))
    case = container.case()
    assert (case["state"], case["retries"][0]["state"]) == ("open", "cancelled")
    assert "no worker took the retry" in case["acts"][-1]["reason"]
    assert lease_next(container.context(WORKER), None) is None


def test_a_cancelled_retry_of_a_claimed_case_goes_back_to_its_holder_and_stays_due(
    container: Container,
) -> None:
    perform(Claim(container.id), container.context(ANN))
    due = container.case()["due_at"]
    perform(RetryCase(container.id), container.context(ANN))
    with pytest.raises(AlreadyClaimedError):
        perform(CancelRetry(container.id, reason="not mine"), container.context(BOB))
    perform(CancelRetry(container.id, reason="the gateway is down again"), container.context(ANN))
    case = container.case()
    assert (case["state"], case["holder"], case["due_at"]) == ("claimed", "ann", due)
    assert case["lease_until"] > utc_now()
    assert (case["retries"][0]["state"], case["next_attempt_at"]) == ("cancelled", None)
    act = case["acts"][-1]
    recorded = (act["verb"], act["actor"], act["from_state"], act["to_state"], act["reason"])
    assert recorded == ("retry_cancelled", "ann", "retrying", "claimed", "the gateway is down again")
    assert lease_next(container.context(WORKER), None) is None


def test_a_cancelled_retry_of_an_open_case_goes_back_to_the_queue(container: Container) -> None:
    due = container.case()["due_at"]
    perform(RetryCase(container.id), container.context(ANN))
    perform(CancelRetry(container.id), container.context(ANN))
    case = container.case()
    assert (case["state"], case["holder"], case["due_at"]) == ("open", None, due)
    perform(RetryCase(container.id), container.context(BOB))
    assert container.lease().case == container.id


def test_a_retry_that_a_worker_runs_cannot_be_cancelled(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    container.lease()
    with pytest.raises(NotAllowedNowError, match="w1 runs its retry since"):
        perform(CancelRetry(container.id), container.context(ANN))
    assert container.state() == "retrying"


def test_a_retry_whose_worker_was_lost_waits_again_and_can_be_cancelled(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    lost = container.lease()
    container.pass_time("retry", "lease_until")
    perform(CancelRetry(container.id), container.context(ANN))
    assert container.state() == "open"
    with pytest.raises(LeaseLostError):
        perform(Complete(lost.id), container.context(WORKER))


def test_only_a_retry_can_be_cancelled(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    with pytest.raises(NotAllowedNowError, match="no retry of it waits"):
        perform(CancelRetry(container.id), container.context(ANN))


def test_a_case_that_was_fixed_outside_waits_for_its_proof_and_recovers_by_a_person(
    container: Container,
) -> None:
    perform(FixedOutside(container.id, reason=REASON), container.context(ANN))
    case = container.case()
    assert (case["state"], case["holder"], case["retries"]) == ("verifying", "ann", [])
    left = case["verify_until"] - utc_now()
    assert timedelta(days=3) - left < timedelta(minutes=1)
    with pytest.raises(NotAllowedNowError, match="it was marked as fixed outside, and ann has it"):
        perform(RetryCase(container.id), container.context(ANN))
    container.succeed()
    case = container.case()
    assert (case["state"], case["recovered_by"]) == ("recovered", "person")
    assert container.verbs() == ["opened", "fixed_outside", "recovered"]


def test_a_case_that_was_fixed_outside_without_proof_returns_to_the_queue_with_the_reason(
    container: Container,
) -> None:
    due = container.case()["due_at"]
    perform(Claim(container.id), container.context(ANN))
    perform(FixedOutside(container.id, reason=REASON), container.context(ANN))
    container.pass_time("exception_case", "verify_until")
    case = container.case()
    assert (case["state"], case["holder"], case["due_at"]) == ("open", None, due)
    act = case["acts"][-1]
    words = "it was marked as fixed outside, but no success arrived within 3 days"
    assert (act["verb"], act["reason"]) == ("unproven", words)


def test_a_new_failure_opens_a_case_that_was_fixed_outside(container: Container) -> None:
    perform(FixedOutside(container.id, reason=REASON), container.context(ANN))
    container.store.append(batch(failure(30))).result()
    assert container.state() == "open"


def test_who_marked_a_case_as_fixed_outside_can_take_it_back(container: Container) -> None:
    perform(FixedOutside(container.id, reason=REASON), container.context(ANN))
    with pytest.raises(AlreadyClaimedError):
        perform(Release(container.id), container.context(BOB))
    perform(Release(container.id), container.context(ANN))
    container.succeed()
    assert container.case()["recovered_by"] == "automatic"


def test_fixed_outside_needs_a_reason_and_a_unit_that_can_be_proven(
    store: Store, container: Container
) -> None:
    with pytest.raises(InvalidActError, match="10 characters"):
        perform(FixedOutside(container.id, reason="done"), container.context(ANN))
    perform(Claim(container.id), container.context(BOB))
    with pytest.raises(AlreadyClaimedError):
        perform(FixedOutside(container.id, reason=REASON), container.context(ANN))
    store.append(batch(span(0, 1, status="error", kind="server", service="shop"))).result()
    (case,) = [c for c in shown.cases(store) if c["id"] != container.id]
    with pytest.raises(InvalidActError, match="only a trace or a request names its unit"):
        perform(FixedOutside(case["id"], reason=REASON), container.context(ANN))


@pytest.mark.parametrize("code", RESOLUTION_CODES)
def test_a_later_success_verifies_what_was_resolved_as_repaired(container: Container, code: str) -> None:
    perform(Resolve(container.id, code=code, reason=REASON), container.context(ANN))
    container.succeed(60)
    case = container.case()
    assert case["state"] == "resolved"
    if code in ("fixed_upstream", "data_corrected"):
        assert case["verified_at"] == START + timedelta(seconds=60)
        assert container.verbs()[-1] == "verified"
    else:
        assert case["verified_at"] is None
        assert container.verbs()[-1] == "resolved"


def test_the_first_success_verifies_whatever_arrives_first(container: Container) -> None:
    perform(Resolve(container.id, code="data_corrected", reason=REASON), container.context(ANN))
    container.succeed(60)
    container.succeed(40)
    assert container.case()["verified_at"] == START + timedelta(seconds=40)
    container.store.append(batch(failure(50))).result()
    case = container.case()
    assert (case["state"], case["verified_at"]) == ("resolved", START + timedelta(seconds=60))


def test_a_success_before_the_failure_verifies_nothing(container: Container) -> None:
    perform(Resolve(container.id, code="fixed_upstream", reason=REASON), container.context(ANN))
    container.store.append(batch(success(-60))).result()
    assert container.case()["verified_at"] is None


def test_a_claim_and_a_retry_that_never_ran_are_no_recovery_by_people(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    perform(RetryCase(container.id), container.context(ANN))
    perform(CancelRetry(container.id), container.context(ANN))
    perform(RetryCase(container.id), container.context(ANN))
    sweep(local_context(container.store, limits=dataclasses.replace(LIMITS, untaken_s=0)))
    case = container.case()
    assert (case["state"], case["attempts_made"]) == ("open", 1)
    container.succeed()
    assert (container.case()["recovered_by"], container.case()["people_at"]) == ("automatic", None)


def test_a_retry_that_a_service_asked_for_is_not_by_people(container: Container) -> None:
    perform(RetryCase(container.id), container.context(Actor("service/ops", "service")))
    perform(Complete(container.lease().id), container.context(WORKER))
    container.succeed()
    assert (container.case()["recovered_by"], container.case()["people_at"]) == ("retry", None)


def test_what_people_did_before_a_case_came_back_does_not_count_for_the_next_time(
    container: Container,
) -> None:
    perform(FixedOutside(container.id, reason=REASON), container.context(ANN))
    container.succeed(60)
    assert container.case()["people_at"]
    container.store.append(batch(failure(70))).result()
    assert container.case()["people_at"] is None
    container.succeed(80)
    assert container.case()["recovered_by"] == "automatic"


def test_a_unit_that_only_a_trace_names_cannot_be_retried(store: Store) -> None:
    store.append(batch(span(0, 1, status="error", kind="server", service="shop"))).result()
    (case,) = shown.cases(store)
    assert case["unit_kind"] == "trace"
    with pytest.raises(InvalidActError, match="only a trace or a request names its unit"):
        perform(RetryCase(case["id"]), local_context(store, ANN, LIMITS))


def test_a_retry_that_kills_every_worker_is_given_up(store: Store) -> None:
    container = Container(store, dataclasses.replace(LIMITS, retry_leases=2))
    perform(RetryCase(container.id), container.context(ANN))
    for _ in range(2):
        container.lease()
        container.pass_time("retry", "lease_until")
    case = container.case()
    assert case["state"] == "open"
    assert case["acts"][-1]["reason"] == "2 workers were lost over this retry"
    assert lease_next(container.context(WORKER), None) is None


def test_a_heartbeat_keeps_a_lease(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    lease = container.lease()
    assert perform(Heartbeat(lease.id), container.context(WORKER)).lease_until >= lease.lease_until


def test_a_worker_takes_only_its_own_flows(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    assert lease_next(container.context(WORKER), ["returns"]) is None
    assert lease_next(container.context(WORKER), ["returns", "order-to-cash"]) is not None


def test_a_claim_that_sees_no_activity_returns_to_the_queue(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    container.pass_time("exception_case", "lease_until")
    case = container.case()
    assert (case["state"], case["holder"]) == ("open", None)
    assert case["acts"][-1]["reason"] == "returned: no activity by ann"


def test_the_second_to_claim_learns_who_was_faster(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    with pytest.raises(AlreadyClaimedError, match="already claimed by ann since") as refused:
        perform(Claim(container.id), container.context(BOB))
    assert refused.value.holder == "ann"


@pytest.mark.parametrize("command", [Claim, Release, RetryCase])
def test_what_someone_else_holds_is_not_mine_to_touch(
    container: Container, command: Callable[[str], CaseCommand]
) -> None:
    perform(Claim(container.id), container.context(ANN))
    with pytest.raises(AlreadyClaimedError):
        perform(command(container.id), container.context(BOB))


@pytest.mark.parametrize("command", [Claim, Release, RetryCase])
def test_a_resolved_case_takes_no_more_acts(
    container: Container, command: Callable[[str], CaseCommand]
) -> None:
    perform(Resolve(container.id, code="false_alarm", reason=REASON), container.context(ANN))
    with pytest.raises(NotAllowedNowError, match="resolved"):
        perform(command(container.id), container.context(ANN))


def test_resolving_cancels_a_retry_that_nobody_took(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    perform(Resolve(container.id, code="moved_to_manual", reason=REASON), container.context(ANN))
    assert lease_next(container.context(WORKER), None) is None


def test_resolving_takes_the_lease_from_the_worker_that_runs_the_retry(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    lease = container.lease()
    perform(Resolve(container.id, code="moved_to_manual", reason=REASON), container.context(ANN))
    with pytest.raises(LeaseLostError):
        perform(Heartbeat(lease.id), container.context(WORKER))


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [("nonsense", REASON, "no resolution code"), ("duplicate", "too short", "10 characters")],
)
def test_a_resolution_needs_a_known_code_and_a_reason(
    container: Container, code: str, reason: str, words: str
) -> None:
    with pytest.raises(InvalidActError, match=words):
        perform(Resolve(container.id, code=code, reason=reason), container.context(ANN))
    assert container.state() == "open"


@pytest.mark.parametrize("code", RESOLUTION_CODES)
def test_every_code_resolves(container: Container, code: str) -> None:
    assert (
        perform(Resolve(container.id, code=code, reason=REASON), container.context(ANN)).resolution_code
        == code
    )


def test_an_unknown_case_is_named(container: Container) -> None:
    with pytest.raises(CaseNotFoundError, match="deadbeef"):
        perform(Claim("deadbeef"), container.context(ANN))


def test_the_same_token_acts_once_and_answers_the_same(container: Container) -> None:
    first = perform(RetryCase(container.id), container.context(ANN), key="t1")
    again = perform(RetryCase(container.id), container.context(ANN), key="t1")
    assert again == first
    assert container.verbs().count("retried") == 1
    assert len(container.case()["retries"]) == 1


def test_a_token_belongs_to_one_request(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN), key="t1")
    with pytest.raises(TokenReusedError):
        perform(Release(container.id), container.context(ANN), key="t1")


def test_the_same_lease_is_answered_again_to_a_worker_that_reconnects(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    assert container.lease(token="l1").id == container.lease(token="l1").id


def test_twenty_people_claim_at_once_and_one_gets_it(container: Container) -> None:
    won: list[str] = []
    lost: list[ConflictError] = []
    gate = threading.Barrier(20)

    def race(name: str) -> None:
        gate.wait()
        try:
            won.append(perform(Claim(container.id), container.context(Actor(name))).holder or "")
        except ConflictError as error:
            lost.append(error)

    threads = [threading.Thread(target=race, args=(f"p{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 19)
    assert container.case()["holder"] == won[0]
    assert container.verbs().count("claimed") == 1


def test_every_change_of_state_has_its_audit_entry(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    perform(Release(container.id), container.context(ANN))
    perform(Resolve(container.id, code="duplicate", reason=REASON), container.context(BOB))
    steps = [(a["from_state"], a["to_state"]) for a in container.case()["acts"]]
    assert steps == [(None, "open"), ("open", "claimed"), ("claimed", "open"), ("open", "resolved")]
    assert container.case()["version"] == len(steps)


# --- expiry -----------------------------------------------------------------------------------------


def unplaced(seconds: float) -> dict[str, Any]:
    """Return an error line that belongs to no unit."""
    return failure(seconds, unit=None, step="", outcome=None)


def days_pass(store: Store, days: float) -> int:
    """Move the exceptions into the past, and let the clock look."""
    move = "update exception_case set updated_at = updated_at - $ago, last_seen = last_seen - $ago"
    store.act(lambda tx: tx.execute(move, {"ago": timedelta(days=days)})).result()
    return sweep(local_context(store, limits=LIMITS))


def test_an_exception_that_nothing_can_prove_expires_when_nothing_new_comes(store: Store) -> None:
    store.append(batch(unplaced(0))).result()
    assert days_pass(store, 13.9) == 0
    assert days_pass(store, 0.2) == 1
    (case,) = shown.cases(store, queries.CaseFilter(["expired"]))
    expired = shown.case(store, case["id"])
    assert (expired["state"], expired["recovered_by"], expired["resolution_code"]) == ("expired", None, None)
    assert (expired["acts"][-1]["verb"], expired["acts"][-1]["actor_type"]) == ("closed", "system")
    closed = store.act(lambda tx: tx.execute("select how from case_episode where change = 'closed'")).result()
    assert closed == [{"how": "expired"}]


def test_an_expired_exception_comes_back_with_a_new_failure(store: Store) -> None:
    store.append(batch(unplaced(0))).result()
    days_pass(store, 15)
    soon = (utc_now() - START).total_seconds() + 60
    store.append(batch(unplaced(soon))).result()
    (case,) = shown.cases(store)
    assert (case["state"], case["occurrences"]) == ("open", 2)


def test_an_exception_of_a_named_unit_never_expires(container: Container) -> None:
    assert days_pass(container.store, 400) == 0
    assert container.state() == "open"


def test_a_failure_that_comes_again_never_lowers_the_number_of_attempts(container: Container) -> None:
    """A later run begins to count at one; what was tried before, by a retry too, still counts."""
    container.store.append(batch(failure(1, attempt=4))).result()
    assert container.case()["attempts_made"] == 4
    perform(RetryCase(container.id), container.context(ANN))
    failed = Fail(container.lease().id, message="again", error_class="data")
    perform(failed, container.context(WORKER))
    assert container.case()["attempts_made"] == 5
    container.store.append(batch(failure(2, attempt=1))).result()
    assert container.case()["attempts_made"] == 5
    container.store.append(batch(failure(3, attempt=7))).result()
    assert container.case()["attempts_made"] == 7


def test_a_retry_that_ran_waits_for_its_proof_as_long_as_the_setting_says(store: Store) -> None:
    container = Container(store, dataclasses.replace(LIMITS, verify_s=3_600))
    perform(RetryCase(container.id), container.context(ANN))
    perform(Complete(container.lease().id), container.context(WORKER))
    left = container.case()["verify_until"] - utc_now()
    assert timedelta(minutes=59) < left <= timedelta(minutes=60)


def test_of_exceptions_that_are_due_at_the_same_time_the_most_valuable_comes_first(store: Store) -> None:
    for unit, value in (("SO-1", "60"), ("SO-2", None), ("SO-3", "900"), ("SO-4", "120")):
        amount = None if value is None else Decimal(value)
        currency = {"value_currency": "EUR"} if value else {}
        store.append(batch(failure(0, unit, value_amount=amount, **currency))).result()
    found = shown.cases(store)
    assert len({case["due_at"] for case in found}) == 1
    assert [case["correlation_id"] for case in found] == ["SO-3", "SO-4", "SO-1", "SO-2"]
