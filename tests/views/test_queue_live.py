"""The queue stays true while others work: rows are fetched and patched, and no script runs."""

from __future__ import annotations

import contextlib
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.journeys.serving import Server
from tests.views.test_components_browser import (
    WAIT_MS,
    at_rest,
    cursor,
    open_queue,
    row,
    selected,
    send,
)
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("live")).start()
    yield started
    started.stop()


@dataclass
class Queue:
    """A test's own exceptions on the server of all, one to five, the first the most urgent."""

    server: Server
    name: str = field(default_factory=lambda: f"q{uuid.uuid4().hex[:6]}")
    made: float = field(default_factory=time.time)

    def add(self, *numbers: int) -> None:
        for number in numbers:
            unit = self.unit(number)
            age_s = 600 - number + time.time() - self.made  # also of one that comes later
            send(self.server, unit, f"{unit} was refused", age_s=age_s, flow=self.name)
        eventually(lambda: all(self.cases(q=f'"{self.unit(number)}"') for number in numbers))

    def unit(self, number: int) -> str:
        return f"{self.name}-{number}"

    def units(self, *numbers: int) -> list[str]:
        return [self.unit(number) for number in numbers]

    def cases(self, **asked: str) -> list[Any]:
        found: list[Any] = self.server.get("/api/v1/cases", flow=self.name, **asked)["items"]
        return found

    def act(self, number: int, verb: str, who: str = "bob") -> None:
        (case,) = self.cases(q=f'"{self.unit(number)}"')
        headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Unsnag-Actor": who}
        path = f"{self.server.address}/api/v1/cases/{case['id']}/{verb}"
        httpx.post(path, headers=headers, timeout=30).raise_for_status()

    def open(self, page: Page, tab: str = "open") -> None:
        open_queue(page, self.server, f"?flow={self.name}&tab={tab}")


@pytest.fixture
def queue(running: Server) -> Queue:
    made = Queue(running)
    made.add(1, 2, 3, 4, 5)
    return made


def lists(page: Page, units: list[str]) -> None:
    """Wait until the table lists these units."""
    expect(page.locator("[role=grid] .row a")).to_have_text(units)


@pytest.fixture
def ann(started: Browser) -> Iterator[BrowserContext]:
    context = started.new_context(
        viewport={"width": 1440, "height": 900}, extra_http_headers={"X-Unsnag-Actor": "ann"}
    )
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    yield context
    context.close()


