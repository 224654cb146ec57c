"""The pictures of docs/operators.md: `make pictures` walks through the real demo in Chromium and saves them.

Each step leaves a page as an operator sees it, and that page becomes a picture. The steps follow each other:
what ann claims in one she retries in the next. Run it again whenever a screen changes.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from PIL import Image
from playwright.sync_api import expect

from tests.docs import walk
from tests.docs.walk import Walk
from tests.journeys.browsing import SETTLED, browser
from tests.journeys.serving import ROOT, Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

FOLDER: Final = ROOT / "docs" / "pictures" / "operators"
SIZE: Final = {"width": 1280, "height": 800}
MOST_BYTES: Final = 1_500_000
"""All pictures together."""
_QUALITY: Final = 80
_READY_S: Final = 900
_PORT: Final = 8600
_LOOKS: Final = 12
_PAUSE_MS: Final = 700
STEPS: Final[dict[str, Callable[[Walk], Page]]] = {
    "queue": walk.look_at_the_queue,
    "panel": walk.claim_next,
    "snooze": walk.snooze,
    "escalate": walk.escalate,
    "take-over": walk.hear_of_a_take_over,
    "hand-over": walk.hand_over,
    "retry": walk.retry,
    "proof": walk.proof,
    "group": walk.claim_a_group,
    "act-on-all": walk.act_on_all,
    "batch": walk.watch_the_batch,
    "my-actions": walk.my_actions,
}
SIGN_IN: Final = "sign-in"
PICTURES: Final = (SIGN_IN, *STEPS)


def main() -> int:
    """Take the pictures; return 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a demo that runs already, with its gateway 9 ports above")
    parser.add_argument("--port", type=int, default=_PORT, help="the port of the demo that is started")
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with browser() as started:
        sign_in(started)
        with using(given.url, given.port) as address:
            take(started, address)
    total = sum(path.stat().st_size for path in FOLDER.glob("*.webp"))
    sys.stdout.write(f"{len(PICTURES)} pictures, {total:,} bytes\n")
    return 0


def take(started: Browser, address: str) -> None:
    """Walk through the steps at a demo, and save the page that each leaves."""
    walking = Walk(started, address, SIZE)
    for name, step in STEPS.items():
        since = time.monotonic()
        save(step(walking), name)
        sys.stdout.write(f"{name}: {time.monotonic() - since:.0f} s\n")


def sign_in(started: Browser) -> None:
    """Take the picture of the sign-in, which the demo does not ask for."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "unsnag.toml"
        config.write_text("[access]\nsign_in = true\n")
        server = Server(Path(folder), config).start()
        try:
            page = started.new_page(viewport={**SIZE, "height": 560})
            page.goto(f"{server.address}/sign-in")
            page.get_by_label("Name").fill("ann")
            save(page, SIGN_IN)
        finally:
            server.stop()


@contextmanager
def using(url: str | None, port: int) -> Iterator[str]:
    """Start the demo, or take one that runs; give its address."""
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory() as folder:
        words = ["--port", str(port), "--data", f"{folder}/data", "--spool", f"{folder}/spool"]
        demo = subprocess.Popen(
            [sys.executable, "-m", "examples.demo", *words],
            cwd=ROOT,
            env={**os.environ, "EXAMPLES_VAR": f"{folder}/var"},
        )
        address = f"http://127.0.0.1:{port}"
        try:
            eventually(lambda: _is_ready(demo, address), within_s=_READY_S)
            yield address
        finally:
            demo.terminate()
            demo.wait(60)


def _is_ready(demo: subprocess.Popen[bytes], address: str) -> bool:
    assert demo.poll() is None, "the demo ended; it says above why"
    try:
        cases: Any = httpx.get(f"{address}/api/v1/cases", params={"state": "open"}, timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(cases.get("total"))


def save(page: Page, name: str) -> None:
    """Save what a page shows, as a small WebP."""
    if page.locator("[data-testid=stApp]").count():
        page.wait_for_selector(SETTLED, timeout=60_000)
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=60_000)
        _close_messages(page)
        page.mouse.move(2, 2)
    page.evaluate("document.fonts.ready")
    with Image.open(io.BytesIO(_at_rest(page))) as taken:
        taken.convert("RGB").save(FOLDER / f"{name}.webp", quality=_QUALITY, method=6)


def _at_rest(page: Page) -> bytes:
    """Return the picture of a page that does not change any more: what is drawn again is pale first."""
    before = b""
    for _ in range(_LOOKS):
        taken = page.screenshot(animations="disabled", caret="hide")
        if taken == before:
            break
        before = taken
        page.wait_for_timeout(_PAUSE_MS)
    return before


def _close_messages(page: Page) -> None:
    """Close what a page says for a moment: it would cover what the picture shows."""
    toasts = page.get_by_test_id("stToast")
    while toasts.count():
        toasts.first.get_by_role("button", name="Close").click()
        page.wait_for_timeout(300)
    expect(toasts).to_have_count(0)


if __name__ == "__main__":
    sys.exit(main())
