"""Durations in the browser's components are those of the pages."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from data import formats
from tests.data.test_formats import DURATIONS
from views.components import source

pytestmark = [
    pytest.mark.browser,
    # The driver leaves its event loop's sockets to the interpreter's end.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SECONDS = [seconds for seconds, _ in DURATIONS]


@pytest.mark.parametrize("coarse", [False, True])
def test_the_browser_and_the_pages_show_the_same_durations(*, coarse: bool) -> None:
    shown_as = f"duration(s * 1000, {str(coarse).lower()})"
    ask = f"(all) => {{ {source('formats.js')}; return all.map((s) => {shown_as}) }}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        shown = browser.new_page().evaluate(ask, SECONDS)
        browser.close()
    assert shown == [formats.duration(seconds, coarse=coarse) for seconds in SECONDS]
