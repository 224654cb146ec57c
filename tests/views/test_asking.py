"""Asking the holder on the page: the button of those who do not have it, the dialog, and the two notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases import notices
from cases.asking import AskHolder
from cases.commands import Claim
from cases.notes import AddNote
from server.identity import default_name
from tests.telemetry import batch, failure
from tests.views.test_groups import container
from tests.views.test_holding import opened, text_of

if TYPE_CHECKING:
    from server.container import Container

__all__ = ["container"]
ME, ZOE = Actor(default_name()), Actor("zoe")


def a_case(container: Container, holder: Actor) -> str:
    """Return the ID of an exception that somebody has claimed."""
    container.store.append(batch(failure(1))).result()
    (row,) = container.store.everything().query("cases/live_ids", {"live": ["open"]})
    perform(Claim(row["id"]), container.context(holder))
    return str(row["id"])


def _dialog(case_id: str) -> None:
    from views.kit.asking import ask_dialog  # noqa: PLC0415 - runs inside Streamlit's script

    ask_dialog(case_id)


def test_who_does_not_have_it_asks_the_holder(container: Container) -> None:
    case_id = a_case(container, ZOE)
    assert "panel_ask" in {button.key for button in opened(case_id, "claimed").button}
    app = AppTest.from_function(_dialog, default_timeout=60, args=(case_id,)).run()
    app.button[0].click().run()
    assert "Enter a question" in app.error[0].value
    app.text_area[0].input("Is <b>the bank</b> [back]?")
    next(button for button in app.button if button.label == "Ask").click().run()
    assert not app.exception
    (notice,) = notices.unseen(container.store.everything(), "zoe").items
    assert (notice.kind, notice.actor, notice.reason) == ("asked", ME.name, "Is <b>the bank</b> [back]?")
    assert f"the holder was asked by {ME.name}" in text_of(opened(case_id, "claimed"))


def test_holder_and_asker_see_question_and_answer_as_text(container: Container) -> None:
    case_id = a_case(container, ME)
    perform(AskHolder(case_id, "Is <b>the bank</b> [back]?"), container.context(ZOE))
    app = opened(case_id, "mine")
    assert "panel_ask" not in {button.key for button in app.button}
    (notice,) = [part.value for part in app.markdown if "**zoe** asks about" in part.value]
    assert "\\<b\\>the bank\\</b\\> \\[back\\]" in notice
    perform(AddNote(case_id, "Since noon"), container.context(ME))
    assert [one.kind for one in notices.unseen(container.store.everything(), "zoe").items] == ["answered"]
