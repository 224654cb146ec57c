"""How the queue is arranged: its order, its columns and their widths, all in the address."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from cases.errors import InvalidActError
from cases.ordering import KEYS, Order
from views.kit.state import choose, go, param, preset, several

COLUMNS: Final = {
    "due": "Due",
    "severity": "Severity",
    "class": "Class",
    "unit": "Unit",
    "value": "At risk",
    "seen": "Seen",
    "attempts": "Attempts",
    "who": "Who",
    "opened": "Opened",
    "tenant": "Tenant",
}
"""Columns that can be chosen, in their order; what happened is always shown."""
USUAL: Final = ("due", "severity", "class", "unit", "value", "seen", "attempts", "who")
LEAST_PX, MOST_PX = 48, 600
"""Between these a column can be wide; `column_widths.js` has the same."""
_NONE: Final = "what"
"""In the address where no column is chosen beside the one that is always there."""


def chosen_order() -> Order | None:
    """Return the order that the address names; None for the order of urgency."""
    try:
        return Order.of(param("sort"))
    except InvalidActError:
        return None


def chosen_columns() -> list[str] | None:
    """Return the columns that the address names, in their order; None for the usual ones."""
    named = several("columns")
    return [name for name in COLUMNS if name in named] if named else None


def chosen_widths() -> dict[str, int]:
    """Return the widths that the address names, in pixels; what it cannot mean is left out."""
    named = [part.partition(":") for part in several("widths")]
    return {
        name: int(width)
        for name, _, width in named
        if name in COLUMNS and width.isdecimal() and LEAST_PX <= int(width[:4]) <= MOST_PX
    }


def set_width(name: str, width: int | None) -> None:
    """Set the width of a column in pixels, as near as it may be; None: as wide as usual."""
    widths = {**chosen_widths(), name: min(MOST_PX, max(LEAST_PX, int(width)))} if width else chosen_widths()
    if width is None:
        widths.pop(name, None)
    go(widths=[f"{column}:{widths[column]}" for column in COLUMNS if column in widths])


def sort_by(name: str) -> None:
    """Sort by a column: first as is natural for it, then the other way, then by urgency again."""
    order, wanted = chosen_order(), Order.of(name)
    if order is not None and order.name == name:
        wanted = order.turned if order == wanted else None
    go(sort=wanted.text if wanted else None, page=None)


def arrange() -> None:
    """Draw the choice of order and columns."""
    with st.popover("Order and columns", icon=":material/tune:"):
        _order()
        _columns()
        _width()
        if param("sort") or param("columns") or param("widths"):
            st.button(
                "Back to the usual order and columns", key="usual_arrangement", icon=":material/undo:",
                type="tertiary", on_click=lambda: go(sort=None, columns=None, widths=None, page=None),
            )  # fmt: skip


def _order() -> None:
    order = chosen_order()
    preset("queue_sort", order.name if order else None)
    st.selectbox(
        "Sort by", list(KEYS), key="queue_sort", index=None, placeholder="Urgency: due time, then value",
        format_func=lambda name: KEYS[name].label.capitalize(),
        on_change=lambda: choose("sort", st.session_state.queue_sort, page=None),
    )  # fmt: skip
    if order:
        st.button(
            f"Now {order.words}: turn it around", key="turn_order", icon=":material/swap_vert:",
            on_click=lambda: go(sort=order.turned.text, page=None),
        )  # fmt: skip


def _columns() -> None:
    preset("queue_columns", chosen_columns() or ([] if several("columns") else list(USUAL)))
    st.pills(
        "Columns", list(COLUMNS), key="queue_columns", selection_mode="multi",
        format_func=COLUMNS.__getitem__, on_change=_chose_columns, help="What happened is always shown.",
    )  # fmt: skip


def _width() -> None:
    """Draw the width of one column: what the edges of the headings do, without a pointer."""
    with st.container(horizontal=True, gap="small", key="column_width"):
        name = st.selectbox(
            "Width of", list(COLUMNS), key="width_column", format_func=COLUMNS.__getitem__, width=150
        )
        key = f"width_{name}"
        preset(key, chosen_widths().get(name))
        st.number_input(
            "Pixels", LEAST_PX, MOST_PX, value=None, step=8, key=key, width=150, placeholder="as usual",
            on_change=lambda: set_width(name, st.session_state[key]),
        )  # fmt: skip


def _chose_columns() -> None:
    chosen: Any = st.session_state.queue_columns
    names = [name for name in COLUMNS if name in chosen]
    usual = names == list(USUAL)
    choose("columns", None if usual else names or _NONE)
