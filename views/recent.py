"""The latest units: a start for users who have no number to search for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from cases import units
from data import formats
from views.kit.markdown import escape
from views.kit.state import go, param

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cases.unit import SeenUnit
    from server.context import ServerContext


_FILTERS: Final = {"failed": "Failed", "named": "Has an ID"}


def recent_units(
    ctx: ServerContext, open_unit: Callable[[str], None], states: Mapping[str, tuple[str, Any, str]]
) -> None:
    """List the latest units; `open_unit` shows one, `states` are name, colour and icon of each state."""
    chosen = _filters()
    rows = units.recent(ctx.reading, failed="failed" in chosen, named="named" in chosen)
    if not rows:
        st.caption("No unit matches the filters. Remove a filter, or wait for the next unit.")
        return
    with st.container(border=True, gap="xsmall"):
        for n, seen in enumerate(rows):
            _line(ctx, n, seen, open_unit, states)


def _filters() -> list[str]:
    known = [name for name in param("only").split(",") if name in _FILTERS]

    def choose() -> None:
        go(only=list(st.session_state["recent_filters"]))

    st.session_state.setdefault("recent_filters", known)
    st.pills(
        "Show only",
        list(_FILTERS),
        selection_mode="multi",
        format_func=_FILTERS.__getitem__,
        key="recent_filters",
        on_change=choose,
    )
    return known


def _line(
    ctx: ServerContext,
    n: int,
    seen: SeenUnit,
    open_unit: Callable[[str], None],
    states: Mapping[str, tuple[str, Any, str]],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            escape(seen.id),
            key=f"recent_{n}",
            on_click=open_unit,
            args=(seen.id,),
            type="tertiary",
            icon=":material/account_tree:",
        )
        name, color, icon = states[seen.state]
        st.badge(name, color=color, icon=icon)
        st.caption(f"{escape(seen.flow)} · {formats.ago(seen.time, ctx.now())}")
