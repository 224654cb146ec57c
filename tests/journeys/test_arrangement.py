"""The queue's order and columns in a browser: keys, address, announcements, saved views, a telephone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browsing import settle, visit
from tests.views.test_components_browser import WAIT_MS, send, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.journeys.serving import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LARGEST, SMALLEST = "SO-902", "SO-901"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A queue whose order by value is another than by urgency."""
    with serving(tmp_path_factory.mktemp("arranged")) as started:
        more = {"value.currency": "EUR", "tenant": "acme"}
        send(started, SMALLEST, "The smallest", age_s=90, **{"value.amount": "1", **more})
        send(started, LARGEST, "The largest", age_s=30, **{"value.amount": "900000", **more})
        yield started


def opened(server: Server, started: Browser, path: str = "/?q=SO-90", who: str = "ann") -> Page:
    page, _ = visit(started, f"{server.address}{path}", who=who)
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    return page


def test_a_heading_sorts_by_keys_alone_and_says_so(server: Server, started: Browser) -> None:
    page = opened(server, started)
    heading = page.get_by_role("columnheader", name="At risk")
    expect(heading).to_have_attribute("aria-sort", "none")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("grid").locator(".row").first).to_contain_text(LARGEST)
    expect(
        page.get_by_role("status").filter(has_text="Sorted by value at risk, largest first")
    ).to_have_count(1)
    expect(page.locator("body")).to_contain_text("by value at risk, largest first")
    expect(page).to_have_url(re.compile("sort=value(&|$)"))
    expect(heading.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("grid").locator(".row").first).to_contain_text(SMALLEST)
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "none")
    expect(page).not_to_have_url(re.compile("sort="))
    page.go_back()
    settle(page)
    expect(heading).to_have_attribute("aria-sort", "ascending")


def test_columns_are_chosen_kept_in_the_address_and_in_a_view(server: Server, started: Browser) -> None:
    page = opened(server, started, "/?q=SO-90&sort=value")
    page.get_by_role("button", name="Order and columns").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Tenant", exact=True).click()
    expect(page.get_by_role("columnheader", name="Tenant")).to_be_visible()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Class", exact=True).click()
    expect(page.get_by_role("columnheader", name="Class")).to_have_count(0)
    expect(page.get_by_role("grid")).to_contain_text("acme")
    expect(page).to_have_url(re.compile("columns=due"))
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="View of the queue").click()
    page.get_by_role("option", name="Save this view…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("By money")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("The view By money is saved")
    again = opened(server, started, "/")
    expect(again.get_by_role("columnheader", name="Class")).to_be_visible()
    again.get_by_role("combobox", name="View of the queue").click()
    again.get_by_role("option", name="By money").click()
    expect(again.get_by_role("columnheader", name="Tenant")).to_be_visible()
    expect(again.get_by_role("columnheader", name="Class")).to_have_count(0)
    expect(again).to_have_url(re.compile("sort=value"))


def test_a_telephone_shows_the_chosen_columns_without_scrolling_sideways(
    server: Server, started: Browser
) -> None:
    page = opened(server, started)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.address}/?q=SO-90&sort=value&columns=unit,value,tenant,attempts")
    settle(page)
    row = page.get_by_role("grid").locator(".row").first
    expect(row).to_contain_text(LARGEST)
    expect(row).to_contain_text("acme")
    expect(row.locator(".due-cell")).to_have_count(0)
    width = page.evaluate("document.documentElement.scrollWidth")
    grid = page.get_by_role("grid").evaluate("grid => grid.scrollWidth - grid.clientWidth")
    assert (width, grid) == (390, 0)


def test_an_unknown_order_or_column_in_the_address_is_the_usual_one(server: Server, started: Browser) -> None:
    page = opened(server, started, "/?q=SO-90&sort=nothing.up&columns=nothing")
    expect(page.locator("body")).to_contain_text("by due time, then value")
    expect(page.get_by_role("grid").locator(".row").first).to_be_visible()


def width_of(page: Page, name: str) -> float:
    box = page.get_by_role("columnheader", name=name, exact=True).bounding_box()
    assert box is not None
    return box["width"]


def test_a_width_that_was_dragged_is_in_the_address_and_can_be_reset(
    server: Server, started: Browser
) -> None:
    page = opened(server, started)
    usual = width_of(page, "Unit")
    edge = page.locator("[data-name=unit] .grip").bounding_box()
    assert edge is not None
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y)
    page.mouse.move(x + 60, y)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"widths=unit(:|%3A)\d+"))
    settle(page)
    wide = width_of(page, "Unit")
    assert wide == pytest.approx(usual + 60, abs=2)
    again = opened(server, started, page.url.removeprefix(server.address))
    expect(again.get_by_role("columnheader", name="Unit", exact=True)).to_be_visible()
    assert width_of(again, "Unit") == pytest.approx(wide, abs=2)
    again.get_by_role("button", name="Order and columns").click()
    again.get_by_role("button", name="Back to the usual order and columns").click()
    expect(again).not_to_have_url(re.compile("widths="))
    settle(again)
    assert width_of(again, "Unit") == pytest.approx(usual, abs=2)


def test_a_width_can_be_set_by_keys_and_changes_nothing_on_a_telephone(
    server: Server, started: Browser
) -> None:
    page = opened(server, started)
    page.get_by_role("button", name="Order and columns").click()
    pixels = page.get_by_role("spinbutton", name="Pixels")
    pixels.fill("180")
    pixels.press("Enter")
    expect(page).to_have_url(re.compile(r"widths=due(:|%3A)180"))
    settle(page)
    assert width_of(page, "Due") == pytest.approx(180, abs=2)
    page.set_viewport_size({"width": 390, "height": 844})
    grid = page.get_by_role("grid")
    expect(grid.locator(".row").first).to_be_visible()
    assert grid.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
