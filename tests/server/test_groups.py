"""Groups over real HTTP: lines of one cause, page by page, each with the cases behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.telemetry import batch, failure

if TYPE_CHECKING:
    import httpx

    from server.container import Container

pytestmark = [pytest.mark.slow]

OUTAGE = "the gateway at pay.example answered {} for order {}"


@pytest.fixture
def lines(container: Container, http: httpx.Client) -> list[dict[str, Any]]:
    """Three causes: three, two and one failed units."""
    rows = [
        failure(number, f"SO-{status}-{number}", exception_message=OUTAGE.format(status, f"SO-{number}"))
        for status, count in ((503, 3), (429, 2), (402, 1))
        for number in range(count)
    ]
    container.store.append(batch(*rows)).result()
    return list(http.get("/api/v1/groups").json()["items"])


def test_a_group_has_the_promised_fields_and_leads_to_its_cases(
    http: httpx.Client, lines: list[dict[str, Any]]
) -> None:
    assert [line["open"] for line in lines] == [3, 2, 1]
    promised = "id title class state open total flows value_at_risk oldest holders last_fix hours days"
    assert set(promised.split()) <= set(lines[0])
    assert (len(lines[0]["hours"]), len(lines[0]["days"])) == (24, 14)
    assert http.get(f"/api/v1/groups/{lines[0]['id']}").json() == lines[0]
    cases = http.get("/api/v1/cases", params={"group": lines[0]["id"]}).json()
    assert cases["total"] == lines[0]["total"]
    assert {case["group"] for case in cases["items"]} == {lines[0]["id"]}


def test_pages_of_groups_follow_each_other(http: httpx.Client, lines: list[dict[str, Any]]) -> None:
    first = http.get("/api/v1/groups", params={"limit": 2}).json()
    assert first["total"] == 3
    second = http.get("/api/v1/groups", params={"limit": 2, "cursor": first["next"]}).json()
    assert [*first["items"], *second["items"]] == lines
    assert second["next"] is None


def test_filters_choose_the_cases_that_are_counted(http: httpx.Client, lines: list[dict[str, Any]]) -> None:
    found = http.get("/api/v1/groups", params={"q": "SO-503-1"}).json()["items"]
    assert [(line["id"], line["total"]) for line in found] == [(lines[0]["id"], 1)]
    assert http.get("/api/v1/groups", params={"flow": "other"}).json()["items"] == []
    assert http.get("/api/v1/groups", params={"state": "closed"}).json()["items"] == []
    assert len(http.get("/api/v1/groups", params={"state": "all"}).json()["items"]) == 3


@pytest.mark.parametrize("cursor", ["x", "AAAA", "w7w", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgYSAyMDI2LTAxLTAx"])
def test_a_cursor_of_another_server_is_refused(http: httpx.Client, cursor: str) -> None:
    refused = http.get("/api/v1/groups", params={"cursor": cursor})
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")


def test_an_unknown_group_is_not_found(http: httpx.Client) -> None:
    assert http.get("/api/v1/groups/ffff").status_code == 404
