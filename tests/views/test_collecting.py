"""Collectors: what could not be read is shown as text, and can be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from collectors.sources import Sources
from data.records import Quarantined
from server import center as centers
from server.center import Center
from server.settings import load
from tests.telemetry import batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = b'{"event":"now readable","level":"info","timestamp":"2026-11-16T09:00:00Z"}'


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    opened = Center.open(load(["--data", str(tmp_path / "store"), "--spool", str(tmp_path / "spool")], {}))
    opened.collecting = Sources(opened.store, opened.settings.collectors, opened.settings.spool)
    centers.install(opened)
    yield opened
    centers.install(None)
    opened.store.close()


def _page() -> None:
    from views.collecting import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def quarantine(center: Center, raw: bytes) -> None:
    made = batch(source="spool")
    made.quarantined.append(Quarantined("spool", "<b>not JSON</b>", 0, raw, 0))
    center.store.append(made).result()


def opened() -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30).run()
    assert not app.exception
    return app


def test_a_record_that_can_be_read_today_is_read_again(center: Center) -> None:
    quarantine(center, GOOD)
    app = opened()
    assert app.code[0].value == GOOD.decode()
    app.button[0].click().run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == ["The record could be read and is stored"]
    assert app.button[0].disabled
    assert (
        center.store.query("server/quarantine", {"limit": 1, "offset": 0})[0]["replay_result"] == "replayed"
    )


def test_a_record_that_still_cannot_be_read_says_why_and_stays(center: Center) -> None:
    quarantine(center, b'{"event":')
    app = opened()
    app.button[0].click().run()
    assert "Kept: still unreadable" in app.toast[0].value
    assert not app.button[0].disabled


@pytest.mark.usefixtures("center")
def test_nothing_in_quarantine_is_said_in_words() -> None:
    assert any("Every record so far could be read" in text.value for text in opened().markdown)
