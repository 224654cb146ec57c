"""A claim of a group over the real store: what it reaches, what it leaves out, what joins it, and its end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.commands import perform
from access.errors import ForbiddenError
from access.roles import Grant
from audit import trail
from audit.actor import Actor
from cases import groups, queries
from cases.commands import Claim, Release, Resolve, RetryCase
from cases.errors import GroupClaimedError, GroupNotClaimedError, GroupNoteChangedError, GroupNotFoundError
from cases.group_claims import ClaimGroup, ReleaseGroup, overlap
from cases.group_notes import NoteGroup, versions
from cases.holding import ReleaseAll, TakeOver
from cases.intake import intake
from cases.queries import CaseFilter
from cases.retries import lease_next
from cases.snoozing import Snooze
from cases.sweep import sweep
from data.clock import stored, utc_now
from data.store import Store
from tests import shown
from tests.gates import local_context
from tests.server.team import team
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cases.groups import Group

ANN, BOB, WORKER = Actor("ann"), Actor("bob"), Actor("w1", "service")
REASON = "Corrected the address with the customer"


class Storm:
    """Units that all fail by one cause, and people."""

    def __init__(self, store: Store, units: int = 4) -> None:
        self.store = store
        self.fail(*(f"SO-{n}" for n in range(units)))
        lease_next(local_context(store, WORKER), None)
        self.group: str = shown.cases(store)[0]["group"]

    def fail(self, *units: str, at: float = 1.0, **fields: Any) -> None:
        self.store.append(batch(*(failure(at, unit, **fields) for unit in units))).result()

    def by(self, actor: Actor) -> Any:
        return local_context(self.store, actor)

    def id(self, unit: str) -> str:
        return next(c["id"] for c in shown.cases(self.store) if c["correlation_id"] == unit)

    def case(self, unit: str) -> dict[str, Any]:
        return shown.case(self.store, self.id(unit))

    def holders(self) -> dict[str, str | None]:
        return {c["correlation_id"]: c["holder"] for c in shown.cases(self.store)}

    def line(self) -> Group:
        return groups.one(self.store.everything(), self.group, utc_now())

    def entries(self) -> list[tuple[str, str]]:
        found = self.store.query("audit/page", {"after": 0, "limit": 10_000})
        return [(e["verb"], e["actor"]) for e in found if e["subject"] and e["kind"] == "effect"]


@pytest.fixture
def storm(store: Store) -> Iterator[Storm]:
    yield Storm(store)
    assert trail.verify(store).intact


def test_a_claim_of_a_group_takes_what_nobody_has_and_says_what_it_leaves_out(storm: Storm) -> None:
    storm.fail("SO-8", "SO-9")
    perform(Claim(storm.id("SO-1")), storm.by(BOB))
    perform(RetryCase(storm.id("SO-2")), storm.by(BOB))
    perform(Snooze(storm.id("SO-3"), more=5), storm.by(BOB))
    perform(Claim(storm.id("SO-8")), storm.by(ANN))
    perform(Resolve(storm.id("SO-9"), "duplicate", REASON), storm.by(ANN))
    answer = perform(ClaimGroup(storm.group), storm.by(ANN))
    assert sorted(answer.claimed) == sorted([storm.id("SO-0"), storm.id("SO-8")])
    until = storm.case("SO-1")["lease_until"]
    assert {left.correlation_id: left.reason for left in answer.left_out} == {
        "SO-1": f"bob has it until {until:%H:%M} UTC",
        "SO-2": "a retry is being carried out for bob",
        "SO-3": "snoozed by bob",
    }
    holders = {"SO-0": "ann", "SO-1": "bob", "SO-2": "bob", "SO-3": None, "SO-8": "ann", "SO-9": None}
    assert storm.holders() == holders
    claim = storm.line().claim
    assert claim is not None
    assert claim.holder == "ann"
    assert stored(claim.lease_until) == answer.lease_until
    assert storm.entries() == [("group claimed", "ann")]


def test_what_arrives_while_the_claim_lives_joins_it_with_the_same_expiry(storm: Storm) -> None:
    answer = perform(ClaimGroup(storm.group), storm.by(ANN))
    storm.fail("SO-7", at=20)
    case = storm.case("SO-7")
    assert (case["state"], case["holder"]) == ("claimed", "ann")
    assert stored(case["lease_until"]) == answer.lease_until
    assert [act["verb"] for act in case["acts"]] == ["opened", "joined"]
    assert case["acts"][-1]["reason"] == "its group is claimed by ann"
    storm.fail("SO-6", at=21, error_type="ValueError", exception_message="no address", dependency=None)
    assert storm.holders()["SO-6"] is None, "another cause is another group"


def test_what_comes_back_joins_it_too(storm: Storm) -> None:
    storm.store.append(batch(success(10, "SO-1"))).result()
    perform(ClaimGroup(storm.group), storm.by(ANN))
    storm.fail("SO-1", at=20)
    assert (storm.case("SO-1")["state"], storm.holders()["SO-1"]) == ("claimed", "ann")


def test_what_the_holder_gives_back_stays_free(storm: Storm) -> None:
    perform(ClaimGroup(storm.group), storm.by(ANN))
    perform(Release(storm.id("SO-1")), storm.by(ANN))
    storm.fail("SO-1", at=20)
    assert storm.holders()["SO-1"] is None, "another failure of an open case is no arrival"


def test_two_people_never_have_one_group(storm: Storm) -> None:
    perform(ClaimGroup(storm.group), storm.by(ANN))
    with pytest.raises(GroupClaimedError, match="claimed by ann since") as refused:
        perform(ClaimGroup(storm.group), storm.by(BOB))
    assert refused.value.holder == "ann"
    perform(TakeOver(storm.id("SO-1"), REASON), storm.by(BOB))
    assert storm.holders()["SO-1"] == "bob"
    assert "SO-1" in {one.correlation_id for one in perform(ClaimGroup(storm.group), storm.by(ANN)).left_out}
    assert storm.entries() == [("group claimed", "ann"), ("group claimed", "ann")]


def test_claimed_again_it_begins_anew_for_all_of_it(storm: Storm) -> None:
    perform(ClaimGroup(storm.group), storm.by(ANN))
    before = storm.case("SO-0")["lease_until"]
    answer = perform(ClaimGroup(storm.group), storm.by(ANN))
    assert len(answer.claimed) == 4
    assert storm.case("SO-0")["lease_until"] > before
    rows = storm.store.act(lambda tx: tx.execute("select count(*) as n from group_claim")).result()
    assert rows == [{"n": 1}]


def test_a_repeated_key_claims_once_and_answers_the_same(storm: Storm) -> None:
    first = perform(ClaimGroup(storm.group), storm.by(ANN), key="k")
    assert perform(ClaimGroup(storm.group), storm.by(ANN), key="k") == first
    assert storm.entries() == [("group claimed", "ann")]


def test_a_release_of_the_group_gives_back_what_one_has_of_it(storm: Storm) -> None:
    perform(Claim(storm.id("SO-1")), storm.by(BOB))
    perform(ClaimGroup(storm.group), storm.by(ANN))
    perform(RetryCase(storm.id("SO-2")), storm.by(ANN))
    with pytest.raises(GroupNotFoundError):
        perform(ClaimGroup("nothing"), storm.by(ANN))
    released = perform(ReleaseGroup(storm.group, "The bank is closed until six"), storm.by(ANN))
    assert sorted(released) == sorted([storm.id("SO-0"), storm.id("SO-3")])
    assert storm.holders() == {"SO-0": None, "SO-1": "bob", "SO-2": "ann", "SO-3": None}
    assert storm.case("SO-0")["notes"][0]["text"] == "The bank is closed until six"
    assert storm.line().claim is None
    storm.fail("SO-7", at=20)
    assert storm.holders()["SO-7"] is None
    with pytest.raises(GroupNotClaimedError):
        perform(ReleaseGroup(storm.group), storm.by(ANN))


def pass_time(storm: Storm) -> None:
    then = stored(utc_now() - timedelta(seconds=1))
    for table in ("group_claim", "exception_case"):
        sql = f"update {table} set lease_until = $then::timestamp where lease_until is not null"  # noqa: S608
        storm.store.act(lambda tx, sql=sql: tx.execute(sql, {"then": then})).result()


def test_the_claim_of_a_group_runs_out(storm: Storm) -> None:
    perform(ClaimGroup(storm.group), storm.by(ANN))
    pass_time(storm)
    assert sweep(local_context(storm.store)) == 5
    assert set(storm.holders().values()) == {None}
    storm.fail("SO-7", at=20)
    assert storm.holders()["SO-7"] is None
    assert storm.entries()[-1] == ("group claim expired", "unsnag")
    assert sweep(local_context(storm.store)) == 0
    perform(ClaimGroup(storm.group), storm.by(BOB))
    assert set(storm.holders().values()) == {"bob"}


def test_releasing_all_claims_ends_those_of_groups(storm: Storm) -> None:
    perform(ClaimGroup(storm.group), storm.by(ANN))
    assert len(perform(ReleaseAll("My shift is over"), storm.by(ANN))) == 4
    storm.fail("SO-7", at=20)
    assert set(storm.holders().values()) == {None}


def test_a_claim_of_a_group_survives_a_restart(tmp_path: Path) -> None:
    storm = Storm(Store.open(tmp_path / "own", intake))
    perform(ClaimGroup(storm.group), storm.by(ANN))
    storm.store.close()
    storm.store = Store.open(tmp_path / "own", intake)
    storm.fail("SO-7", at=20)
    assert storm.holders()["SO-7"] == "ann"
    storm.store.close()


def test_a_claim_that_was_rolled_back_takes_nothing(storm: Storm) -> None:
    def fails(tx: Any) -> None:
        command = ClaimGroup(storm.group)
        decided = command.decide(command.load(tx, storm.by(ANN)), storm.by(ANN), stored(utc_now()))
        command.apply(tx, decided, storm.by(ANN), stored(utc_now()))
        raise RuntimeError("after the claim")

    with pytest.raises(RuntimeError, match="after the claim"):
        storm.store.act(fails).result()
    storm.fail("SO-7", at=20)
    assert set(storm.holders().values()) == {None}


def test_a_claim_and_what_joins_it_end_where_the_rights_of_its_holder_end(tmp_path: Path) -> None:
    with team(tmp_path) as crew:
        store = crew.container.store
        store.append(batch(failure(1, "SO-1", tenant="acme"), failure(2, "SO-2", tenant="globex"))).result()
        group = shown.cases(store)[0]["group"]
        assert {case["group"] for case in shown.cases(store)} == {group}
        for name, tenant in (("ann", "acme"), ("bob", "globex"), ("kim", "acme")):
            crew.person(name, Grant(roles.OPERATOR, tenant))
        ctx = {name: crew.container.context(crew.actor(name)) for name in ("ann", "bob", "kim")}
        answer = perform(ClaimGroup(group), ctx["ann"])
        assert (len(answer.claimed), answer.left_out) == (1, [])
        assert len(perform(ClaimGroup(group), ctx["bob"]).claimed) == 1
        with pytest.raises(GroupClaimedError, match="claimed by ann"):
            perform(ClaimGroup(group), ctx["kim"])
        store.append(batch(failure(5, "SO-5", tenant="acme"), failure(6, "SO-6", tenant="globex"))).result()
        store.append(batch(failure(7, "SO-7", tenant="initech"))).result()
        holders = {case["correlation_id"]: case["holder"] for case in shown.cases(store)}
        assert holders == {"SO-1": "ann", "SO-2": "bob", "SO-5": "ann", "SO-6": "bob", "SO-7": None}
        line = groups.one(ctx["kim"].reading, group, utc_now())
        assert line.claim is not None
        assert line.claim.holder == "ann", "a claim in another tenant is not shown"
        with pytest.raises(ForbiddenError, match="does not reach all of them"):
            perform(NoteGroup(group, "Only for acme", 0), ctx["ann"])
        with pytest.raises(GroupNotFoundError):
            perform(NoteGroup("nothing", "x", 0), ctx["ann"])


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        (None, ["acme\x1f*"], True),
        (["acme\x1f*"], ["*\x1forders"], True),
        (["acme\x1forders"], ["acme\x1forders"], True),
        (["acme\x1f*"], ["globex\x1f*"], False),
        (["acme\x1forders"], ["acme\x1freturns"], False),
        ([], None, True),
        ([], ["acme\x1f*"], False),
    ],
)
def test_scopes_that_meet(one: list[str] | None, other: list[str] | None, *, met: bool) -> None:
    assert overlap(one, other) is met
    assert overlap(other, one) is met


# --- the note of a group --------------------------------------------------------------------------------


def test_the_note_of_a_group_has_versions_and_stands_on_each_of_its_cases(storm: Storm) -> None:
    perform(NoteGroup(storm.group, " Ask the **bank** first ", 0), storm.by(ANN))
    with pytest.raises(GroupNoteChangedError):
        perform(NoteGroup(storm.group, "I did not see it", 0), storm.by(BOB))
    second = perform(NoteGroup(storm.group, "Retry after six", 1), storm.by(BOB), key="k")
    assert perform(NoteGroup(storm.group, "Retry after six", 1), storm.by(BOB), key="k") == second
    for case in queries.listed(storm.store.everything(), CaseFilter()).items:
        note = queries.one(storm.store.everything(), case.id).group_note
        assert note is not None
        assert (note.version, note.text, note.author) == (2, "Retry after six", "bob")
    written = versions(storm.store.everything(), storm.group)
    assert [(one.version, one.text) for one in written] == [
        (2, "Retry after six"),
        (1, "Ask the **bank** first"),
    ]
    assert storm.line().note is not None
    perform(NoteGroup(storm.group, "", 2), storm.by(ANN))
    assert storm.line().note is None
    assert queries.one(storm.store.everything(), storm.id("SO-1")).group_note is None
    assert storm.entries() == [("group noted", "ann"), ("group noted", "bob"), ("group noted", "ann")]


def test_the_note_stays_when_all_cases_have_ended(storm: Storm) -> None:
    perform(NoteGroup(storm.group, "Retry after six", 0), storm.by(ANN))
    storm.store.append(batch(*(success(50, f"SO-{n}") for n in range(4)))).result()
    assert storm.line().note is not None
    storm.fail("SO-9", at=90)
    assert storm.case("SO-9")["group_note"]["text"] == "Retry after six"
