"""Settings of a flow made from observation in the browser, and broken files refused with line and advice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE_MS = 60_000
PROGRAM = """
import sys, unsnag
unsnag.init(flow="order-to-cash", service="orders")
for number in range(30):
    with unsnag.unit(f"SO-{number}", value="40", currency="EUR", segment="retail") as unit:
        with unsnag.step("pick"): pass
        with unsnag.step("ship"): pass
        unit.ok()
unsnag.shutdown()
"""
"""A hooked program whose orders end with the step ship."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    yield made
    made.stop()


def area(page: Page) -> Locator:
    return page.locator(".st-key-flow_editor textarea")


def known(server: Server) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx.get(f"{server.address}/api/v1/flows", timeout=30).json()["items"]
    return found


def test_settings_are_made_from_observation(server: Server) -> None:
    environment = {**os.environ, "UNSNAG_SPOOL": str(server.spool)}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, timeout=120)
    eventually(lambda: known(server) and known(server)[0]["completed"] == 30)
    folder = server.data / "flows"
    with browser() as started:
        since = time.monotonic()
        page, outside = visit(started, f"{server.address}/flows")
        page.get_by_role("link", name="order-to-cash").click()
        settle(page)
        page.get_by_role("button", name="Make settings from what was observed").click()
        expect(area(page)).to_have_value(re.compile(r"The step ship came last"), timeout=PATIENCE_MS)
        expect(area(page)).to_have_value(re.compile(r"carry a value, median €"))

        # What is wrong is named at its line, as one types; nothing can be saved meanwhile.
        good = area(page).input_value()
        area(page).fill(good.replace("criticality: medium", "criticalty: medium"))
        fault = page.locator(".st-key-flow_editor li")
        expect(fault).to_contain_text("Do you mean criticality?", timeout=PATIENCE_MS)
        save = page.get_by_role("button", name="Save as version 1")
        expect(save).to_be_disabled()
        area(page).fill(good)
        expect(fault).to_have_count(0, timeout=PATIENCE_MS)
        page.get_by_placeholder("What changed, and why").fill("made from observation")
        save.click()
        expect(page.get_by_text("counts now").first).to_be_visible(timeout=PATIENCE_MS)
        assert time.monotonic() - since < 300, "five minutes of a person"
        assert (folder / "order-to-cash.yaml").read_text() == good

        # A file that breaks on the disk is refused by line; the page shows it, the version counts on.
        (folder / "order-to-cash.yaml").write_text("flow: order-to-cash\nowner: ann\nowner: bob\n")
        refused = page.get_by_text("is refused")
        expect(refused).to_contain_text("Line 3: The key owner is given twice", timeout=PATIENCE_MS)
        assert known(server)[0]["state"] == "refused"
        assert known(server)[0]["version"] == 1

        # Repaired on the disk: a version of its own.
        (folder / "order-to-cash.yaml").write_text("flow: order-to-cash\nowner: bob\n")
        changed = page.get_by_text("The file on the disk changed these settings")
        expect(changed).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("button", name="Load theirs").click()
        expect(area(page)).to_have_value("flow: order-to-cash\nowner: bob\n", timeout=PATIENCE_MS)
        assert [known(server)[0][name] for name in ("state", "owner", "version")] == ["valid", "bob", 2]
        assert outside == []
