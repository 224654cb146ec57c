"""Click to paint in Chromium with 10,000 open exceptions: row to panel, claim, tab, dialog of 50.

Needs the packages of the tests and chromium. A figure is the median of several clicks, each from the click to
the moment at which the page shows what was asked for, with what the browser's driver takes. The load of the
machine is printed with them, as all parts of it share the processors.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.figures import line
from bench.groups import fill
from data.store import Store
from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

STORED: Final = 10_417
"""Of which 4 % have recovered: 10,000 are open."""
TIMES: Final = 7
_WAIT_MS: Final = 60_000


def main() -> None:
    """Fill a store, start the server, and print the figures."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        server = Server(Path(name))
        server.data.mkdir(parents=True)
        Store.open(server.data).close()
        fill(server.data, STORED)
        server.start()
        try:
            _measure(server)
        finally:
            server.kill()


def _measure(server: Server) -> None:
    line("open exceptions", f"{server.get('/api/v1/cases', state='open', limit=1)['total']:,}")
    line("load of the machine, a minute", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with browser() as started:
        page, _ = visit(started, server.address)
        page.set_default_timeout(_WAIT_MS)
        rows = page.get_by_role("grid").get_by_role("row")
        rows.nth(1).wait_for()
        places = iter(range(1, TIMES + 1))
        names = itertools.cycle(("Claimed", "Open"))
        _print(server, "row to panel", lambda: _panel(page, rows.nth(next(places))), 300)
        _print(server, "claim", lambda: _claim(page), 400)
        _print(server, "tab", lambda: _tab(page, next(names)), 300)
        _print(server, "dialog of 50", lambda: _dialog(page), 500)


def _until(act: Callable[[], object], shown: Locator) -> float:
    """Return the seconds from an act until something is shown."""
    began = time.perf_counter()
    act()
    shown.wait_for()
    return time.perf_counter() - began


def _panel(page: Page, row: Locator) -> float:
    unit = row.get_by_role("link").inner_text()
    shown = page.locator(".st-key-case_panel").get_by_text(unit).first
    took = _until(row.locator(".what").click, shown)
    settle(page)
    return took


def _claim(page: Page) -> float:
    panel = page.locator(".st-key-case_panel")
    release = panel.get_by_role("button", name="Release", exact=True)
    took = _until(panel.get_by_role("button", name="Claim", exact=True).click, release)
    settle(page)
    release.click()
    panel.get_by_role("button", name="Claim", exact=True).wait_for()
    settle(page)
    return took


def _tab(page: Page, name: str) -> float:
    shown = page.get_by_text("No exceptions in this tab" if name == "Claimed" else "1–50 of 10,000").first
    took = _until(page.get_by_role("radio", name=name).first.click, shown)
    settle(page)
    return took


def _dialog(page: Page) -> float:
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("a")
    resolve = page.get_by_role("button", name="Resolve 50…")
    resolve.wait_for()
    settle(page)
    took = _until(resolve.click, page.get_by_role("dialog").get_by_text("50 exceptions").first)
    settle(page)
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    grid.focus()
    page.keyboard.press("Escape")
    resolve.wait_for(state="detached")
    return took


def _print(server: Server, name: str, click: Callable[[], float], aim_ms: int) -> None:
    before = _cpu_s(server)
    figures = sorted(1000 * click() for _ in range(TIMES - TIMES % 2))
    spent = 1000 * (_cpu_s(server) - before) / len(figures)
    rest = f"{figures[0]:.0f} to {figures[-1]:.0f} ms, CPU of the server {spent:.0f} ms"
    line(f"{name}, median", f"{statistics.median(figures):.0f} ms", f"{aim_ms} ms", rest)


def _cpu_s(server: Server) -> float:
    """Return the CPU that the server has used, with all that a click's way back and forth asks of it."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
