"""The tabs of the queue, and the feed of its page: it fetches what the page shows when a case changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from cases.tabs import TABS
from server.queue import PER_PAGE
from views.components import source

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.queue import QueueRequest, QueueView

_HTML: Final = """
<div class="root">
  <div class="tabs" role="radiogroup" aria-label="State"></div>
  <div class="settling" hidden></div>
</div>
"""

_NOTE_HTML: Final = """
<div class="note"><b class="selected"></b><span class="shown"></span><span class="how"></span></div>
"""
_NOTE_CSS: Final = """
.note {font-family: var(--st-font); color: var(--st-text-color); line-height: 1.5;}
.how {color: color-mix(in srgb, var(--st-text-color) 65%, transparent);}
"""

_tabs: Final = st.components.v2.component(
    "unsnag_queue_tabs",
    html=_HTML,
    css=source("queue_tabs.css"),
    js="".join(map(source, ("changes.js", "queue_view.js", "queue_feed.js", "queue_tabs.js"))),
)
_note: Final = st.components.v2.component(
    "unsnag_queue_note",
    html=_NOTE_HTML,
    css=_NOTE_CSS,
    js=source("queue_view.js") + source("queue_note.js"),
)


def queue_tabs(
    view: QueueView,
    request: QueueRequest,
    *,
    key: str,
    reader: str,
    opened: tuple[str, int | None] | None,
    on_tab: Callable[[], None],
) -> None:
    """Draw the tabs with their counts; fetch them and the rows again when a case changes.

    A click sends the trigger `tab` = {name}. The trigger `stale` runs the script where only it can draw what
    changed. `opened` is the id of the exception whose panel is drawn, and its version.
    """
    _tabs(
        data={
            "tabs": [[name, tab.name] for name, tab in TABS.items()],
            "tab": request.tab,
            "query": urlencode(request.params()),
            "revision": view.revision.text,
            "reader": reader,
            "perPage": PER_PAGE,
            "total": view.listed.total,
            "first": request.first,
            "counts": view.counts,
            "settling": view.settling,
            "opened": opened and {"id": opened[0], "version": opened[1]},
        },
        key=key,
        on_tab_change=on_tab,
        on_stale_change=lambda: None,
    )


def queue_note(view: QueueView, request: QueueRequest, *, key: str, how: str, selected: int) -> None:
    """Draw which rows of how many are shown, in which order, and how many are selected."""
    _note(
        data={
            "query": urlencode(request.params()),
            "revision": view.revision.text,
            "first": request.first,
            "rows": len(view.listed.rows),
            "total": view.listed.total,
            "how": how,
            "selected": selected,
        },
        key=key,
        width="content",
    )
