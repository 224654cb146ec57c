"""Exceptions: what an empty tab says is true of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.testing.v1 import AppTest

from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from server.container import Container


def _page() -> None:
    from views.exceptions.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def opened(tab: str) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30)
    app.query_params["tab"] = tab
    app.run()
    assert not app.exception
    return app


def text_of(tab: str) -> str:
    app = opened(tab)
    return "\n".join(part.value for part in (*app.markdown, *app.caption))


def test_an_empty_tab_says_how_many_are_open(container: Container) -> None:
    container.store.append(batch(failure(0))).result()
    assert "No exceptions in this tab; 1 open." in text_of("expired")
    container.store.append(batch(success(60))).result()
    assert "No open exceptions. 1 exception recovered or resolved so far" in text_of("open")
