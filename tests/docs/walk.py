"""The day of an operator at the demo: each step leaves the page that `tests.docs.pictures` takes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import httpx
from playwright.sync_api import expect

from tests.journeys.browsing import settle
from tests.waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

WAIT_MS: Final = 60_000
GATEWAY_S: Final = 600
"""The payment gateway of the demo is down for its first five minutes."""
REFUSED: Final = "flow:order-to-cash class:business,data is:unclaimed"
DOWN: Final = 'flow:order-to-cash class:infrastructure "Payment gateway"'


class Walk:
    """Ann at the demo in a browser, and what she and bob do beside it over REST."""

    def __init__(self, browser: Browser, address: str, size: Any) -> None:
        self.address = address
        context = browser.new_context(viewport=size, extra_http_headers={"X-Unsnag-Actor": "ann"})
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.retried = ""
        expect.set_options(timeout=WAIT_MS)

    def open(self, path: str) -> Page:
        """Open a page, and wait until it has been drawn."""
        self.page.goto(f"{self.address}{path}")
        settle(self.page)
        return self.page

    def panel(self, case_id: str, tab: str = "open") -> Locator:
        """Open the panel of an exception."""
        self.open(f"/?tab={tab}&case={case_id}")
        panel = self.page.locator(".st-key-case_panel")
        expect(panel.get_by_role("button", name="Close")).to_be_visible()
        return panel

    def cases(self, search: str, **chosen: Any) -> list[Any]:
        """Return the exceptions that a search finds, the most urgent first."""
        return list(self.get("/api/v1/cases", q=search, **chosen)["items"])

    def get(self, path: str, **params: Any) -> Any:
        """Return the answer of a route."""
        answer = httpx.get(f"{self.address}{path}", params=params, timeout=60)
        return answer.raise_for_status().json()

    def post(self, path: str, body: Any = None, who: str = "ann") -> Any:
        """Do something over REST."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Unsnag-Actor": who}
        answer = httpx.post(f"{self.address}/api/v1{path}", json=body, headers=headers, timeout=60)
        return answer.raise_for_status().json()

    def wait_for_the_gateway(self) -> None:
        """Wait until the payment gateway of the demo answers again."""
        port = (urlsplit(self.address).port or 0) + 9
        body = {"order": "SO-0", "amount": "1.00", "currency": "EUR"}
        eventually(lambda: _books(f"http://127.0.0.1:{port}/captures", body), within_s=GATEWAY_S)


def _books(url: str, body: dict[str, str]) -> bool:
    try:
        answer = httpx.post(url, json=body, headers={"Idempotency-Key": "pictures"}, timeout=10)
    except httpx.HTTPError:
        return False
    return answer.is_success


def look_at_the_queue(walk: Walk) -> Page:
    """Show the queue as it is first thing in the morning."""
    page = walk.open("/")
    expect(page.locator("[role=grid] .row").first).to_be_visible()
    return page


def claim_next(walk: Walk) -> Page:
    """Claim the most urgent exception, and look at its panel."""
    page = walk.open("/")
    page.get_by_role("button", name="Claim next").click()
    case, *_ = eventually(lambda: walk.cases("is:claimed holder:ann"))
    panel = walk.panel(case["id"], "mine")
    expect(panel.get_by_role("button", name="Release", exact=True)).to_be_visible()
    return page


def snooze(walk: Walk) -> Page:
    """Open the dialog that snoozes an exception, by its key."""
    walk.open(f"/?q={quote(REFUSED)}")
    expect(walk.page.locator("[role=grid] .row").first).to_be_visible()
    walk.page.locator("[role=grid]").focus()
    walk.page.keyboard.press("s")
    dialog = walk.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("The shop sends what is missing at six")
    walk.page.keyboard.press("Tab")
    return walk.page


def escalate(walk: Walk) -> Page:
    """Open the dialog that escalates an exception which bob has."""
    case = walk.cases(REFUSED, state="open")[0]
    walk.post(f"/cases/{case['id']}/claim", who="bob")
    walk.panel(case["id"], "claimed").get_by_role("button", name="Escalate…").click()
    dialog = walk.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("The customer waits since this morning, and the shop does not answer")
    dialog.get_by_label("To (without a name").fill("shop desk")
    dialog.get_by_text("team", exact=True).click()
    return walk.page


