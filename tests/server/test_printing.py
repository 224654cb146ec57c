"""A PDF is made by the real chromium, which loads and runs nothing; where it is missing, it says so."""

from __future__ import annotations

import http.server
import re
import threading
from typing import TYPE_CHECKING

import pytest

from server import printing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.browser]


@pytest.fixture
def outside() -> Iterator[tuple[str, list[str]]]:
    """Something that a page could load from, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", asked
    listening.shutdown()
    listening.server_close()
    thread.join()


def test_a_page_becomes_a_pdf_and_loads_nothing(outside: tuple[str, list[str]]) -> None:
    address, asked = outside
    html = (
        f'<!doctype html><meta charset="utf-8"><img src="{address}/picture">'
        f'<script src="{address}/s"></script>'
        f'<link rel="stylesheet" href="{address}/style"><style>div {{break-after: page;}}</style>'
        "<div>One €</div><div>Two</div><div>Three</div>"
    )
    made = printing.as_pdf(html)
    assert made.startswith(b"%PDF-")
    counted = [int(number) for number in re.findall(rb"/Type /Pages\s+/Count (\d+)", made)]
    assert max(counted) >= 3
    assert asked == []


def test_without_chromium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert printing.browser() is None
    with pytest.raises(printing.PrintingError, match="apt install chromium"):
        printing.as_pdf("<p>text")


def test_a_browser_that_fails_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'no display' >&2\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(printing.PrintingError, match="could not be made"):
        printing.as_pdf("<p>text")
