"""A session that ends while a dialog is open: what is sent afterwards does nothing, and the page says why."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, expect

from tests.journeys.browsing import browser
from tests.journeys.test_sign_in import (
    asking,
    choose,
    context_of,
    fail_once,
    found,
    sign_in,
    signed_out,
    someone,
)
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.journeys.serving import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

REASON = "The customer paid by transfer"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all: each test has a person and a unit of its own."""
    made = asking(tmp_path_factory.mktemp("revoked"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def resolving(page: Page, unit: str) -> Locator:
    """Open the dialog that resolves a unit's exception, and fill it."""
    page.get_by_role("row").filter(has_text=unit).first.click()
    panel = page.locator(".st-key-case_panel")
    expect(panel).to_contain_text(unit)
    panel.get_by_role("button", name="Resolve…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(REASON)
    return dialog


def test_a_dialog_of_somebody_who_was_disabled_does_nothing(server: Server, chromium: Browser) -> None:
    unit = fail_once(server)
    context = context_of(chromium)
    page = context.new_page()
    name, link = someone(server, "operator")
    choose(page, link)
    dialog = resolving(page, unit)
    server.command("user", "disable", name, "--reason", "left")
    # The page may be gone before the click: either way nothing is done.
    with suppress(Error):
        dialog.get_by_role("button", name="Resolve 1 exception").click(timeout=5_000)
    signed_out(page)
    assert [case["state"] for case in found(server, unit)] == ["open"]

    server.command("user", "enable", name)
    sign_in(page, server, name)
    dialog = resolving(page, unit)
    dialog.get_by_role("button", name="Resolve 1 exception").click()
    eventually(lambda: found(server, unit)[0]["state"] == "resolved")
    context.close()


def test_a_dialog_in_another_tab_ends_with_the_session_that_was_signed_out(
    server: Server, chromium: Browser
) -> None:
    unit = fail_once(server)
    context = context_of(chromium)
    page, other = context.new_page(), context.new_page()
    choose(page, someone(server, "operator")[1])
    dialog = resolving(page, unit)
    other.goto(server.address)
    other.get_by_role("button", name="Sign out").click()
    signed_out(other)
    with suppress(Error):
        dialog.get_by_role("button", name="Resolve 1 exception").click(timeout=5_000)
    signed_out(page)
    assert [case["state"] for case in found(server, unit)] == ["open"]
    context.close()
