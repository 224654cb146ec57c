"""Meeting mode of the weekly review: a bar with the section, a clock, and keys for the next one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from views.components import source

_HTML: Final = """
<div class="meeting" role="group" aria-label="Sections">
  <button type="button" class="before" aria-label="Previous section">←</button>
  <span class="name" aria-live="polite"></span>
  <span class="clock" aria-label="Time in this section"></span>
  <button type="button" class="next" aria-label="Next section">→</button>
</div>
"""
_bar: Final = st.components.v2.component(
    "unsnag_meeting", html=_HTML, css=source("meeting.css"), js=source("meeting.js")
)


def meeting_bar() -> None:
    """Draw the bar; the arrow keys go from section to section while no field has the focus."""
    _bar(data={}, key="meeting_bar")
