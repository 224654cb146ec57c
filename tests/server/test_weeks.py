"""The weekly review by REST: draft, comment, freeze, and what becomes known later."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit import chain
from data import queries
from data.clock import utc_now
from kpis import weeks
from kpis.definition import definition, definitions
from kpis.periods import week_of
from tests.kpis.tables import Tables

if TYPE_CHECKING:
    import httpx

    from server.container import Container

WEEK = "2026-W10"


@pytest.fixture
def tables(container: Container) -> Tables:
    tables = Tables(container.store)
    for n in range(3):
        tables.unit(f"SO-{n}", opened=1, done=2 + n)
    tables.unit("SO-3", opened=1, failed=2)
    tables.case("C3", "SO-3", opened=2, value="99.50 EUR")
    return tables


def act(http: httpx.Client, path: str, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return http.post(f"/api/v1/weeks/{path}", json=body or None, headers=headers)


def shown(http: httpx.Client, name: str = WEEK) -> dict[str, Any]:
    answer: dict[str, Any] = http.get(f"/api/v1/weeks/{name}").raise_for_status().json()
    return answer


def figures(http: httpx.Client, name: str = WEEK) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in shown(http, name)["figures"]}


def test_a_week_is_a_draft_until_somebody_freezes_it(tables: Tables, http: httpx.Client) -> None:
    assert shown(http)["state"] == "draft"
    assert figures(http)["K19"]["value"] == 75.0
    tables.unit("SO-4", opened=1, done=5)
    assert figures(http)["K19"]["value"] == 80.0
    comment = {"kpi": "K19", "text": "One payment failed"}
    for text in ("First words", comment["text"]):
        assert act(http, f"{WEEK}/comments", kpi="K19", text=text).status_code == 200
    frozen = act(http, f"{WEEK}/freeze").raise_for_status().json()
    kept = shown(http)
    assert (kept["state"], kept["hash"], kept["intact"]) == ("frozen", frozen["hash"], True)
    one, money = figures(http)["K19"], figures(http)["K8"]
    assert (one["value"], one["n"], one["comment"], one["definition_version"], one["restated"]) == (
        80.0, 5, comment["text"], 2, None,
    )  # fmt: skip
    assert (money["value"], money["unit"]) == ("99.5000", "EUR")
    (listed,) = http.get("/api/v1/weeks").json()["items"]
    assert (listed["week"], listed["hash"]) == (WEEK, frozen["hash"])
    audited = tables.store.act(
        lambda tx: tx.execute(
            "select verb, details from audit where kind = 'effect' and subject = 'week:2026-W10'"
        )
    ).result()
    assert [row["verb"] for row in audited] == ["commented", "commented", "week frozen"]
    assert frozen["hash"] in str(audited[-1]["details"])


def test_what_is_known_later_stands_beside_a_frozen_figure(tables: Tables, http: httpx.Client) -> None:
    act(http, f"{WEEK}/freeze").raise_for_status()
    tables.unit("SO-0", opened=1, done=2, failed=400, flow="invoices")
    assert figures(http)["K20"]["restated"] is None
    tables.unit("arrived late", opened=1, done=6)
    one = figures(http)["K19"]
    assert (one["value"], one["n"]) == (75.0, 4)
    late = {"value": 80.0, "n": 5, "definition_version": 2, "reason": "late records"}
    assert one["restated"] == late
    assert figures(http)["K8"]["restated"] is None


def test_another_definition_is_a_break_and_no_silent_change(tables: Tables, http: httpx.Client) -> None:
    act(http, f"{WEEK}/freeze").raise_for_status()
    (week,) = weeks.frozen(tables.reading)
    one = weeks.Content.of(week.content).figures["K19"]
    now = replace(one, sql_hash="0" * 64, definition_version=one.definition_version + 1)
    assert weeks.restated(one, now) == weeks.Restated(75.0, 4, now.definition_version, "another definition")
    assert weeks.restated(one, one) is None
    assert one.macros_hash == hashlib.sha256(definition("K19").macros.encode()).hexdigest()
    assert one.sql_hash == hashlib.sha256(definition("K19").sql.encode()).hexdigest()
    assert one.definition_version == definition("K19").version


def test_other_macros_are_stated_only_beside_another_figure(tables: Tables, http: httpx.Client) -> None:
    act(http, f"{WEEK}/freeze").raise_for_status()
    (week,) = weeks.frozen(tables.reading)
    one = weeks.Content.of(week.content).figures["K19"]
    other = replace(one, macros_hash="0" * 64)
    assert weeks.restated(one, other) is None
    assert weeks.restated(one, replace(other, value=80.0, n=5)) == weeks.Restated(
        80.0, 5, one.definition_version, "late records or changed SQL"
    )
    raised = replace(one, definition_version=one.definition_version + 1)
    assert weeks.restated(one, raised) is not None


def test_a_week_that_an_earlier_version_froze_is_intact_and_compared(
    tables: Tables, http: httpx.Client
) -> None:
    """It has no hash of the macros: whether they are others now is not known, and is not claimed."""
    act(http, f"{WEEK}/freeze").raise_for_status()
    (week,) = weeks.frozen(tables.reading)
    content = json.loads(week.content)
    for one in content["figures"].values():
        del one["macros_hash"]
    names = ("seq", "week", "frozen_at", "actor")
    earlier = chain.seal(
        {name: getattr(week, name) for name in names} | {"content": json.dumps(content)}, chain.START
    )
    tables.store.act(lambda tx: tx.execute("delete from frozen_week")).result()
    tables.store.act(lambda tx: tx.run("kpis/insert_frozen_week", dict(earlier))).result()
    assert shown(http)["intact"] is True
    figure = figures(http)["K19"]
    assert (figure["macros_hash"], figure["restated"]) == (None, None)
    tables.unit("arrived late", opened=1, done=6)
    late = figures(http)["K19"]["restated"]
    assert (late["n"], late["reason"]) == (5, "late records or changed SQL")


@pytest.mark.parametrize(
    ("macro", "moved", "stays"),
    [
        ("record_in_period", {"K25"}, {"K1", "K19", "K28"}),
        ("flow_incident", {"K28"}, {"K15", "K25"}),
        ("aim", {"K14", "K15", "K28"}, {"K1", "K25"}),  # through objective
        ("part_state", {"K1", "K19", "K20", "K43"}, {"K3", "K16", "K22", "K25", "K28"}),
        ("case_act", {"K4", "K12", "K18", "K22"}, {"K16", "K19", "K25"}),
    ],
)
def test_a_changed_macro_moves_the_hash_of_the_figures_that_read_it(
    macro: str, moved: set[str], stays: set[str]
) -> None:
    known = queries.macros()
    changed = known | {macro: known[macro].replace("select", "select distinct", 1)}
    assert changed != known
    found = {
        name
        for name, one in definitions().items()
        if queries.macros_of(one.sql, known) != queries.macros_of(one.sql, changed)
    }
    assert moved <= found
    assert not stays & found
    assert found == {name for name, one in definitions().items() if queries.reads(one.statement, macro)}


def test_a_week_is_frozen_once_and_only_when_it_is_over(tables: Tables, http: httpx.Client) -> None:
    del tables
    assert act(http, f"{WEEK}/freeze").status_code == 200
    again = act(http, f"{WEEK}/freeze")
    assert (again.status_code, "frozen before" in again.json()["detail"]) == (409, True)
    late = act(http, f"{WEEK}/comments", kpi="K19", text="Too late")
    assert (late.status_code, "frozen" in late.json()["detail"]) == (409, True)
    running = week_of(utc_now(), "UTC")
    refused = act(http, f"{running}/freeze")
    assert (refused.status_code, "not over" in refused.json()["detail"]) == (409, True)
    assert act(http, f"{week_of(utc_now() + timedelta(days=30), 'UTC')}/freeze").status_code == 409


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("2026-W54/freeze", {}, 400),
        ("2026-W54/comments", {"kpi": "K1", "text": "words"}, 400),
        (f"{WEEK}/comments", {"kpi": "K99", "text": "words"}, 404),
        (f"{WEEK}/comments", {"kpi": "K1", "text": " \n"}, 422),
        (f"{WEEK}/comments", {"kpi": "K1"}, 422),
    ],
)
def test_what_cannot_be_meant_is_refused(
    http: httpx.Client, path: str, body: dict[str, str], status: int
) -> None:
    assert act(http, path, **body).status_code == status


def test_a_frozen_week_that_was_altered_is_found(tables: Tables, http: httpx.Client) -> None:
    for name in ("2026-W09", WEEK, "2026-W11"):
        act(http, f"{name}/freeze").raise_for_status()
    altered = "update frozen_week set content = replace(content, '75.0', '99.0') where week = '2026-W10'"
    tables.store.act(lambda tx: tx.execute(altered)).result()
    intact = {one["week"]: one["intact"] for one in http.get("/api/v1/weeks").json()["items"]}
    assert intact == {"2026-W11": False, WEEK: False, "2026-W09": True}
    assert weeks.verdict(weeks.frozen(tables.reading)).broken_at == 2
