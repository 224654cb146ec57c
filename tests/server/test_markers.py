"""Change markers: set by REST and by `unsnag marker`, from the audit, on every trend, before and after."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access.roles import OPERATOR, SENDER, VIEWER, Grant
from kpis.review.pack import Week, pack
from tests.kpis.tables import START, Tables
from tests.server.team import team
from unsnag import cli

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from server.container import Container

MARKERS = "/api/v1/markers"
MIDDLE = START + timedelta(days=3)
PERIOD = {"from": START.isoformat(), "to": (START + timedelta(days=30)).isoformat()}


def add(http: httpx.Client, **body: Any) -> httpx.Response:
    return http.post(MARKERS, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})


def fill(container: Container) -> None:
    """Write 20 units before the middle, half of which fail, and 20 after it, which all succeed."""
    tables = Tables(container.store)
    for n in range(20):
        end = {"failed": 70} if n % 2 else {"done": 70}
        tables.unit(f"A-{n}", opened=69, **end)
        tables.unit(f"B-{n}", opened=73, done=74)
        tables.unit(f"C-{n}", opened=73, failed=74, flow="invoices")


def test_a_deploy_is_marked_listed_and_taken_away(container: Container, http: httpx.Client) -> None:
    made = add(
        http, text="Carrier client 2.0", flow="orders", version="2.0", link="https://example.com/1",
        at=MIDDLE.isoformat(),
    ).raise_for_status().json()  # fmt: skip
    assert (made["kind"], made["version"], made["flow"]) == ("deploy", "2.0", "orders")
    add(http, text="New desk", kind="change", at=MIDDLE.isoformat()).raise_for_status()
    listed = lambda **more: [one["text"] for one in http.get(MARKERS, params=PERIOD | more).json()["items"]]  # noqa: E731
    assert sorted(listed()) == ["Carrier client 2.0", "New desk"]
    assert listed(flow="invoices") == ["New desk"]
    removed = http.post(f"{MARKERS}/{made['id']}/remove", headers={"Idempotency-Key": "r1"})
    assert (removed.status_code, listed()) == (200, ["New desk"])
    again = http.post(f"{MARKERS}/{made['id']}/remove", headers={"Idempotency-Key": "r2"})
    assert again.status_code == 404
    written = "select verb from audit where subject like 'marker%' and kind = 'effect' order by seq"
    audited = container.store.act(lambda tx: tx.execute(written)).result()
    assert [row["verb"] for row in audited] == ["marker set", "marker set", "marker removed"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": " "}, 422),
        ({"text": "a", "at": "2199-01-01"}, 422),
        ({"text": "a", "at": "1066-10-14"}, 400),
        ({"text": "a", "at": "yesterday"}, 400),
        ({"text": "a", "kind": "party"}, 422),
        ({"text": "a", "link": "javascript:alert(1)"}, 422),
    ],
)
def test_what_is_no_change_is_refused(http: httpx.Client, body: dict[str, str], status: int) -> None:
    assert add(http, **body).status_code == status


def test_the_figures_before_and_after_a_change_are_those_of_equal_times(
    container: Container, http: httpx.Client
) -> None:
    fill(container)
    made = add(http, text="Fixed", flow="orders", at=MIDDLE.isoformat()).json()
    effect = http.get(f"{MARKERS}/{made['id']}/effect", params={"days": 2}).raise_for_status().json()
    figures = {one["id"]: one for one in effect["figures"]}
    one = figures["K19"]
    assert (one["before"], one["n_before"], one["after"], one["n_after"]) == (50.0, 20, 100.0, 20)
    assert http.get(f"{MARKERS}/nobody/effect").status_code == 404


def test_settings_that_people_change_are_changes_too(http: httpx.Client) -> None:
    http.put(
        "/api/v1/flows/orders/settings",
        json={"text": "flow: orders\nowner: ann\n", "expected": 0, "note": "new owner"},
        headers={"Idempotency-Key": "s1"},
    ).raise_for_status()
    (one,) = http.get(MARKERS).json()["items"]
    assert (one["kind"], one["flow"], one["text"]) == ("settings", "orders", "flow settings saved: new owner")
    assert http.get(MARKERS, params={"flow": "invoices"}).json()["items"] == []


def test_a_marker_is_of_the_flows_that_one_may_change_and_see(tmp_path: Path) -> None:
    with team(tmp_path) as crew, ExitStack() as stack:
        fill(crew.container)
        client = lambda *holder: stack.enter_context(crew.holder(*holder))  # noqa: E731
        deployer, at = client("t-deploy", Grant(SENDER, flow="orders")), MIDDLE.isoformat()
        assert add(deployer, text="mine", flow="orders", at=at).status_code == 200
        assert add(deployer, text="theirs", flow="invoices", at=at).status_code in (403, 404)
        assert add(deployer, text="all", at=at).status_code in (403, 404)
        assert add(client("vera", Grant(VIEWER)), text="no", flow="orders").status_code == 403
        boss = client("otto", Grant(OPERATOR))
        assert add(boss, text="other", flow="invoices", at=at).status_code == 200
        reader = client("rita", Grant(VIEWER, flow="orders"))
        assert [one["text"] for one in reader.get(MARKERS, params=PERIOD).json()["items"]] == ["mine"]
        (theirs,) = boss.get(MARKERS, params=PERIOD | {"flow": "invoices"}).json()["items"]
        assert reader.get(f"{MARKERS}/{theirs['id']}/effect").status_code == 404


def test_the_command_marks_and_lists(
    container: Container, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert container
    url = ["--url", address]
    assert cli.main(["marker", "Release 3", "--version", "3", "--flow", "orders", *url]) == 0
    marker = capsys.readouterr().out.strip()
    assert cli.main(["marker", "--json", *url]) == 0
    (one,) = json.loads(capsys.readouterr().out)["items"]
    assert (one["id"], one["text"], one["version"]) == (marker, "Release 3", "3")
    assert cli.main(["marker", "later", "--at", "2199-01-01", *url]) == 2
    assert "Mark a change once it has happened" in capsys.readouterr().err


def test_a_week_keeps_the_changes_of_its_trend(container: Container, http: httpx.Client) -> None:
    fill(container)
    add(http, text="Fixed", flow="orders", at=MIDDLE.isoformat()).raise_for_status()
    week = Week.of(container.store.everything(), "2026-W10", "UTC", START + timedelta(days=7))
    (one,) = pack(week, week.board(), {}).changes
    assert (one.week, one.text, one.flow) == ("2026-W10", "Fixed", "orders")
