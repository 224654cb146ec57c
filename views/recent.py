"""The units that were seen last: where somebody begins who has no number to look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from views.kit import words
from views.kit.state import go, param

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from server.center import Seat

    Row = dict[str, Any]

_FILTERS: Final = {"failed": "Failed", "named": "Has an ID"}


def recent_units(
    center: Seat, open_unit: Callable[[str], None], states: Mapping[str, tuple[str, Any, str]]
) -> None:
    """List the latest units; `open_unit` shows one, `states` are the words, colours and icons of a state."""
    chosen = _filters()
    rows = center.units.recent(failed="failed" in chosen, named="named" in chosen)
    if not rows:
        st.caption("No unit passes the filter. Take a filter away, or wait for the next unit.")
        return
    with st.container(border=True, gap="xsmall"):
        for n, row in enumerate(rows):
            _line(center, n, row, open_unit, states)


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
    center: Seat,
    n: int,
    row: Row,
    open_unit: Callable[[str], None],
    states: Mapping[str, tuple[str, Any, str]],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            words.escape(row["id"]),
            key=f"recent_{n}",
            on_click=open_unit,
            args=(row["id"],),
            type="tertiary",
            icon=":material/account_tree:",
        )
        name, color, icon = states[row["state"]]
        st.badge(name, color=color, icon=icon)
        st.caption(f"{words.escape(row['flow'])} · {words.ago(row['time'], center.now())}")
