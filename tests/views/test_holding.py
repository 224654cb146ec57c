"""The panel of a case that somebody holds: read-only for others, a warning before the claim ends, notices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases import queries
from cases.assigning import Assign
from cases.commands import Claim
from cases.holding import TakeOver
from cases.notes import AddNote
from cases.snoozing import Snooze
from data.clock import stored, utc_now
from server.identity import default_name
from tests.telemetry import batch, failure
from tests.views.drawn import tabs_of

if TYPE_CHECKING:
    from server.container import Container

ACTS = {"panel_claim", "panel_extend", "panel_release", "panel_return", "panel_retry", "panel_fixed_outside",
        "panel_resolve", "panel_take_over"}  # fmt: skip


def _page() -> None:
    from views.exceptions.page import page  # noqa: PLC0415 - runs inside Streamlit's script
    from views.kit.strip import strip  # noqa: PLC0415

    strip()
    page()


def opened(case_id: str, tab: str = "open") -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30)
    app.query_params["case"] = case_id
    app.query_params["tab"] = tab
    app.run()
    assert not app.exception
    return app


def _dialog(name: str, case_id: str) -> None:
    import streamlit as st  # noqa: PLC0415 - runs inside Streamlit's script

    from views.kit import sorting  # noqa: PLC0415

    if name == "snooze":
        sorting.snooze_dialog([case_id])
    elif name == "note":
        sorting.note_dialog(case_id)
    else:
        sorting.assign_dialog([case_id])
    st.write("drawn")


def dialog(name: str, case_id: str) -> AppTest:
    """Return an open dialog; it draws itself again with each run, as in a browser."""
    app = AppTest.from_function(_dialog, default_timeout=30, args=(name, case_id)).run()
    assert not app.exception
    return app


def acts(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key} & ACTS


def text_of(app: AppTest) -> str:
    return "\n".join(part.value for part in (*app.markdown, *app.caption, *app.info, *app.warning))


@pytest.fixture
def case_id(container: Container) -> str:
    container.store.append(batch(failure(0))).result()
    return queries.listed(container.store.everything(), queries.CaseFilter()).items[0].id


def test_the_panel_of_anothers_case_is_read_only(container: Container, case_id: str) -> None:
    assert acts(opened(case_id)) >= {"panel_claim", "panel_retry", "panel_resolve"}
    perform(Claim(case_id), container.context(Actor("zoe")))
    app = opened(case_id)
    assert acts(app) == {"panel_take_over"}
    assert "zoe has this exception until" in text_of(app)
    assert "Correct the class" not in {part.label for part in app.get("popover")}


def test_a_claim_warns_when_a_fifth_of_its_time_is_left(container: Container, case_id: str) -> None:
    me = Actor(default_name())
    perform(Claim(case_id), container.context(me))
    app = opened(case_id, "mine")
    assert "panel_extend" not in acts(app)
    assert "Your claim ends in" not in text_of(app)
    whole = container.settings.cases.claim_minutes
    soon = stored(utc_now() + timedelta(minutes=0.19 * whole))
    change = "update exception_case set lease_until = $soon::timestamp"
    container.store.act(lambda tx: tx.execute(change, {"soon": soon})).result()
    app = opened(case_id, "mine")
    assert "Your claim ends in" in text_of(app)
    app.button(key="panel_extend").click().run()
    assert "Your claim ends in" not in text_of(opened(case_id, "mine"))
    case = queries.one(container.store.everything(), case_id).case
    assert case.lease_until is not None
    assert case.lease_until - utc_now() > timedelta(minutes=0.9 * whole)


def test_a_notice_of_a_take_over_is_shown_until_it_is_seen(container: Container, case_id: str) -> None:
    perform(Claim(case_id), container.context(Actor(default_name())))
    perform(TakeOver(case_id, "the <b>bank</b> [called](http://x) zoe"), container.context(Actor("zoe")))
    app = opened(case_id)
    (notice,) = [part.value for part in app.markdown if "took over" in part.value]
    assert "**zoe** took over SO\\-1" in notice
    assert "\\<b\\>bank\\</b\\> \\[called\\]" in notice
    app.button(key="see_notices").click().run()
    assert not [part for part in opened(case_id).markdown if "took over" in part.value]


def test_notes_stand_on_the_panel_with_author_and_without_markup(container: Container, case_id: str) -> None:
    text = "Ask the **bank** <script>alert(1)</script>\n[here](http://evil.example)"
    perform(AddNote(case_id, text), container.context(Actor("zoe")))
    app = opened(case_id)
    assert "**Notes (1)**" in text_of(app)
    (note,) = [part.value for part in app.markdown if "Ask the **bank**" in part.value]
    assert "\\<script>" in note
    assert "](" not in note
    assert any(part.value.startswith("zoe · ") for part in app.caption)
    assert "note by zoe" in text_of(app)


def test_a_note_is_written_in_the_dialog(container: Container, case_id: str) -> None:
    perform(Claim(case_id), container.context(Actor("zoe")))
    assert "panel_note" in {button.key for button in opened(case_id).button}
    app = dialog("note", case_id)
    app.text_area[0].input("Do you wait for the bank?")
    next(button for button in app.button if button.label == "Add the note").click().run()
    notes = queries.one(container.store.everything(), case_id).notes
    assert [(note.actor, note.text) for note in notes] == [(default_name(), "Do you wait for the bank?")]


def test_a_snoozed_case_is_in_its_own_tab_and_comes_back(container: Container, case_id: str) -> None:
    container.store.append(batch(failure(1, "SO-2"), failure(2, "SO-3"))).result()
    until = stored(utc_now() + timedelta(hours=2))
    perform(Snooze(case_id, until, more=4), container.context(Actor("zoe")))
    app = opened(case_id, "snoozed")
    assert {"Open 2", "Snoozed 1"} <= set(tabs_of(app))
    assert "or until 4 more failures" in text_of(app)
    app.button(key="panel_wake").click().run()
    assert not queries.one(container.store.everything(), case_id).case.is_snoozed


def test_a_case_is_snoozed_in_the_dialog(container: Container, case_id: str) -> None:
    assert "panel_snooze" in {button.key for button in opened(case_id).button}
    app = dialog("snooze", case_id)
    app.number_input(key="snooze_more").set_value(3)
    app.button(key="snooze_now").click().run()
    case = queries.one(container.store.everything(), case_id).case
    assert (case.snoozed_by, case.snoozed_count) == (default_name(), case.occurrences + 3)
    assert case.snoozed_until is not None
    assert (
        timedelta(minutes=58)
        < case.snoozed_until.replace(tzinfo=None) - stored(utc_now())
        <= timedelta(hours=1)
    )


def test_a_case_is_assigned_to_a_team_in_the_dialog(container: Container, case_id: str) -> None:
    assert "panel_assign" in {button.key for button in opened(case_id).button}
    app = dialog("assign", case_id)
    app.button_group(key="assign_kind").set_value("team").run()
    app.text_input(key="assign_team_name").input("payments").run()
    app.button(key="assign_now").click().run()
    case = queries.one(container.store.everything(), case_id).case
    assert (case.assignee, case.assignee_kind) == ("payments", "team")
    assert "assigned to the team payments" in text_of(opened(case_id))
    perform(Assign(case_id, None), container.context(Actor("zoe")))
    assert "assigned to" not in text_of(opened(case_id))
