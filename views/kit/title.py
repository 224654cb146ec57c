"""The title of a page, at the same height on each, with space for its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def title(name: str) -> DeltaGenerator:
    """Draw the title and return its row: what is drawn in it stands at the right."""
    row = st.container(horizontal=True, vertical_alignment="center", key="page_title")
    row.title(name, anchor=False, width="stretch")
    return row
