"""Figures by REST, in the business time zone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.app import app, local
from tests.kpis.tables import START, Tables
from tests.server.team import address as served_at

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ZONE = "Europe/Berlin"


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    with app(local(tmp_path, UNSNAG_ZONE=ZONE)) as opened:
        yield Tables(opened.store)


@pytest.fixture
def http(tables: Tables) -> Iterator[httpx.Client]:
    del tables
    with httpx.Client(base_url=served_at(), timeout=60) as client:
        yield client


def hours(moment: datetime) -> float:
    """Return a moment as `Tables` counts."""
    return (moment - START).total_seconds() / 3600


def n_of(http: httpx.Client, kpi_id: str, **params: str) -> int:
    answer = http.get("/api/v1/kpis", params=params).raise_for_status().json()
    return {one["id"]: one["n"] for one in answer["items"]}[kpi_id]


def test_a_week_and_its_dates_are_those_of_the_business_zone(tables: Tables, http: httpx.Client) -> None:
    """22:30 UTC on the Sunday before is Monday in Berlin, in summer time."""
    for name, day in (("Monday in Berlin", 18), ("the next Monday", 25)):
        tables.unit(name, opened=0, done=hours(datetime(2026, 10, day, 22, 30, tzinfo=UTC)))
    assert (
        n_of(http, "K20", week="2026-W43") == 2
    )  # the week ends at 23:00 UTC: the clock went back that Sunday
    assert n_of(http, "K20", week="2026-W42") == 0
    assert n_of(http, "K20", **{"from": "2026-10-19", "to": "2026-10-26"}) == 2
    assert n_of(http, "K20", **{"from": "2026-10-19T00:31", "to": "2026-10-26"}) == 1
    assert n_of(http, "K20", **{"from": "2026-10-18T22:31Z", "to": "2026-10-25T23:00:00Z"}) == 1


@pytest.mark.parametrize("query", ["week=2025-W53", "week=48", "week=2026-W48&from=2026-11-23"])
def test_what_is_no_week_is_refused(http: httpx.Client, query: str) -> None:
    answer = http.get(f"/api/v1/kpis?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"]


def fill(tables: Tables) -> None:
    """Write three weeks: 4 of 5 units of the week of 2 March succeed, one is stuck with 99 EUR."""
    for n in range(4):
        tables.unit(f"SO-{n}", opened=20, done=30 + n, segment="big")
    tables.unit("SO-4", opened=20, failed=31, segment="small")
    tables.case("C4", "SO-4", opened=31, value="99 EUR")
    tables.case("C5", "SO-5", opened=31)
    tables.unit("SO-9", opened=-60, done=-50)


def figure(http: httpx.Client, kpi_id: str, **params: str) -> dict[str, Any]:
    items = http.get("/api/v1/kpis", params=params).raise_for_status().json()["items"]
    (one,) = (item for item in items if item["id"] == kpi_id)
    return dict(one)


def test_a_figure_says_all_that_it_takes_to_trust_it(tables: Tables, http: httpx.Client) -> None:
    fill(tables)
    one = figure(http, "K19", week="2026-W10", by="segment")
    points = one.pop("points")
    assert [(point["value"], point["n"]) for point in points[-3:]] == [(None, 0), (100.0, 1), (80.0, 5)]
    assert (len(points), points[-1]["start"], points[-1]["end"]) == (12, one["start"], one["end"])
    assert one == {
        "id": "K19", "name": "Success rate", "value": 80.0, "unit": "percent", "better": "up", "n": 5,
        "in_flight": 0, "floor": 20, "too_few": True, "coverage": None, "definition_version": 2,
        "start": "2026-03-01T23:00:00.000000Z", "end": "2026-03-08T23:00:00.000000Z",
        "data_as_of": "2026-03-08T23:00:00.000000Z", "previous": 100.0, "previous_n": 1,
        "target": None, "owner": None, "details": {"succeeded": 4, "failed": 1},
        "breakdown": [{"key": "big", "value": 100.0, "n": 4}, {"key": "small", "value": 0.0, "n": 1}],
    }  # fmt: skip
    money = figure(http, "K8", week="2026-W10", points="0")
    assert (money["value"], money["unit"], money["n"], money["coverage"], money["points"]) == (
        99.0, "EUR", 2, 50.0, [],
    )  # fmt: skip


def test_the_rows_of_a_figure_add_up_to_its_n(tables: Tables, http: httpx.Client) -> None:
    fill(tables)
    week = {"week": "2026-W10"}
    for one in http.get("/api/v1/kpis", params=week).json()["items"]:
        items: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            asked = {**week, "limit": "2", **cursor}
            answer = http.get(f"/api/v1/kpis/{one['id']}/rows", params=asked).raise_for_status().json()
            items += answer["items"]
            if answer["next"] is None:
                break
            cursor = {"cursor": answer["next"]}
        assert answer["total"] == len(items) == one["n"], one["id"]
    counted = http.get("/api/v1/kpis/K19/rows", params={**week, "counted": "true"}).json()
    assert (counted["total"], {row["outcome"] for row in counted["items"]}) == (4, {"succeeded"})
    (risk, _) = http.get("/api/v1/kpis/K8/rows", params=week).json()["items"]
    assert (risk["value_amount"], risk["value_currency"]) == ("99.0000", "EUR")
    assert http.get("/api/v1/kpis/K99/rows").status_code == 404


def test_a_target_and_an_owner_are_set_and_recorded(tables: Tables, http: httpx.Client) -> None:
    def set_to(kpi_id: str = "K19", **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return http.post(f"/api/v1/kpis/{kpi_id}/target", json=body, headers=headers)

    first = {"id": "K19", "target": 97.5, "owner": "ops", "flow": None}
    assert set_to(target=97.5, owner="ops").json() == first
    assert set_to(target=90, flow="orders").status_code == 200
    assert (figure(http, "K19")["target"], figure(http, "K19")["owner"]) == (97.5, "ops")
    assert figure(http, "K19", flow="orders")["target"] == 90.0
    assert set_to(owner="ann").status_code == 200
    assert (figure(http, "K19")["target"], figure(http, "K19")["owner"]) == (None, "ann")
    assert set_to(target="high").status_code == 422
    assert set_to("K99", target=1).status_code == 404
    written = tables.store.act(
        lambda tx: tx.execute("select subject from audit where verb = 'target set' and kind = 'effect'")
    ).result()
    assert [row["subject"] for row in written] == ["figure:K19"] * 3


def test_the_command_shows_the_same(tables: Tables, http: httpx.Client) -> None:
    fill(tables)
    tables.unit("SO-6 \x1b[31m", opened=20, done=31, segment="big")
    environment = {**os.environ, "UNSNAG_URL": str(http.base_url), "PYTHONPATH": str(ROOT)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "unsnag", "kpis", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=120
        )

    shown = run("--week", "2026-W10", "--by", "segment").stdout.splitlines()
    (line,) = (line for line in shown if line.startswith("K19\t"))
    assert line.split("\t")[:8] == ["K19", "Success rate", "83.3333", "percent", "6", "0", "100", "1"]
    assert "\tbig\t100\t\t5" in shown
    answer = json.loads(run("--week", "2026-W10", "--json").stdout)
    assert answer == http.get("/api/v1/kpis", params={"week": "2026-W10"}).json()
    rows = run("K19", "--week", "2026-W10").stdout
    assert len(rows.splitlines()) == 1 + 6
    assert "\x1b" not in rows
    refused = run("--week", "2026-W99")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no week '2026-W99'" in refused.stderr
