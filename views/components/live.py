"""Run a fragment again when something changed: server-sent events instead of polling."""

from __future__ import annotations

from typing import Final

import streamlit as st

from server.container import current
from server.queue import reader
from views.components import source
from views.kit.person import who

_live: Final = st.components.v2.component(
    "unsnag_live", html="<span hidden></span>", js=source("changes.js") + source("live.js")
)


def live(topic: str, *, key: str) -> None:
    """Make the fragment that calls this run again when the topic's revision moves."""
    _live(
        data={"topic": topic, "revision": current().events.revision(topic), "reader": reader(who())},
        key=key,
        on_revision_change=lambda: None,
        height=1,
    )
