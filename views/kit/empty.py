"""Empty states: what the page shows, why it is empty now, the next step."""

from __future__ import annotations

import streamlit as st


def empty(icon: str, shows: str, why: str, step: str, link: str | None = None) -> None:
    """Draw the three lines, and a link in Markdown to the next step."""
    with st.container(border=True, horizontal_alignment="center", gap="xxsmall"):
        st.space("small")
        st.markdown(f"### :gray[{icon}]", text_alignment="center")
        st.markdown(f"**{shows}**", text_alignment="center")
        st.markdown(why, text_alignment="center")
        st.caption(step, text_alignment="center")
        if link:
            st.markdown(f"**{link}**", text_alignment="center")
        st.space("small")


def first_use(shows: str) -> None:
    """Draw the empty state of a store without records."""
    empty(
        ":material/cable:",
        shows,
        "No records yet.",
        "Connect a script, a log file or OpenTelemetry, or run `make demo` to see example automations.",
        "[Connect something](/connect)",
    )
