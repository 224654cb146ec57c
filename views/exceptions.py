"""Exceptions: what is stuck, who is on it, can I fix it, did it work.

Read the filters, ask for the page of cases, draw the table and the panel, act.
Everything that is chosen stands in the address.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from access.errors import SignedOutError
from collectors.states import RUNNING
from data.errors import UnsnagError
from desk.cases import CaseFilter
from desk.lifecycle import LIVE
from desk.priority import SEVERITIES
from views.components.live import live
from views.components.queue_table import queue_table
from views.kit import words
from views.kit.acting import act, show_messages
from views.kit.empty import empty, first_use
from views.kit.panel import NO_OPERATOR, case_panel, resolve_dialog, retry_dialog
from views.kit.person import here, seat, who
from views.kit.state import go, param, several

if TYPE_CHECKING:
    from datetime import datetime

    from desk.cases import CasePage

    Case = dict[str, Any]

PER_PAGE: Final = 50
PANEL_PX: Final = 440
TABS: Final = {
    "open": ("Open", ["open"]),
    "mine": ("Mine", ["claimed", "retrying", "verifying"]),
    "claimed": ("Claimed", ["claimed"]),
    "running": ("Retrying", ["retrying", "verifying"]),
    "recovered": ("Recovered", ["recovered"]),
    "resolved": ("Resolved", ["resolved"]),
    "expired": ("Expired", ["expired"]),
}
KEYS: Final = {"c": "claim", "r": "retry", "v": "resolve", "u": "release", "n": "next", "?": "help"}
_TABLE: Final = "queue"
_KEYS_HELP: Final = """
| key | does |
|---|---|
| `j` `k` `↓` `↑` | move |
| `Enter` `o` | open the panel |
| `x` `Space` | select; with `Shift` and the arrows, a range |
| `a` | select all of this page |
| `c` | claim what is selected, or the row under the cursor |
| `n` | claim the most urgent open exception |
| `r` | retry… |
| `v` | resolve… |
| `u` | release |
| `t` | trace the unit |
| `Esc` | clear the selection, then close the panel |
"""


def page() -> None:
    """Draw the page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Exceptions", anchor=False)
        st.space("stretch")
        st.button(
            "Claim next",
            icon=":material/bolt:",
            type="primary",
            on_click=_claim_next,
            help="The most urgent open one (key n)" if here().may("case.claim") else NO_OPERATOR,
            disabled=not here().may("case.claim"),
        )
    board()


@st.fragment(run_every="60s")
def board() -> None:
    """Draw tabs, filters, table and panel; runs again by itself when a case changes."""
    live("case", key="live_cases")
    show_messages()
    center = here()
    chosen, tab = _filters(), _tab()
    counts = center.desk.counts(chosen, who().name)
    found = center.desk.cases(_of_tab(chosen, tab), PER_PAGE, _first_row())
    # The tab that is open counts what its list shows, though a case may have moved in between.
    _tabs({name: _count(name, counts) for name in TABS} | {tab: found.total})
    if waiting := words.settling(len(center.desk.settling())):
        st.caption(waiting)
    if not found.total:
        _nothing(counts, tab)
        return
    opened = param("case") or None
    # One layout with and without the panel: in another place the table would be mounted anew,
    # and its selection, cursor and scroll would be gone.
    with st.container(horizontal=True, gap="medium"):
        with st.container(key="queue_box"):
            _list(found, opened, center.now())
        if opened:
            with st.container(border=True, width=PANEL_PX, key="case_panel"):
                _panel(opened)


# --- filters --------------------------------------------------------------------------------


def _filters() -> CaseFilter:
    facets = here().desk.facets()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="filters"):
        _text("q", "Search", "Title, message or unit")
        _choice("flow", "Flow", facets["flow"])
        _choice("class", "Class", facets["class"])
        _choice(
            "severity", "Severity", {n: facets["severity"][n] for n in SEVERITIES if n in facets["severity"]}
        )
        _choice("tenant", "Tenant", facets["tenant"])
    return CaseFilter(
        flow=several("flow") or None,
        klass=several("class") or None,
        severity=several("severity") or None,
        tenant=several("tenant") or None,
        text=param("q") or None,
    )


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
        label, options, key=key, placeholder=label, label_visibility="collapsed", width=170,
        format_func=lambda value: f"{value} ({counted[value]})" if value in counted else value,
        on_change=lambda: go(**{name: st.session_state[key], "page": None}),
    )  # fmt: skip


