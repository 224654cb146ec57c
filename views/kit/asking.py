"""The dialog that asks the holder of an exception."""

from __future__ import annotations

import streamlit as st

from cases import queries
from cases.asking import AskHolder
from cases.notes import MAX_CHARS
from views.kit.acting import act
from views.kit.dialogs import dialog_token, scope
from views.kit.markdown import escape
from views.kit.person import page_context


@st.dialog("Ask the holder", width="medium")
def ask_dialog(case_id: str) -> None:
    """Ask for the question, and send it to who has the case."""
    case = queries.one(page_context().reading, case_id).case
    shown = scope([case])
    holder = escape(case.holder or "Nobody")
    st.markdown(
        f"{holder} has this exception, and sees your question on the next page that they open. "
        "You get a notice when they answer with a note."
    )
    with st.form(f"ask_{case_id}", border=False):
        question = st.text_area(
            "Question", max_chars=MAX_CHARS, placeholder="Are you working on it? Can I have it?"
        )
        sent = st.form_submit_button("Ask", type="primary", icon=":material/contact_support:")
    if sent and not question.strip():
        st.error("Enter a question.", icon=":material/warning:")
    elif sent:
        act([AskHolder(case_id, question)], token=dialog_token("ask", [case]), shown=shown)
        st.rerun()
