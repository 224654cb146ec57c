"""Exceptions: what an empty tab says is true of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from collectors.sources import Sources
from server import center as centers
from server.center import Center
from server.settings import load
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    opened = Center.open(load(["--data", str(tmp_path / "store"), "--spool", str(tmp_path / "spool")], {}))
    opened.collecting = Sources(opened.store, opened.settings.collectors, opened.settings.spool)
    centers.install(opened)
    yield opened
    centers.install(None)
    opened.store.close()


def _page() -> None:
    from views.exceptions import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def text_of(tab: str) -> str:
    app = AppTest.from_function(_page, default_timeout=30)
    app.query_params["tab"] = tab
    app.run()
    assert not app.exception
    return "\n".join(part.value for part in (*app.markdown, *app.caption))


def test_an_empty_tab_says_how_many_are_open(center: Center) -> None:
    center.store.append(batch(failure(0))).result()
    assert "None here; 1 open." in text_of("expired")
    center.store.append(batch(success(60))).result()
    assert "Nothing is waiting now. 1 exception recovered or resolved so far" in text_of("open")
