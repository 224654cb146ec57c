"""An approval that nobody gives in time escalates, outlives a kill of the server, and is then approved."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.client.conftest import clean_environment
from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser]

CONFIG = """
[teams.Payments]
contact = "https://chat.example.com/payments"
people = ["ann"]
[[ownership]]
team = "Payments"
flow = "order-to-cash"
"""
QUESTION = "Pay 12,000 EUR to ACME?"
WAITS = f"""
import unsnag
unsnag.init(flow="order-to-cash", service="payments")
with unsnag.unit("SO-1", tenant="acme"), unsnag.step("pay"):
    answer = unsnag.approval("{QUESTION}", timeout_s=3).wait(every_s=0.5)
    print(repr(answer), "goes on" if answer else "stops")
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    config = tmp_path / "unsnag.toml"
    config.write_text(CONFIG)
    made = Server(tmp_path, config).start()
    yield made
    made.kill()


@pytest.fixture
def script(server: Server) -> Iterator[subprocess.Popen[str]]:
    """Run a script that asks and waits, until somebody answers it."""
    environment = clean_environment(UNSNAG_URL=server.address, UNSNAG_SPOOL=str(server.folder / "outbox"))
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WAITS)], env=environment, stdout=pipe, stderr=pipe, text=True
    )
    yield process
    process.kill()
    process.communicate()


def opened(page: Page) -> None:
    page.locator(".queue .row", has_text="SO-1").locator(".what").click()
    expect(page.get_by_role("button", name="Approve…")).to_be_visible(timeout=30_000)
    settle(page)


@pytest.mark.timeout(300)
def test_an_approval_that_nobody_gives_in_time_escalates_and_is_then_approved(
    server: Server, script: subprocess.Popen[str]
) -> None:
    with browser() as started:
        ann, outside = visit(started, f"{server.address}/exceptions?tab=approvals")
        expect(ann.locator(".queue .row", has_text=QUESTION)).to_be_visible(timeout=60_000)
        opened(ann)
        # Nobody answers: the clock of the server escalates it, and the page follows by itself.
        expect(ann.get_by_text("escalated, level 1")).to_be_visible(timeout=60_000)
        expect(ann.get_by_text("Nobody answered by", exact=False)).to_be_visible()
        expect(ann.get_by_text("an answer was due at", exact=False).first).to_be_visible()
        expect(ann.get_by_text("unsnag escalated SO-1", exact=False)).to_be_visible(timeout=30_000)
        assert outside == []
        server.kill()
        server.start()
        assert script.poll() is None, "the script waits, whatever becomes of the server"
        boss, _ = visit(started, f"{server.address}/exceptions?tab=approvals", who="boss")
        opened(boss)
        boss.get_by_role("button", name="Approve…").click()
        boss.get_by_label("Reason (optional)").fill("Checked with ACME")
        boss.get_by_test_id("stBaseButton-primaryFormSubmit").click()
        expect(boss.get_by_text("1 exception approved")).to_be_visible(timeout=30_000)
        out, err = script.communicate(timeout=60)
        assert "<approved by boss: Checked with ACME> goes on" in out, err
        boss.goto(f"{server.address}/trace?id=SO-1")
        expect(boss.get_by_text("boss approved what pay asks", exact=False)).to_be_visible(timeout=60_000)
    eventually(lambda: server.get("/api/v1/units/SO-1")["state"] == "completed")
    (case,) = server.get("/api/v1/cases")["items"]
    assert (case["resolution_code"], case["decided_by"]) == ("approved", "boss")
    server.command("audit", "verify")
