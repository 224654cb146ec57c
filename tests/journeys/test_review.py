"""A weekly review from draft to frozen, in the browser: what a team does on a Monday."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect

from data.clock import utc_now
from kpis import periods
from kpis.periods import week_of
from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE_MS = 60_000
HOUR = timedelta(hours=1)


def line(unit: str, moment: datetime, *, failed: bool) -> str:
    """Return a unit's span as the client writes it."""
    words = {
        "unsnag.flow": "orders", "unsnag.correlation_id": unit, "unsnag.kind": "unit",
        "unsnag.outcome": "failed" if failed else "success", "unsnag.segment": unit[-1],
        "unsnag.value.amount": "10.00", "unsnag.value.currency": "EUR",
    }  # fmt: skip
    ends = int((moment + timedelta(seconds=5)).timestamp() * 1e9)
    error = {"exception.type": "TimeoutError", "exception.message": "no answer"}
    event = {"timeUnixNano": str(ends), "name": "exception", "attributes": attributes(error)}
    span = {
        "traceId": uuid.uuid4().hex, "spanId": uuid.uuid4().hex[:16], "name": "unit <b>orders</b>", "kind": 1,
        "startTimeUnixNano": str(int(moment.timestamp() * 1e9)), "endTimeUnixNano": str(ends),
        "attributes": attributes(words), "events": [event] if failed else [],
        "status": {"code": 2} if failed else {},
    }  # fmt: skip
    service = {"attributes": attributes({"service.name": "shop"})}
    scope = {"scope": {"name": "unsnag"}, "spans": [span]}
    return json.dumps({"resourceSpans": [{"resource": service, "scopeSpans": [scope]}]})


def attributes(texts: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]


