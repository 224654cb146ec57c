"""Whatever people, workers, time and telemetry do, in any order, the laws of a case hold."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from audit.actor import Actor
from data.clock import stored, utc_now
from data.errors import UnsnagError
from data.store import Store
from desk import cases
from desk.acts import Acts
from desk.errors import LeaseLostError
from desk.intake import intake
from desk.lifecycle import ENDED, LIVE, Limits
from desk.retries import Retries
from desk.sweep import sweep
from tests.gates import local_gate
from tests.telemetry import batch, failure, success

pytestmark = pytest.mark.slow

PEOPLE = st.sampled_from([Actor("ann"), Actor("bob")])
WORKERS = st.sampled_from([Actor("w1", "service"), Actor("w2", "service")])
LEGAL = {
    (None, "open"), ("open", "open"), ("open", "claimed"), ("claimed", "claimed"), ("claimed", "open"),
    ("open", "verifying"), ("claimed", "verifying"),
    ("open", "retrying"), ("claimed", "retrying"), ("retrying", "retrying"), ("retrying", "verifying"),
    ("retrying", "open"), ("retrying", "claimed"), ("verifying", "open"), ("verifying", "verifying"),
    *((state, "recovered") for state in LIVE), *((state, "resolved") for state in LIVE),
    ("recovered", "recovered"), ("resolved", "resolved"), ("recovered", "open"), ("resolved", "open"),
    ("open", "expired"), ("expired", "open"),
}  # fmt: skip


class CaseMachine(RuleBasedStateMachine):
    """One unit at one step, and everything that can happen to it."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(self.folder.name, intake)
        self.limits = Limits()
        self.gate = local_gate(self.store)
        self.acts, self.retries = Acts(self.gate, self.limits), Retries(self.gate, self.limits)
        self.retries.lease(None, worker=Actor("w1", "service"))
        self.seconds = 0.0
        self.leases: list[str] = []
        self.acknowledged = 0
        self.fail()
        (case,) = cases.listed(self.store.everything(), cases.CaseFilter(), 10, 0).items
        self.id = case["id"]

    def case(self) -> dict[str, Any]:
        return cases.one(self.store.everything(), self.id)

    def attempt(self, act: Any, **arguments: Any) -> Any:
        """Do an act; a refusal must leave the case exactly as it was."""
        before = self.case()
        try:
            answer = act(self.id, **arguments)
        except UnsnagError:
            assert self.case() == before
            return None
        return answer

    @rule()
    def fail(self) -> None:
        self.seconds += 10
        self.acknowledged += 1
        self.store.append(batch(failure(self.seconds))).result()

    @rule()
    def succeed(self) -> None:
        self.seconds += 10
        self.store.append(batch(success(self.seconds))).result()
        case = self.case()
        assert case["state"] in ENDED, "nothing stays live after the unit's own success"

    @rule(actor=PEOPLE)
    def claim(self, actor: Actor) -> None:
        if self.attempt(self.acts.claim, actor=actor):
            assert self.case()["holder"] == actor.name

    @rule(actor=PEOPLE)
    def release(self, actor: Actor) -> None:
        self.attempt(self.acts.release, actor=actor)

    @rule(actor=PEOPLE, token=st.sampled_from(["t1", "t2"]))
    def retry(self, actor: Actor, token: str) -> None:
        before = len(self.case()["retries"])
        self.attempt(self.acts.retry, actor=actor, token=token)
        assert len(self.case()["retries"]) <= before + 1

    @rule(actor=PEOPLE)
    def cancel_retry(self, actor: Actor) -> None:
        self.attempt(self.acts.cancel_retry, actor=actor)

    @rule(actor=PEOPLE)
    def fixed_outside(self, actor: Actor) -> None:
        self.attempt(self.acts.fixed_outside, actor=actor, reason="The carrier sent it again")

    @rule(actor=PEOPLE, code=st.sampled_from(["duplicate", "fixed_upstream"]))
    def resolve(self, actor: Actor, code: str) -> None:
        self.attempt(self.acts.resolve, actor=actor, code=code, reason="It is one of two")

    @rule(worker=WORKERS)
    def lease(self, worker: Actor) -> None:
        lease = self.retries.lease(None, worker=worker)
        if lease:
            assert self.case()["state"] == "retrying"
            assert lease["idempotency_key"] == self.case()["idempotency_key"]
            self.leases.append(lease["id"])

    @precondition(lambda self: self.leases)
    @rule(worker=WORKERS, well=st.booleans(), index=st.integers(0, 5))
    def report(self, worker: Actor, well: bool, index: int) -> None:  # noqa: FBT001 - drawn
        lease = self.leases[index % len(self.leases)]
        before = self.case()
        try:
            (self.retries.complete if well else self.retries.fail)(lease, worker=worker)
        except LeaseLostError:
            assert self.case() == before

    @rule(
        what=st.sampled_from(
            [("exception_case", "lease_until"), ("exception_case", "verify_until"), ("retry", "lease_until")]
        )
    )
    def let_time_pass(self, what: tuple[str, str]) -> None:
        table, column = what
        then = stored(utc_now() - timedelta(seconds=1))
        sql = f"update {table} set {column} = $then::timestamp where {column} is not null"  # noqa: S608
        self.store.act(lambda tx: tx.execute(sql, {"then": then})).result()
        sweep(local_gate(self.store), self.limits)

    @invariant()
    def there_is_one_case_and_it_counts_every_failure_once(self) -> None:
        if hasattr(self, "id"):
            assert cases.listed(self.store.everything(), cases.CaseFilter(), 10, 0).total == 1
            assert self.case()["occurrences"] == self.acknowledged

    @invariant()
    def every_step_is_legal_and_audited(self) -> None:
        if hasattr(self, "id"):
            case = self.case()
            steps = [(a["from_state"], a["to_state"]) for a in case["acts"]]
            assert set(steps) <= LEGAL
            assert len(steps) == case["version"]
            assert steps[-1][1] == case["state"]
            assert all(later[0] == sooner[1] for sooner, later in pairwise(steps))

    @invariant()
    def only_held_states_have_a_holder_and_only_proof_says_recovered(self) -> None:
        if hasattr(self, "id"):
            case = self.case()
            assert (case["holder"] is not None) == (case["state"] in ("claimed", "retrying", "verifying"))
            if case["state"] != "resolved":
                assert (case["verified_at"] is not None) == (case["state"] == "recovered")
            if case["verified_at"]:
                assert case["verified_at"] > case["last_seen"]

    @invariant()
    def at_most_one_retry_runs(self) -> None:
        if hasattr(self, "id"):
            running = [r for r in self.case()["retries"] if r["state"] in ("queued", "leased")]
            assert len(running) <= 1

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


CaseMachine.TestCase.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCaseLifecycle = CaseMachine.TestCase
