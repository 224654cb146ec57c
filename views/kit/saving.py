"""The row under an editor: what changed and why, and the button that saves the text as its next version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable


def saving_row(
    version: int, save: Callable[..., None], args: tuple[Any, ...], *, note: str, longest: int, can_save: bool
) -> None:
    """Draw the row.

    Args:
        version: The number that the text gets.
        save: Runs with `args` when the button is pressed.
        args: What `save` takes.
        note: Key of the note in the session.
        longest: Characters that a note may have.
        can_save: Whether the button can be pressed.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Note", key=note, placeholder="What changed, and why", max_chars=longest,
            label_visibility="collapsed",
        )  # fmt: skip
        st.button(
            f"Save as version {version}",
            type="primary",
            icon=":material/save:",
            disabled=not can_save,
            on_click=save,
            args=args,
        )


def written(note: str) -> str | None:
    """Return the note, or None where nothing was written."""
    return str(st.session_state.get(note, "")).strip() or None
