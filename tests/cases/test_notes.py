"""Notes, snoozes and assignments of a case over the real store."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.commands import perform
from access.roles import Grant
from cases import queries
from cases.assigning import Assign
from cases.commands import Claim, Classify, FixedOutside, Resolve, RetryCase
from cases.errors import AlreadyClaimedError, InvalidActError, NotAllowedNowError
from cases.intake import intake
from cases.notes import AddNote
from cases.notices import unseen
from cases.queries import CaseFilter
from cases.snoozing import Snooze, Wake
from cases.sweep import sweep
from data.clock import stored, utc_now
from data.store import Store
from tests import shown
from tests.cases.test_life import ANN, BOB, REASON, Container, days_pass, unplaced
from tests.gates import local_context
from tests.server.team import team
from tests.telemetry import batch, failure, log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cases.commands import CaseCommand


@pytest.fixture
def container(store: Store) -> Container:
    return Container(store)


def listed(container: Container, **chosen: Any) -> int:
    found = queries.listed(container.store.everything(), CaseFilter(**chosen))
    return found.total


def counts(container: Container) -> dict[str, int]:
    return queries.counts(container.store.everything(), CaseFilter())


# --- notes --------------------------------------------------------------------------------------------


def test_a_note_is_kept_as_it_is_written_with_author_and_time(container: Container) -> None:
    text = "The bank **says**:\n- wait until six\n- <b>then</b> retry"
    perform(AddNote(container.id, f"  {text}\n"), container.context(ANN))
    perform(AddNote(container.id, "It answers again"), container.context(BOB))
    notes = container.case()["notes"]
    assert [(note["actor"], note["text"]) for note in notes] == [("ann", text), ("bob", "It answers again")]
    assert utc_now() - notes[0]["at"] < timedelta(minutes=1)
    assert container.state() == "open"
    assert container.case()["version"] == len(container.case()["acts"])


@pytest.mark.parametrize("text", ["", " \n\t ", "\0", "x" * 4_001])
def test_a_note_says_something(container: Container, text: str) -> None:
    with pytest.raises(InvalidActError):
        perform(AddNote(container.id, text), container.context(ANN))
    assert container.case()["notes"] == []


def test_others_may_write_a_note_and_the_holder_gets_a_notice(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    perform(AddNote(container.id, "Do you wait for the bank?"), container.context(BOB))
    assert container.case()["holder"] == "ann"
    (notice,) = unseen(container.store.everything(), "ann").items
    assert (notice.kind, notice.actor, notice.reason) == ("noted", "bob", "Do you wait for the bank?")


def test_a_note_of_the_holder_renews_the_claim_and_one_of_another_does_not(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    before = container.case()["lease_until"]
    perform(AddNote(container.id, "Asked the bank"), container.context(BOB))
    assert container.case()["lease_until"] == before
    for act in (
        AddNote(container.id, "Asked the bank"),
        Classify(container.id, "data"),
        Assign(container.id, "x"),
    ):
        before = container.case()["lease_until"]
        perform(act, container.context(ANN))
        assert container.case()["lease_until"] > before, act


def test_the_notes_of_a_case_that_was_merged_are_notes_of_the_one_that_stays(store: Store) -> None:
    store.append(batch(failure(1, "SO-1", trace_id="b" * 32), failure(2, None, trace_id="a" * 32))).result()
    other = next(case for case in shown.cases(store) if case["correlation_id"] != "SO-1")
    context = local_context(store, ANN)
    perform(AddNote(other["id"], "It is the same order"), context)
    store.append(batch(named("a" * 32))).result()
    (case,) = shown.cases(store, CaseFilter(state=["open"]))
    assert case["id"] != other["id"]
    assert [note["text"] for note in shown.case(store, case["id"])["notes"]] == ["It is the same order"]


def named(trace_id: str) -> dict[str, Any]:
    """Return a record that names the unit of a trace."""
    return log(3, "order", trace_id=trace_id, correlation_id="SO-1", flow="order-to-cash")


# --- snooze -------------------------------------------------------------------------------------------


def in_hours(hours: float) -> Any:
    return stored(utc_now() + timedelta(hours=hours))


def test_a_snoozed_case_leaves_the_open_ones_and_comes_back_by_the_clock(container: Container) -> None:
    perform(Snooze(container.id, in_hours(2), reason="The bank is closed"), container.context(ANN))
    case = container.case()
    assert (case["state"], case["holder"], case["snoozed_by"]) == ("open", None, "ann")
    assert (listed(container, state=["open"], snoozed=[False]), listed(container, snoozed=[True])) == (0, 1)
    assert counts(container) == {"snoozed": 1}
    assert sweep(local_context(container.store)) == 0
    container.pass_time("exception_case", "snoozed_until")
    case = container.case()
    assert (case["snoozed_by"], case["snoozed_until"]) == (None, None)
    assert counts(container) == {"open": 1}
    assert container.verbs() == ["opened", "snoozed", "woken"]
    assert case["acts"][-1]["reason"] == "the time that ann had chosen has come"
    assert case["acts"][1]["reason"] == "The bank is closed"


def test_a_snoozed_case_comes_back_when_it_has_failed_often_enough(container: Container) -> None:
    perform(Snooze(container.id, more=2), container.context(ANN))
    container.store.append(batch(failure(10))).result()
    assert counts(container) == {"snoozed": 1}
    container.store.append(batch(failure(20))).result()
    assert counts(container) == {"open": 1}
    act = container.case()["acts"][-1]
    assert (act["verb"], act["actor_type"]) == ("woken", "system")
    assert act["reason"] == "it has failed 3 times, and ann had chosen 3"


def test_a_failure_does_not_wake_a_case_that_waits_for_a_time(container: Container) -> None:
    perform(Snooze(container.id, in_hours(2)), container.context(ANN))
    container.store.append(batch(*(failure(n) for n in range(10, 20)))).result()
    assert counts(container) == {"snoozed": 1}


@pytest.mark.parametrize(
    ("act", "state"),
    [
        (Claim, "claimed"),
        (RetryCase, "retrying"),
        (lambda case: FixedOutside(case, REASON), "verifying"),
        (lambda case: Resolve(case, "duplicate", REASON), "resolved"),
        (Wake, "open"),
    ],
)
def test_what_a_person_does_with_it_ends_the_snooze(
    container: Container, act: Callable[[str], CaseCommand], state: str
) -> None:
    perform(Snooze(container.id, in_hours(2), more=5), container.context(ANN))
    perform(act(container.id), container.context(BOB))
    case = container.case()
    assert (case["state"], case["snoozed_by"], case["snoozed_until"], case["snoozed_count"]) == (
        state, None, None, None,
    )  # fmt: skip


def test_a_proof_ends_a_snooze(container: Container) -> None:
    perform(Snooze(container.id, in_hours(2)), container.context(ANN))
    container.succeed()
    assert (container.state(), container.case()["snoozed_by"]) == ("recovered", None)


def test_a_claim_is_released_by_its_holders_snooze(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    with pytest.raises(AlreadyClaimedError):
        perform(Snooze(container.id, in_hours(2)), container.context(BOB))
    perform(Snooze(container.id, in_hours(2)), container.context(ANN))
    assert (container.case()["holder"], container.case()["snoozed_by"]) == (None, "ann")
    assert container.verbs() == ["opened", "claimed", "released", "snoozed"]
    assert container.case()["version"] == 4
    # A resolve that saw it snoozed wins over a claim; one that saw the claim before does not.
    perform(Claim(container.id), container.context(BOB))
    with pytest.raises(AlreadyClaimedError):
        perform(Resolve(container.id, "duplicate", REASON, 2), container.context(ANN))
    perform(Resolve(container.id, "duplicate", REASON, 4), container.context(ANN))


@pytest.mark.parametrize(
    ("until", "more"),
    [(None, None), (-1, None), (91 * 24, None), (None, 0), (None, -3), (1, 0)],
)
def test_a_snooze_has_an_end_that_can_come(
    container: Container, until: float | None, more: int | None
) -> None:
    moment = None if until is None else in_hours(until)
    with pytest.raises(InvalidActError):
        perform(Snooze(container.id, moment, more), container.context(ANN))
    with pytest.raises(NotAllowedNowError, match="not snoozed"):
        perform(Wake(container.id), container.context(ANN))


def test_only_what_waits_for_a_person_can_be_snoozed(container: Container) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    with pytest.raises(NotAllowedNowError, match="a retry is being carried out"):
        perform(Snooze(container.id, in_hours(1)), container.context(ANN))


def test_a_case_that_sleeps_until_a_time_does_not_expire_before(store: Store) -> None:
    store.append(batch(unplaced(0))).result()
    (case,) = shown.cases(store)
    perform(Snooze(case["id"], in_hours(24 * 30)), local_context(store, ANN))
    assert days_pass(store, 15) == 0
    back = "update exception_case set snoozed_until = $then::timestamp"
    store.act(lambda tx: tx.execute(back, {"then": in_hours(-1)})).result()
    assert sweep(local_context(store)) == 1
    assert shown.case(store, case["id"])["acts"][-1]["verb"] == "woken"


# --- assign -------------------------------------------------------------------------------------------


def test_an_assignment_claims_nothing_and_can_be_filtered(container: Container) -> None:
    perform(Assign(container.id, "  payments   desk ", "team"), container.context(ANN))
    case = container.case()
    assert (case["assignee"], case["assignee_kind"], case["holder"]) == ("payments desk", "team", None)
    assert listed(container, assignee=["payments desk"]) == 1
    assert listed(container, assignee=["bob"]) == 0
    assert queries.facets(container.store.everything()).assignee == {"payments desk": 1}
    perform(Claim(container.id), container.context(BOB))
    assert container.case()["assignee"] == "payments desk"
    with pytest.raises(AlreadyClaimedError):
        perform(Assign(container.id, "ann"), container.context(ANN))
    perform(Assign(container.id, None), container.context(BOB))
    assert (container.case()["assignee"], container.case()["assignee_kind"]) == (None, None)
    assert container.case()["acts"][-1]["details"] == {"to": None, "kind": None, "was": "payments desk"}


def test_who_is_assigned_a_case_gets_a_notice(container: Container) -> None:
    perform(Assign(container.id, "bob"), container.context(ANN))
    (notice,) = unseen(container.store.everything(), "bob").items
    assert (notice.kind, notice.actor) == ("assigned", "ann")
    perform(Assign(container.id, "ann"), container.context(ANN))
    assert unseen(container.store.everything(), "ann").items == []


def test_a_case_is_assigned_to_people_who_may_act_on_it(tmp_path: Path) -> None:
    with team(tmp_path) as crew:
        crew.container.store.append(batch(failure(1, tenant="acme"))).result()
        (case,) = shown.cases(crew.container.store)
        for name, grant in {
            "ann": Grant(roles.OPERATOR),
            "kim": Grant(roles.VIEWER),
            "joe": Grant(roles.OPERATOR, "globex"),
            "zoe": Grant(roles.OPERATOR, "acme"),
        }.items():
            crew.person(name, grant)
        ctx = crew.container.context(crew.actor("ann"))
        for name in ("kim", "joe", "nobody"):
            with pytest.raises(InvalidActError, match="is not an active person"):
                perform(Assign(case["id"], name), ctx)
        assert perform(Assign(case["id"], "zoe"), ctx).assignee == "zoe"
        assert perform(Assign(case["id"], "payments", "team"), ctx).assignee == "payments"


def test_an_ended_case_is_assigned_to_nobody_new(container: Container) -> None:
    container.succeed()
    with pytest.raises(NotAllowedNowError, match="recovered"):
        perform(Assign(container.id, "bob"), container.context(ANN))
    container.store.append(batch(failure(90))).result()
    with pytest.raises(InvalidActError, match="person, team"):
        perform(Assign(container.id, "bob", "robot"), container.context(ANN))


def test_snooze_assignment_and_notes_survive_a_restart(tmp_path: Path) -> None:
    container = Container(Store.open(tmp_path / "own", intake))
    perform(Snooze(container.id, in_hours(2), more=3), container.context(ANN))
    perform(Assign(container.id, "payments", "team"), container.context(ANN))
    perform(AddNote(container.id, "Wait"), container.context(ANN))
    before = container.case()
    container.store.close()
    container.store = Store.open(tmp_path / "own", intake)
    assert container.case() == before
    container.store.append(batch(failure(5))).result()
    kept = ("snoozed_by", "snoozed_until", "snoozed_count", "assignee", "assignee_kind")
    assert {name: container.case()[name] for name in kept} == {name: before[name] for name in kept}
    assert dataclasses.is_dataclass(queries.one(container.store.everything(), container.id).case)
    container.store.close()
