"""The queue in a browser: search with completion and hints, saved views, and one act on all that match."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browsing import browser, settle, visit
from tests.views.test_components_browser import WAIT_MS, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with browser() as running:
        yield running


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
