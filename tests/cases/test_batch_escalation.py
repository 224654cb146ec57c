"""All that match are escalated in one batch: also what others have claimed, with one notice a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from access import roles
from access.commands import perform
from access.roles import Grant
from audit import trail
from cases import batch_queries, following, notices, queries
from cases.batch_commands import FreezeBatch, StartBatch
from cases.batch_runner import step
from cases.batch_terms import Terms
from cases.commands import Claim
from cases.errors import InvalidActError
from cases.escalation import Escalation, OwnerRule, Step, Team
from cases.queries import CaseFilter
from cases.service_rules import ServiceRules
from cases.snoozing import Snooze
from tests.cases.test_batches import ALL, BOB, Desk
from tests.server.team import team
from tests.telemetry import batch as records
from tests.telemetry import failure

if TYPE_CHECKING:
    from pathlib import Path

    from data.store import Store

WHY = "The bank does not answer its phone"
PAYMENTS = Escalation(
    {"Payments": Team(None, ("pat", "ann"))},
    (OwnerRule("Payments", flow="order-to-cash"),),
    (Step(timedelta(0), "owner"), Step(timedelta(hours=1), "person", "lea")),
)


@pytest.fixture
def desk(store: Store) -> Desk:
    made = Desk(store)
    following.use(ServiceRules(escalation=PAYMENTS), made.context())
    return made


def seen_by(desk: Desk, *people: str) -> dict[str, list[str | None]]:
    everything = desk.store.everything()
    return {name: [one.reason for one in notices.unseen(everything, name).items] for name in people}


def test_all_that_match_go_to_the_next_step_with_one_notice_each(desk: Desk) -> None:
    ids = desk.ids()
    perform(Claim(ids["SO-1"]), desk.context(BOB))
    perform(Snooze(ids["SO-2"], more=4), desk.context())
    frozen = desk.freeze("escalate")
    assert (frozen.total, frozen.left_out) == (6, 0), "also what bob has claimed, as the single act"
    for wrong in (None, "  too short  "):
        with pytest.raises(InvalidActError, match="at least 10 characters"):
            perform(StartBatch(frozen.id, reason=wrong), desk.context())
    perform(StartBatch(frozen.id, reason=WHY), desk.context())
    assert desk.finish(frozen).done == 6
    everything = desk.store.everything()
    cases = queries.listed(everything, ALL).items
    assert {(case.assignee, case.assignee_kind, case.escalation_level) for case in cases} == {
        ("Payments", "team", 1)
    }
    holders = {case.correlation_id: case.holder for case in cases}
    assert (holders["SO-1"], queries.counts(everything, ALL).get(queries.SNOOZED)) == ("bob", None)
    assert seen_by(desk, "pat", "bob", "ann") == {
        "pat": [f"{WHY} (6 exceptions at once, this is the first)"],
        "bob": [WHY],
        "ann": [],
    }, "who did it hears nothing"
    last = queries.one(everything, ids["SO-1"]).history[-1]
    assert (last.verb, last.actor, last.reason, last.details["how"]) == ("escalated", "ann", WHY, "manual")
    assert trail.verify(desk.store).intact


def test_a_second_batch_goes_one_level_further_or_to_whom_it_names(desk: Desk) -> None:
    desk.run("escalate", reason=WHY)
    desk.run("escalate", reason=WHY)
    everything = desk.store.everything()
    assert queries.facets(everything).assignee == {"lea": 6}, "the second step"
    assert len(seen_by(desk, "lea")["lea"]) == 1
    desk.run("escalate", reason=WHY, given=Terms(to=" Legal ", kind="team"))
    assert queries.facets(everything).assignee == {"Legal": 6}
    assert {case.escalation_level for case in queries.listed(everything, ALL).items} == {3}


def test_where_no_rule_says_to_whom_each_fails_with_that_reason(store: Store) -> None:
    desk = Desk(store)
    frozen = desk.freeze("escalate")
    perform(StartBatch(frozen.id, reason=WHY), desk.context())
    ended = desk.finish(frozen)
    assert (ended.done, ended.failed, ended.skipped) == (0, 6, 0)
    reasons = {reason for reason in desk.items(frozen, "failed").values() if reason}
    assert reasons == {"No rule says to whom it goes next. Name a person or a team."}
    assert queries.facets(store.everything()).assignee == {}


def test_what_one_may_not_act_on_is_left_out_and_a_name_must_be_a_person(tmp_path: Path) -> None:
    with team(tmp_path) as crew:
        crew.container.store.append(records(failure(1, "SO-1"), failure(2, "RT-1", flow="returns"))).result()
        eve = crew.person("eve", Grant(roles.OPERATOR, None, "returns"), Grant(roles.VIEWER))
        ctx = crew.container.context(crew.actor(eve))
        frozen = perform(FreezeBatch("escalate", CaseFilter(flow=["order-to-cash", "returns"])), ctx)
        left = batch_queries.items(ctx, frozen.id, states=["left_out"]).items
        assert [(one.correlation_id, one.cause) for one in left] == [("SO-1", "not_permitted")]
        with pytest.raises(InvalidActError, match="nobody is not an active person"):
            perform(StartBatch(frozen.id, reason=WHY, given=Terms(to="nobody")), ctx)
        perform(StartBatch(frozen.id, reason=WHY, given=Terms(to="eve")), ctx)
        while step(crew.container.as_system(), frozen.id):
            pass
        assert queries.facets(ctx.reading).assignee == {"eve": 1}
