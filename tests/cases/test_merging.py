"""Groups that people merge, unmerge, and cases that they move, over the real store."""

from __future__ import annotations

import itertools
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from access.errors import ForbiddenError
from access.roles import Grant
from audit import trail
from audit.actor import Actor
from cases import groups, queries
from cases.commands import Claim, Classify, Resolve
from cases.errors import (
    AlreadyClaimedError,
    GroupClaimedError,
    GroupMergedError,
    GroupNotFoundError,
    GroupNotMergedError,
    GroupWithinItselfError,
    InvalidActError,
    NotAllowedNowError,
)
from cases.group_claims import ClaimGroup, ReleaseGroup
from cases.group_notes import NoteGroup
from cases.intake import intake
from cases.merging import MergeGroups, MoveCase, UnmergeGroup
from cases.queries import CaseFilter
from data.errors import UnsnagError
from data.store import Reading, Store
from tests.gates import local_context
from tests.server.team import team
from tests.telemetry import at, batch, failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cases.case import Case
    from cases.groups import Group

ANN, BOB = Actor("ann"), Actor("bob")
WHY = "Both are the outage of the gateway"
TEXTS = {
    "A": "the gateway answered 503 for the order",
    "B": "the gateway refused the connection of us",
    "C": "the gateway sent an empty answer to us",
}


class Causes:
    """Three causes: three, two and one failed units. `A1` is the first unit of cause A."""

    def __init__(self, store: Store) -> None:
        self.store = store
        for letter, count in (("A", 3), ("B", 2), ("C", 1)):
            self.fail(*(f"{letter}{n}" for n in range(1, count + 1)))
        self.ids = {letter: self.case(f"{letter}1").fingerprint for letter in TEXTS}

    def fail(self, *units: str, at: float = 1.0, cause: str | None = None, **fields: Any) -> None:
        rows = [
            failure(
                at, unit, exception_message=TEXTS[cause or unit[0]], **{"value_amount": Decimal(10), **fields}
            )
            for unit in units
        ]
        self.store.append(batch(*rows)).result()

    def case(self, unit: str) -> Case:
        found = queries.listed(self.store.everything(), CaseFilter(), 100).items
        return next(case for case in found if case.correlation_id == unit)

    def lines(self, scope: tuple[str, ...] | None = None) -> dict[str, Group]:
        """Return all groups by the letter of their cause."""
        reading = self.store.everything() if scope is None else Reading(self.store, scope)
        letters = {group_id: letter for letter, group_id in self.ids.items()}
        found = groups.listed(reading, CaseFilter(), at(60), is_open=None).items
        return {letters.get(group.id, group.id): group for group in found}

    def counts(self) -> dict[str, tuple[int, int]]:
        return {letter: (line.live_cases, line.all_cases) for letter, line in self.lines().items()}

    def merge(self, group: str, into: str, by: Actor = ANN) -> None:
        perform(MergeGroups(self.ids[group], self.ids[into], WHY), local_context(self.store, by))

    def unmerge(self, group: str, by: Actor = ANN) -> None:
        perform(UnmergeGroup(self.ids[group], WHY), local_context(self.store, by))

    def move(self, unit: str, to: str | None, by: Actor = ANN) -> Case:
        command = MoveCase(self.case(unit).id, self.ids[to] if to else None, WHY)
        return perform(command, local_context(self.store, by))

    def where(self, *units: str) -> list[str]:
        letters = {group_id: letter for letter, group_id in self.ids.items()}
        return [letters[self.case(unit).group] for unit in units]


@pytest.fixture
def causes(store: Store) -> Iterator[Causes]:
    yield Causes(store)
    assert trail.verify(store).intact


# --- a merge --------------------------------------------------------------------------------------------


