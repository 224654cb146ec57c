"""What the address chooses: tab, filters and page of the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import streamlit as st

from cases import queries, search
from cases.case import SEVERITIES
from cases.queries import CaseFilter
from cases.search import ME, Asker, Fault, InvalidSearchError
from views.components.search_box import search_box, sent_search
from views.exceptions.saved import saved_views_box
from views.kit import labels
from views.kit.person import page_context, who
from views.kit.state import go, param, several

if TYPE_CHECKING:
    from cases.queries import Facets

PER_PAGE: Final = 50
FILTERS: Final = ("q", "flow", "class", "severity", "tenant", "assignee", "due")
_SEARCH_PX: Final = 245
_BOX: Final = "queue_search"
_TABS: Final = "queue_tabs"
"""Which number the tabs have, and which tab they show."""


def filters(*, is_grouped: bool = False) -> CaseFilter | None:
    """Draw the search and the filters; return what they choose, None where the search cannot be read."""
    ctx, base, faults = page_context(), _of_address(is_grouped=is_grouped), list[Fault]()
    try:
        chosen = base.within(search.parse(param("q"), Asker(who().name, ctx.now())))
    except InvalidSearchError as error:
        chosen, faults = base, error.faults
    facets = queries.facets(ctx.reading, chosen if is_grouped else of_tab(chosen, chosen_tab()))
    with st.container(horizontal=True, gap="small", vertical_alignment="top", key="filters"):
        _search(facets, faults)
        _choice("flow", "Flow", facets.flow)
        _choice("class", "Class", facets.klass)
        counted = facets.severity
        _choice("severity", "Severity", {name: counted[name] for name in SEVERITIES if name in counted})
        _choice("tenant", "Tenant", facets.tenant)
        _due()
        if facets.assignee or several("assignee"):
            _choice("assignee", "Assigned to", facets.assignee)
        saved_views_box()
    return None if faults else chosen


def _of_address(*, is_grouped: bool) -> CaseFilter:
    return CaseFilter(
        flow=several("flow") or None,
        klass=several("class") or None,
        severity=several("severity") or None,
        tenant=several("tenant") or None,
        group=None if is_grouped else several("group") or None,
        assignee=several("assignee") or None,
        due=[word] if (word := chosen_due()) else None,
    )


def chosen_due() -> str | None:
    """Return what the address narrows the list to by due time."""
    return param("due") if param("due") in labels.DUE else None


def _due() -> None:
    st.session_state["filter_due"] = chosen_due()
    st.selectbox(
        "Due", list(labels.DUE), key="filter_due", placeholder="Due", label_visibility="collapsed", width=120,
        index=None, format_func=labels.DUE.__getitem__,
        on_change=lambda: go(due=st.session_state["filter_due"], page=None),
    )  # fmt: skip


def _search(facets: Facets, faults: list[Fault]) -> None:
    known = {
        "flow": list(facets.flow),
        "tenant": list(facets.tenant),
        "assignee": [ME, *facets.assignee],
        "holder": [ME],
    }
    with st.container(width=_SEARCH_PX, key="search_box"):
        search_box(
            param("q"), key=_BOX, qualifiers=search.QUALIFIERS, known=known, faults=faults,
            longest=search.MAX_CHARS, on_search=_searched,
        )  # fmt: skip


def _searched() -> None:
    text = sent_search(_BOX)
    if text is not None:
        go(q=text, page=None, after=None)


def unreadable() -> None:
    """Say that nothing is listed while the search is wrong: a list of something else would mislead."""
    st.caption("The list is not shown while the search cannot be read. The hint says what to change.")
    st.button("Clear the search", icon=":material/filter_alt_off:", on_click=lambda: go(q=None, page=None))


def _choice(name: str, label: str, counted: dict[str, int]) -> None:
    """Offer the values that the listed cases have, with how many have them."""
    key = f"filter_{name}"
    chosen = several(name)
    options = list(dict.fromkeys([*counted, *chosen]))
    st.session_state[key] = chosen
    st.multiselect(
        label, options, key=key, placeholder=label, label_visibility="collapsed", width=122,
        format_func=lambda value: f"{value} ({counted[value]})" if value in counted else value,
        on_change=lambda: go(**{name: st.session_state[key], "page": None}),
    )  # fmt: skip


def chosen_tab() -> str:
    """Return the name of the open tab."""
    name = param("tab", "open")
    return name if name in labels.TABS else "open"


def tabs(counted: dict[str, int]) -> None:
    """Draw the tabs, each with its count."""
    key = _key_of_tabs()
    st.session_state[key] = chosen_tab()
    st.segmented_control(
        "State", list(labels.TABS), key=key, label_visibility="collapsed", required=True,
        format_func=lambda name: f"{labels.TABS[name].name} {counted[name]:,}",
        on_change=lambda: _chose_tab(key),
    )  # fmt: skip


def _key_of_tabs() -> str:
    """Return the key of the tabs: another one after each change of the address that they did not make.

    What the browser sends before it has drawn that change names the tab of before, which would count as a
    click: it led back to *Open* after *Claim next*.
    """
    number, name = st.session_state.get(_TABS, (0, chosen_tab()))
    number += name != chosen_tab()
    st.session_state[_TABS] = (number, chosen_tab())
    return f"tab_{number}"


def _chose_tab(key: str) -> None:
    number, _ = st.session_state[_TABS]
    if key == f"tab_{number}":
        go(tab=st.session_state[key], page=None, case=None)
        st.session_state[_TABS] = (number, chosen_tab())


def count_of(tab: str, counts: dict[str, int]) -> int:
    """Return how many cases a tab lists."""
    if tab == "mine":
        return counts["mine"]
    if labels.TABS[tab].due:
        return counts.get(queries.UNADDRESSED, 0)
    if labels.TABS[tab].snoozed == [True]:
        return counts.get(queries.SNOOZED, 0)
    return sum(counts.get(state, 0) for state in labels.TABS[tab].states)


def of_tab(chosen: CaseFilter, tab: str) -> CaseFilter:
    """Return the filter narrowed to the states of a tab."""
    shown = labels.TABS[tab]
    mine = [who().name] if tab == "mine" else None
    # A tab about due times wins over the filter: both of them would be one too many.
    due = [shown.due] if shown.due else chosen.due
    narrowed = chosen.within(CaseFilter(state=shown.states, holder=mine, snoozed=shown.snoozed))
    return replace(narrowed, due=due)


def first_row() -> int:
    """Return the offset of the first case of the chosen page."""
    number = param("page", "1")
    return (max(1, int(number)) - 1) * PER_PAGE if number.isdecimal() else 0
