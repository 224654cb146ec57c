"""A batch whose server is killed at random items, and a storm that becomes one decision in the browser."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect

from audit import trail
from bench.groups import fill
from data.store import Store
from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import ROOT, Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ITEMS = "select case_id, state, cause, act from batch_item where batch_id = $id order by place"
_ENTRIES = "select case_id, act, kind, verb from audit where door = 'batch' order by seq"
_CASES = "select id, state, holder, version from exception_case"


class Desk:
    """Ann and others, who use the routes of a server that may be away."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def post(self, path: str, body: Any = None, who: str = "ann") -> Any:
        headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Unsnag-Actor": who}
        answer = httpx.post(f"{self.server.address}/api/v1{path}", json=body, headers=headers, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()

    def batch(self, batch_id: str) -> Any:
        return self.server.get(f"/api/v1/batches/{batch_id}")

    def done(self, batch_id: str) -> int:
        return int(self.batch(batch_id)["done"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.kill()


def rows(data: Path, sql: str, **values: Any) -> list[dict[str, Any]]:
    """Return rows of a store that is closed."""
    store = Store.open(data)
    try:
        return store.act(lambda tx: tx.execute(sql, values)).result()
    finally:
        store.close()


@pytest.mark.fault
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.integration)])
def test_a_batch_whose_server_is_killed_has_done_each_item_once(server: Server, kills: int) -> None:
    """The effects in the audit are compared with the items one by one, and with the cases themselves."""
    server.data.mkdir(parents=True)
    Store.open(server.data).close()
    fill(server.data)
    server.start()
    desk, flows = Desk(server), [f"flow-{n}" for n in range(kills)]
    frozen = desk.post("/batches", {"act": "claim", "filter": {"flow": flows}})
    assert frozen["total"] >= 2_000 * kills
    late = server.get(f"/api/v1/batches/{frozen['id']}/items", limit=1_000)["items"][::90]
    for item in late:
        desk.post(f"/cases/{item['case_id']}/claim", who="bob")
    desk.post(f"/batches/{frozen['id']}/start")
    between = 0
    for _ in range(kills):
        before = desk.done(frozen["id"])
        eventually(lambda seen=before: desk.done(frozen["id"]) > seen)
        between += desk.batch(frozen["id"])["state"] == "running"
        time.sleep(random.uniform(0, 0.5))
        server.kill()
        server.start()
    assert between == kills, "each kill came while the batch ran"
    eventually(lambda: desk.batch(frozen["id"])["state"] == "done", within_s=300)
    ended = desk.batch(frozen["id"])
    server.stop()
    _check(server.data, ended, [item["case_id"] for item in late])


def _check(data: Path, ended: dict[str, Any], late: list[str]) -> None:
    items = rows(data, _ITEMS, id=ended["id"])
    states = Counter(item["state"] for item in items)
    assert (states["done"], states["skipped"]) == (ended["done"], ended["skipped"])
    assert states["done"] + states["skipped"] + states["failed"] == ended["total"]
    assert sorted(item["case_id"] for item in items if item["state"] == "skipped") == sorted(late)
    acts = {item["act"]: item["case_id"] for item in items if item["state"] == "done"}
    assert len(acts) == states["done"]
    by_act: dict[str, list[tuple[str, str, str]]] = {}
    for entry in rows(data, _ENTRIES):
        by_act.setdefault(entry["act"], []).append((entry["kind"], entry["verb"], entry["case_id"]))
    wanted = (("intent", "case.claim"), ("decision", "case.claim"), ("effect", "claimed"))
    assert by_act == {act: [(*one, case_id) for one in wanted] for act, case_id in acts.items()}
    cases = {case["id"]: (case["state"], case["holder"], case["version"]) for case in rows(data, _CASES)}
    assert {cases[case_id] for case_id in acts.values()} == {("claimed", "ann", 2)}
    assert {cases[case_id] for case_id in late} == {("claimed", "bob", 2)}
    store = Store.open(data)
    assert trail.verify(store).intact
    store.close()