def test_a_merged_group_is_one_line_whose_figures_are_those_of_both(causes: Causes) -> None:
    before = causes.lines()
    assert causes.counts() == {"A": (3, 3), "B": (2, 2), "C": (1, 1)}
    perform(Resolve(causes.case("A1").id, "duplicate", WHY), local_context(causes.store, ANN))
    causes.merge("A", "B")
    assert causes.counts() == {"B": (4, 5), "C": (1, 1)}
    line = causes.lines()["B"]
    assert sum(value.amount for value in line.value) == 40
    assert line.hours == [a + b for a, b in zip(before["A"].hours, before["B"].hours, strict=True)]
    assert line.days == [a + b for a, b in zip(before["A"].days, before["B"].days, strict=True)]
    assert line.oldest == min(one for one in (before["A"].oldest, before["B"].oldest) if one)
    part = line.merged[0]
    assert (part.id, part.cases, part.actor, part.reason) == (causes.ids["A"], 3, "ann", WHY)
    assert {
        case.fingerprint for case in queries.listed(causes.store.everything(), CaseFilter()).items
    } == set(causes.ids.values()), "the fingerprint of a case is that of its cause"


def test_a_unit_that_is_stuck_by_both_causes_counts_its_money_once(causes: Causes) -> None:
    causes.fail("A1", at=3, cause="B", flow="billing", step="send")
    causes.merge("A", "B")
    assert sum(value.amount for value in causes.lines()["B"].value) == 50


def test_what_arrives_later_joins_the_group_that_its_cause_is_part_of(causes: Causes) -> None:
    causes.merge("A", "B")
    causes.fail("A7", at=20)
    assert causes.where("A7") == ["B"]
    causes.unmerge("A")
    assert causes.where("A7", "A1", "B1") == ["A", "A", "B"]
    causes.fail("A8", at=30)
    assert causes.where("A8") == ["A"]


def test_a_merge_outlives_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "again"
    first = Store.open(folder, intake)
    causes = Causes(first)
    causes.merge("A", "B")
    first.close()
    second = Store.open(folder, intake)
    try:
        causes.store = second
        causes.fail("A7", at=20)
        assert causes.where("A7", "A1") == ["B", "B"]
        causes.unmerge("A")
        assert causes.where("A7", "A1") == ["A", "A"]
    finally:
        second.close()


def test_the_id_of_a_merged_group_stands_for_the_group_that_it_is_part_of(causes: Causes) -> None:
    causes.merge("A", "B")
    reading = causes.store.everything()
    assert groups.one(reading, causes.ids["A"], at(60)).id == causes.ids["B"]
    by_old, by_new = (queries.listed(reading, CaseFilter(group=[causes.ids[one]])).total for one in "AB")
    assert (by_old, by_new) == (5, 5)
    ctx = local_context(causes.store, ANN)
    claimed = perform(ClaimGroup(causes.ids["A"]), ctx)
    assert (claimed.group, len(claimed.claimed)) == (causes.ids["B"], 5)
    perform(NoteGroup(causes.ids["A"], "Ask the bank", 0), ctx)
    note = queries.one(reading, causes.case("B1").id).group_note
    assert note is not None
    assert note.text == "Ask the bank"
    assert len(perform(ReleaseGroup(causes.ids["A"]), ctx)) == 5


def test_groups_merged_one_into_the_next_come_apart_in_any_order(causes: Causes) -> None:
    causes.merge("A", "B")
    causes.merge("B", "C")
    assert causes.counts() == {"C": (6, 6)}
    assert [part.id for part in causes.lines()["C"].merged] == [causes.ids["A"], causes.ids["B"]]
    causes.fail("A7", at=20)
    assert causes.where("A7") == ["C"]
    causes.unmerge("A")
    assert causes.counts() == {"A": (4, 4), "C": (3, 3)}
    causes.merge("A", "B")
    assert causes.counts() == {"C": (7, 7)}, "the id of a merged group is a way to where it is now"
    causes.unmerge("B")
    assert causes.counts() == {"B": (6, 6), "C": (1, 1)}, "what was merged into it goes with it"


@pytest.mark.parametrize("chain", ["AB", "ABC"])
def test_a_group_cannot_become_a_part_of_itself(causes: Causes, chain: str) -> None:
    for one, other in itertools.pairwise(chain):
        causes.merge(one, other)
    with pytest.raises(GroupWithinItselfError, match="is part of group"):
        causes.merge(chain[-1], chain[0])
    with pytest.raises(GroupWithinItselfError, match="into itself"):
        causes.merge(chain[-1], chain[-1])
    causes.unmerge(chain[0])


