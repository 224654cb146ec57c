"""What the address chooses: tab, filters and page of the list."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import streamlit as st

from cases import queries, search
from cases.case import SEVERITIES
from cases.search import ME, Asker, Fault, InvalidSearchError
from cases.tabs import TABS
from server.queue import MOST_PAGES, QueueRequest, reader
from views.components.queue_tabs import queue_tabs
from views.components.search_box import search_box, sent_search
from views.exceptions.arrangement import chosen_order
from views.exceptions.saved import saved_views_box
from views.kit import labels
from views.kit.person import page_context, who
from views.kit.state import choose, go, param, preset, several

if TYPE_CHECKING:
    from cases.queries import CaseFilter, Facets
    from server.queue import QueueView

FILTERS: Final = ("q", "flow", "class", "severity", "tenant", "assignee", "due")
_SEARCH_PX: Final = 245
_BOX: Final = "queue_search"
_TABS: Final = "tabs"


def filters(*, is_grouped: bool = False) -> CaseFilter | None:
    """Draw the search and the filters; return what they choose, None where the search cannot be read."""
    ctx, asked, faults = page_context(), asked_of_address(is_grouped=is_grouped), list[Fault]()
    try:
        chosen = asked.chosen(Asker(who().name, ctx.now()))
    except InvalidSearchError as error:
        chosen, faults, asked = asked.of_facets(), error.faults, replace(asked, q="")
    facets = queries.facets(ctx.reading, chosen) if is_grouped else ctx.container.queue.facets(ctx, asked)
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


def asked_of_address(*, is_grouped: bool = False) -> QueueRequest:
    """Return what the address asks for."""
    return QueueRequest(
        tab=chosen_tab(),
        q=param("q"),
        flow=tuple(several("flow")),
        klass=tuple(several("class")),
        severity=tuple(several("severity")),
        tenant=tuple(several("tenant")),
        assignee=tuple(several("assignee")),
        group=() if is_grouped else tuple(several("group")),
        due=chosen_due(),
        order=chosen_order(),
        page=_chosen_page(),
    )


def chosen_due() -> str | None:
    """Return what the address narrows the list to by due time."""
    return param("due") if param("due") in labels.DUE else None


def _due() -> None:
    preset("filter_due", chosen_due())
    st.selectbox(
        "Due", list(labels.DUE), key="filter_due", placeholder="Due", label_visibility="collapsed", width=120,
        index=None, format_func=labels.DUE.__getitem__,
        on_change=lambda: choose("due", st.session_state["filter_due"], page=None),
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
    preset(key, chosen, label=[counted.get(value) for value in chosen])
    st.multiselect(
        label, options, key=key, placeholder=label, label_visibility="collapsed", width=122,
        format_func=lambda value: f"{value} ({counted[value]})" if value in counted else value,
        on_change=lambda: choose(
            name, [v if v in options else _without_count(v) for v in st.session_state[key]], page=None
        ),
    )  # fmt: skip


def _without_count(label: str) -> str:
    """Return the value of a label whose count is of before: a browser reports labels."""
    value, _, count = label.rpartition(" (")
    return value if value and count.rstrip(")").isdecimal() else label


def chosen_tab() -> str:
    """Return the name of the open tab."""
    name = param("tab", "open")
    return name if name in TABS else "open"


def tabs(view: QueueView, asked: QueueRequest, opened: str | None) -> None:
    """Draw the tabs, each with its count. They keep the page true when a case changes."""
    queue = page_context().container.queue
    versions = dict(map(itemgetter("id", "version"), view.listed.rows))
    version = versions.get(opened) or (queue.version(page_context(), opened) if opened else None)
    queue_tabs(
        view, asked, key=_TABS, reader=reader(who()), opened=(opened, version) if opened else None,
        on_tab=_choose_tab,
    )  # fmt: skip


def _choose_tab() -> None:
    name = (st.session_state[_TABS].tab or {}).get("name")
    if name in TABS:
        go(tab=name, page=None, case=None)


def _chosen_page() -> int:
    number = param("page", "1")
    return min(max(1, int(number)), MOST_PAGES) if number.isdecimal() else 1
