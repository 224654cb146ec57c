"""Batches over the real store: what is frozen, what is left out, what each act does, and that it adds up."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.commands import perform
from access.errors import ForbiddenError, SignedOutError
from access.people import DisablePerson, GiveRoles
from access.roles import Grant
from access.sessions import sign_out
from audit import trail
from audit.actor import Actor
from cases import batch_queries, queries
from cases.batch_commands import CancelBatch, FreezeBatch, PauseBatch, ResumeBatch, StartBatch
from cases.batch_runner import RunItems, step
from cases.batch_terms import Terms
from cases.batches import Batch, BatchNotFoundError, BatchStateError, EmptyFilterError
from cases.case import Money
from cases.commands import Claim, Release, Resolve, RetryCase
from cases.errors import InvalidActError, ReasonMissingError
from cases.intake import intake
from cases.notices import unseen
from cases.queries import CaseFilter
from cases.retries import lease_next
from cases.sweep import sweep
from data.clock import utc_now
from data.store import Store
from tests import shown
from tests.gates import local_context
from tests.server.team import OWN, Team, team
from tests.telemetry import batch as records
from tests.telemetry import failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from access.context import RequestContext

ANN, BOB, WORKER = Actor("ann"), Actor("bob"), Actor("w1", "service")
ALL = CaseFilter(flow=["order-to-cash"])
REASON = "The gateway lost its certificate"


class Desk:
    """A store with failed units, and what people do with them."""

    def __init__(self, store: Store, count: int = 6) -> None:
        self.store = store
        value = {"value_amount": Decimal(10), "value_currency": "EUR", "idempotent": True}
        store.append(records(*(failure(n, f"SO-{n}", **value) for n in range(count)))).result()

    def context(self, actor: Actor = ANN) -> RequestContext:
        return local_context(self.store, actor)

    def ids(self) -> dict[str, str]:
        return {case["correlation_id"]: case["id"] for case in shown.cases(self.store)}

    def states(self) -> dict[str, str]:
        return {case["correlation_id"]: case["state"] for case in shown.cases(self.store)}

    def freeze(self, verb: str, chosen: CaseFilter | None = ALL, **more: Any) -> Batch:
        return perform(FreezeBatch(verb, chosen, **more), self.context())

    def run(self, verb: str, actor: Actor = ANN, **more: Any) -> Batch:
        """Freeze, start and carry out a batch over everything."""
        frozen = perform(FreezeBatch(verb, ALL), self.context(actor))
        perform(StartBatch(frozen.id, **more), self.context(actor))
        return self.finish(frozen)

    def finish(self, frozen: Batch) -> Batch:
        while step(self.context().as_system(), frozen.id):
            pass
        return self.batch(frozen)

    def batch(self, frozen: Batch) -> Batch:
        found = batch_queries.one(self.context(), frozen.id).batch
        assert found.total == frozen.total, "the total never changes"
        assert found.waiting == len(self.items(frozen, "waiting"))
        for state in ("done", "failed", "skipped", "left_out"):
            assert getattr(found, state) == len(self.items(frozen, state)), state
        return found

    def items(self, frozen: Batch, *states: str) -> dict[str, str | None]:
        found = batch_queries.items(self.context(), frozen.id, states=states or None, limit=1_000)
        return {item.correlation_id or item.case_id: item.reason for item in found.items}

    def audit(self) -> list[dict[str, Any]]:
        return self.store.query("audit/page", {"after": 0, "limit": 10_000})


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


# --- the frozen list ----------------------------------------------------------------------------------


def test_a_filter_becomes_a_list_with_what_it_reaches_and_what_is_left_out(desk: Desk) -> None:
    ids = desk.ids()
    perform(Claim(ids["SO-1"]), desk.context(BOB))
    perform(Claim(ids["SO-2"]), desk.context(ANN))
    perform(Resolve(ids["SO-3"], "duplicate", REASON), desk.context(BOB))
    frozen = desk.freeze("claim")
    assert (frozen.state, frozen.total, frozen.left_out) == ("frozen", 4, 1), "closed ones are not asked for"
    assert (frozen.value, frozen.flows) == ((Money(Decimal(40), "EUR"),), ["order-to-cash"])
    assert {sample.correlation_id for sample in frozen.samples} == {"SO-0", "SO-2", "SO-4", "SO-5"}
    assert desk.items(frozen, "left_out") == {"SO-1": "bob has claimed it"}
    named = desk.freeze("claim", None, ids=(*ids.values(), "nothing"))
    assert desk.items(named, "left_out") == {
        "SO-1": "bob has claimed it",
        "SO-3": "it is closed already",
        "nothing": "there is no such exception",
    }
    assert desk.batch(named).state == "frozen"
    assert [entry for entry in desk.audit() if entry["verb"] == "batch.freeze"] == [], "a preview is no act"


def test_a_unit_that_recovered_is_left_out_and_named_so(desk: Desk) -> None:
    desk.store.append(records(success(60, "SO-4"))).result()
    frozen = desk.freeze("retry", None, ids=(desk.ids()["SO-4"],))
    assert desk.items(frozen) == {"SO-4": "it has recovered already"}
    with pytest.raises(InvalidActError, match="no exception to act on"):
        perform(StartBatch(frozen.id, reason=REASON), desk.context())


def test_a_unit_in_two_flows_counts_its_money_once(desk: Desk) -> None:
    again = failure(3, "SO-0", flow="returns", value_amount=Decimal(10), value_currency="EUR")
    other = failure(4, "SO-9", flow="returns", value_amount=Decimal(7), value_currency="USD")
    desk.store.append(records(again, other)).result()
    frozen = desk.freeze("claim", CaseFilter(flow=["order-to-cash", "returns"]))
    assert (frozen.total, frozen.value) == (8, (Money(Decimal(60), "EUR"), Money(Decimal(7), "USD")))


@pytest.mark.parametrize(
    "chosen",
    [None, CaseFilter(), CaseFilter(state=["open"]), CaseFilter(text="  ", flow=[], klass=[" "])],
)
def test_an_empty_filter_is_refused(desk: Desk, chosen: CaseFilter | None) -> None:
    with pytest.raises(EmptyFilterError):
        desk.freeze("resolve", chosen)
    with pytest.raises(EmptyFilterError):
        desk.freeze("resolve", None, ids=())
    with pytest.raises(InvalidActError, match="not both"):
        desk.freeze("resolve", ALL, ids=("x",))
    with pytest.raises(InvalidActError, match="Choose one of: claim"):
        desk.freeze("delete")


def test_a_retry_leaves_out_what_is_not_safe_and_what_no_worker_would_come_for(desk: Desk) -> None:
    lease_next(desk.context(WORKER), None)
    unsure = failure(7, "SO-7", step="ship")
    unsafe = failure(8, "SO-8", step="book", idempotent=False)
    desk.store.append(records(unsure, unsafe)).result()
    frozen = desk.freeze("retry")
    assert desk.items(frozen, "left_out") == {
        "SO-7": "its step does not declare whether it is safe to replay",
        "SO-8": "its step is not safe to replay",
    }
    assert set(desk.items(desk.freeze("retry", undeclared=True), "left_out")) == {"SO-8"}
    stale = "update worker_step set announced_at = announced_at - interval 25 hour"
    desk.store.act(lambda tx: tx.execute(stale)).result()
    assert desk.items(desk.freeze("retry"), "left_out")["SO-1"] == (
        "no worker has announced step pay within 24 h"
    )


# --- acts ---------------------------------------------------------------------------------------------


SINGLE: dict[str, Any] = {
    "claim": Claim,
    "release": Release,
    "retry": lambda case_id: RetryCase(case_id, REASON),
    "resolve": lambda case_id: Resolve(case_id, "fixed_upstream", REASON),
}


def _trace_of(entries: list[dict[str, Any]], case_id: str) -> list[dict[str, Any]]:
    """Return what the audit has of a case, without what differs from act to act."""
    own = [entry for entry in entries if entry["case_id"] == case_id]
    different = {"seq", "time", "act", "hash", "prev_hash", "door", "content_hash", "salt", "case_id"}
    return [
        {
            name: value
            for name, value in entry.items()
            if name not in different and not (name == "details" and entry["kind"] == trail.INTENT)
        }
        | {"details": None}
        for entry in own
    ]


@pytest.mark.parametrize("verb", list(SINGLE))
def test_each_act_of_a_batch_is_the_act_of_one(tmp_path: Path, verb: str) -> None:
    """Two stores with the same failures: acts one by one, and the same as a batch."""
    left, right = (Desk(Store.open(tmp_path / name, intake)) for name in ("one", "many"))
    more: dict[str, Any] = {
        "retry": {"reason": REASON},
        "resolve": {"code": "fixed_upstream", "reason": REASON},
    }
    for desk in (left, right):
        lease_next(desk.context(WORKER), None)
        if verb == "release":
            for case_id in desk.ids().values():
                perform(Claim(case_id), desk.context())
    for case_id in left.ids().values():
        perform(SINGLE[verb](case_id), left.context())
    done = right.run(verb, **more.get(verb, {}))
    assert (done.state, done.done) == ("done", 6)
    assert left.states() == right.states()
    for unit, case_id in left.ids().items():
        mine, theirs = (_trace_of(one.audit(), one.ids()[unit]) for one in (left, right))
        assert [{**e, "correlation_id": unit} for e in theirs] == mine, unit
        ours, others = (shown.case(d.store, d.ids()[unit]) for d in (left, right))
        for name in ("holder", "resolution_code", "resolution_reason", "version", "attempts_made"):
            assert ours[name] == others[name], name
        assert len(ours["retries"]) == len(others["retries"]) == (verb == "retry")
        assert case_id
    assert trail.verify(right.store).intact
    for desk in (left, right):
        desk.store.close()


def test_each_item_names_its_own_act_in_the_audit(desk: Desk) -> None:
    done = desk.run("claim")
    found = batch_queries.items(desk.context(), done.id).items
    acts = {item.case_id: item.act for item in found}
    for case_id, act in acts.items():
        own = [entry for entry in desk.audit() if entry["act"] == act]
        assert [(entry["kind"], entry["case_id"]) for entry in own] == [
            (kind, case_id) for kind in (trail.INTENT, trail.DECISION, trail.EFFECT)
        ]
        assert done.id in own[0]["details"]
        assert {entry["door"] for entry in own} == {"batch"}
    assert len(set(acts.values())) == 6
    lines = [entry for entry in desk.audit() if entry["subject"] == f"batch:{done.id}"]
    assert [entry["verb"] for entry in lines if entry["kind"] == trail.EFFECT] == [
        "batch started",
        "batch done",
    ]


def test_retries_of_a_batch_are_handed_out_once_each(desk: Desk) -> None:
    lease_next(desk.context(WORKER), None)
    desk.run("retry", reason=REASON)
    leased = [lease_next(desk.context(WORKER), None) for _ in range(7)]
    assert len({lease.case for lease in leased if lease}) == 6
    assert leased[-1] is None


def test_what_changed_since_the_list_was_frozen_is_skipped_with_the_reason(desk: Desk) -> None:
    ids = desk.ids()
    frozen = desk.freeze("resolve")
    perform(Claim(ids["SO-1"]), desk.context(BOB))
    perform(Resolve(ids["SO-2"], "duplicate", REASON), desk.context(BOB))
    desk.store.append(records(success(60, "SO-3"))).result()
    desk.store.act(lambda tx: tx.execute("delete from exception_case where correlation_id = 'SO-4'")).result()
    perform(StartBatch(frozen.id, "false_alarm", REASON), desk.context())
    done = desk.finish(frozen)
    assert (done.state, done.done, done.skipped, done.failed) == ("done", 2, 4, 0)
    why = desk.items(frozen, "skipped")
    assert why["SO-1"] == "bob has claimed it"
    assert "it was resolved" in str(why["SO-2"])
    assert "has recovered" in str(why["SO-3"])
    assert "There is no exception" in str(why["SO-4"])
    effects = [e["correlation_id"] for e in desk.audit() if e["verb"] == "resolved" and e["actor"] == "ann"]
    assert sorted(effects) == ["SO-0", "SO-5"]


def test_a_step_that_turns_out_unsafe_is_not_replayed_by_an_approver_either(desk: Desk) -> None:
    lease_next(desk.context(WORKER), None)
    frozen = desk.freeze("retry")
    desk.store.append(records(failure(30, "SO-2", idempotent=False))).result()
    perform(StartBatch(frozen.id, reason=REASON), desk.context())
    desk.finish(frozen)
    assert "not declared safe to replay" in str(desk.items(frozen, "skipped")["SO-2"])


def test_an_item_that_cannot_be_read_fails_alone(desk: Desk) -> None:
    frozen = desk.freeze("claim")
    perform(StartBatch(frozen.id), desk.context())
    broken = "update exception_case set state = 'unheard of' where correlation_id = 'SO-3'"
    desk.store.act(lambda tx: tx.execute(broken)).result()
    while step(desk.context().as_system(), frozen.id):
        pass
    mended = "update exception_case set state = 'open' where correlation_id = 'SO-3'"
    desk.store.act(lambda tx: tx.execute(mended)).result()
    done = desk.batch(frozen)
    assert (done.state, done.done, done.failed) == ("done", 5, 1)
    assert "unheard of" in str(desk.items(frozen, "failed")["SO-3"])
    assert trail.verify(desk.store).intact


@pytest.mark.parametrize(
    ("verb", "given", "error"),
    [
        ("resolve", {"reason": REASON}, InvalidActError),
        ("resolve", {"code": "duplicate", "reason": "short"}, InvalidActError),
        ("retry", {}, ReasonMissingError),
    ],
)
def test_a_start_without_what_the_act_needs_is_refused(
    desk: Desk, verb: str, given: dict[str, str], error: type[Exception]
) -> None:
    lease_next(desk.context(WORKER), None)
    frozen = desk.freeze(verb)
    with pytest.raises(error):
        perform(StartBatch(frozen.id, **given), desk.context())
    assert desk.batch(frozen).state == "frozen"


# --- pause, resume, cancel ----------------------------------------------------------------------------


def test_pause_resume_and_cancel_at_any_item_add_up(desk: Desk) -> None:
    frozen = desk.freeze("claim")
    perform(StartBatch(frozen.id), desk.context())
    system = desk.context().as_system()
    perform(RunItems(frozen.id, limit=2), system)
    assert perform(PauseBatch(frozen.id), desk.context(BOB)).why == "bob paused it"
    assert not perform(RunItems(frozen.id, limit=2), system)
    assert (desk.batch(frozen).done, desk.batch(frozen).waiting, desk.batch(frozen).place) == (2, 4, 2)
    with pytest.raises(BatchStateError, match="is paused and cannot be paused"):
        perform(PauseBatch(frozen.id), desk.context())
    with pytest.raises(ForbiddenError, match="Only ann can resume"):
        perform(ResumeBatch(frozen.id), desk.context(BOB))
    perform(ResumeBatch(frozen.id), desk.context())
    perform(RunItems(frozen.id, limit=1), system)
    ended = perform(CancelBatch(frozen.id), desk.context(BOB))
    assert (ended.state, ended.done, ended.skipped, ended.waiting) == ("cancelled", 3, 3, 0)
    assert set(desk.items(frozen, "skipped").values()) == {"bob cancelled the batch before it"}
    assert not perform(RunItems(frozen.id), system)
    assert Counter(desk.states().values()) == {"claimed": 3, "open": 3}
    for command in (PauseBatch, ResumeBatch, CancelBatch, StartBatch):
        with pytest.raises(BatchStateError):
            perform(command(frozen.id), desk.context())


def test_a_start_that_is_sent_twice_starts_once(desk: Desk) -> None:
    frozen = desk.freeze("claim")
    first = perform(StartBatch(frozen.id), desk.context(), key="k")
    desk.finish(frozen)
    assert perform(StartBatch(frozen.id), desk.context(), key="k") == first
    assert perform(FreezeBatch("claim", ALL), desk.context(), key="f") == perform(
        FreezeBatch("claim", ALL), desk.context(), key="f"
    )


def test_a_store_that_is_closed_in_between_goes_on_behind_the_cursor(tmp_path: Path) -> None:
    desk = Desk(Store.open(tmp_path / "store", intake), 9)
    frozen = desk.freeze("claim")
    perform(StartBatch(frozen.id), desk.context())
    for _ in range(4):
        perform(RunItems(frozen.id, limit=2), desk.context().as_system())
        desk.store.close()
        desk.store = Store.open(tmp_path / "store", intake)
    done = desk.finish(frozen)
    assert (done.state, done.done) == ("done", 9)
    effects = Counter(e["case_id"] for e in desk.audit() if e["verb"] == "claimed")
    assert effects == dict.fromkeys(desk.ids().values(), 1)
    desk.store.close()


def test_claims_of_a_batch_that_run_out_return_a_part_at_a_time(tmp_path: Path) -> None:
    """A sweep holds the writer while it lasts: thousands of claims run out at the same moment."""
    desk = Desk(Store.open(tmp_path / "store", intake), 601)
    assert desk.run("claim").done == 601
    over = "update exception_case set lease_until = lease_until - interval 1 hour"
    desk.store.act(lambda tx: tx.execute(over)).result()
    assert [sweep(desk.context()) for _ in range(3)] == [500, 101, 0]
    assert set(desk.states().values()) == {"open"}
    desk.store.close()


# --- two batches --------------------------------------------------------------------------------------


def test_two_batches_never_act_on_one_case(desk: Desk) -> None:
    first, second = desk.freeze("claim"), desk.freeze("claim")
    perform(StartBatch(first.id), desk.context())
    late = desk.freeze("resolve")
    assert set(desk.items(late).values()) == {f"batch {first.id} acts on it"}
    started = perform(StartBatch(second.id), desk.context())
    assert (started.skipped, started.waiting) == (6, 0)
    assert desk.finish(second).state == "done"
    assert desk.finish(first).done == 6
    assert set(desk.items(second).values()) == {f"batch {first.id} acts on it"}
    assert desk.freeze("resolve").total == 6, "a batch that is over has its cases no more"


def test_of_batches_that_start_at_once_each_case_has_one(desk: Desk) -> None:
    """Overlapping lists, started in threads: which batch gets a case is open, that it is one is not."""
    ids = list(desk.ids().values())
    parts = [ids[:4], ids[2:], ids, ids[1:5]]
    frozen = [desk.freeze("claim", None, ids=tuple(part)) for part in parts]
    threads = [
        threading.Thread(target=lambda one=one: perform(StartBatch(one.id), desk.context())) for one in frozen
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = Counter(unit for one in frozen for unit in desk.items(one, "waiting"))
    assert waiting == dict.fromkeys(desk.ids(), 1)
    for one in frozen:
        desk.finish(one)
    assert Counter(e["verb"] for e in desk.audit() if e["verb"] in ("claimed", "renewed")) == {"claimed": 6}


# --- who may ------------------------------------------------------------------------------------------


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Team]:
    with team(tmp_path) as made:
        rows = [failure(n, f"SO-{n}", tenant="acme" if n % 2 else "globex") for n in range(6)]
        made.container.store.append(records(*rows)).result()
        yield made


def _started(crew: Team, actor: Actor, verb: str = "claim") -> Batch:
    ctx = crew.container.context(actor)
    frozen = perform(FreezeBatch(verb, ALL), ctx)
    return perform(StartBatch(frozen.id), ctx)


def _finished(crew: Team, started: Batch) -> Batch:
    while step(crew.container.as_system(), started.id):
        pass
    return batch_queries.one(crew.container.context(OWN), started.id).batch


def test_what_one_may_see_and_not_act_on_is_left_out(crew: Team) -> None:
    crew.person("cleo", Grant(roles.VIEWER), Grant(roles.OPERATOR, tenant="acme"))
    ctx = crew.container.context(crew.actor("cleo"))
    frozen = perform(FreezeBatch("claim", ALL), ctx)
    left = batch_queries.items(ctx, frozen.id, states=["left_out"]).items
    assert (frozen.total, [item.reason for item in left]) == (3, ["you may not act on it"] * 3)


def test_what_lies_outside_ones_scope_is_not_in_any_list(crew: Team) -> None:
    crew.person("dan", Grant(roles.OPERATOR, tenant="acme"))
    ctx = crew.container.context(crew.actor("dan"))
    every = tuple(case["id"] for case in shown.cases(crew.container.store))
    assert perform(FreezeBatch("claim", ALL), ctx).left_out == 0
    named = perform(FreezeBatch("claim", None, ids=every), ctx)
    left = batch_queries.items(ctx, named.id, states=["left_out"]).items
    assert {(item.reason, item.flow) for item in left} == {("there is no such exception", None)}


def test_a_batch_of_somebody_else_is_not_there_for_those_who_do_not_see_everything(crew: Team) -> None:
    crew.person("dan", Grant(roles.OPERATOR, tenant="acme"))
    crew.person("eve", Grant(roles.OPERATOR))
    started = _started(crew, crew.actor("eve"))
    ctx = crew.container.context(crew.actor("dan"))
    assert batch_queries.listed(ctx).items == []
    for look in (batch_queries.one, batch_queries.items):
        with pytest.raises(BatchNotFoundError):
            look(ctx, started.id)
    with pytest.raises(BatchNotFoundError):
        perform(CancelBatch(started.id), ctx)


def test_a_batch_of_somebody_who_lost_the_role_stops_with_the_reason(crew: Team) -> None:
    crew.person("eve", Grant(roles.OPERATOR))
    actor = crew.actor("eve")
    started = _started(crew, actor)
    perform(RunItems(started.id, limit=2), crew.container.as_system())
    perform(GiveRoles("eve", (Grant(roles.VIEWER),)), crew.container.context(OWN))
    stopped = _finished(crew, started)
    assert (stopped.state, stopped.done, stopped.waiting) == ("stopped", 2, 4)
    assert "eve may not claim an exception" in str(stopped.why)
    with pytest.raises(ForbiddenError):
        perform(ResumeBatch(started.id), crew.container.context(actor))
    perform(GiveRoles("eve", (Grant(roles.OPERATOR),)), crew.container.context(OWN))
    perform(ResumeBatch(started.id), crew.container.context(actor))
    assert (_finished(crew, started).state, _finished(crew, started).done) == ("done", 6)


def test_a_batch_of_somebody_who_was_disabled_stops_with_the_reason(crew: Team) -> None:
    crew.person("eve", Grant(roles.OPERATOR))
    started = _started(crew, crew.actor("eve"))
    perform(DisablePerson("eve", "left"), crew.container.context(OWN))
    stopped = _finished(crew, started)
    assert (stopped.state, stopped.done) == ("stopped", 0)
    assert "eve was disabled" in str(stopped.why)


def test_somebody_who_lost_a_tenant_in_between_acts_on_the_rest(crew: Team) -> None:
    crew.person("eve", Grant(roles.OPERATOR))
    started = _started(crew, crew.actor("eve"))
    perform(GiveRoles("eve", (Grant(roles.OPERATOR, tenant="acme"),)), crew.container.context(OWN))
    done = _finished(crew, started)
    assert (done.state, done.done, done.skipped) == ("done", 3, 3)


def test_signing_out_does_not_stop_a_batch(crew: Team) -> None:
    crew.person("eve", Grant(roles.OPERATOR))
    actor = crew.actor("eve")
    started = _started(crew, actor)
    sign_out(crew.container.context(actor))
    with pytest.raises(SignedOutError):
        crew.container.context(actor)
    assert _finished(crew, started).done == 6


# --- assign and snooze ------------------------------------------------------------------------------------


def test_all_are_assigned_in_one_batch_with_one_notice(desk: Desk) -> None:
    frozen = desk.freeze("assign")
    for wrong in (Terms(), Terms(to="  "), Terms(to="x" * 81), Terms(to="bob", kind="robot")):
        with pytest.raises(InvalidActError):
            perform(StartBatch(frozen.id, given=wrong), desk.context())
    perform(StartBatch(frozen.id, given=Terms(to=" bob ")), desk.context())
    ended = desk.finish(frozen)
    assert (ended.state, ended.done, ended.total, ended.given.to) == ("done", 6, 6, " bob ")
    everything = desk.store.everything()
    assert queries.facets(everything).assignee == {"bob": 6}
    found = unseen(everything, "bob")
    assert [notice.reason for notice in found.items] == ["6 exceptions at once, this is the first"]
    assert unseen(everything, "ann").total == 0
    desk.run("assign", given=Terms(to="payments desk", kind="team"))
    assert queries.facets(everything).assignee == {"payments desk": 6}
    assert unseen(everything, "payments desk").total == 0, "a team has no notices"


def test_a_snooze_of_all_releases_what_is_mine_and_leaves_out_what_others_have(desk: Desk) -> None:
    ids = desk.ids()
    perform(Claim(ids["SO-0"]), desk.context())
    perform(Claim(ids["SO-1"]), desk.context(BOB))
    frozen = desk.freeze("snooze")
    assert (frozen.total, frozen.left_out) == (5, 1)
    long_ago = utc_now().replace(tzinfo=None) - timedelta(days=1)
    for wrong in (Terms(), Terms(until=long_ago), Terms(more=0)):
        with pytest.raises(InvalidActError):
            perform(StartBatch(frozen.id, given=wrong), desk.context())
    until = utc_now().replace(tzinfo=None, microsecond=0) + timedelta(hours=4)
    perform(
        StartBatch(frozen.id, reason="The bank is closed", given=Terms(until=until, more=3)), desk.context()
    )
    assert (desk.finish(frozen).done, desk.batch(frozen).given) == (5, Terms(until=until, more=3))
    everything = desk.store.everything()
    assert queries.counts(everything, ALL) == {queries.SNOOZED: 5, "claimed": 1}
    mine = queries.one(everything, ids["SO-0"])
    assert (mine.case.holder, mine.case.snoozed_until) == (None, until.replace(tzinfo=UTC))
    assert [one.verb for one in mine.history][-2:] == ["released", "snoozed"]
    assert mine.history[-1].reason == "The bank is closed"
    assert trail.verify(desk.store).intact


def test_who_may_not_act_on_an_exception_is_not_assigned_it(tmp_path: Path) -> None:
    with team(tmp_path) as crew:
        crew.container.store.append(records(failure(1, "SO-1"), failure(2, "RT-1", flow="returns"))).result()
        ann = crew.container.context(crew.actor(crew.person("ann", Grant(roles.OPERATOR))))
        crew.person("bob", Grant(roles.OPERATOR, None, "returns"))
        frozen = perform(FreezeBatch("assign", CaseFilter(flow=["order-to-cash", "returns"])), ann)
        with pytest.raises(InvalidActError, match="nobody is not an active person"):
            perform(StartBatch(frozen.id, given=Terms(to="nobody")), ann)
        perform(StartBatch(frozen.id, given=Terms(to="bob")), ann)
        while step(crew.container.as_system(), frozen.id):
            pass
        found = {
            item.correlation_id: (item.state, item.reason)
            for item in batch_queries.items(ann, frozen.id).items
        }
        assert found["RT-1"] == ("done", None)
        assert found["SO-1"][0] == "failed"
        assert "bob is not an active person with the operator role" in str(found["SO-1"][1])
