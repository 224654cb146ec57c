"""Debian's chromium over the real dashboard."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from playwright.sync_api import Page, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

CHROMIUM: Final = shutil.which("chromium") or "/usr/bin/chromium"
SWITCHES: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SETTLED: Final = "[data-testid=stApp][data-test-script-state=notRunning]"


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        try:
            yield started
        finally:
            started.close()


def visit(
    started: Browser, address: str, *, who: str = "ann", theme: str = "light"
) -> tuple[Page, list[str]]:
    """Open a page as somebody; the second value collects the requests that leave this machine."""
    context = started.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        extra_http_headers={"X-Unsnag-Actor": who},
    )
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda request: _note(request.url, outside))
    page.goto(address)
    settle(page)
    return page, outside


def settle(page: Page) -> None:
    """Wait until the script has run to its end."""
    page.wait_for_selector(SETTLED, timeout=60_000)


def _note(url: str, outside: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
        outside.append(url)
