"""The editor: a text with line numbers, sent as one types, with what is wrong at its line.

Streamlit's own text area sends only when it is left.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import streamlit as st

from views.components import source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.mapping_text import Fault

_HTML: Final = """
<div class="editor">
  <div class="text">
    <div class="gutter" aria-hidden="true"></div>
    <textarea spellcheck="false" autocapitalize="off" wrap="off" aria-label="Mapping"></textarea>
  </div>
  <ul aria-live="polite"></ul>
</div>
"""

_editor: Final = st.components.v2.component(
    "unsnag_editor", html=_HTML, css=source("editor.css"), js=source("editor.js")
)


def typed(key: str, token: int) -> str | None:
    """Return what somebody typed into the editor since its text was set with this token; None: nothing."""
    state = st.session_state.get(key)
    sent = state.get("text") if state else None
    return sent.get("text") if isinstance(sent, dict) and sent.get("token") == token else None


def editor(
    text: str, *, key: str, token: int, faults: Sequence[Fault], read_only: bool, label: str = "Mapping"
) -> None:
    """Draw the editor; `label` names it for screen readers.

    `text` replaces what stands in it when `token` is another than before. See `typed` for what was typed.
    """
    sent = [asdict(one) for one in faults]
    data = {"text": text, "token": token, "faults": sent, "readOnly": read_only, "label": label}
    _editor(data=data, key=key, on_text_change=lambda: None)
