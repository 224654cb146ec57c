"""The queue in a browser: a real server, real exceptions sent to its endpoint, real keys."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.browser,
    # The driver leaves its event loop's sockets to the interpreter's end.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MARKUP = "<img src=x onerror=\"document.title='broken in'\"> **bold** [link](http://example.org)"
WAIT_MS = 60_000
# What the server sends arrives later, as it does over a slow line.
FAR_AWAY = """
    const listen = WebSocket.prototype.addEventListener;
    WebSocket.prototype.addEventListener = function (kind, hear, ...rest) {
        const late = (event) => setTimeout(() => hear.call(this, event), 400);
        return listen.call(this, kind, kind === "message" ? late : hear, ...rest);
    };
"""


def attribute(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}


def send(server: Server, unit: str, message: str, *, age_s: float = 60, **more: str) -> None:
    """Send the error record of a failed unit to the server's own endpoint for OpenTelemetry."""
    fields = {
        "unsnag.flow": "order-to-cash",
        "unsnag.step": "pay",
        "unsnag.correlation_id": unit,
        "unsnag.error.class": "business",
        "exception.type": "RefusedError",
        "exception.message": message,
        **{f"unsnag.{name}": value for name, value in more.items()},
    }
    record = {
        "timeUnixNano": str(time.time_ns() - int(age_s * 1e9)),
        "severityNumber": 17,
        "severityText": "ERROR",
        "body": {"stringValue": "unit.failed"},
        "attributes": [attribute(name, value) for name, value in fields.items()],
    }
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    httpx.post(f"{server.address}/v1/logs", json=body, timeout=10).raise_for_status()


