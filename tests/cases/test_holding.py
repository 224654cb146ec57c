"""Who holds a case: only the holder acts, take over, extend, release all, a resolve that meets a claim."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from audit.actor import Actor
from cases.commands import CancelRetry, Claim, Classify, FixedOutside, Release, Resolve, RetryCase
from cases.errors import AlreadyClaimedError, InvalidActError, NotAllowedNowError
from cases.holding import Extend, ReleaseAll, TakeOver
from cases.intake import intake
from cases.notices import SeeNotices, unseen
from cases.retries import Complete
from data.clock import stored, utc_now
from data.store import Store
from tests import shown
from tests.cases.test_life import ANN, BOB, REASON, WORKER, Container
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from pathlib import Path

    from cases.commands import CaseCommand

KIM = Actor("kim")


@pytest.fixture
def container(store: Store) -> Container:
    return Container(store)


def notices_of(container: Container, person: str) -> list[tuple[str, str, str | None]]:
    """Return kind, actor and reason of the notices of a person."""
    found = unseen(container.store.everything(), person)
    return [(one.kind, one.actor, one.reason) for one in found.items]


@pytest.mark.parametrize(
    "act",
    [
        lambda case: Resolve(case, "duplicate", REASON),
        lambda case: FixedOutside(case, REASON),
        lambda case: Classify(case, "data"),
        RetryCase,
        Release,
        Claim,
        Extend,
    ],
)
def test_only_the_holder_acts(container: Container, act: type[CaseCommand]) -> None:
    perform(Claim(container.id), container.context(ANN))
    before = container.case()
    with pytest.raises(AlreadyClaimedError, match="Ask ann to release it, take it over with a reason"):
        perform(act(container.id), container.context(BOB))
    assert container.case() == before
    perform(TakeOver(container.id, "ann went home an hour ago"), container.context(BOB))
    perform(act(container.id), container.context(BOB))


def test_a_take_over_changes_the_holder_and_notifies_the_former_one(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    first = container.case()
    perform(TakeOver(container.id, "  ann went home an hour ago "), container.context(BOB))
    case = container.case()
    assert (case["state"], case["holder"]) == ("claimed", "bob")
    assert case["claimed_at"] > first["claimed_at"]
    assert case["lease_until"] > first["lease_until"]
    act = case["acts"][-1]
    assert (act["verb"], act["actor"], act["reason"]) == ("taken_over", "bob", "ann went home an hour ago")
    assert act["details"] == {"taken_from": "ann"}
    assert notices_of(container, "ann") == [("taken_over", "bob", "ann went home an hour ago")]
    assert notices_of(container, "bob") == []
    with pytest.raises(AlreadyClaimedError, match="by bob"):
        perform(Resolve(container.id, "duplicate", REASON), container.context(ANN))


def test_a_take_over_needs_somebody_else_and_a_reason(container: Container) -> None:
    with pytest.raises(NotAllowedNowError, match="nobody has claimed it"):
        perform(TakeOver(container.id, REASON), container.context(BOB))
    perform(Claim(container.id), container.context(ANN))
    with pytest.raises(InvalidActError, match="10 characters"):
        perform(TakeOver(container.id, "because"), container.context(BOB))
    with pytest.raises(NotAllowedNowError, match="you have it already"):
        perform(TakeOver(container.id, REASON), container.context(ANN))
    assert notices_of(container, "ann") == []


def test_a_retry_goes_on_when_its_case_is_taken_over_and_goes_back_to_the_new_holder(
    container: Container,
) -> None:
    perform(RetryCase(container.id), container.context(ANN))
    perform(TakeOver(container.id, REASON), container.context(BOB))
    assert (container.state(), container.case()["lease_until"]) == ("retrying", None)
    with pytest.raises(AlreadyClaimedError):
        perform(CancelRetry(container.id), container.context(ANN))
    perform(CancelRetry(container.id), container.context(BOB))
    assert (container.state(), container.case()["holder"]) == ("claimed", "bob")
    perform(RetryCase(container.id), container.context(BOB))
    perform(Complete(container.lease().id), container.context(WORKER))
    perform(TakeOver(container.id, REASON), container.context(ANN))
    perform(Resolve(container.id, "duplicate", REASON), container.context(ANN))
    assert container.state() == "resolved"


def test_a_notice_survives_a_restart_and_ends_when_it_is_seen(tmp_path: Path) -> None:
    opened = Store.open(tmp_path / "own", intake)
    container = Container(opened)
    perform(Claim(container.id), container.context(ANN))
    perform(TakeOver(container.id, REASON), container.context(BOB))
    opened.close()
    container.store = Store.open(tmp_path / "own", intake)
    (notice,) = unseen(container.store.everything(), "ann").items
    assert (notice.case_id, notice.correlation_id) == (container.id, "SO-1")
    perform(SeeNotices([notice.id]), container.context(BOB))
    assert notices_of(container, "ann"), "nobody sees the notices of another away"
    perform(SeeNotices([notice.id]), container.context(ANN))
    assert notices_of(container, "ann") == []
    container.store.close()


def test_extending_lets_a_claim_last_its_whole_time_again(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    soon = stored(utc_now() + timedelta(minutes=3))
    change = "update exception_case set lease_until = $soon::timestamp"
    container.store.act(lambda tx: tx.execute(change, {"soon": soon})).result()
    claimed_at = container.case()["claimed_at"]
    perform(Extend(container.id), container.context(ANN))
    case = container.case()
    assert case["lease_until"] - utc_now() > timedelta(minutes=19)
    assert case["claimed_at"] == claimed_at
    assert container.verbs() == ["opened", "claimed", "renewed"]


def test_only_a_claim_can_be_extended(container: Container) -> None:
    with pytest.raises(NotAllowedNowError, match="nobody has claimed it"):
        perform(Extend(container.id), container.context(ANN))
    perform(RetryCase(container.id), container.context(ANN))
    with pytest.raises(NotAllowedNowError, match="a retry is being carried out"):
        perform(Extend(container.id), container.context(ANN))


def test_a_case_is_returned_with_a_note(container: Container) -> None:
    perform(Claim(container.id), container.context(ANN))
    perform(Release(container.id, " The bank answers again from 6 p.m. "), container.context(ANN))
    act = container.case()["acts"][-1]
    assert (act["verb"], act["reason"]) == ("released", "The bank answers again from 6 p.m.")


def test_all_claims_are_released_with_one_note_and_nothing_else(container: Container) -> None:
    container.store.append(batch(failure(1, "SO-2"), failure(2, "SO-3"), failure(3, "SO-4"))).result()
    ids = {case["correlation_id"]: case["id"] for case in shown.cases(container.store)}
    for unit in ("SO-1", "SO-2"):
        perform(Claim(ids[unit]), container.context(ANN))
    perform(RetryCase(ids["SO-3"]), container.context(ANN))
    perform(Claim(ids["SO-4"]), container.context(BOB))
    released = perform(ReleaseAll("Wait for the bank until six"), container.context(ANN))
    assert sorted(released) == sorted([ids["SO-1"], ids["SO-2"]])
    states = {
        case["correlation_id"]: (case["state"], case["holder"]) for case in shown.cases(container.store)
    }
    assert states == {
        "SO-1": ("open", None),
        "SO-2": ("open", None),
        "SO-3": ("retrying", "ann"),
        "SO-4": ("claimed", "bob"),
    }
    for unit in ("SO-1", "SO-2"):
        act = shown.case(container.store, ids[unit])["acts"][-1]
        assert (act["verb"], act["reason"]) == ("released", "Wait for the bank until six")
    assert perform(ReleaseAll(), container.context(ANN)) == []


# --- a resolve and a claim at once (L5) -----------------------------------------------------------------


def resolve(container: Container, actor: Actor, version: int | None) -> None:
    perform(Resolve(container.id, "duplicate", REASON, version), container.context(actor))


def test_a_resolve_on_the_version_before_a_claim_wins_and_notifies_the_claimer(container: Container) -> None:
    seen = container.case()["version"]
    perform(Claim(container.id), container.context(ANN))
    resolve(container, BOB, seen)
    case = container.case()
    assert (case["state"], case["holder"]) == ("resolved", None)
    assert case["acts"][-1]["details"] == {"code": "duplicate", "taken_from": "ann"}
    assert notices_of(container, "ann") == [("resolved", "bob", REASON)]


def test_what_arrives_between_does_not_decide_the_race(container: Container) -> None:
    seen = container.case()["version"]
    container.store.append(batch(failure(5))).result()
    perform(Claim(container.id), container.context(ANN))
    container.store.append(batch(failure(6))).result()
    perform(Extend(container.id), container.context(ANN))
    resolve(container, BOB, seen)
    assert container.state() == "resolved"


@pytest.mark.parametrize("sent_on", ["nothing", "the claim", "an earlier claim", "a take-over"])
def test_a_resolve_that_saw_the_claim_loses(container: Container, sent_on: str) -> None:
    version = None
    if sent_on == "an earlier claim":
        perform(Claim(container.id), container.context(KIM))
        version = container.case()["version"]
        perform(Release(container.id), container.context(KIM))
    perform(Claim(container.id), container.context(ANN))
    if sent_on == "the claim":
        version = container.case()["version"]
    if sent_on == "a take-over":
        version = container.case()["version"]
        perform(TakeOver(container.id, REASON), container.context(KIM))
    with pytest.raises(AlreadyClaimedError):
        resolve(container, BOB, version)
    assert container.state() == "claimed"


def test_a_resolve_on_a_version_before_a_take_over_does_not_win(container: Container) -> None:
    seen = container.case()["version"]
    perform(Claim(container.id), container.context(ANN))
    perform(TakeOver(container.id, REASON), container.context(KIM))
    with pytest.raises(AlreadyClaimedError, match="by kim"):
        resolve(container, BOB, seen)
