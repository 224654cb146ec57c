"""The weekly review by REST: actions, wins, misses, decisions, notes, and what a freeze keeps of them."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.roles import Grant
from data.clock import utc_now
from kpis import periods, weeks
from kpis.definition import ids
from kpis.periods import week_of
from tests.kpis.tables import START, Tables
from tests.server.team import team

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from server.container import Container

WEEK, NEXT = "2026-W10", "2026-W11"
HOURS = 7 * 24
ACTION = {"text": "Raise the carrier's limit", "owner": "ann", "due_on": "2026-03-12", "kpi": "K19"}


@pytest.fixture
def tables(container: Container) -> Tables:
    """Write two weeks: 39 of 40 units succeed, then 20 of 40, half of them in another segment."""
    tables = Tables(container.store)
    for n in range(40):
        end = {"failed": 3 - HOURS} if n == 0 else {"done": 3 - HOURS}
        tables.unit(f"A-{n}", opened=1 - HOURS, segment="b2b" if n % 2 else "shop", **end)
        end = {"failed": 3} if n % 2 else {"done": 3}
        tables.unit(f"B-{n}", opened=1, segment="b2b" if n % 2 else "shop", **end)
    return tables


def post(http: httpx.Client, path: str, body: dict[str, Any] | None = None, key: str = "") -> httpx.Response:
    return http.post(f"/api/v1/{path}", json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex})


def done(http: httpx.Client, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = post(http, path, body).raise_for_status().json()
    return answer


def week(http: httpx.Client, name: str = WEEK) -> dict[str, Any]:
    answer: dict[str, Any] = http.get(f"/api/v1/weeks/{name}").raise_for_status().json()
    return answer


def comment_on_all(http: httpx.Client, name: str = WEEK) -> None:
    for kpi in week(http, name)["uncommented"]:
        done(http, f"weeks/{name}/comments", {"kpi": kpi, "text": "The carrier was down."})


def test_an_action_is_carried_over_until_it_is_done(tables: Tables, http: httpx.Client) -> None:
    made = done(http, f"weeks/{WEEK}/actions", ACTION)
    assert (made["state"], made["version"], made["due_on"]) == ("open", 1, "2026-03-12")
    assert [one["text"] for one in week(http)["actions"]] == [ACTION["text"]]
    assert week(http)["promises"] == []
    for name in (NEXT, "2026-W20"):
        assert [one["id"] for one in week(http, name)["promises"]] == [made["id"]]
    done(http, f"actions/{made['id']}/close", {"state": "done", "note": "The limit is raised"})
    assert [one["state"] for one in week(http, NEXT)["promises"]] == ["done"]
    # It ended before weeks begin that are still to come.
    tables.store.act(lambda tx: tx.execute("update week_action set time = '2026-03-10'")).result()
    assert [one["state"] for one in week(http, NEXT)["promises"]] == ["done"]
    assert week(http, "2026-W12")["promises"] == []
    assert http.get("/api/v1/actions", params={"state": "open"}).json()["total"] == 0


def test_overdue_promises_come_first_then_those_due_next(tables: Tables, http: httpx.Client) -> None:
    del tables
    today = utc_now().date()
    dues = {"late": -3, "later": -9, "soon": 3, "none": None, "ended": -20}
    for text, days in dues.items():
        due = {} if days is None else {"due_on": (today + timedelta(days=days)).isoformat()}
        made = done(http, f"weeks/{WEEK}/actions", {"text": text, "owner": "ann", **due})
    done(http, f"actions/{made['id']}/close", {"state": "dropped", "note": "no longer needed"})
    assert [one["text"] for one in week(http, NEXT)["promises"]] == ["later", "late", "soon", "none", "ended"]


def test_each_change_of_an_action_is_a_version_and_an_entry(tables: Tables, http: httpx.Client) -> None:
    made = done(http, f"weeks/{WEEK}/actions", ACTION)
    path = f"actions/{made['id']}"
    changed = done(http, f"{path}/change", {**ACTION, "owner": "marek", "due_on": None})
    assert (changed["version"], changed["owner"], changed["due_on"]) == (2, "marek", None)
    assert post(http, f"{path}/close", {"state": "dropped"}).status_code == 422
    done(http, f"{path}/close", {"state": "done"})
    again = post(http, f"{path}/close", {"state": "done"})
    assert (again.status_code, "done already" in again.json()["detail"]) == (409, True)
    assert post(http, f"{path}/change", ACTION).status_code == 409
    assert done(http, f"{path}/reopen", {})["state"] == "open"
    assert post(http, f"{path}/reopen", {}).status_code == 409
    select = "select verb from audit where subject = $subject and kind = 'effect'"
    asked = {"subject": f"action:{made['id']}"}
    rows = tables.store.act(lambda tx: tx.execute(select, asked)).result()
    verbs = ["action added", "action changed", "action ended", "action opened again"]
    assert [row["verb"] for row in rows] == verbs
    listed = http.get("/api/v1/actions").json()["items"]
    assert [(one["version"], one["created_by"]) for one in listed] == [(4, made["created_by"])]


def test_a_repeated_key_promises_once(tables: Tables, http: httpx.Client) -> None:
    del tables
    first, again = (post(http, f"weeks/{WEEK}/actions", ACTION, "same").json() for _ in range(2))
    assert first == again
    assert len(week(http)["actions"]) == 1


def test_entries_and_notes_are_written_and_removed(tables: Tables, http: httpx.Client) -> None:
    del tables
    for kind in ("win", "miss", "decision"):
        done(http, f"weeks/{WEEK}/entries", {"kind": kind, "text": f"a {kind}", "why": " because "})
    win, miss, decision = week(http)["entries"]
    assert (win["kind"], miss["text"], decision["why"]) == ("win", "a miss", "because")
    done(http, f"weeks/{WEEK}/entries/{miss['id']}/remove")
    assert post(http, f"weeks/{WEEK}/entries/{miss['id']}/remove").status_code == 404
    assert [one["kind"] for one in week(http)["entries"]] == ["win", "decision"]
    for text in ("first", " last "):
        done(http, f"weeks/{WEEK}/notes", {"section": "money", "text": text})
    assert [(one["section"], one["text"]) for one in week(http)["notes"]] == [("money", "last")]
    done(http, f"weeks/{WEEK}/notes", {"section": "money", "text": ""})
    assert week(http)["notes"] == []


def test_a_week_is_not_frozen_while_a_comment_is_missing(tables: Tables, http: httpx.Client) -> None:
    del tables
    moved = {one["id"]: one for one in week(http)["review"]["moved"]}
    # The completed units fell from 39 to 20: chance explains that.
    assert set(moved) == {"K19", "K7"}
    assert week(http)["uncommented"] == list(moved)
    refused = post(http, f"weeks/{WEEK}/freeze")
    assert refused.status_code == 409
    assert "a comment is missing on" in refused.json()["detail"]
    assert "Success rate" in refused.json()["detail"]
    assert week(http)["state"] == "draft"
    comment_on_all(http)
    assert post(http, f"weeks/{WEEK}/freeze").status_code == 200
    assert week(http)["uncommented"] == []


def test_a_figure_off_its_target_asks_for_a_comment(tables: Tables, http: httpx.Client) -> None:
    del tables
    name = "2026-W09"
    assert week(http, name)["uncommented"] == []
    done(http, "kpis/K19/target", {"target": 99})
    assert week(http, name)["uncommented"] == ["K19"]
    assert week(http, name)["review"]["moved"][0]["reason"].startswith("Off target: 97.5 %")


def test_the_contributions_add_up_to_the_change(tables: Tables, http: httpx.Client) -> None:
    del tables
    moved = {one["id"]: one for one in week(http)["review"]["moved"]}
    flow, segment = moved["K19"]["splits"]
    assert (flow["by"], segment["by"]) == ("flow", "segment")
    assert flow["change"] == segment["change"] == -47.5
    totals = {one["key"]: (one["rate"], one["mix"], one["total"]) for one in segment["parts"]}
    # By hand: b2b from 100 % to 0 %, the shop from 95 % to 100 %, each half of the units in both weeks.
    assert totals == {"b2b": (-50.0, 0.0, -50.0), "shop": (2.5, 0.0, 2.5)}


def test_a_frozen_week_keeps_what_was_written_inside_its_hash(tables: Tables, http: httpx.Client) -> None:
    done(http, "weeks/2026-W09/actions", ACTION)
    action = done(http, f"weeks/{WEEK}/actions", ACTION)
    done(http, f"weeks/{WEEK}/entries", {"kind": "win", "text": "No order was lost"})
    done(http, f"weeks/{WEEK}/notes", {"section": "money", "text": "Ask finance"})
    comment_on_all(http)
    before = week(http)
    done(http, f"weeks/{WEEK}/freeze")
    frozen = week(http)
    written = ("promises", "actions", "entries", "notes", "review")
    assert {name: frozen[name] for name in written} == {name: before[name] for name in written}
    for path, body in (
        ("actions", ACTION),
        ("entries", {"kind": "win", "text": "x"}),
        ("notes", {"section": "money", "text": "x"}),
        (f"entries/{frozen['entries'][0]['id']}/remove", None),
    ):
        refused = post(http, f"weeks/{WEEK}/{path}", body)
        assert (refused.status_code, "was frozen" in refused.json()["detail"]) == (409, True)
    # What happens to the action later stands in later weeks.
    done(http, f"actions/{action['id']}/close", {"state": "done"})
    assert week(http)["actions"] == before["actions"]
    assert [one["state"] for one in week(http, NEXT)["promises"]] == ["open", "done"]
    altered = "update frozen_week set content = replace(content, 'Ask finance', 'All is well')"
    tables.store.act(lambda tx: tx.execute(altered)).result()
    assert week(http)["intact"] is False


def test_a_week_that_was_frozen_with_figures_only_can_still_be_read(
    tables: Tables, http: httpx.Client
) -> None:
    comment_on_all(http)
    done(http, f"weeks/{WEEK}/freeze")
    (kept,) = weeks.frozen(tables.reading)
    content = json.loads(kept.content)
    older = {name: content[name] for name in ("zone", "data_as_of", "figures")}
    for one in older["figures"].values():
        for name in ("better", "previous_n", "floor", "note"):
            del one[name]
    row = {"content": json.dumps(older)}
    tables.store.act(lambda tx: tx.execute("update frozen_week set content = $content", row)).result()
    shown = week(http)
    assert (shown["review"], shown["entries"], len(shown["figures"])) == (None, [], len(ids()))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("weeks/2026-W54/actions", ACTION, 400),
        ("weeks/2026-W54/notes", {"section": "money", "text": "x"}, 400),
        (f"weeks/{WEEK}/actions", {**ACTION, "text": " "}, 422),
        (f"weeks/{WEEK}/actions", {**ACTION, "owner": " "}, 422),
        (f"weeks/{WEEK}/actions", {**ACTION, "kpi": "K99"}, 404),
        (f"weeks/{WEEK}/actions", {**ACTION, "due_on": "2026-02-30"}, 422),
        (f"weeks/{WEEK}/entries", {"kind": "hope", "text": "x"}, 422),
        (f"weeks/{WEEK}/entries", {"kind": "win", "text": "\n"}, 422),
        (f"weeks/{WEEK}/notes", {"section": "weather", "text": "x"}, 422),
        ("actions/nothing/close", {"state": "done"}, 404),
        ("actions/nothing/change", ACTION, 404),
        ("actions/nothing/reopen", {}, 404),
    ],
)
def test_what_cannot_be_meant_is_refused(
    http: httpx.Client, path: str, body: dict[str, Any], status: int
) -> None:
    assert post(http, path, body).status_code == status


def test_nothing_is_written_into_a_week_that_has_not_begun(http: httpx.Client) -> None:
    later = week_of(utc_now() + timedelta(days=15), "UTC")
    refused = post(http, f"weeks/{later}/actions", ACTION)
    assert (refused.status_code, "has not begun" in refused.json()["detail"]) == (409, True)
    assert post(http, f"weeks/{week_of(utc_now(), 'UTC')}/actions", ACTION).status_code == 200


def test_a_running_week_is_compared_with_the_same_part_of_the_one_before(
    container: Container, http: httpx.Client
) -> None:
    tables = Tables(container.store)
    now = utc_now()
    name = week_of(now, "UTC")
    begun = (periods.week(name, "UTC").start - START).total_seconds() / 3600
    tables.unit("SO-1", opened=begun - 300, done=begun - HOURS)
    tables.unit("SO-2", opened=begun - 300, done=begun - 0.01)
    shown = week(http, name)
    assert shown["state"] == "draft"
    *_, before, last = shown["review"]["trends"]["K20"]
    assert (before["value"], last["week"], last["value"]) == (2, name, 0)
    # SO-2 was completed at the end of the week before, behind the point that this week has reached.
    assert {one["id"]: one["previous"] for one in shown["figures"]}["K20"] == 1


def test_who_sees_a_part_only_sees_its_figures_and_nothing_that_was_written(tmp_path: Path) -> None:
    with team(tmp_path) as crew:
        tables = Tables(crew.container.store)
        tables.unit("mine", flow="orders", opened=1, done=3)
        tables.unit("theirs", flow="returns", opened=1, done=3)
        with crew.holder("boss", Grant(roles.APPROVER)) as http:
            done(http, "weeks/2026-W09/actions", ACTION)
            done(http, f"weeks/{WEEK}/entries", {"kind": "win", "text": "Returns are quick"})
            comment_on_all(http)
            done(http, f"weeks/{WEEK}/freeze")
        with crew.holder("part", Grant(roles.OPERATOR, flow="orders")) as http:
            shown = week(http)
            assert (shown["state"], shown["promises"], shown["entries"]) == ("draft", [], [])
            assert {one["id"]: one["n"] for one in shown["figures"]}["K20"] == 1
            assert http.get("/api/v1/actions").json()["total"] == 0
            assert post(http, f"weeks/{NEXT}/notes", {"section": "money", "text": "x"}).status_code == 403
        with crew.holder("all", Grant(roles.OPERATOR)) as http:
            assert week(http)["state"] == "frozen"
            assert post(http, f"weeks/{NEXT}/freeze").status_code == 403
