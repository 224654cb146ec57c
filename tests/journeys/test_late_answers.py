"""What a person chooses in a page stays chosen, however late answers to earlier questions come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browsing import settle
from tests.journeys.slow_line import SlowLine, arrived
from tests.views.test_components_browser import row, send, serving, wait_for_cases

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
    with serving(tmp_path_factory.mktemp("late")) as started:
        yield started


def test_an_answer_from_before_a_choice_does_not_take_the_choice_back(
    server: Server, started: Browser
) -> None:
    page = arrived(started)
    line = SlowLine(page)
    page.goto(server.address)
    settle(page)
    line.hold()
    row(page, "SO-1").get_by_role("checkbox").check()
    line.wait_for_answers(1)
    page.get_by_role("combobox", name="Due").click()
    page.get_by_role("option", name="Due next hour").click()
    line.wait_for_answers(2)
    line.deliver_run()  # the answer to the row that was selected: drawn before the choice
    asked = line.asked
    row(page, "SO-2").get_by_role("checkbox").check()
    line.wait_for_requests(asked + 1)
    line.go_on()
    expect(page).to_have_url(re.compile("due=next_hour"))
    settle(page)
    expect(page).to_have_url(re.compile("due=next_hour"))
    expect(page.get_by_role("combobox", name="Due")).to_have_value("Due next hour")


def test_an_event_from_before_a_change_of_the_address_does_not_take_the_change_back(
    server: Server, started: Browser
) -> None:
    page = arrived(started)
    line = SlowLine(page)
    page.goto(f"{server.address}/?q=nothing-like-it&due=next_hour")
    settle(page)
    expect(page.get_by_role("combobox", name="Due")).to_have_value("Due next hour")
    line.hold()
    page.get_by_role("button", name="Clear filters").click()
    line.wait_for_answers(1)
    # The page does not know yet that its filters are cleared, and reports them with what it asks for now.
    page.get_by_role("radio", name="Unaddressed").click()
    line.wait_for_answers(2)
    line.go_on()
    settle(page)
    expect(page).to_have_url(re.compile("tab=unaddressed"))
    expect(page).not_to_have_url(re.compile("due="))
    expect(page.get_by_role("combobox", name="Due")).to_have_value("")


def test_a_filter_stays_whatever_count_its_label_had(server: Server, started: Browser) -> None:
    page = arrived(started)
    line = SlowLine(page)
    page.goto(f"{server.address}/?flow=order-to-cash")
    settle(page)
    filters = page.locator(".st-key-filters")
    expect(filters).to_contain_text("order-to-cash (5)")
    send(server, "SO-6", "Order 6 was refused", age_s=10)
    wait_for_cases(server, 6)
    line.hold()
    row(page, "SO-1").get_by_role("checkbox").check()
    line.wait_for_answers(1)
    asked = line.asked
    row(page, "SO-2").get_by_role("checkbox").check()  # with it the label that has the count of before
    line.wait_for_requests(asked + 1)
    line.go_on()
    expect(filters).to_contain_text("order-to-cash (6)")
    settle(page)
    expect(page).to_have_url(f"{server.address}/?flow=order-to-cash")
    expect(row(page, "SO-6")).to_be_visible()
