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
from audit import trail
from audit.actor import Actor
from audit.differences import differences
from cases import queries
from cases.assigning import Assign
from cases.case import CaseState
from cases.commands import CancelRetry, Claim, FixedOutside, Release, Resolve, RetryCase
from cases.errors import LeaseLostError
from cases.group_claims import ClaimGroup, ReleaseGroup
from cases.holding import Extend, ReleaseAll, TakeOver
from cases.intake import intake
from cases.lifecycle import ENDED, TRANSITIONS
from cases.notes import AddNote
from cases.retries import Complete, Fail, lease_next
from cases.snoozing import Snooze, Wake
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

PEOPLE = st.sampled_from([Actor("ann"), Actor("bob"), Actor("kim")])
REASON = "The carrier sent it again"
HELD = ("claimed", "retrying", "verifying")
TAKES = ("claimed", "retried", "fixed_outside", "taken_over")
"""Acts after which their actor has the case."""
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
        self.last_holder: str | None = None
        self.last_version = 0
        self.leases: list[str] = []
        self.acknowledged = 0
        self.fail()
        (case,) = shown.cases(self.store)
        self.id = case["id"]
        self.group = case["group"]

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
        self.attempt(FixedOutside(self.id, REASON), actor)

    @rule(
        actor=PEOPLE,
        code=st.sampled_from(["duplicate", "fixed_upstream"]),
        back=st.one_of(st.none(), st.integers(0, 3)),
    )
    def resolve(self, actor: Actor, code: str, back: int | None) -> None:
        """Resolve on what one saw some changes ago, or on nothing: it wins only over a claim made since."""
        before = self.case()
        seen = None if back is None else before["version"] - back
        done = self.attempt(Resolve(self.id, code, "It is one of two", seen), actor)
        if done and before["holder"] not in (None, actor.name):
            assert seen is not None
            held = self.holders_by_version()
            assert held[seen] is None, "a resolve wins only where nobody held the case that it saw"
            since = [held[version] for version in range(seen, before["version"] + 1)]
            taken = since[since.index(before["holder"]) :]
            assert {*taken} == {before["holder"]}
            assert {*since[: -len(taken)]} == {None}

    @precondition(lambda self: self.case()["state"] == "open")
    @rule(first=PEOPLE, second=PEOPLE, saw=st.sampled_from(["the open case", "the claim", "nothing"]))
    def resolve_what_somebody_claims(self, first: Actor, second: Actor, saw: str) -> None:
        """L5: a resolve that saw the open case wins over the claim, any other loses."""
        before = self.case()["version"]
        assert self.attempt(Claim(self.id), first)
        seen = {"the open case": before, "the claim": self.case()["version"], "nothing": None}[saw]
        done = self.attempt(Resolve(self.id, "duplicate", "It is one of two", seen), second)
        assert (done is not None) == (first == second or saw == "the open case")

    def holders_by_version(self) -> dict[int, str | None]:
        """Return who held the case at each of its versions, as its history says."""
        held: dict[int, str | None] = {0: None}
        for version, act in enumerate(self.case()["acts"], 1):
            if act["to_state"] not in HELD:
                held[version] = None
            elif act["verb"] in TAKES:
                held[version] = act["actor"]
            elif act["verb"] == "joined":
                held[version] = act["reason"].rpartition(" ")[2]
            else:
                held[version] = held[version - 1]
        return held

    @rule(actor=PEOPLE)
    def take_over(self, actor: Actor) -> None:
        before = self.case()
        if self.attempt(TakeOver(self.id, REASON), actor):
            assert before["holder"] not in (None, actor.name)
            after = self.case()
            assert (after["holder"], after["state"]) == (actor.name, before["state"])

    @rule(actor=PEOPLE, what=st.sampled_from(["extend", "wake", "note", "assign"]))
    def do_something_small(self, actor: Actor, what: str) -> None:
        notes = len(self.case()["notes"])
        if what == "extend" and self.attempt(Extend(self.id), actor):
            assert self.case()["holder"] == actor.name
        if what == "wake" and self.attempt(Wake(self.id), actor):
            assert self.case()["snoozed_by"] is None
        if what == "note":
            assert self.attempt(AddNote(self.id, "Look at it again"), actor)
        if what == "assign" and self.attempt(Assign(self.id, "ann"), actor):
            assert self.case()["assignee"] == "ann"
        assert len(self.case()["notes"]) == notes + (what == "note")

    @rule(actor=PEOPLE, more=st.sampled_from([None, 1, 3]))
    def snooze(self, actor: Actor, more: int | None) -> None:
        until = None if more == 1 else stored(utc_now() + timedelta(hours=2))
        if self.attempt(Snooze(self.id, until, more), actor):
            assert self.case()["snoozed_by"] == actor.name

    @rule(actor=PEOPLE)
    def claim_group(self, actor: Actor) -> None:
        if self.attempt(ClaimGroup(self.group), actor):
            assert self.group_holders() == [actor.name]

    @rule(actor=PEOPLE, of_group=st.booleans())
    def release_much(self, actor: Actor, of_group: bool) -> None:  # noqa: FBT001 - drawn
        command = ReleaseGroup(self.group) if of_group else ReleaseAll("My shift is over")
        self.attempt(command, actor)
        case = self.case()
        assert (case["state"], case["holder"]) != ("claimed", actor.name)
        assert actor.name not in self.group_holders()

    def group_holders(self) -> list[str]:
        """Return who has claimed the group now."""
        return [row["holder"] for row in self.store.query("cases/live_group_claims")]

    @rule()
    def restart(self) -> None:
        """What the writer remembers is read again: nothing may depend on it."""
        self.store.close()
        self.store = Store.open(self.folder.name, intake, self._committed)
        self.shown = None

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
            [
                ("exception_case", "lease_until"),
                ("exception_case", "verify_until"),
                ("exception_case", "snoozed_until"),
                ("group_claim", "lease_until"),
                ("retry", "lease_until"),
            ]
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
            assert (case["holder"] is not None) == (case["state"] in HELD)
            if case["state"] != "resolved":
                assert (case["verified_at"] is not None) == (case["state"] == "recovered")
            if case["verified_at"]:
                assert case["verified_at"] > case["last_seen"]

    @invariant()
    def only_open_cases_are_snoozed_and_one_person_has_the_group(self) -> None:
        if hasattr(self, "id"):
            case = self.case()
            assert case["snoozed_by"] is None or (case["state"], case["holder"]) == ("open", None)
            assert len(self.group_holders()) <= 1

    @invariant()
    def the_holder_changes_only_by_what_the_history_says(self) -> None:
        """Between two looks a case that somebody holds has no other holder without a take-over or an end."""
        if hasattr(self, "id"):
            case = self.case()
            before, after = self.last_holder, case["holder"]
            verbs = {act["verb"] for act in case["acts"][self.last_version :]}
            if before and after and before != after:
                assert verbs & {"taken_over", "joined"}, verbs
            self.last_holder, self.last_version = after, case["version"]
            assert self.holders_by_version()[case["version"]] == after

    @invariant()
    def at_most_one_retry_runs(self) -> None:
        if hasattr(self, "id"):
            running = [r for r in self.case()["retries"] if r["state"] in ("queued", "leased")]
            assert len(running) <= 1

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert trail.verify(self.store).intact
            assert differences(self.store) == ()
            self.store.close()
            self.folder.cleanup()


CaseMachine.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCaseLifecycle = CaseMachine.TestCase
