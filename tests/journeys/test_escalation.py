"""An exception that nobody takes up escalates by itself, and again by a person, in the browser."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import ROOT, STUCK, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser]

CONFIG = """
[service_levels.severity.any]
triage_minutes = 0.05
resolve_minutes = 600
[service_levels.severity.low]
triage_minutes = 0.05
[teams.Payments]
contact = "https://chat.example.com/payments"
people = ["ann"]
[[ownership]]
team = "Payments"
flow = "order-to-cash"
[[escalation]]
to = "owner"
"""
REASON = "The customer calls every ten minutes"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    config = tmp_path / "unsnag.toml"
    config.write_text(CONFIG)
    made = Server(tmp_path, config).start()
    program = STUCK.format(spool=str(made.spool), unit="SO-1")
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, env={**os.environ}, timeout=60)
    yield made
    made.kill()


def opened(page: Page) -> None:
    page.locator(".queue .row", has_text="SO-1").locator(".what").click()
    expect(page.get_by_text("Owner: Payments")).to_be_visible(timeout=30_000)
    settle(page)


@pytest.mark.timeout(300)
def test_a_missed_triage_goes_to_the_owner_and_a_person_escalates_further(server: Server) -> None:
    with browser() as started:
        ann, outside = visit(started, f"{server.address}/exceptions?tab=unaddressed")
        # The clock of the server performs it, and the page follows by itself.
        expect(ann.get_by_text("unsnag escalated SO-1", exact=False)).to_be_visible(timeout=60_000)
        expect(ann.get_by_text("Unaddressed 1")).to_be_visible(timeout=30_000)
        opened(ann)
        expect(ann.get_by_text("escalated, level 1")).to_be_visible()
        expect(ann.get_by_text("triage overdue by", exact=False)).to_be_visible()
        expect(ann.get_by_text("escalated: triage was due", exact=False)).to_be_visible()
        expect(ann.get_by_role("link", name="Contact")).to_have_attribute(
            "href", "https://chat.example.com/payments"
        )
        ann.get_by_role("button", name="More").click()
        ann.get_by_role("button", name="Escalate…").click()
        ann.get_by_label("Reason").fill(REASON)
        ann.get_by_label("To (without a name, the rules decide)").fill("bob")
        ann.get_by_test_id("stBaseButton-primaryFormSubmit").click()
        expect(ann.get_by_text("escalated, level 2")).to_be_visible(timeout=30_000)
        expect(ann.get_by_text("assigned to bob")).to_be_visible()
        assert outside == []
        bob, _ = visit(started, f"{server.address}/exceptions", who="bob")
        expect(bob.get_by_text("ann escalated SO-1", exact=False)).to_be_visible(timeout=30_000)
        expect(bob.get_by_text(REASON, exact=False).first).to_be_visible()
