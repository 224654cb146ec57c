"""What people write in a review: comments, wins, misses, decisions and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from kpis.review import entries
from kpis.review.entries import SECTIONS, AddEntry, RemoveEntry, WriteNote
from kpis.weeks import CommentOnFigure
from views.review import fragments
from views.review.acting import do
from views.review.promised import MOST_LETTERS, kpi_choice

if TYPE_CHECKING:
    from views.review.shown import Shown

_ASKS = {
    entries.WIN: ("Add a win", "What went better, and for whom?"),
    entries.MISS: ("Add a miss", "What went wrong, and for whom?"),
    entries.DECISION: ("Add a decision", "What was decided?"),
}
_ICONS = {
    entries.WIN: ":material/emoji_events:",
    entries.MISS: ":material/thumb_down:",
    entries.DECISION: ":material/gavel:",
}


def comment(kpi_id: str, review: Shown) -> None:
    """Draw the comment on a figure that moved, or ask for it."""
    text = review.content.figures[kpi_id].comment
    if not review.may_write:
        st.html(fragments.box(fragments.comment(text)))
        return
    with st.form(f"comment_{kpi_id}", border=False):
        label = "Comment" if text else "Comment: why did it move? The week is not frozen without it."
        typed = st.text_area(
            label, text or "", height=80, max_chars=MOST_LETTERS, key=f"comment_text_{kpi_id}"
        )
        sent = st.form_submit_button("Save the comment", icon=":material/comment:")
    if sent:
        do(CommentOnFigure(review.week, kpi_id, typed), "The comment is saved")
        st.rerun()


def listed(kind: str, review: Shown) -> None:
    """Draw the wins, the misses or the decisions, and the button that adds one."""
    if not review.may_write:
        st.html(fragments.box(fragments.written(review.content.entries, kind)))
        return
    found = [one for one in review.content.entries if one.kind == kind]
    if not found:
        st.html(fragments.box(fragments.written([], kind)))
    for one in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.html(fragments.box(fragments.entry(one)), width="stretch")
            st.button(
                "Remove", key=f"remove_{one.id}", type="tertiary", on_click=do,
                args=(RemoveEntry(review.week, one.id), "Removed"),
            )  # fmt: skip
    if st.button(f"{_ASKS[kind][0]}…", key=f"add_{kind}", icon=_ICONS[kind]):
        _add(kind, review)


def _add(kind: str, review: Shown) -> None:
    st.dialog(_ASKS[kind][0], width="medium")(_ask)(kind, review)


def _ask(kind: str, review: Shown) -> None:
    with st.form(f"add_entry_{kind}", border=False):
        text = st.text_area(_ASKS[kind][1], max_chars=MOST_LETTERS, height=90)
        why = st.text_input("Why", max_chars=MOST_LETTERS) if kind == entries.DECISION else None
        kpi = kpi_choice()
        sent = st.form_submit_button(_ASKS[kind][0], type="primary", icon=_ICONS[kind])
    if sent and not text.strip():
        st.error("Write at least one sentence.", icon=":material/warning:")
    elif sent:
        do(AddEntry(review.week, kind, text, why, kpi), f"The {kind} is added")
        st.rerun()


def note(section: str, review: Shown) -> None:
    """Draw the note of a section, if it has one."""
    for one in review.content.notes:
        if one.section == section:
            st.html(fragments.box(fragments.note(one.text)))


def note_button(section: str, review: Shown) -> None:
    """Draw the button that opens the note of a section."""
    if review.may_write and st.button(
        "Note…", key=f"note_{section}", icon=":material/edit_note:", type="tertiary"
    ):
        _write_note(section, review)


@st.dialog("Note", width="medium")
def _write_note(section: str, review: Shown) -> None:
    before = next((one.text for one in review.content.notes if one.section == section), "")
    with st.form(f"write_note_{section}", border=False):
        label = f"Note on the section {SECTIONS[section]}; it is frozen with the week"
        text = st.text_area(label, before, max_chars=MOST_LETTERS)
        sent = st.form_submit_button("Save the note", type="primary", icon=":material/save:")
    if sent:
        do(
            WriteNote(review.week, section, text),
            "The note is saved" if text.strip() else "The note is removed",
        )
        st.rerun()