def fetched(page: Page) -> list[str]:
    """Collect the requests for rows, and the streams that are opened."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def holding(held: list[Route]) -> Callable[[Route], None]:
    """Return what keeps requests until the test lets them go on."""

    def keep(route: Route) -> None:
        held.append(route)

    return keep


def runs(page: Page) -> list[BackMsg]:
    """Collect the runs of the script that a page asks for, other than those of its clocks."""
    asked: list[BackMsg] = []

    def sent(data: bytes | str) -> None:
        message = BackMsg.FromString(data if isinstance(data, bytes) else data.encode("latin-1"))
        if message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun:
            asked.append(message)

    page.on("websocket", lambda socket: socket.on("framesent", sent))
    return asked


def test_changes_of_other_peoples_cases_run_no_script_and_keep_what_one_does(
    queue: Queue, ann: BrowserContext
) -> None:
    page = ann.new_page()
    asked = runs(page)
    queue.open(page)
    row(page, queue.unit(4)).locator("input").click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    at_rest(page)
    before = page.locator("[role=grid] .row", has_text=queue.unit(4)).element_handle()
    assert len(asked) >= 2, "the first run, and that of the selection"
    asked.clear()
    for number in range(5):
        queue.act(5, "claim" if number % 2 == 0 else "release")
    queue.act(2, "claim")
    queue.add(0)
    lists(page, queue.units(0, 1, 3, 4))
    expect(page.get_by_role("radio", name="Claimed")).to_have_text("Claimed 2")
    expect(page.get_by_role("radio", name="Open")).to_have_text("Open 4")
    expect(page.get_by_text("1–4 of 4")).to_be_visible()
    expect(selected(page)).to_have_text([queue.unit(4)])
    expect(cursor(page)).to_have_text(queue.unit(4))
    assert before is not None
    assert before.evaluate("(line) => line.isConnected && line.classList.contains('cursor')")
    assert asked == []


def test_tabs_of_a_browser_share_one_stream_and_the_next_reads_it_when_one_closes(
    queue: Queue, ann: BrowserContext
) -> None:
    pages = [ann.new_page() for _ in range(3)]
    asked = [fetched(page) for page in pages]
    for page in pages:
        queue.open(page)
    queue.act(5, "claim")
    for page in pages:
        lists(page, queue.units(1, 2, 3, 4))
    streams = [sum("/api/v1/events" in url for url in urls) for urls in asked]
    assert sum(streams) == 1
    pages[streams.index(1)].close()
    left = [page for page in pages if not page.is_closed()]
    queue.act(4, "claim")
    for page in left:
        lists(page, queue.units(1, 2, 3))


def test_each_tab_reads_a_stream_of_its_own_where_locks_are_missing(
    queue: Queue, ann: BrowserContext
) -> None:
    ann.add_init_script(
        "Object.defineProperty(navigator, 'locks', {value: undefined}); delete window.BroadcastChannel;"
        "delete crypto.randomUUID;"
    )
    pages = [ann.new_page() for _ in range(2)]
    for page in pages:
        queue.open(page)
    queue.act(5, "claim")
    for page in pages:
        lists(page, queue.units(1, 2, 3, 4))
    pages[0].keyboard.press("c")
    expect(pages[0].locator("[role=grid] .row.opened a")).to_have_text(queue.unit(1))


def test_an_empty_queue_becomes_a_list_by_itself_and_empty_again(queue: Queue, ann: BrowserContext) -> None:
    page = ann.new_page()
    page.goto(f"{queue.server.address}/?tab=claimed&flow={queue.name}")
    expect(page.get_by_text("No exception matches these filters.")).to_be_visible()
    queue.act(3, "claim")
    lists(page, queue.units(3))
    queue.act(3, "release")
    expect(page.get_by_text("No exception matches these filters.")).to_be_visible()


def test_the_panel_follows_what_others_do_to_its_exception(queue: Queue, ann: BrowserContext) -> None:
    page = ann.new_page()
    queue.open(page)
    page.keyboard.press("Enter")
    panel = page.locator(".st-key-case_panel")
    expect(panel.get_by_role("button", name="Claim", exact=True)).to_be_visible()
    queue.act(1, "claim")
    expect(panel).to_contain_text("bob has this exception until")
    queue.act(1, "release")
    expect(panel.get_by_role("button", name="Claim", exact=True)).to_be_visible()


def test_a_claim_is_shown_at_once_and_taken_back_where_somebody_was_faster(
    queue: Queue, ann: BrowserContext
) -> None:
    page = ann.new_page()
    queue.open(page)
    page.route("**/api/v1/queue?*", lambda route: route.abort())  # it does not see what bob does
    held: list[Route] = []
    page.route("**/api/v1/cases/*/claim", holding(held))
    with page.expect_request("**/api/v1/cases/*/claim"):
        page.keyboard.press("c")
    expect(row(page, queue.unit(1)).locator(".who-cell")).to_contain_text("me")
    queue.act(1, "claim")
    held[0].continue_()
    expect(page.locator(".message")).to_contain_text("is already claimed by bob")
    expect(row(page, queue.unit(1)).locator(".who-cell")).to_have_text("–")
    assert "tab=mine" not in page.url
    page.unroute("**/api/v1/queue?*")
    lists(page, queue.units(2, 3, 4, 5))


def test_a_release_by_its_key_leaves_the_list_of_mine_without_a_run(
    queue: Queue, ann: BrowserContext
) -> None:
    queue.act(1, "claim", "ann")
    queue.act(2, "claim", "ann")
    page = ann.new_page()
    queue.open(page, "mine")
    expect(cursor(page)).to_have_text(queue.unit(1))
    page.keyboard.press("u")
    lists(page, queue.units(2))
    expect(page.locator(".message")).to_contain_text(f"{queue.unit(1)} released")
    expect(page.get_by_role("radio", name="Mine")).to_have_text("Mine 1")
    assert [case["correlation_id"] for case in queue.cases(state="claimed")] == [queue.unit(2)]


def test_an_answer_for_an_earlier_filter_does_not_win(queue: Queue, ann: BrowserContext) -> None:
    page = ann.new_page()
    queue.open(page)
    held: list[Route] = []
    page.route("**/api/v1/queue?tab=open*", holding(held))
    with page.expect_request("**/api/v1/queue?tab=open*"):
        queue.act(5, "claim")
    page.get_by_role("radio", name="Claimed").click()
    lists(page, queue.units(5))
    for route in held:
        with contextlib.suppress(Error):  # the page has given it up
            route.continue_()
    queue.act(4, "claim")
    lists(page, queue.units(4, 5))
    expect(page.get_by_role("radio", name="Claimed")).to_have_text("Claimed 2")


def test_a_page_goes_on_when_its_server_comes_back(queue: Queue, ann: BrowserContext) -> None:
    page = ann.new_page()
    queue.open(page)
    queue.server.stop()
    queue.server.start()
    queue.act(5, "claim")
    lists(page, queue.units(1, 2, 3, 4))