def _tab() -> str:
    asked = param("tab", "open")
    return asked if asked in TABS else "open"


def _tabs(counted: dict[str, int]) -> None:
    st.session_state["tab"] = _tab()
    st.segmented_control(
        "State", list(TABS), key="tab", label_visibility="collapsed", required=True,
        format_func=lambda name: f"{TABS[name][0]} {counted[name]:,}",
        on_change=lambda: go(tab=st.session_state["tab"], page=None, case=None),
    )  # fmt: skip


def _count(tab: str, counts: dict[str, int]) -> int:
    if tab == "mine":
        return counts["mine"]
    return sum(counts.get(state, 0) for state in TABS[tab][1])


def _of_tab(chosen: CaseFilter, tab: str) -> CaseFilter:
    return replace(chosen, state=TABS[tab][1], holder=who().name if tab == "mine" else None)


def _first_row() -> int:
    number = param("page", "1")
    return (max(1, int(number)) - 1) * PER_PAGE if number.isdecimal() else 0


# --- the list -------------------------------------------------------------------------------


def _list(found: CasePage, opened: str | None, now: datetime) -> None:
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    selected = queue_table(
        [_row(case) for case in found.items],
        key=_TABLE,
        now=now,
        opened=opened,
        narrow=opened is not None,
        keys=KEYS,
        claim_s=here().settings.desk.claim_minutes * 60,
        epoch=st.session_state.get("queue_epoch", 0),
        on_act=_from_key,
        on_open=_from_row,
        on_selected=lambda: None,
    )
    with bar:
        _bar(found, selected)
    _asked_dialog()


def _row(case: Case) -> Case:
    where = " ▸ ".join(part for part in (case["flow"], case["step"]) if part)
    live_state = case["state"] in ("open", "claimed")
    return {
        "id": case["id"],
        "state": case["state"],
        "due": _ms(case["due_at"]) if live_state else None,
        "ended": _ended(case),
        "first": _ms(case["opened_at"]),
        "severity": case["severity"],
        "class": case["class"],
        "title": case["title"],
        "where": f"{where} · {case['dependency']}" if case["dependency"] else where,
        "unit": case["correlation_id"],
        "value": words.money(case["value"]),
        "seen": case["occurrences"],
        "last": _ms(case["last_seen"]),
        "attempts": case["attempts"],
        "holder": case["holder"],
        "mine": case["holder"] == who().name,
        "lease": _ms(case["lease_until"]),
    }


def _ended(case: Case) -> str | None:
    if case["state"] in LIVE:
        return None
    return "verified" if case["verified_at"] else "done"


def _ms(moment: datetime | None) -> float | None:
    return moment.timestamp() * 1000 if moment else None


def _bar(found: CasePage, selected: list[str]) -> None:
    first = _first_row()
    last = first + len(found.items)
    order = "newest first" if _tab() in ("recovered", "resolved", "expired") else "by due time, then value"
    words_left = f"**{len(selected)} selected** · " if selected else ""
    st.markdown(f"{words_left}{first + 1:,}–{last:,} of {found.total:,} · :gray[{order}]")
    st.space("stretch")
    if selected and here().may("case.claim"):
        _acts_on(selected)
    if found.total > PER_PAGE:
        number = first // PER_PAGE + 1
        st.button(
            "", key="page_back", icon=":material/chevron_left:", help="Previous page", disabled=first == 0,
            on_click=lambda: go(page=str(number - 1)),
        )  # fmt: skip
        st.button(
            "", key="page_on", icon=":material/chevron_right:", help="Next page",
            disabled=last >= found.total,
            on_click=lambda: go(page=str(number + 1)),
        )  # fmt: skip
    if st.button("", key="keys_help", icon=":material/keyboard:", help="Keys (?)"):
        _keys_dialog()


def _acts_on(selected: list[str]) -> None:
    count = len(selected)
    st.button(
        f"Claim {count}",
        key="many_claim",
        icon=":material/front_hand:",
        on_click=_act_many,
        args=("claim", selected),
    )
    st.button(
        f"Release {count}",
        key="many_release",
        icon=":material/undo:",
        on_click=_act_many,
        args=("release", selected),
    )
    if st.button(f"Retry {count}…", key="many_retry", icon=":material/replay:"):
        retry_dialog(selected)
    if st.button(f"Resolve {count}…", key="many_resolve", icon=":material/task_alt:"):
        resolve_dialog(selected)


