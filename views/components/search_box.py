"""The search of the queue: a line of text with completion of qualifiers and values, and hints on faults.

Streamlit's own text input completes nothing, and its select boxes hold one value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from views.components import source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cases.search import Fault, Qualifier

_HTML: Final = """
<div class="search" role="search">
  <input type="text" role="combobox" aria-label="Search" aria-autocomplete="list" aria-expanded="false"
    aria-controls="offers" aria-describedby="faults" autocomplete="off" autocapitalize="off"
    spellcheck="false">
  <ul id="offers" role="listbox" aria-label="Completions" hidden></ul>
  <ul id="faults" aria-live="polite"></ul>
</div>
"""

_box: Final = st.components.v2.component(
    "unsnag_search", html=_HTML, css=source("search_box.css"), js=source("search_box.js")
)


def search_box(
    text: str,
    *,
    key: str,
    qualifiers: Mapping[str, Qualifier],
    known: Mapping[str, Sequence[str]],
    faults: Sequence[Fault],
    longest: int,
    on_search: Callable[[], None],
) -> None:
    """Draw the box. `sent_search` returns what was searched for, in the callback.

    `known` holds the values that a qualifier offers beside those that are all it takes.
    """
    offered = {name: [*(one.values or ()), *known.get(name, ())] for name, one in qualifiers.items()}
    _box(
        data={
            "text": text,
            "longest": longest,
            "faults": [fault._asdict() for fault in faults],
            "qualifiers": [[name, one.means, one.example] for name, one in qualifiers.items()],
            "values": offered,
        },
        key=key,
        on_search_change=on_search,
    )


def sent_search(key: str) -> str | None:
    """Return what somebody searches for."""
    sent = st.session_state[key].search
    return str(sent.get("text", "")) if isinstance(sent, dict) else None
