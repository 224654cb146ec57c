"""Empty and error states: what this page shows, why it is empty now, one next step."""

from __future__ import annotations

from typing import Final

import streamlit as st

SNIPPET: Final = """import unsnag

unsnag.init(flow="order-to-cash")
with unsnag.unit("SO-1001", value=129.90, currency="EUR"):
    ...  # what your script did before"""


def empty(icon: str, shows: str, why: str, step: str) -> None:
    """Draw the three lines."""
    with st.container(border=True, horizontal_alignment="center", gap="xxsmall"):
        st.space("small")
        st.markdown(f"### :gray[{icon}]", text_alignment="center")
        st.markdown(f"**{shows}**", text_alignment="center")
        st.markdown(why, text_alignment="center")
        st.caption(step, text_alignment="center")
        st.space("small")


def first_use(shows: str) -> None:
    """Draw the state of a store that has never seen a record."""
    empty(
        ":material/cable:",
        shows,
        "No record has arrived yet.",
        "Hook a script with these three lines, or run `make demo` to see real automations at work.",
    )
    st.code(SNIPPET, language="python")