def test_two_people_who_merge_the_same_groups_both_ways_make_one_merge(causes: Causes) -> None:
    refused: list[UnsnagError] = []
    begin = threading.Barrier(2)

    def merge(one: str, other: str, by: Actor) -> None:
        begin.wait()
        try:
            causes.merge(one, other, by)
        except UnsnagError as error:
            refused.append(error)

    people = [threading.Thread(target=merge, args=args) for args in (("A", "B", ANN), ("B", "A", BOB))]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [type(error) for error in refused] == [GroupWithinItselfError]
    assert sorted(causes.counts().values()) == [(1, 1), (5, 5)]


def test_the_second_person_learns_who_was_first(causes: Causes) -> None:
    causes.merge("A", "B", ANN)
    with pytest.raises(GroupMergedError, match=f"is part of group {causes.ids['B']} already: ann merged it"):
        causes.merge("A", "C", BOB)
    causes.unmerge("A", BOB)
    with pytest.raises(GroupNotMergedError):
        causes.unmerge("A", ANN)


def test_the_same_request_merges_once(causes: Causes) -> None:
    command, ctx = MergeGroups(causes.ids["A"], causes.ids["B"], WHY), local_context(causes.store, ANN)
    answers = {perform(command, ctx, key="k").cases for _ in range(2)}
    assert answers == {3}


def test_a_merge_needs_a_reason_and_groups_that_exist(causes: Causes) -> None:
    ctx = local_context(causes.store, ANN)
    with pytest.raises(InvalidActError):
        perform(MergeGroups(causes.ids["A"], causes.ids["B"], "short"), ctx)
    with pytest.raises(GroupNotFoundError):
        perform(MergeGroups("ffff", causes.ids["B"], WHY), ctx)
    with pytest.raises(GroupNotFoundError):
        perform(MergeGroups(causes.ids["A"], "ffff", WHY), ctx)
    assert causes.counts() == {"A": (3, 3), "B": (2, 2), "C": (1, 1)}


def test_a_merge_and_its_end_are_in_the_audit_with_reason_and_count(causes: Causes) -> None:
    causes.merge("A", "B")
    causes.unmerge("A", BOB)
    entries = causes.store.query("audit/page", {"after": 0, "limit": 1000})
    found = [(e["verb"], e["actor"], e["reason"]) for e in entries if e["subject"] and e["kind"] == "effect"]
    assert found == [("group merged", "ann", WHY), ("group unmerged", "bob", WHY)]
    assert {e["subject"] for e in entries if e["verb"] == "group merged"} == {f"group:{causes.ids['A']}"}


# --- claims, classes ------------------------------------------------------------------------------------


def test_a_group_that_somebody_else_has_claimed_is_not_merged_away(causes: Causes) -> None:
    perform(ClaimGroup(causes.ids["A"]), local_context(causes.store, BOB))
    with pytest.raises(GroupClaimedError):
        causes.merge("A", "B", ANN)
    causes.merge("A", "B", BOB)
    assert {case.holder for case in (causes.case("A1"), causes.case("A2"))} == {"bob"}
    causes.fail("A7", at=20)
    assert causes.case("A7").holder is None, "the claim of the merged group ended"


def test_what_arrives_joins_the_claim_of_the_group_that_it_comes_to(causes: Causes) -> None:
    causes.merge("A", "B")
    perform(ClaimGroup(causes.ids["B"]), local_context(causes.store, BOB))
    causes.fail("A7", at=20)
    assert causes.case("A7").holder == "bob"


def test_a_class_that_was_named_for_the_group_holds_for_all_causes_in_it(causes: Causes) -> None:
    causes.merge("A", "B")
    perform(Classify(causes.case("A1").id, "data", for_group=True), local_context(causes.store, ANN))
    causes.fail("B7", "A7", "C7", at=20)
    assert [causes.case(unit).error_class for unit in ("A7", "B7")] == ["data", "data"]
    assert causes.case("C7").error_class != "data"


# --- several tenants ------------------------------------------------------------------------------------


