"""A link to a page opens it without a request that nothing answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journeys.browsing import SETTLED, browser
from tests.journeys.serving import Server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.browser,
    # The driver leaves its event loop's sockets to the interpreter's end.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LINKS = (
    "/exceptions?state=open",
    "/trace?id=SO-1",
    "/business?flow=returns",
    "/batches",
    "/collectors",
    "/audit",
)


def test_no_link_to_a_page_asks_for_what_is_not_there(tmp_path: Path) -> None:
    server = Server(tmp_path).start()
    failed: dict[str, list[str]] = {}
    try:
        with browser() as started:
            for link in LINKS:
                page = started.new_page()
                asked = failed.setdefault(link, [])
                page.on("response", lambda r, to=asked: to.append(r.url) if r.status >= 400 else None)
                page.on("pageerror", lambda error, to=asked: to.append(str(error)))
                page.goto(server.address + link)
                page.wait_for_selector(SETTLED, timeout=60_000)
                page.get_by_role("heading").first.wait_for(timeout=60_000)
                page.close()
    finally:
        server.stop()
    assert failed == {link: [] for link in LINKS}
