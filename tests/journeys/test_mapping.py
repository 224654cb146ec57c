"""A mapping made on its page: from foreign lines without an ID to units that are found by theirs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

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
ID = "correlation_id = { from = \"message\", pattern = 'SO-\\d+' }"


class Press:
    """A server that follows the log of a program that names its orders only in its text."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "press.log"
        config = folder / "unsnag.toml"
        config.write_text(f'[[collectors.jsonl]]\nname = "press"\npaths = ["{self.log}"]\n')
        moment = datetime.now(UTC) - timedelta(hours=5)
        self.write(*((number, moment + timedelta(minutes=number)) for number in range(4_700, 4_712)))
        self.server = Server(folder, config)

    def write(self, *orders: tuple[int, datetime]) -> None:
        """Write what the program logs of these orders; each third one fails."""
        with self.log.open("a") as file:
            for number, moment in orders:
                failed = number % 3 == 0
                what = "printer jam, lost the label of" if failed else "printed the label of"
                record = {"ts": moment.isoformat(), "level": "E" if failed else "I", "tray": number % 2}
                file.write(json.dumps({**record, "msg": f"{what} SO-{number}"}) + "\n")

    def unit(self, number: int) -> dict[str, Any] | None:
        """Return the unit of an order, if the server knows it."""
        answer = httpx.get(f"{self.server.address}/api/v1/units/SO-{number}", timeout=30)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, Any] = answer.raise_for_status().json()
        return None if found["state"] == "mentioned" else found

    def wait_for(self, number: int) -> dict[str, Any]:
        """Wait until the unit of an order is there."""
        found = eventually(lambda: self.unit(number), lambda: f"SO-{number} is not found")
        assert found is not None
        return found


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    made = Press(tmp_path)
    made.server.start()
    yield made
    made.server.stop()


def area(page: Page) -> Locator:
    return page.locator(".st-key-mapping_editor textarea")


def test_a_mapping_is_made_on_the_page(press: Press) -> None:
    with browser() as started:
        page, outside = visit(started, f"{press.server.address}/collectors")
        page.get_by_role("link", name="press", exact=True).click()
        settle(page)
        # It begins with a proposal made of the lines.
        expect(area(page)).to_have_value(re.compile(r"correlation_id = \{"), timeout=PATIENCE_MS)
        expect(page.get_by_text("in 12 of 12").first).to_be_visible(timeout=PATIENCE_MS)

        # What is wrong is named at its line, as one types.
        area(page).fill("flow = \"'press'\"\ncorelation_id = 1")
        fault = page.locator(".st-key-mapping_editor li")
        expect(fault).to_contain_text("Do you mean correlation_id?", timeout=PATIENCE_MS)
        expect(page.get_by_role("button", name="Save as version 1")).to_be_disabled()
        fault.get_by_role("button", name="Line 2").click()
        assert page.evaluate("window.getSelection().toString()") == "corelation_id = 1"

        area(page).fill(f'flow = "\'press\'"\n{ID}\nseverity = {{ E = "error", I = "info" }}\n')
        expect(page.get_by_text("8 info, 4 error")).to_be_visible(timeout=PATIENCE_MS)
        expect(fault).to_have_count(0)
        page.get_by_placeholder("What changed, and why").fill("the number stands in the text")
        page.get_by_role("button", name="Save as version 1").click()
        expect(page.get_by_text("counts now").first).to_be_visible(timeout=PATIENCE_MS)

        assert press.unit(4_700) is None
        press.write((4_800, datetime.now(UTC)))
        assert press.wait_for(4_800)["flows"] == ["press"]
        assert press.unit(4_700) is None

        # What came before is found as well, and a failed order has its exception.
        page.get_by_label("Days back").fill("1")
        page.get_by_label("Days back").press("Enter")
        page.get_by_role("button", name="Apply to earlier records").click()
        expect(page.get_by_text("13 of 13 records looked at, 12 changed")).to_be_visible(timeout=PATIENCE_MS)
        assert press.wait_for(4_700)["flows"] == ["press"]
        assert press.wait_for(4_701)["cases"][0]["title"]
        assert outside == []

        page.goto(f"{press.server.address}/audit?kind=effect")
        settle(page)
        saved = press.server.get("/api/v1/audit", kind="effect")["items"]
        (entry,) = (one for one in saved if one["verb"] == "mapping saved")
        assert (entry["actor"], entry["reason"]) == ("ann", "the number stands in the text")


def test_somebody_who_was_faster_is_named_and_nothing_is_lost(press: Press) -> None:
    with browser() as started:
        page, _ = visit(started, f"{press.server.address}/mapping?source=press")
        other, _ = visit(started, f"{press.server.address}/mapping?source=press", who="bob")
        area(page).fill("step = 'mine'")
        area(other).fill("step = 'theirs'")
        other.get_by_role("button", name="Save as version 1").click()
        expect(page.get_by_text("bob changed this mapping meanwhile")).to_be_visible(timeout=PATIENCE_MS)
        assert area(page).input_value() == "step = 'mine'"
        expect(page.get_by_role("button", name="Save as version 2")).to_be_disabled()
        page.get_by_role("button", name="Keep mine").click()
        settle(page)
        page.get_by_role("button", name="Save as version 2").click()
        expect(page.get_by_text("Version 2 counts, by ann")).to_be_visible(timeout=PATIENCE_MS)

        # The way back, from the history.
        page.get_by_role("button", name="Switch off").click()
        expect(page.get_by_text("No mapping counts yet")).to_be_visible(timeout=PATIENCE_MS)
