"""Whatever people, workers, time and telemetry do, in any order, the laws of a case hold."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from access.commands import Command, perform
from access.limits import Limits
from audit.actor import Actor
from cases import queries
from cases.case import CaseState
from cases.commands import CancelRetry, Claim, FixedOutside, Release, Resolve, RetryCase
from cases.errors import LeaseLostError
from cases.intake import intake
from cases.lifecycle import ENDED, TRANSITIONS
from cases.retries import Complete, Fail, lease_next
from cases.sweep import sweep
from data.clock import stored, utc_now
from data.errors import UnsnagError
from data.store import Store
from tests import shown
from tests.gates import local_context
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from access.context import RequestContext

pytestmark = pytest.mark.slow

PEOPLE = st.sampled_from([Actor("ann"), Actor("bob")])
WORKERS = st.sampled_from([Actor("w1", "service"), Actor("w2", "service")])
LEGAL = {
    (None, "open"),
    *((str(state), str(state)) for state in CaseState),
    *((str(source), str(way.target)) for way in TRANSITIONS for source in way.sources),
}
"""The table of transitions, and changes that keep the state."""


class CaseMachine(RuleBasedStateMachine):
    """One unit at one step, and everything that can happen to it."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.shown: dict[str, Any] | None = None
        self.store = Store.open(self.folder.name, intake, self._committed)
        self.limits = Limits()
        lease_next(self.context(Actor("w1", "service")), None)
        self.seconds = 0.0
        self.leases: list[str] = []
        self.acknowledged = 0
        self.fail()
        (case,) = shown.cases(self.store)
        self.id = case["id"]

    def _committed(self, _topics: set[str]) -> None:
        self.shown = None

    def case(self) -> dict[str, Any]:
        """Return the case as it is shown: asked once after each commit, since most of a step is asking."""
        if self.shown is None:
            self.shown = shown.case(self.store, self.id)
        return self.shown

    def context(self, actor: Actor) -> RequestContext:
        return local_context(self.store, actor, self.limits)

    def attempt(self, command: Command[Any, Any, Any], actor: Actor, key: str | None = None) -> Any:
        """Perform a command; a refusal must leave the case exactly as it was."""
        before = self.case()
        try:
            answer = perform(command, self.context(actor), key=key)
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
        if self.attempt(Claim(self.id), actor):
            assert self.case()["holder"] == actor.name

    @rule(actor=PEOPLE)
    def release(self, actor: Actor) -> None:
        self.attempt(Release(self.id), actor)

    @rule(actor=PEOPLE, token=st.sampled_from(["t1", "t2"]))
    def retry(self, actor: Actor, token: str) -> None:
        before = len(self.case()["retries"])
        self.attempt(RetryCase(self.id), actor, token)
        assert len(self.case()["retries"]) <= before + 1

    @rule(actor=PEOPLE)
    def cancel_retry(self, actor: Actor) -> None:
        self.attempt(CancelRetry(self.id), actor)

    @rule(actor=PEOPLE)
    def fixed_outside(self, actor: Actor) -> None:
        self.attempt(FixedOutside(self.id, "The carrier sent it again"), actor)

    @rule(actor=PEOPLE, code=st.sampled_from(["duplicate", "fixed_upstream"]))
    def resolve(self, actor: Actor, code: str) -> None:
        self.attempt(Resolve(self.id, code, "It is one of two"), actor)

    @rule(worker=WORKERS)
    def lease_next(self, worker: Actor) -> None:
        lease = lease_next(self.context(worker), None)
        if lease:
            assert self.case()["state"] == "retrying"
            assert lease.idempotency_key == self.case()["idempotency_key"]
            self.leases.append(lease.id)

    @precondition(lambda self: self.leases)
    @rule(worker=WORKERS, well=st.booleans(), index=st.integers(0, 5))
    def report(self, worker: Actor, well: bool, index: int) -> None:  # noqa: FBT001 - drawn
        lease = self.leases[index % len(self.leases)]
        before = self.case()
        try:
            perform(Complete(lease) if well else Fail(lease), self.context(worker))
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
        sweep(local_context(self.store, limits=self.limits))

    @invariant()
    def there_is_one_case_and_it_counts_every_failure_once(self) -> None:
        if hasattr(self, "id"):
            assert queries.listed(self.store.everything(), queries.CaseFilter(), 10, 0).total == 1
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