class Company:
    """A server with two weeks: 39 of 40 orders succeeded, then 20 of 40."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder)
        self.this = week_of(utc_now(), "UTC")
        start = periods.week(self.this, "UTC")
        self.last, self.before = (week_of(start.earlier(n).start, "UTC") for n in (1, 2))

    def start(self) -> None:
        """Start the server and wait until it knows both weeks."""
        self.write("first", self.before, 40, failed=1)
        self.write("second", self.last, 40, failed=20)
        self.server.start()
        for name in (self.before, self.last):
            eventually(lambda name=name: self.units(name) == 40, lambda: "the orders are not there", 60)

    def write(self, name: str, week: str, orders: int, failed: int = 0) -> None:
        """Write what a program recorded of some orders in a week."""
        start = periods.week(week, "UTC").start + HOUR
        lines = [line(f"{name}-{n}", start + n * HOUR, failed=n < failed) for n in range(orders)]
        self.server.spool.mkdir(parents=True, exist_ok=True)
        (self.server.spool / f"{name}.jsonl").write_text("\n".join(lines) + "\n")

    def units(self, week: str) -> int:
        """Return how many orders finished in a week."""
        items = self.server.get("/api/v1/kpis", week=week, points=0)["items"]
        return next(int(one["n"]) for one in items if one["id"] == "K19")


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    made.start()
    yield made
    made.server.stop()


def has(page: Page, text: str) -> None:
    expect(page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


def add_action(page: Page) -> None:
    page.get_by_role("button", name="Add an action…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What is to be done").fill("Agree a second carrier")
    dialog.get_by_label("Owner").fill("marek")
    dialog.get_by_role("button", name="Add the action").click()
    has(page, "The action is added")


def comment_on_all(page: Page) -> None:
    """Write why each figure moved, the first one that has no comment each time."""
    missing = page.get_by_label("Comment: why did it move?")
    while left := missing.count():
        missing.first.fill("The carrier was down from Tuesday on.")
        missing.first.press("Tab")
        form = page.locator('[data-testid="stForm"]').filter(has=page.get_by_label("Comment: why"))
        form.first.get_by_role("button", name="Save the comment").click()
        expect(missing).to_have_count(left - 1, timeout=PATIENCE_MS)


def test_a_week_is_reviewed_frozen_and_restated(company: Company, tmp_path: Path) -> None:
    server = company.server
    with browser() as started:
        page, outside = visit(started, f"{server.address}/review?week={company.before}")
        add_action(page)

        # The promise is carried over into the review of the next week, which is a draft.
        page.get_by_role("button", name="Next week").click()
        expect(page).to_have_url(re.compile(company.last), timeout=PATIENCE_MS)
        has(page, "over, not frozen")
        promises = page.locator(".st-key-section_promises")
        expect(promises.get_by_text("Agree a second carrier")).to_be_visible(timeout=PATIENCE_MS)
        has(page, "Own rates moved it by")

        # It cannot be frozen without comments, neither on the page nor by the command.
        page.get_by_role("button", name="Freeze…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("A comment is missing on")).to_be_visible(timeout=PATIENCE_MS)
        expect(dialog.get_by_role("button", name=f"Freeze {company.last}")).to_be_disabled()
        key = {"Idempotency-Key": uuid.uuid4().hex}
        refused = httpx.post(f"{server.address}/api/v1/weeks/{company.last}/freeze", headers=key, timeout=30)
        assert refused.status_code == httpx.codes.CONFLICT
        dialog.get_by_label("Close").click()

        comment_on_all(page)
        page.get_by_role("button", name="Freeze…").click()
        dialog.get_by_role("button", name=f"Freeze {company.last}").click()
        has(page, "Frozen")
        has(page, "by ann")
        expect(page.get_by_role("button", name="Freeze…")).to_have_count(0)

        # Records that arrive late stand beside what was frozen.
        company.write("late", company.last, 10)
        eventually(lambda: company.units(company.last) == 50, lambda: "the late orders are not there", 60)
        eventually(lambda: is_restated(page), lambda: page.inner_text("body"), 90)
        tile = page.locator(".st-key-tile_K19")
        expect(tile.get_by_text("50.0 %", exact=True)).to_be_visible()
        expect(tile.get_by_text("Restated: 60.0 %, n 50 (late records)")).to_be_visible()

        # The promise is still open, so it is carried over again.
        page.get_by_role("button", name="Next week").click()
        has(page, "still runs")
        expect(promises.get_by_text("Agree a second carrier")).to_be_visible(timeout=PATIENCE_MS)
        promises.get_by_role("button", name="Done").click()
        has(page, "none overdue, 1 ended since the week began")

        check_the_file(company, page, tmp_path)
        assert outside == []


def check_the_file(company: Company, page: Page, folder: Path) -> None:
    """Download the review, and open it without a network."""
    page.goto(f"{company.server.address}/review?week={company.last}")
    settle(page)
    with page.expect_download(timeout=PATIENCE_MS) as download:
        page.get_by_role("button", name="HTML").click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    browser_of_page = page.context.browser
    assert browser_of_page is not None
    opened = browser_of_page.new_context(offline=True).new_page()
    requests: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(file.as_uri())
    for text in (
        f"Weekly review {company.last}", "Agree a second carrier", "The carrier was down",
        "Restated: 60.0 %", "unit <b>orders</b>",
    ):  # fmt: skip
        expect(opened.get_by_text(text).first).to_be_visible()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    exported = company.server.get("/api/v1/audit", kind="effect")["items"]
    assert any(one["verb"] == "exported" and one["subject"] == f"week:{company.last}" for one in exported)


def is_restated(page: Page) -> bool:
    page.reload()
    settle(page)
    return page.get_by_text("Restated:").count() > 0


def test_a_meeting_goes_by_keys_and_takes_a_pdf_along(company: Company, tmp_path: Path) -> None:
    with browser() as started:
        page, outside = visit(started, f"{company.server.address}/review?week={company.last}")
        with page.expect_download(timeout=PATIENCE_MS) as download:
            page.get_by_role("button", name="PDF").click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        assert file.name == f"unsnag-review-{company.last}.pdf"
        assert file.read_bytes().startswith(b"%PDF-")
        exported = company.server.get("/api/v1/audit", kind="effect")["items"]
        assert [one["details"] for one in exported if one["verb"] == "exported"] == [
            '{"form":"pdf","of":"all flows"}'
        ]

        page.get_by_role("button", name="Meeting").click()
        expect(page).to_have_url(re.compile("meeting=1"), timeout=PATIENCE_MS)
        name = page.locator(".meeting .name")
        expect(name).to_have_text("1 of 9 · Promises", timeout=PATIENCE_MS)
        expect(page.get_by_test_id("stSidebar")).to_be_hidden()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(name).to_have_text("3 of 9 · Shape of work")
        expect(page.locator(".st-key-section_shape")).to_be_in_viewport()
        page.keyboard.press("ArrowLeft")
        expect(name).to_have_text("2 of 9 · Scoreboard")
        page.get_by_role("button", name="Next section").click()
        expect(name).to_have_text("3 of 9 · Shape of work")

        # In a field the keys move the cursor.
        page.get_by_label("Comment: why did it move?").first.focus()
        page.keyboard.press("ArrowRight")
        expect(name).to_have_text("3 of 9 · Shape of work")
        page.get_by_role("button", name="End meeting").click()
        expect(page.get_by_test_id("stSidebar")).to_be_visible(timeout=PATIENCE_MS)
        assert outside == []
