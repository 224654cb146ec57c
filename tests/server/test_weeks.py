"""The weekly review by REST: draft, comment, freeze, and what becomes known later."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from data.clock import utc_now
from kpis import weeks
from kpis.definition import definition
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
    assert one.sql_hash == hashlib.sha256(definition("K19").sql.encode()).hexdigest()
    assert one.definition_version == definition("K19").version


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
