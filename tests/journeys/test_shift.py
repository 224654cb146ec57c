"""One person at the queue in a browser: a snooze that comes back, and ten exceptions by keys alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browsing import settle, visit
from tests.journeys.serving import Server
from tests.journeys.test_batches import Desk
from tests.views.test_components_browser import WAIT_MS, cursor, row, selected, send, wait_for_cases
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WHY = "The customer pays by transfer"
POINTER = """
window.pointed = 0;
for (const kind of ["pointerdown", "mousedown", "touchstart"])
  window.addEventListener(kind, () => window.pointed++, true);
"""
ACTIVE = "let e = document.activeElement; while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;"
IN_GRID = f"() => {{ {ACTIVE} return !!e.closest('[role=grid]'); }}"
MOST_TABS = 80


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Ten exceptions, SO-1 the most urgent."""
    started = Server(tmp_path)
    try:
        started.start()
        for n in range(1, 11):
            send(started, f"SO-{n}", f"Order {n} was refused", age_s=600 - n)
        wait_for_cases(started, 10)
        yield started
    finally:
        started.stop()


def opened(server: Server, started: Browser, path: str = "/") -> Page:
    page, _ = visit(started, f"{server.address}{path}")
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    return page


def units(server: Server, **chosen: Any) -> list[str]:
    """Return the units of the exceptions that a filter chooses, in their order."""
    return [case["correlation_id"] for case in server.get("/api/v1/cases", **chosen)["items"]]


# --- snooze -----------------------------------------------------------------------------------------------


def test_a_snooze_ends_with_the_failure_that_it_names(server: Server, started: Browser) -> None:
    page = opened(server, started)
    row(page, "SO-1").locator(".what").click()
    panel = page.locator(".st-key-case_panel")
    expect(panel).to_contain_text("Order 1 was refused")
    settle(page)
    panel.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Snooze…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Or after so many more failures").fill("2")
    dialog.get_by_label("Reason").fill("The bank is closed")
    page.keyboard.press("Tab")
    dialog.get_by_role("button", name="Snooze 1 exception").click()
    expect(page.locator("body")).to_contain_text("Open 9")
    expect(page.locator("body")).to_contain_text("Snoozed 1")
    expect(panel).to_contain_text("or until 2 more failures")
    send(server, "SO-1", "Order 1 was refused", age_s=20)
    expect(panel).to_contain_text("or until 1 more failure")
    assert units(server, snoozed="true") == ["SO-1"]
    send(server, "SO-1", "Order 1 was refused", age_s=10)
    expect(page.locator("body")).to_contain_text("Open 10")
    expect(page.locator("body")).to_contain_text("Snoozed 0")
    expect(row(page, "SO-1")).to_be_visible()
    expect(panel).to_contain_text("no longer snoozed")
    assert units(server, snoozed="true") == []


def test_a_snooze_ends_at_its_time_and_the_page_shows_it_by_itself(server: Server, started: Browser) -> None:
    desk, (first, *_) = Desk(server), server.get("/api/v1/cases")["items"]
    page = opened(server, started)
    expect(page.locator("body")).to_contain_text("Open 10")
    desk.post(f"/cases/{first['id']}/snooze", {"more": 50})
    expect(page.locator("body")).to_contain_text("Open 9")
    soon = server.get(f"/api/v1/cases/{first['id']}")["updated_at"]
    refused = {"until": soon, "reason": "a time that has passed"}
    with pytest.raises(AssertionError, match="next 90 days"):
        desk.post(f"/cases/{first['id']}/snooze", refused)
    desk.post(f"/cases/{first['id']}/snooze", {"until": _in(5)})
    expect(page.locator("body")).to_contain_text("Open 10")
    acts = server.get(f"/api/v1/cases/{first['id']}")["acts"]
    assert [(act["verb"], act["actor_type"]) for act in acts][-1] == ("woken", "system")


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


# --- by keys alone ----------------------------------------------------------------------------------------


def focus_by_tab(page: Page, is_there: str, key: str = "Tab") -> None:
    """Press Tab until the focus is where a condition of the page says."""
    for _ in range(MOST_TABS):
        if page.evaluate(is_there):
            return
        page.keyboard.press(key)
    raise AssertionError(page.evaluate("document.activeElement.outerHTML"))


def focused(text: str) -> str:
    """Return the condition that a button with this text, or a field with this label, has the focus."""
    return (
        f"() => {{ {ACTIVE} return (e.innerText || '').includes({text!r}) && e.tagName === 'BUTTON'"
        f" || (e.getAttribute('aria-label') || '').startsWith({text!r}); }}"
    )


def in_dialog(page: Page, key: str, button: str, *, reason: str | None = None) -> None:
    """Open a dialog by a key, fill it and send it, by keys alone."""
    focus_by_tab(page, IN_GRID)
    page.keyboard.press(key)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=button)).to_be_visible()
    settle(page)
    if reason:
        focus_by_tab(page, focused("Reason"))
        page.keyboard.type(reason)
    focus_by_tab(page, focused(button))
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    settle(page)


def select_three(page: Page, first: str) -> None:
    """Select the three rows on top."""
    focus_by_tab(page, IN_GRID)
    for _ in range(10):
        page.keyboard.press("k")
    expect(cursor(page)).to_have_text(first)
    page.keyboard.press("x")
    for count in (2, 3):
        page.keyboard.press("Shift+ArrowDown")
        expect(selected(page)).to_have_count(count)


def test_ten_exceptions_are_triaged_by_keys_alone(server: Server, started: Browser) -> None:
    context = started.new_context(
        viewport={"width": 1440, "height": 900}, extra_http_headers={"X-Unsnag-Actor": "ann"}
    )
    context.add_init_script(POINTER)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    page.goto(server.address)
    expect(page.locator("[role=grid] .row")).to_have_count(10)
    settle(page)
    select_three(page, "SO-1")
    in_dialog(page, "v", "Resolve 3 exceptions", reason=WHY)
    expect(page.locator("[role=grid] .row")).to_have_count(7)
    select_three(page, "SO-4")
    in_dialog(page, "s", "Snooze 3 exceptions")
    expect(page.locator("[role=grid] .row")).to_have_count(4)
    select_three(page, "SO-7")
    page.keyboard.press("c")
    expect(page.locator("[role=grid] .row")).to_have_count(1)
    focus_by_tab(page, IN_GRID)
    page.keyboard.press("n")
    panel = page.locator(".st-key-case_panel")
    expect(panel).to_contain_text("Order 10 was refused")
    expect(page.locator("[role=grid] .row a")).to_have_text(["SO-7", "SO-8", "SO-9", "SO-10"])
    settle(page)
    in_dialog(page, "v", "Resolve 1 exception", reason=WHY)
    expect(page.locator("[role=grid] .row a")).to_have_text(["SO-7", "SO-8", "SO-9"])
    eventually(lambda: len(units(server, state="resolved")) == 4)
    assert sorted(units(server, state="resolved")) == ["SO-1", "SO-10", "SO-2", "SO-3"]
    assert units(server, snoozed="true") == ["SO-4", "SO-5", "SO-6"]
    assert units(server, state="claimed", holder="ann") == ["SO-7", "SO-8", "SO-9"]
    assert page.evaluate("window.pointed") == 0, "no pointer was used"
    context.close()