def test_a_merged_group_shows_each_reader_only_what_they_may_see(causes: Causes) -> None:
    causes.fail("A8", at=5, tenant="acme", value_amount=Decimal(7))
    causes.fail("B8", "C8", at=5, tenant="globex", value_amount=Decimal(1000))
    causes.merge("A", "B")
    causes.merge("C", "B")
    acme, globex = causes.lines(("acme\x1f*",)), causes.lines(("globex\x1f*",))
    assert {letter: (line.all_cases, line.title) for letter, line in acme.items()} == {
        "B": (1, causes.case("A8").title)
    }
    assert sum(value.amount for value in acme["B"].value) == 7
    assert [part.id for part in acme["B"].merged] == [causes.ids["A"]], "no cause of another tenant is named"
    assert [part.id for part in globex["B"].merged] == [causes.ids["C"]]
    assert globex["B"].all_cases == 2
    reading = Reading(causes.store, ("acme\x1f*",))
    assert queries.listed(reading, CaseFilter(group=[causes.ids["B"]])).total == 1
    with pytest.raises(GroupNotFoundError):
        groups.one(Reading(causes.store, ("other\x1f*",)), causes.ids["B"], at(60))


def test_merging_takes_a_role_for_everything_and_moving_one_for_the_case(tmp_path: Path) -> None:
    with team(tmp_path) as crew:
        causes = Causes(crew.container.store)
        causes.fail("A8", at=5, tenant="acme")
        causes.fail("B8", at=5, tenant="globex")
        causes.fail("C8", at=5, tenant="acme")
        limited = crew.container.context(crew.actor(crew.person("carla", Grant("operator", "acme", None))))
        with pytest.raises(ForbiddenError):
            perform(MergeGroups(causes.ids["A"], causes.ids["C"], WHY), limited)
        with pytest.raises(UnsnagError):
            perform(MoveCase(causes.case("B8").id, causes.ids["C"], WHY), limited)
        with pytest.raises(GroupNotFoundError):
            perform(MoveCase(causes.case("A8").id, causes.ids["B"], WHY), limited)
        assert perform(MoveCase(causes.case("A8").id, causes.ids["C"], WHY), limited).group == causes.ids["C"]
        everything = crew.container.context(crew.actor(crew.person("dora", Grant("operator"))))
        assert perform(MergeGroups(causes.ids["A"], causes.ids["C"], WHY), everything).cases == 3


# --- one case -------------------------------------------------------------------------------------------


def test_a_moved_case_stays_where_it_was_moved_to_and_can_be_moved_back(causes: Causes) -> None:
    causes.move("A1", "B")
    assert causes.counts() == {"A": (2, 2), "B": (3, 3), "C": (1, 1)}
    causes.fail("A1", at=20)
    assert causes.where("A1", "A2") == ["B", "A"]
    history = queries.one(causes.store.everything(), causes.case("A1").id).history
    moved = next(entry for entry in history if entry.verb == "moved")
    assert (moved.actor, moved.reason) == ("ann", WHY)
    assert moved.details == {"from": causes.ids["A"], "to": causes.ids["B"]}
    causes.move("A1", None, BOB)
    assert causes.where("A1") == ["A"]
    assert causes.case("A1").moved_group is None


def test_a_moved_case_goes_with_the_group_that_it_was_moved_to(causes: Causes) -> None:
    causes.move("A1", "B")
    causes.merge("B", "C")
    assert causes.where("A1", "B1", "A2") == ["C", "C", "A"]
    causes.merge("A", "C")
    causes.unmerge("B")
    assert causes.where("A1", "B1", "A2") == ["B", "B", "C"]


def test_a_case_is_moved_by_its_holder_only_and_not_to_where_it_is(causes: Causes) -> None:
    perform(Claim(causes.case("A1").id), local_context(causes.store, BOB))
    with pytest.raises(AlreadyClaimedError):
        causes.move("A1", "B", ANN)
    with pytest.raises(NotAllowedNowError, match="it is in that group already"):
        causes.move("A1", "A", BOB)
    causes.merge("A", "B")
    with pytest.raises(NotAllowedNowError):
        causes.move("A1", "B", BOB)


def test_a_group_of_which_everything_was_moved_away_is_not_listed(causes: Causes) -> None:
    causes.move("C1", "A")
    assert causes.counts() == {"A": (4, 4), "B": (2, 2)}
    with pytest.raises(GroupNotFoundError):
        groups.one(causes.store.everything(), causes.ids["C"], at(60))
    causes.fail("C2", at=20)
    assert causes.where("C2", "C1") == ["C", "A"]