# --- acts by key and click ------------------------------------------------------------------


def _act_many(name: str, ids: list[str]) -> None:
    act(name, ids)
    st.session_state["queue_epoch"] = st.session_state.get("queue_epoch", 0) + 1


def _from_key() -> None:
    asked = st.session_state[_TABLE].act
    if not asked:
        return
    name, ids = asked["name"], asked["ids"]
    if name == "claim" and len(ids) == 1:
        _claim_one(ids[0])
    elif name in ("claim", "release"):
        _act_many(name, ids)
    elif name == "next":
        _claim_next()
    else:
        st.session_state["asked_dialog"] = (name, ids)


def _from_row() -> None:
    asked = st.session_state[_TABLE].open
    if asked:
        go(case=asked["id"])


def _asked_dialog() -> None:
    name, ids = st.session_state.pop("asked_dialog", (None, []))
    if name == "help":
        _keys_dialog()
    elif ids and not here().may("case.claim"):
        st.toast(NO_OPERATOR, icon=":material/lock:")
    elif name == "retry" and ids:
        retry_dialog(ids)
    elif name == "resolve" and ids:
        resolve_dialog(ids)


def _claim_next() -> None:
    """Claim the most urgent open case, and open it."""
    try:
        most_urgent = seat().desk.cases(CaseFilter(state=["open"]), 5).items
    except SignedOutError:
        return  # the page that follows says so
    for case in most_urgent:
        if _claim_one(case["id"]):
            return


def _claim_one(case_id: str) -> bool:
    """Claim one case and open it among mine: the next key acts on it."""
    done = bool(act("claim", [case_id]))
    if done:
        go(tab="mine", case=case_id, page=None)
    return done


@st.dialog("Keys")
def _keys_dialog() -> None:
    st.markdown(_KEYS_HELP)


# --- the panel ------------------------------------------------------------------------------


def _panel(case_id: str) -> None:
    st.button(
        "Close", key="close_panel", icon=":material/close:", type="tertiary", on_click=lambda: go(case=None)
    )
    try:
        case = here().desk.case(case_id)
    except UnsnagError as error:
        st.warning(words.escape(str(error)), icon=":material/search_off:")
        return
    case_panel(case)


# --- empty ----------------------------------------------------------------------------------


def _nothing(counts: dict[str, int], tab: str) -> None:
    shows = {
        "open": "Exceptions waiting for someone.",
        "mine": "Exceptions that you hold.",
        "claimed": "Exceptions that someone works on.",
        "running": "Exceptions being retried or waiting for proof.",
        "recovered": "Exceptions whose unit has proven its recovery.",
        "resolved": "Exceptions closed by a person or by their own script.",
        "expired": "Exceptions that nothing could prove and that did not occur again.",
    }[tab]
    filtered = any(param(name) for name in ("q", "flow", "class", "severity", "tenant"))
    if filtered:
        _nothing_matches(shows)
    elif not any(counts.values()) and not any(source["records"] for source in here().sources()):
        first_use(shows)
    else:
        _healthy(shows, counts)
    if param("case"):
        with st.container(border=True, key="case_panel"):
            _panel(param("case"))


def _nothing_matches(shows: str) -> None:
    empty(
        ":material/filter_alt_off:",
        shows,
        "No exception matches these filters.",
        "Take one away, or clear them all.",
    )
    st.button(
        "Clear filters", icon=":material/filter_alt_off:",
        on_click=lambda: go(**dict.fromkeys(("q", "flow", "class", "severity", "tenant", "page"))),
    )  # fmt: skip


def _healthy(shows: str, counts: dict[str, int]) -> None:
    done = counts.get("recovered", 0) + counts.get("resolved", 0)
    healthy = sum(source["state"] == RUNNING for source in here().sources())
    is_open = counts.get("open", 0)
    waiting = f"None here; {is_open:,} open." if is_open else "Nothing is waiting now."
    empty(
        ":material/check_circle:",
        shows,
        f"{waiting} {words.plural(done, 'exception')} recovered or resolved so far, "
        f"{words.plural(healthy, 'source')} healthy.",
        "It fills by itself the moment an automation fails.",
    )
