"""My actions on the page: each act with its outcome, and the button that takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases import queries
from cases.commands import Claim
from cases.notes import AddNote
from server.identity import default_name
from tests.telemetry import batch, failure
from views.kit.markdown import escape

if TYPE_CHECKING:
    from server.container import Container


def _page() -> None:
    from views.actions import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def opened() -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30).run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    return "\n".join(part.value for part in (*app.markdown, *app.caption))


def test_without_acts_it_says_how_one_gets_here(container: Container) -> None:
    assert container.store
    assert "You have done nothing yet." in text_of(opened())


def test_a_claim_is_listed_and_given_back_from_here(container: Container) -> None:
    container.store.append(batch(failure(0))).result()
    (case,) = queries.listed(container.store.everything(), queries.CaseFilter()).items
    ctx = container.context(Actor(default_name()))
    perform(AddNote(case.id, "Asked the [bank](x)"), ctx)
    perform(Claim(case.id), ctx)
    app = opened()
    text = text_of(app)
    assert "1–2 of 2" in text
    assert f"**Claimed** · [SO\\-1: {escape(case.title)}](/?case={case.id})" in text
    assert escape("Asked the [bank](x)") in text
    (undo,) = [button for button in app.button if button.label == "Release"]
    undo.click().run()
    assert not app.exception
    assert queries.one(container.store.everything(), case.id).case.state == "open"
    assert "**Released**" in text_of(app)
    assert not [button for button in app.button if button.label == "Release"]