def wait_for_cases(server: Server, count: int) -> None:
    eventually(lambda: server.get("/api/v1/cases")["total"] >= count)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Start a server that holds five exceptions, SO-1 the most urgent."""
    started = Server(folder)
    try:
        started.start()
        for n in range(1, 6):
            send(started, f"SO-{n}", f"Order {n} was refused", age_s=600 - n)
        wait_for_cases(started, 5)
        yield started
    finally:
        started.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Start a server of the test's own, which it may change."""
    with serving(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server for the tests that change nothing in it."""
    with serving(tmp_path_factory.mktemp("shared")) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "the browser tests need chromium on the PATH: make browser"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    yield page
    context.close()


def open_queue(page: Page, server: Server, query: str = "") -> Locator:
    """Open the queue and wait until it is drawn and listens to keys."""
    page.goto(f"{server.address}/{query}")
    grid = page.locator("[role=grid]")
    expect(grid).to_be_visible()
    at_rest(page)
    return grid


def at_rest(page: Page) -> None:
    """Wait until no script runs."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def row(page: Page, unit: str) -> Locator:
    return page.locator("[role=grid] .row").filter(has=page.get_by_role("link", name=unit, exact=True))


def cursor(page: Page) -> Locator:
    return page.locator("[role=grid] .row.cursor a")


def selected(page: Page) -> Locator:
    return page.locator('[role=grid] .row[aria-selected="true"] a')


def address(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def in_address(page: Page, name: str, value: str | None) -> None:
    """Wait until the address says so."""
    expected = None if value is None else [value]
    page.wait_for_function(
        "([name, value]) => new URLSearchParams(location.search).get(name) === value", arg=[name, value]
    )
    assert address(page).get(name) == expected


def test_the_queue_listens_to_keys_at_once_and_the_cursor_moves(shared: Server, page: Page) -> None:
    open_queue(page, shared)
    expect(cursor(page)).to_have_text("SO-1")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(cursor(page)).to_have_text("SO-3")
    page.keyboard.press("k")
    expect(cursor(page)).to_have_text("SO-2")


def test_x_selects_and_shift_with_the_arrows_selects_a_range(shared: Server, page: Page) -> None:
    open_queue(page, shared)
    page.keyboard.press("x")
    expect(selected(page)).to_have_text(["SO-1"])
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(selected(page)).to_have_text(["SO-1", "SO-2", "SO-3"])
    page.keyboard.press("x")
    expect(selected(page)).to_have_text(["SO-1", "SO-2"])
    page.keyboard.press("Escape")
    expect(selected(page)).to_have_count(0)


def test_shift_and_click_selects_everything_between(shared: Server, page: Page) -> None:
    open_queue(page, shared)
    row(page, "SO-2").locator("input").click()
    expect(selected(page)).to_have_text(["SO-2"])
    row(page, "SO-5").locator("input").click(modifiers=["Shift"])
    expect(selected(page)).to_have_text(["SO-2", "SO-3", "SO-4", "SO-5"])
    assert "case" not in address(page), "selecting must not open the panel"


def test_the_selection_belongs_to_the_exceptions_while_rows_arrive_above(server: Server, page: Page) -> None:
    grid = open_queue(page, server)
    row(page, "SO-2").locator("input").click()
    row(page, "SO-4").locator("input").click()
    expect(selected(page)).to_have_text(["SO-2", "SO-4"])
    # Older, so more urgent: these come in above what is selected, without a reload.
    send(server, "SO-8", "Order 8 was refused", age_s=7_200)
    send(server, "SO-9", "Order 9 was refused", age_s=7_260)
    expect(grid.locator(".row a")).to_have_text(["SO-9", "SO-8", "SO-1", "SO-2", "SO-3", "SO-4", "SO-5"])
    expect(selected(page)).to_have_text(["SO-2", "SO-4"])
    expect(cursor(page)).to_have_text("SO-4")
    page.keyboard.press("j")
    expect(cursor(page)).to_have_text("SO-5")


def test_enter_opens_the_panel_which_follows_the_cursor_until_escape(shared: Server, page: Page) -> None:
    open_queue(page, shared)
    page.keyboard.press("Enter")
    panel = page.locator(".st-key-case_panel")
    expect(panel.get_by_text("Order 1 was refused").first).to_be_visible()
    expect(page.locator("[role=grid] .row.opened a")).to_have_text("SO-1")
    at_rest(page)
    page.keyboard.press("j")
    expect(panel.get_by_text("Order 2 was refused").first).to_be_visible()
    expect(page.locator("[role=grid] .row.opened a")).to_have_text("SO-2")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    in_address(page, "case", None)


def test_the_cursor_stays_ahead_of_panels_that_come_late(shared: Server, page: Page) -> None:
    page.add_init_script(FAR_AWAY)
    grid = open_queue(page, shared)
    page.keyboard.press("Enter")
    opened = page.locator("[role=grid] .row.opened a")
    expect(opened).to_have_text("SO-1")
    at_rest(page)
    # Each place of the cursor is noted, also one that it has for an instant.
    places = grid.evaluate_handle(
        """grid => {
            const places = [];
            const note = () => {
                const place = grid.querySelector(".row.cursor a")?.textContent;
                if (place && place !== places.at(-1)) places.push(place);
            };
            note();
            new MutationObserver(note).observe(grid, { subtree: true, attributes: true, childList: true });
            return places;
        }"""
    )
    for _ in range(4):
        page.keyboard.press(
            "j", delay=190
        )  # longer than a panel waits for the next key, and shorter than it takes
    expect(opened).to_have_text("SO-5")
    at_rest(page)
    assert places.json_value() == ["SO-1", "SO-2", "SO-3", "SO-4", "SO-5"]


def test_c_claims_the_row_under_the_cursor_and_opens_it(server: Server, page: Page) -> None:
    open_queue(page, server)
    page.keyboard.press("j")
    page.keyboard.press("c")
    in_address(page, "tab", "mine")
    expect(page.locator("[role=grid] .row.opened a")).to_have_text("SO-2")
    expect(page.locator("[role=grid] .row a")).to_have_text(["SO-2"])
    claimed = server.get("/api/v1/cases", state="claimed")
    assert [case["correlation_id"] for case in claimed["items"]] == ["SO-2"]


def test_markup_that_telemetry_brought_stays_text(server: Server, page: Page) -> None:
    send(server, "<b>SO-6</b>", MARKUP, age_s=7_200, step="<i>pay</i>", tenant="<u>acme</u>")
    wait_for_cases(server, 6)
    grid = open_queue(page, server)
    first = grid.locator(".row").first
    expect(first.locator("a")).to_have_text("<b>SO-6</b>")
    expect(first.locator(".what")).to_contain_text("<img src=x onerror=")
    expect(first.locator(".what")).to_contain_text("<i>pay</i>")
    page.keyboard.press("Enter")
    panel = page.locator(".st-key-case_panel")
    expect(panel.get_by_text("**bold** [link](http://example.org)").first).to_be_visible()
    assert panel.get_by_role("link", name="link", exact=True).count() == 0
    assert page.locator("img[src='x']").count() == 0
    assert page.title() != "broken in"


def test_back_brings_the_filter_back(shared: Server, page: Page) -> None:
    open_queue(page, shared, "?q=Order+3")
    expect(page.locator("[role=grid] .row a")).to_have_text(["SO-3"])
    page.get_by_role("link", name="Business").click()
    expect(page.get_by_role("heading", name="Business")).to_be_visible()
    page.go_back()
    expect(page.locator("[role=grid] .row a")).to_have_text(["SO-3"])
    expect(page.get_by_placeholder("Search: flow:invoice", exact=False)).to_have_value("Order 3")
    in_address(page, "q", "Order 3")


def test_back_undoes_a_tab_and_keeps_the_filter(shared: Server, page: Page) -> None:
    open_queue(page, shared, "?q=Order+3")
    page.get_by_role("radio", name="Resolved").click()
    in_address(page, "tab", "resolved")
    page.go_back()
    in_address(page, "tab", None)
    expect(page.locator("[role=grid] .row a")).to_have_text(["SO-3"])


def test_no_request_leaves_this_machine(shared: Server, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    open_queue(page, shared)
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-case_panel")).to_be_visible()
    for name in ("Trace", "Business", "Collectors"):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name).first).to_be_visible()
        at_rest(page)
    own = urlsplit(shared.address).netloc
    outside = {url for url in asked if urlsplit(url).scheme not in ("data", "blob")} - {
        url for url in asked if urlsplit(url).netloc == own
    }
    assert asked
    assert not outside


def test_opening_the_panel_keeps_what_is_selected(shared: Server, page: Page) -> None:
    open_queue(page, shared)
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowDown")
    expect(selected(page)).to_have_text(["SO-1", "SO-2"])
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-case_panel")).to_be_visible()
    at_rest(page)
    expect(selected(page)).to_have_text(["SO-1", "SO-2"])
    expect(page.get_by_text("2 selected")).to_be_visible()
