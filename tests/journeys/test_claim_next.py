"""Claim next over a line so slow that its event arrives before the browser knows the result; and the acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browsing import settle
from tests.journeys.serving import Server
from tests.journeys.slow_line import SlowLine, arrived, opened
from tests.views.test_components_browser import row, send, serving, wait_for_cases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("next")) as started:
        yield started


BUSY = (
    "() => { setTimeout(() => { const end = performance.now() + 1500; while (performance.now() < end); }) }"
)
"""Keeps the page busy, so that all that arrives meanwhile is drawn at once."""


def test_claim_next_leads_to_the_claimed_exception_whatever_arrives_meanwhile(
    server: Server, started: Browser
) -> None:
    page = arrived(started)
    line = SlowLine(page)
    page.goto(server.address)
    settle(page)
    row(page, "SO-1").wait_for()
    line.hold()
    page.get_by_role("button", name="Claim next").click()
    # The event that the exception was claimed makes the page ask again, before it has any answer.
    line.wait_for_requests(2)
    line.go_on()
    panel = page.locator(".st-key-case_panel")
    expect(panel).to_contain_text("SO-1")
    settle(page)
    expect(panel).to_contain_text("SO-1")
    assert "tab=mine" in page.url
    expect(page.locator("[role=grid] .row a")).to_have_text(["SO-1"])


def test_claim_next_can_be_pressed_while_something_is_open(tmp_path: Path, started: Browser) -> None:
    server = Server(tmp_path).start()
    try:
        send(server, "SO-1", "Order 1 was refused", age_s=60)
        wait_for_cases(server, 1)
        page = opened(server, started)
        button = page.get_by_role("button", name="Claim next")
        button.click()
        expect(page.locator(".st-key-case_panel")).to_contain_text("SO-1")
        expect(button).to_be_disabled()
        page.get_by_role("grid").press("n")
        expect(page.locator("body")).to_contain_text("Nothing is open.")
        send(server, "SO-2", "Order 2 was refused", age_s=30)
        expect(button).to_be_enabled()
        button.click()
        expect(page.locator(".st-key-case_panel")).to_contain_text("SO-2")
    finally:
        server.stop()


def test_the_menu_closes_when_it_opens_a_dialog(server: Server, started: Browser) -> None:
    page = opened(server, started)
    row(page, "SO-5").locator(".what").click()
    panel = page.locator(".st-key-case_panel")
    expect(panel).to_contain_text("SO-5")
    settle(page)
    panel.get_by_role("button", name="More").click()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(1)
    settle(page)
    page.get_by_role("button", name="Note…").click()
    expect(page.get_by_role("dialog").get_by_role("textbox", name="Note")).to_be_visible()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def test_the_menu_closes_also_where_the_answers_to_both_clicks_are_drawn_at_once(
    server: Server, started: Browser
) -> None:
    page = arrived(started)
    line = SlowLine(page)
    page.goto(f"{server.address}/?q=SO-5")
    row(page, "SO-5").locator(".what").click()
    panel = page.locator(".st-key-case_panel")
    expect(panel).to_contain_text("SO-5")
    settle(page)
    menu = page.get_by_test_id("stPopoverBody")
    line.hold()
    panel.get_by_role("button", name="More").click()
    menu.get_by_role("button", name="Note…").click()
    line.wait_for_answers(2)
    page.evaluate(BUSY)
    line.go_on()
    note = page.get_by_role("dialog").get_by_role("textbox", name="Note")
    expect(note).to_be_visible()
    expect(menu).to_have_count(0)
    page.keyboard.press("Escape")
    expect(note).to_have_count(0)
    panel.get_by_role("button", name="More").click()
    expect(menu.get_by_role("button", name="Note…")).to_be_visible()


def test_selected_exceptions_are_escalated_together(server: Server, started: Browser) -> None:
    page = opened(server, started)
    for unit in ("SO-3", "SO-4"):
        row(page, unit).get_by_role("checkbox").click()
    page.get_by_role("button", name="Escalate 2…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("too short")
    dialog.get_by_role("button", name="Escalate 2 exceptions").click()
    expect(dialog).to_contain_text("The reason needs at least 10 characters.")
    dialog.get_by_label("Reason").fill("The bank does not answer any more")
    dialog.get_by_label("To (without a name, the rules decide)").fill("leads")
    dialog.get_by_text("team", exact=True).click()
    dialog.get_by_role("button", name="Escalate 2 exceptions").click()
    expect(page.locator("body")).to_contain_text("2 exceptions escalated")
    cases = {case["correlation_id"]: case for case in server.get("/api/v1/cases")["items"]}
    levels = {unit: case["escalation_level"] for unit, case in cases.items()}
    assert [levels[unit] for unit in ("SO-3", "SO-4", "SO-5")] == [1, 1, None]
    assert {cases[unit]["assignee"] for unit in ("SO-3", "SO-4")} == {"leads"}
