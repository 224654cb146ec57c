"""What the address chooses: tab, filters and page of the list."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from cases import queries
from cases.case import SEVERITIES
from cases.queries import CaseFilter
from views.kit import labels
from views.kit.person import page_context, who
from views.kit.state import go, param, several

PER_PAGE: Final = 50
FILTERS: Final = ("q", "flow", "class", "severity", "tenant", "assignee", "due")


def filters() -> CaseFilter:
    """Draw the filters and return what they choose."""
    facets = queries.facets(page_context().reading)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="filters"):
        _text("q", "Search", "Title, message or unit")
        _choice("flow", "Flow", facets.flow)
        _choice("class", "Class", facets.klass)
        counted = facets.severity
        _choice("severity", "Severity", {name: counted[name] for name in SEVERITIES if name in counted})
        _choice("tenant", "Tenant", facets.tenant)
        _due()
        if facets.assignee or several("assignee"):
            _choice("assignee", "Assigned to", facets.assignee)
    return CaseFilter(
        flow=several("flow") or None,
        klass=several("class") or None,
        severity=several("severity") or None,
        tenant=several("tenant") or None,
        group=param("group") or None,
        text=param("q") or None,
        assignee=several("assignee") or None,
        due=chosen_due(),
    )


def chosen_due() -> str | None:
    """Return what the address narrows the list to by due time."""
    return param("due") if param("due") in labels.DUE else None


def _due() -> None:
    st.session_state["filter_due"] = chosen_due()
    st.selectbox(
        "Due", list(labels.DUE), key="filter_due", placeholder="Due", label_visibility="collapsed", width=150,
        index=None, format_func=labels.DUE.__getitem__,
        on_change=lambda: go(due=st.session_state["filter_due"], page=None),
    )  # fmt: skip


def _text(name: str, label: str, hint: str) -> None:
    key = f"filter_{name}"
    st.session_state[key] = param(name)
    st.text_input(
        label, key=key, placeholder=hint, label_visibility="collapsed", icon=":material/search:", width=260,
        on_change=lambda: go(**{name: st.session_state[key].strip(), "page": None}),
    )  # fmt: skip


def _choice(name: str, label: str, counted: dict[str, int]) -> None:
    """Offer the values that live cases have, with how many have them."""
    key = f"filter_{name}"
    chosen = several(name)
    options = list(dict.fromkeys([*counted, *chosen]))
    st.session_state[key] = chosen
    st.multiselect(
        label, options, key=key, placeholder=label, label_visibility="collapsed", width=150,
        format_func=lambda value: f"{value} ({counted[value]})" if value in counted else value,
        on_change=lambda: go(**{name: st.session_state[key], "page": None}),
    )  # fmt: skip


def chosen_tab() -> str:
    """Return the name of the open tab."""
    name = param("tab", "open")
    return name if name in labels.TABS else "open"


def tabs(counted: dict[str, int]) -> None:
    """Draw the tabs, each with its count."""
    st.session_state["tab"] = chosen_tab()
    st.segmented_control(
        "State", list(labels.TABS), key="tab", label_visibility="collapsed", required=True,
        format_func=lambda name: f"{labels.TABS[name].name} {counted[name]:,}",
        on_change=lambda: go(tab=st.session_state["tab"], page=None, case=None),
    )  # fmt: skip


def count_of(tab: str, counts: dict[str, int]) -> int:
    """Return how many cases a tab lists."""
    if tab == "mine":
        return counts["mine"]
    if labels.TABS[tab].snoozed:
        return counts.get(queries.SNOOZED, 0)
    if labels.TABS[tab].due:
        return counts.get(queries.UNADDRESSED, 0)
    return sum(counts.get(state, 0) for state in labels.TABS[tab].states)


def of_tab(chosen: CaseFilter, tab: str) -> CaseFilter:
    """Return the filter narrowed to the states of a tab."""
    shown = labels.TABS[tab]
    mine = who().name if tab == "mine" else None
    # A tab about due times wins over the filter: both of them would be one too many.
    due = shown.due or chosen.due
    return replace(chosen, state=shown.states, holder=mine, snoozed=shown.snoozed, due=due)


def first_row() -> int:
    """Return the offset of the first case of the chosen page."""
    number = param("page", "1")
    return (max(1, int(number)) - 1) * PER_PAGE if number.isdecimal() else 0
