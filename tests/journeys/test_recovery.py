"""From a failing script to a proven recovery, in the browser, with the keyboard only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SCRIPT = """
import logging, pathlib, sys
import unsnag

unsnag.init(flow="order-to-cash", service="shop")
logging.basicConfig(level=logging.INFO)

@unsnag.step("capture-payment", dependency="payment-gateway", idempotent=True)
def capture(order):
    if not pathlib.Path(sys.argv[1]).exists():
        raise TimeoutError("the gateway did not answer within 10 s")
    logging.info("captured %s for <b>%s</b>", order, "ACME")

def handle(order):
    with unsnag.unit(order, value=129.90, currency="EUR", tenant="acme", segment="retail"):
        capture(order)

if __name__ == "__main__":
    for order in sys.argv[2:]:
        try:
            handle(order)
        except TimeoutError:
            pass
"""
HANDLERS = """
import sys
sys.argv = ["shop.py", {flag!r}]
import shop, unsnag

@unsnag.handler("order-to-cash", "capture-payment")
def again(retry):
    shop.handle(retry.correlation_id)
"""


class Shop:
    """An automation with its worker, beside a running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flag = folder / "gateway-is-up"
        self.server = Server(folder).start()
        (folder / "shop.py").write_text(SCRIPT)
        (folder / "handlers.py").write_text(HANDLERS.format(flag=str(self.flag)))
        self.worker: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "UNSNAG_SPOOL": str(self.server.spool),
            "UNSNAG_URL": self.server.address,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(self.folder)]),
        }

    def run(self, *orders: str) -> None:
        command = [sys.executable, "shop.py", str(self.flag), *orders]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def work(self) -> None:
        command = [sys.executable, "-m", "unsnag", "worker", "handlers.py"]
        self.worker = subprocess.Popen(command, cwd=self.folder, env=self.environment)

    def close(self) -> None:
        if self.worker:
            self.worker.terminate()
            self.worker.wait(20)
        self.server.stop()

    def detail(self, order: str) -> dict[str, object]:
        return dict(self.server.get(f"/api/v1/cases/{self.case(order)['id']}"))

    def case(self, order: str) -> dict[str, object]:
        (case,) = self.server.get("/api/v1/cases", q=order)["items"]
        return dict(case)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.close()


def _holder(shop: Shop, order: str) -> object:
    return eventually(lambda: shop.case(order)["holder"])


def test_a_failed_order_is_claimed_retried_and_proven_recovered_by_keyboard(shop: Shop) -> None:
    with browser() as started:
        page, outside = visit(started, shop.server.address)
        shop.run("SO-1001")
        row = page.locator(".queue .row", has_text="SO-1001")
        expect(row).to_be_visible(timeout=60_000)

        page.keyboard.press("Enter")
        panel = page.locator(".st-key-case_panel")
        expect(panel).to_contain_text("Payment gateway did not answer within 10 s")
        expect(panel).to_contain_text("Safe to retry")
        page.keyboard.press("c")
        expect(panel).to_contain_text("Claimed", timeout=60_000)

        expect(panel).to_contain_text("no worker has announced step capture-payment")
        expect(panel.get_by_role("button", name="Retry")).to_be_disabled()
        shop.flag.touch()
        shop.work()
        eventually(lambda: shop.detail("SO-1001")["retry_refusal"] is None)
        page.locator(".queue").focus()
        page.keyboard.press("r")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Retry 1 exception")
        dialog.get_by_label("Reason").focus()
        page.keyboard.type("The gateway is back")
        page.keyboard.press("Enter")
        expect(panel).to_contain_text("Recovered", timeout=60_000)
        expect(panel).to_contain_text("Proven by the unit's own success signal")
        assert shop.case("SO-1001")["recovered_by"] == "retry"

        page.goto(f"{shop.server.address}/trace?id=SO-1001")
        settle(page)
        for words in ("SO-1001", "Recovered", "capture-payment", "The gateway is back"):
            expect(page.locator("[data-testid=stMain]")).to_contain_text(re.compile(words, re.IGNORECASE))

        kpis = {kpi["id"]: kpi for kpi in shop.server.get("/api/v1/kpis")["items"]}
        assert kpis["K9"]["value"] == pytest.approx(129.90)
        assert kpis["K1"]["value"] == 0
        assert outside == []


def test_two_operators_race_and_one_gets_the_case(shop: Shop) -> None:
    shop.run("SO-2001")
    with browser() as started:
        pages = [visit(started, shop.server.address, who=name)[0] for name in ("ann", "bob")]
        for page in pages:
            expect(page.locator(".queue .row", has_text="SO-2001")).to_be_visible(timeout=60_000)
            page.locator(".queue").focus()
        for page in pages:
            page.keyboard.press("c")
        holder = _holder(shop, "SO-2001")
        loser = pages[0 if holder == "bob" else 1]
        reported = re.compile(f"already claimed by {holder}|No open exceptions")
        expect(loser.locator("body")).to_contain_text(reported, timeout=60_000)
        acts = shop.server.get(f"/api/v1/cases/{shop.case('SO-2001')['id']}")["acts"]
        assert [act["verb"] for act in acts].count("claimed") == 1


def test_back_keeps_the_filter_and_markup_stays_text(shop: Shop) -> None:
    shop.run("SO-3001", "<img src=x onerror=alert(1)>")
    with browser() as started:
        page, outside = visit(started, f"{shop.server.address}/exceptions?q=SO-3001")
        expect(page.locator(".queue .row")).to_have_count(1, timeout=60_000)
        page.get_by_role("link", name="Business").click()
        page.wait_for_url("**/business**")
        settle(page)
        page.go_back()
        settle(page)
        assert "q=SO-3001" in page.url
        expect(page.get_by_label("Search")).to_have_value("SO-3001")
        expect(page.locator(".queue .row")).to_have_count(1, timeout=60_000)

        page.goto(f"{shop.server.address}/exceptions")
        settle(page)
        expect(page.locator(".queue .row", has_text="<img src=x")).to_be_visible(timeout=60_000)
        page.goto(f"{shop.server.address}/trace?id=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
        settle(page)
        expect(page.locator("[data-testid=stMain]")).to_contain_text("<img src=x")
        assert page.locator("img[src=x]").count() == 0
        assert outside == []
