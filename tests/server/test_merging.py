"""Merging groups and moving cases over real HTTP and in a terminal."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.telemetry import batch, failure
from unsnag import cli

if TYPE_CHECKING:
    import httpx

    from server.container import Container

pytestmark = [pytest.mark.slow]

WHY = "Both are the outage of the gateway"


@pytest.fixture
def lines(container: Container, http: httpx.Client) -> list[dict[str, Any]]:
    """Two causes: three and two failed units."""
    rows = [
        failure(number, f"SO-{status}-{number}", exception_message=f"the gateway answered {status} to us")
        for status, count in ((503, 3), (429, 2))
        for number in range(count)
    ]
    container.store.append(batch(*rows)).result()
    return list(http.get("/api/v1/groups").json()["items"])


def post(http: httpx.Client, path: str, **body: Any) -> httpx.Response:
    return http.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})


def test_groups_are_merged_and_unmerged_by_rest(http: httpx.Client, lines: list[dict[str, Any]]) -> None:
    big, small = lines
    merged = post(http, f"/api/v1/groups/{small['id']}/merge", into=big["id"], reason=WHY).json()
    assert (merged["id"], merged["open"], merged["total"]) == (big["id"], 5, 5)
    (part,) = merged["merged"]
    assert (part["id"], part["cases"], part["reason"]) == (small["id"], 2, WHY)
    assert http.get("/api/v1/groups").json()["total"] == 1
    assert http.get(f"/api/v1/groups/{small['id']}").json() == http.get(f"/api/v1/groups/{big['id']}").json()
    by_old = http.get("/api/v1/cases", params={"group": small["id"]}).json()
    assert by_old["total"] == 5
    assert {case["group"] for case in by_old["items"]} == {big["id"]}
    assert {case["fingerprint"] for case in by_old["items"]} == {big["id"], small["id"]}
    frozen = post(http, "/api/v1/batches", act="claim", filter={"group": small["id"]}).json()
    assert frozen["total"] == 5, "a batch by the old id reaches the whole group"
    alone = post(http, f"/api/v1/groups/{small['id']}/unmerge", reason=WHY).json()
    assert (alone["id"], alone["total"], alone["merged"]) == (small["id"], 2, [])


def test_what_cannot_be_merged_is_a_problem_that_says_why(
    http: httpx.Client, lines: list[dict[str, Any]]
) -> None:
    big, small = (line["id"] for line in lines)
    refused = post(http, f"/api/v1/groups/{small}/merge", into=big, reason="short")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert post(http, f"/api/v1/groups/{small}/merge", into="ffff", reason=WHY).status_code == 404
    assert post(http, f"/api/v1/groups/{small}/unmerge", reason=WHY).status_code == 409
    assert post(http, f"/api/v1/groups/{small}/merge", into=big, reason=WHY).status_code == 200
    cycle = post(http, f"/api/v1/groups/{big}/merge", into=small, reason=WHY)
    assert (cycle.status_code, cycle.json()["type"].rsplit(":", 1)[-1].rsplit("/", 1)[-1]) == (
        409,
        "group-within-itself",
    )
    assert post(http, f"/api/v1/groups/{small}/merge", into=big, reason=WHY).status_code == 409


def test_a_case_is_moved_by_rest(http: httpx.Client, lines: list[dict[str, Any]]) -> None:
    big, small = (line["id"] for line in lines)
    case = http.get("/api/v1/cases", params={"group": big}).json()["items"][0]
    moved = post(http, f"/api/v1/cases/{case['id']}/move", to=small, reason=WHY).json()
    assert (moved["group"], moved["moved_group"], moved["fingerprint"]) == (small, small, big)
    assert http.get(f"/api/v1/groups/{small}").json()["total"] == 3
    back = post(http, f"/api/v1/cases/{case['id']}/move", to=None, reason=WHY).json()
    assert (back["group"], back["moved_group"]) == (big, None)


def test_a_terminal_merges_unmerges_and_moves(
    address: str, http: httpx.Client, lines: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    big, small = (line["id"] for line in lines)

    def run(*words: str, code: int = 0) -> str:
        assert cli.main([*words, "--url", address, "--as", "ann"]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    shown = json.loads(run("groups", "merge", small, big, "--reason", WHY, "--json"))
    assert (shown["id"], shown["total"], shown["merged"][0]["actor"]) == (big, 5, "ann")
    assert "is part of group" in run("groups", "merge", big, small, "--reason", WHY, code=2)
    assert small in run("groups", "unmerge", small, "--reason", WHY)
    case = http.get("/api/v1/cases", params={"group": big}).json()["items"][0]["id"]
    assert small in run("groups", "move", case, small, "--reason", WHY)
    assert big in run("groups", "move", case, "--reason", WHY)
