"""Meeting mode: the whole width, larger type, and keys from section to section. The address holds it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from views.components.meeting import meeting_bar
from views.kit.state import go, param

_STYLE: Final = """<style>
[data-testid="stSidebar"], .st-key-strip {display: none !important;}
.block-container {max-width: none !important; padding-bottom: 60vh !important;}
[data-testid="stMarkdownContainer"] p {font-size: 1.2rem;}
[data-testid="stMain"] h3 {font-size: 1.7rem !important;}
.review table {font-size: 18px; max-width: none;}
.review th, .review td small, .review .small {font-size: 15px;}
.review .tile .name {font-size: 18px;}
.review .tile .value {font-size: 38px;}
.review .tile .line {font-size: 16px;}
[class*="st-key-section_"] {scroll-margin-top: 3.5rem;}
.st-key-meeting_top {
    position: fixed; left: 0; right: 0; bottom: 0; z-index: 50; width: 100% !important; padding: 8px 2.25rem;
    background: Canvas; border-top: 1px solid #80808040;
}
@media (max-width: 768px) {.st-key-meeting_top {padding: 8px 1rem;}}
@media print {.st-key-meeting_top {display: none;}}
</style>"""


def is_on() -> bool:
    """Return whether the address asks for it."""
    return param("meeting") == "1"


def switch() -> None:
    """Draw the button that begins or ends it."""
    on = is_on()
    st.button(
        "End meeting" if on else "Meeting",
        key="week_meeting",
        icon=":material/co_present:",
        type="tertiary",
        help="The whole width and larger type; → and ← go to the next and the previous section.",
        on_click=lambda: go(meeting=None if on else "1"),
    )


def bar() -> None:
    """Draw the bar of sections, where the mode is on."""
    if is_on():
        st.html(_STYLE)
        with st.container(key="meeting_top"):
            meeting_bar()
