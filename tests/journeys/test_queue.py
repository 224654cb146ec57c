"""The queue in a browser: search with completion and hints, saved views, and one act on all that match."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browsing import settle, visit
from tests.views.test_components_browser import WAIT_MS, serving
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.journeys.serving import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("queue")) as started:
        yield started


def opened(server: Server, started: Browser, path: str = "/", who: str = "ann") -> Page:
    page, _ = visit(started, f"{server.address}{path}", who=who)
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    return page


def test_a_search_completes_qualifiers_and_values_by_keys_alone(server: Server, started: Browser) -> None:
    page = opened(server, started)
    box = page.get_by_role("combobox", name="Search")
    box.focus()
    page.keyboard.type("fl")
    expect(page.get_by_role("option", name="flow:")).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == "offer-0"
    page.keyboard.press("Enter")
    expect(box).to_have_value("flow:")
    expect(page.get_by_role("option", name="order-to-cash")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("flow:order-to-cash ")
    page.keyboard.type("is:unc")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("SO-3")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("1–1 of 1")
    assert "q=flow" in page.url
    again = opened(server, started, page.url.removeprefix(server.address))
    expect(again.get_by_role("combobox", name="Search")).to_have_value("flow:order-to-cash is:unclaimed SO-3")
    expect(again.locator("body")).to_contain_text("1–1 of 1")


def test_a_wrong_search_has_a_hint_at_its_place_and_lists_nothing_else(
    server: Server, started: Browser
) -> None:
    page = opened(server, started, "/?q=SO-3+flwo:order")
    expect(page.locator("body")).to_contain_text("There is no qualifier flwo:. Did you mean flow:?")
    expect(page.get_by_role("grid")).to_have_count(0)
    page.get_by_role("button", name="Character 6").click()
    box = page.get_by_role("combobox", name="Search")
    assert box.evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)") == "flwo:order"
    page.keyboard.type("flow:order-to-cash")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("1–1 of 1")
    page.go_back()
    settle(page)
    expect(page.locator("body")).to_contain_text(re.compile("Character 6"))


def test_a_view_that_one_shares_another_opens_and_its_address_shows_the_same(
    server: Server, started: Browser
) -> None:
    page = opened(server, started, "/?q=SO-2&class=business")
    expect(page.locator("body")).to_contain_text("1–1 of 1")
    page.get_by_role("combobox", name="View of the queue").click()
    page.get_by_role("option", name="Save this view…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("q: SO-2, class: business")
    dialog.get_by_role("textbox", name="Name").fill("Order two")
    dialog.get_by_text("Share it with everybody").click()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("The view Order two is saved")
    bob = opened(server, started, "/?tab=resolved", who="bob")
    bob.get_by_role("combobox", name="View of the queue").click()
    bob.get_by_role("option", name="Order two · shared by ann").click()
    expect(bob.locator("body")).to_contain_text("1–1 of 1")
    expect(bob.get_by_role("combobox", name="Search")).to_have_value("SO-2")
    assert "saved=" in bob.url
    assert "tab=" not in bob.url
    copied = opened(server, started, bob.url.removeprefix(server.address), who="cat")
    expect(copied.locator("body")).to_contain_text("1–1 of 1")
    box = bob.get_by_role("combobox", name="Search")
    box.fill("SO-4")
    box.press("Enter")
    chosen = bob.get_by_role("combobox", name="View of the queue")
    expect(chosen).to_have_value("Order two · shared by ann · changed")
    (view,) = server.get("/api/v1/views")["items"]
    assert (view["author"], view["shared"], view["filter"]["q"]) == ("ann", True, "SO-2")


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Server]:
    """A server of its own for a test that acts on the exceptions that the others look for."""
    with serving(tmp_path) as started:
        yield started


def test_all_that_match_are_assigned_and_then_snoozed(changed: Server, started: Browser) -> None:
    page = opened(changed, started, "/?q=class:business+is:unclaimed")
    page.get_by_role("button", name="Act on all 5…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Assign").click()
    dialog.get_by_role("button", name="Assign 5").click()
    expect(dialog).to_contain_text("Choose a person or a team.")
    dialog.get_by_role("radio", name="Team").click()
    name = dialog.get_by_role("textbox", name="Team")
    name.fill("payments <b>desk</b>")
    name.press("Tab")
    dialog.get_by_role("button", name="Assign 5").click()
    expect(page.locator("body")).to_contain_text("Assign 5 exceptions to the team payments <b>desk</b>")
    expect(page.locator(".sum")).to_contain_text(re.compile(r"5\s*Total\s*=\s*5\s*Done"))
    found = changed.get("/api/v1/cases", assignee="payments <b>desk</b>")
    assert found["total"] == 5
    page = opened(changed, started, "/?q=assignee:%22payments+%3Cb%3Edesk%3C%2Fb%3E%22")
    page.get_by_role("button", name="Act on all 5…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Snooze").click()
    dialog.get_by_role("button", name="Snooze 5").click()
    eventually(lambda: changed.get("/api/v1/cases", snoozed="true")["total"] == 5)
    expect(page.locator(".sum")).to_contain_text(re.compile(r"5\s*Total\s*=\s*5\s*Done"))
    page.goto(f"{changed.address}/?tab=snoozed")
    expect(page.locator("body")).to_contain_text("Snoozed 5")