STORM = """
import unsnag
unsnag.init(flow="order-to-cash", spool={spool!r})
for number in range({first}, {last}):
    try:
        with unsnag.unit(f"SO-{{number}}", value=12.5, currency="EUR"), unsnag.step("pay", idempotent=True):
            raise TimeoutError(f"the gateway did not answer for order SO-{{number}}")
    except TimeoutError:
        pass
unsnag.flush()
"""


@pytest.mark.browser
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("count", [900, pytest.param(5_000, marks=pytest.mark.integration)])
def test_a_storm_is_one_decision_that_survives_a_restart_in_the_middle(server: Server, count: int) -> None:
    """One group, one batch over all that match, a kill in the middle; prints how long each part took."""
    clock = Stopwatch()
    server.start()
    desk = Desk(server)
    _fail(server, 0, count)
    clock.lap("failed")
    eventually(lambda: server.get("/api/v1/groups")["items"][:1] and _open(server) == count, within_s=300)
    clock.lap("in one group")
    assert server.get("/api/v1/groups")["total"] == 1
    with browser() as started:
        page, _ = visit(started, f"{server.address}/?view=groups")
        page.get_by_role("link", name=f"Act on all {count:,}").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("radio", name="Resolve").click(timeout=60_000)
        expect(dialog).to_contain_text(
            f"{count:,} exceptions · €{12.5 * count:,.2f} · 1 flow", timeout=60_000
        )
        clock.lap("frozen and shown")
        _fail(server, count, count + 1)
        expect(page.locator("body")).to_contain_text(f"Open {count + 1:,}", timeout=60_000)
        expect(dialog).to_be_visible()
        dialog.get_by_role("textbox", name="Reason").fill("The gateway lost its certificate")
        page.keyboard.press("Tab")
        dialog.get_by_role("button", name=f"Resolve {count:,}").click()
        seen = eventually(lambda: _begun(server))
        server.kill()
        assert 0 < seen["done"] < count, "it was killed in the middle"
        clock.lap(f"killed after {seen['done']} of {count}")
        server.start()
        clock.lap("ready again")
        eventually(lambda: desk.batch(seen["id"])["state"] == "done", within_s=300)
        clock.lap("done")
        page.goto(f"{server.address}/batches?batch={seen['id']}")
        settle(page)
        total = re.compile(rf"{count:,}\s*Total\s*=\s*{count:,}\s*Done\s*\+\s*0\s*Failed\s*\+\s*0\s*Skipped")
        expect(page.locator(".sum")).to_contain_text(total, timeout=60_000)
        expect(page.locator("body")).to_contain_text(f"{count:,} resolved")
        page.get_by_role("link", name="0 Waiting").click()
        expect(page.locator("body")).to_contain_text("Waiting · 0 exceptions", timeout=60_000)
    assert server.get("/api/v1/cases", state="resolved", limit=1)["total"] == count
    assert server.get("/api/v1/cases", state="open")["total"] == 1, "it failed after the list was frozen"
    server.stop()
    (batch,) = rows(server.data, "select id from batch where state = 'done'")
    effects = Counter(e["case_id"] for e in rows(server.data, _ENTRIES) if e["kind"] == "effect")
    items = rows(server.data, _ITEMS, id=batch["id"])
    assert effects == {item["case_id"]: 1 for item in items}


class Stopwatch:
    """Prints what a journey took, part by part; asserts nothing."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        sys.stdout.write(f"{name}: {now - self._since:.1f} s\n")
        self._since = now


def _fail(server: Server, first: int, last: int) -> None:
    """Let the units with these numbers fail."""
    storm = STORM.format(spool=str(server.spool), first=first, last=last)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", storm], check=True, env=environment, timeout=300)


def _open(server: Server) -> int:
    return int(server.get("/api/v1/groups")["items"][0]["open"])


def _begun(server: Server) -> Any:
    """Return the batch that runs once it has done something."""
    found = server.get("/api/v1/batches", state="running,done")["items"]
    return found[0] if found and found[0]["done"] else None
