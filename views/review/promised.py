"""Actions on the page: what was promised, and the dialogs that add, change and end one."""

from __future__ import annotations

from datetime import timedelta
from html import escape as html
from typing import TYPE_CHECKING

import streamlit as st

from kpis.definition import definitions
from kpis.review.actions import DONE, DROPPED, OPEN, AddAction, ChangeAction, CloseAction, ReopenAction
from views.review import fragments
from views.review.acting import do
from views.review.headlines import since

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kpis.review.actions import Action
    from views.review.shown import Shown

MOST_LETTERS = 2_000


def actions(found: Sequence[Action], review: Shown) -> None:
    """Draw actions, each with what can be done with it; of a frozen week as a table."""
    if not review.may_write:
        if found:
            st.html(fragments.box(fragments.actions(found, review)))
        return
    for one in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            st.html(fragments.box(_line(one, review)), width="stretch")
            _buttons(one)


def _line(one: Action, review: Shown) -> str:
    about = [html(one.owner), f"due {fragments.due(one, review.today)}" if one.due_on else "no date"]
    if one.week != review.week:
        about.append(f"promised in {one.week}")
    if moves := since(review, one.kpi, one.week):
        about.append(html(moves))
    if one.note:
        about.append(html(one.note))
    badge = fragments.state(one, review.today)
    return f"{badge} {html(one.text)}<br><span class=small>{' · '.join(about)}</span>"


def _buttons(one: Action) -> None:
    if one.state != OPEN:
        st.button(
            "Open again", key=f"reopen_{one.id}", type="tertiary", on_click=do,
            args=(ReopenAction(one.id), "The action is open again"),
        )  # fmt: skip
        return
    st.button(
        "Done", key=f"done_{one.id}", icon=":material/check:", type="tertiary", on_click=do,
        args=(CloseAction(one.id, DONE), "The action is done"),
    )  # fmt: skip
    if st.button("Change…", key=f"change_{one.id}", icon=":material/edit:", type="tertiary"):
        _change(one)


@st.dialog("Add an action", width="medium")
def add(review: Shown) -> None:
    """Ask for an action: what, who, until when, and which figure it should move."""
    with st.form("add_action", border=False):
        text, owner, due_on, kpi = _fields(None, review.today)
        sent = st.form_submit_button("Add the action", type="primary", icon=":material/add_task:")
    if sent and not (text.strip() and owner.strip()):
        st.error("Write what is to be done, and who does it.", icon=":material/warning:")
    elif sent:
        do(AddAction(review.week, text, owner, due_on, kpi), "The action is added")
        st.rerun()


@st.dialog("Change the action", width="medium")
def _change(one: Action) -> None:
    with st.form(f"change_action_{one.id}", border=False):
        text, owner, due_on, kpi = _fields(one, one.due_on)
        sent = st.form_submit_button("Save", type="primary", icon=":material/save:")
    if sent:
        do(ChangeAction(one.id, text, owner, due_on, kpi), "The action is changed")
        st.rerun()
    with st.form(f"drop_action_{one.id}", border=False):
        note = st.text_input("Or drop it. Why?", max_chars=MOST_LETTERS)
        dropped = st.form_submit_button("Drop the action", icon=":material/close:")
    if dropped and not note.strip():
        st.error("Write why it is dropped.", icon=":material/warning:")
    elif dropped:
        do(CloseAction(one.id, DROPPED, note), "The action is dropped")
        st.rerun()


def _fields(one: Action | None, day: date | None) -> tuple[str, str, date | None, str | None]:
    text = st.text_area("What is to be done", one.text if one else "", max_chars=MOST_LETTERS, height=90)
    owner = st.text_input("Owner", one.owner if one else "", max_chars=200)
    due = (one.due_on if one else None) or (None if one else day and day + timedelta(days=7))
    due_on = st.date_input("Due", due, format="YYYY-MM-DD")
    return text, owner, due_on, kpi_choice(one.kpi if one else None)


def kpi_choice(chosen: str | None = None) -> str | None:
    """Draw the choice of a figure and return its id."""
    names = {name: meant.name for name, meant in definitions().items()}
    return st.selectbox(
        "Figure that it should move (optional)",
        list(names),
        index=list(names).index(chosen) if chosen in names else None,
        format_func=lambda name: names[name],
        placeholder="None",
    )
