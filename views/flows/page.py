"""Flows: a table of all, and one with its settings, an editor with faults as one types, and versions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import streamlit as st

from data import formats
from flows.kept import FlowNotFoundError
from flows.seen import NONE, REFUSED
from server import flow_views
from views.components.live import live
from views.flows.draft import draft_of
from views.flows.editing import editing
from views.flows.history import history
from views.flows.table import STYLE, at_risk, table, touchless
from views.kit import markdown
from views.kit.acting import show_messages
from views.kit.empty import empty, first_use
from views.kit.person import page_context
from views.kit.state import go, param
from views.kit.title import title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.seen import SeenFlow
    from server.context import ServerContext

_SHOWS: Final = "Who answers for each flow, what was promised, and where it hurts."
_FACTS: Final = """<style>
.facts {margin: 0 !important; padding: 0 !important; display: grid;
    grid-template-columns: repeat(auto-fill, minmax(150px, 1fr));     gap: 10px 18px;}
.facts dt {font-size: 11.5px; opacity: 0.75;}
.facts dd {margin: 0; font-size: 14px; overflow-wrap: anywhere;}
.facts small {opacity: 0.75; font-size: 11.5px;}
.facts a {color: inherit; text-underline-offset: 3px;}
</style>"""


def page() -> None:
    """Draw the page."""
    title("Flows")
    show_messages()
    if param("flow"):
        _one(param("flow"))
    else:
        _all()


@st.fragment
def _all() -> None:
    """Draw the table; it runs again when settings change."""
    ctx = page_context()
    found = flow_views.listed(ctx)
    if found:
        st.markdown(_summary(found))
        st.html(STYLE + table(found, ctx.now()))
    elif ctx.as_of() is None:
        first_use(_SHOWS)
    else:
        empty(
            ":material/account_tree:",
            _SHOWS,
            "No record that arrived names a flow.",
            "Name the flow in the script, or in the mapping of its source.",
            "[Mapping](/mapping)",
        )
    if ctx.reading.scope is None:
        for file, faults in ctx.container.flows.refused.items():
            what = markdown.escape(f"{file}: {faults[0]}")
            st.error(f"A settings file is refused. {what}", icon=":material/error:")
    live("flow", key="flows_live")


def _summary(found: Sequence[SeenFlow]) -> str:
    without = sum(one.settings is None for one in found)
    refused = sum(one.state == REFUSED for one in found)
    parts = [formats.count(len(found), "flow")]
    parts += [f":orange[{without} without settings]"] if without else []
    parts += [f":red[{refused} with a refused file]"] if refused else []
    return " · ".join([*parts, ":gray[critical ones first, then by open exceptions]"])


@st.fragment
def _one(name: str) -> None:
    """Draw one flow; it runs again with every pause in typing, and when settings change."""
    show_messages()
    ctx = page_context()
    st.button("All flows", icon=":material/arrow_back:", type="tertiary", on_click=lambda: go(flow=None))
    try:
        seen = flow_views.of_name(ctx, name)
    except FlowNotFoundError as error:
        empty(
            ":material/account_tree:", _SHOWS, markdown.escape(str(error)), "Choose one of all flows.",
            "[All flows](/flows)",
        )  # fmt: skip
        return
    st.subheader(markdown.escape(name), anchor=False)
    st.html(_FACTS + _facts(ctx, seen))
    draft = draft_of(seen)
    with st.container(key="flow_bench"):
        editing(ctx, seen, draft)
    history(ctx, draft)
    live("flow", key="flow_live")


def _facts(ctx: ServerContext, seen: SeenFlow) -> str:
    none = formats.MISSING
    queue = f'<a href="/?flow={quote(seen.name, safe="")}" target="_self">{seen.open_exceptions:,}</a>'
    week = f'<a href="/business?flow={quote(seen.name, safe="")}" target="_self">{touchless(seen)}</a>'
    facts = {
        "Owner": escape(seen.owner or ("not set" if seen.state == NONE else none)),
        "Contact": escape(seen.contact or none),
        "Criticality": (seen.criticality or none).capitalize(),
        "Touchless, 28 days": week if seen.touchless is not None else none,
        "Open exceptions": queue,
        "At risk": at_risk(seen) or none,
        "Units": f"{seen.arrived.units:,}",
        "Last activity": formats.ago(seen.arrived.last_at, ctx.now()),
    }
    cells = "".join(f"<div><dt>{key}</dt><dd>{value}</dd></div>" for key, value in facts.items())
    return f'<dl class="facts">{cells}</dl>'