def retry(walk: Walk) -> Page:
    """Claim an order that the payment gateway refused, and open the dialog that retries it."""
    walk.retried = walk.cases(f"{DOWN} is:unclaimed", state="open")[0]["id"]
    walk.wait_for_the_gateway()
    walk.panel(walk.retried).get_by_role("button", name="Claim", exact=True).click()
    eventually(lambda: walk.get(f"/api/v1/cases/{walk.retried}")["holder"] == "ann")
    walk.panel(walk.retried, "mine").get_by_role("button", name="Retry…").click()
    walk.page.get_by_role("dialog").get_by_label("Reason").fill("The gateway answers again")
    return walk.page


def proof(walk: Walk) -> Page:
    """Send the retry, and wait until the order itself has proved that it is well."""
    walk.page.get_by_role("dialog").get_by_role("button", name="Retry 1 exception").click()
    eventually(lambda: walk.get(f"/api/v1/cases/{walk.retried}")["state"] != "claimed")
    eventually(lambda: _has_recovered(walk), within_s=GATEWAY_S)
    panel = walk.panel(walk.retried, "recovered")
    expect(panel).to_contain_text("Proven by the unit's own success signal")
    return walk.page


def _has_recovered(walk: Walk) -> bool:
    case = walk.get(f"/api/v1/cases/{walk.retried}")
    if case["state"] == "claimed":
        walk.post(f"/cases/{walk.retried}/retry", {"reason": "The gateway answers again"})
    return str(case["state"]) == "recovered"


def claim_a_group(walk: Walk) -> Page:
    """Claim all of an outage."""
    walk.open(f"/?group={_outage(walk)}")
    walk.page.get_by_role("button", name="Claim group").click()
    expect(walk.page.locator("body")).to_contain_text("You have claimed this group until")
    walk.page.get_by_role("radio", name="Mine").click()
    expect(walk.page.locator("[role=grid] .row").first).to_be_visible()
    return walk.page


def _outage(walk: Walk) -> str:
    return str(walk.cases(DOWN, state="open,claimed")[0]["group"])


def act_on_all(walk: Walk) -> Page:
    """Open the dialog that retries all of the outage."""
    walk.open(f"/?group={_outage(walk)}&all=1&tab=mine")
    dialog = walk.page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Retry").click()
    dialog.get_by_label("Reason").fill("The gateway answers again")
    walk.page.keyboard.press("Tab")
    expect(dialog.get_by_text("frozen")).to_be_visible()
    return walk.page


def watch_the_batch(walk: Walk) -> Page:
    """Start the batch, and wait until its orders have recovered."""
    walk.page.get_by_role("dialog").get_by_role("button", name="Retry", exact=False).last.click()
    expect(walk.page.locator(".sum")).to_be_visible()
    batch_id = walk.page.url.rpartition("=")[2]
    eventually(lambda: _has_settled(walk, batch_id), within_s=GATEWAY_S)
    walk.open(f"/batches?batch={batch_id}")
    return walk.page


def _has_settled(walk: Walk, batch_id: str) -> bool:
    states = walk.get(f"/api/v1/batches/{batch_id}")["case_states"]
    return "recovered" in states and not {"retrying", "verifying"} & set(states)


def hear_of_a_take_over(walk: Walk) -> Page:
    """Let bob take over what ann has: she gets a notice."""
    case = walk.cases(REFUSED, state="open")[0]
    walk.post(f"/cases/{case['id']}/claim")
    why = {"reason": "I talk to this customer anyway today"}
    walk.post(f"/cases/{case['id']}/takeover", why, who="bob")
    walk.panel(case["id"], "claimed")
    expect(walk.page.locator(".st-key-notices")).to_contain_text("bob")
    return walk.page


def hand_over(walk: Walk) -> Page:
    """See the notice, and open the dialog that gives all claims back at the end of the shift."""
    walk.page.get_by_role("button", name="OK, seen").click()
    expect(walk.page.locator(".st-key-notices")).to_have_count(0)
    walk.open("/?tab=mine")
    walk.page.get_by_role("button", name="Release all…").click()
    dialog = walk.page.get_by_role("dialog")
    dialog.get_by_label("Hand-over note").fill(
        "The shop sends the missing names at six. Read again afterwards."
    )
    walk.page.keyboard.press("Tab")
    return walk.page


def my_actions(walk: Walk) -> Page:
    """Show in the audit what ann did."""
    walk.open("/audit?actor=ann&kind=effect")
    return walk.page
