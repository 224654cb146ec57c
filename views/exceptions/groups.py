"""Groups in the queue: exceptions with one cause as one line, which leads to its exceptions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from cases import groups
from cases.errors import GroupNotFoundError
from cases.groups import After, Group
from cases.lifecycle import CODE_NAMES
from data import formats
from server.queue import PER_PAGE
from views.batches.dialog import OPEN
from views.exceptions import victims
from views.exceptions.filters import FILTERS
from views.exceptions.group_acts import group_acts
from views.kit import labels, markdown
from views.kit.empty import empty
from views.kit.person import page_context
from views.kit.state import choose, go, param, preset

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.queries import CaseFilter
    from server.context import ServerContext

SHOWN: Final = {"open": ("Open", True), "closed": ("Closed", False), "all": ("All", None)}
STATES: Final = {
    "new": "New",
    "ongoing": "Ongoing",
    "escalating": "Escalating",
    "regressed": "Came back",
    "closed": "Closed",
}
_HELP: Final = {
    "new": "It first failed less than 7 days ago",
    "ongoing": "It has failed for a week or more",
    "escalating": "Twice as many failures in the last day as usual",
    "regressed": "All of it was closed for a day or more, then it failed again",
    "closed": "No exception of it is open",
}
_WAYS: Final = {"retry": "Retry", "automatic": "By itself", "person": "Fixed by a person"}

_STYLE: Final = """<style>
.groups {border-collapse: collapse; width: 100%; font-size: 13px;}
.groups th {text-align: left; font-weight: 400; font-size: 11.5px; opacity: 0.75; padding: 4px 10px 4px 0;}
.groups td {padding: 7px 10px 7px 0; vertical-align: top; border-top: 1px solid #80808040;}
.groups td:nth-child(2), .groups td:nth-child(4), .groups td:nth-child(5) {
    white-space: nowrap; font-variant-numeric: tabular-nums;
}
.groups small {display: block; font-size: 11.5px; opacity: 0.75; overflow-wrap: anywhere;}
.groups a {color: inherit; font-weight: 550; text-underline-offset: 3px; overflow-wrap: anywhere;}
.groups small a {white-space: nowrap;}
.groups .spark {display: inline-flex; align-items: flex-end; gap: 1px; height: 22px;}
.groups .spark i {width: 3px; min-height: 1px; background: currentColor; opacity: 0.7;}
.groups .loud {font-weight: 600;}
@media (max-width: 800px) {
    .groups thead {display: none;}
    .groups tr {display: grid; grid-template-columns: 1fr 1fr; border-top: 1px solid #80808040;}
    .groups td {border: 0; padding: 3px 10px 3px 0; text-align: left;}
    .groups td:first-child {grid-column: 1 / -1; padding-top: 8px;}
    .groups td[data-name]::before {
        content: attr(data-name); display: block; font-size: 11.5px; opacity: 0.75;
    }
}
</style>"""


def view_switch() -> None:
    """Draw the switch between single exceptions and groups."""
    preset("view", "groups" if is_chosen() else "items")
    st.segmented_control(
        "View", ["items", "groups"], key="view", label_visibility="collapsed", required=True,
        format_func=str.capitalize,
        on_change=lambda: choose(
            "view", "groups" if st.session_state.view == "groups" else None,
            **dict.fromkeys(("group", "page", "after", "case")),
        ),
    )  # fmt: skip


def is_chosen() -> bool:
    """Return whether the address asks for groups."""
    return param("view") == "groups"


def board(ctx: ServerContext, chosen: CaseFilter) -> None:
    """Draw one page of groups."""
    shown = param("shown", "open") if param("shown", "open") in SHOWN else "open"
    found = groups.listed(
        ctx.reading, chosen, ctx.now(), is_open=SHOWN[shown][1], place=_place(), limit=PER_PAGE
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        preset("shown", shown)
        st.segmented_control(
            "Groups", list(SHOWN), key="shown", label_visibility="collapsed", required=True,
            format_func=lambda name: SHOWN[name][0],
            on_change=lambda: choose("shown", st.session_state.shown, after=None),
        )  # fmt: skip
        st.markdown(f"{formats.count(found.total, 'group')} · :gray[most open exceptions first]")
        st.space("stretch")
        _paging(found.items, found.total)
    if found.items:
        st.html(_STYLE + victims.STYLE + _table(found.items, ctx.now()))
    else:
        _nothing(shown)


def _place() -> After | None:
    """Return where the page begins; at the beginning where the address names no place."""
    try:
        return After.of(param("after")) if param("after") else None
    except ValueError:
        return None


def _paging(items: Sequence[Group], total: int) -> None:
    if total <= PER_PAGE:
        return
    st.button("First page", key="groups_first", disabled=not param("after"), on_click=lambda: go(after=None))
    st.button(
        "Next page", key="groups_next", disabled=len(items) < PER_PAGE,
        on_click=lambda: go(after=groups.after(items[-1]).text),
    )  # fmt: skip


def _nothing(shown: str) -> None:
    filtered = any(param(name) for name in FILTERS)
    why = "No group matches these filters." if filtered else f"No groups here: {SHOWN[shown][0].lower()}."
    empty(
        ":material/stacks:",
        "Exceptions with the same cause, as one line.",
        why,
        "Remove a filter." if filtered else "The next failure of an automation appears here by itself.",
    )


# --- one group, above its exceptions ------------------------------------------------------------------


def chosen_group(ctx: ServerContext) -> None:
    """Draw what is known of the group that the list is narrowed to; nothing where it is not."""
    if not param("group"):
        return
    with st.container(border=True, gap="small", key="chosen_group"):
        try:
            group = groups.one(ctx.reading, param("group"), ctx.now())
        except GroupNotFoundError as error:
            st.markdown(markdown.escape(str(error)))
        else:
            st.html(_STYLE + victims.STYLE + _table([group], ctx.now()))
            group_acts(group)
        st.button(
            "All exceptions", key="leave_group", icon=":material/close:", type="tertiary",
            on_click=lambda: go(group=None, page=None, case=None),
        )  # fmt: skip


# --- the table ----------------------------------------------------------------------------------------

_NAMES: Final = ("Cause", "Open / total", "Last 24 h", "At risk", "Oldest", "Who has it", "Last fix")


def _table(items: Sequence[Group], now: datetime) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in _NAMES)
    rows = "".join(_row(group, now) for group in items)
    return f'<table class="groups"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(group: Group, now: datetime) -> str:
    count, value = victims.with_victims(group)
    at_risk = "<br>".join(escape(labels.amount(one)) for one in group.value) or formats.MISSING
    cells = (
        f"{group.live_cases:,} / {group.all_cases:,}{count}",
        _spark(group),
        at_risk + value,
        _age(group.oldest, now),
        _who(group),
        escape(_fix(group)),
    )
    named = zip(_NAMES[1:], cells, strict=True)
    row = f"<tr><td>{_cause(group)}</td>" + "".join(_cell(name, cell) for name, cell in named) + "</tr>"
    return row + victims.victim_rows(group, len(_NAMES))


def _cell(name: str, content: str) -> str:
    return f'<td data-name="{name}">{content}</td>'


def _cause(group: Group) -> str:
    kept = {name: param(name) for name in FILTERS if param(name)}
    tab = {} if group.live_cases else {"tab": "resolved"}
    address = f"/?{urlencode({**kept, **tab, 'group': group.id})}"
    name, _ = labels.CLASSES.get(group.error_class, (group.error_class, ""))
    about = [name, ", ".join(group.flows)]
    if group.merged:
        about.append(f"{len(group.merged) + 1} causes merged")
    loud = ' class="loud"' if group.state in {groups.ESCALATING, groups.REGRESSED} else ""
    state = f'<span{loud} title="{_HELP[group.state]}">{STATES[group.state]}</span>'
    return (
        f'<a href="{escape(address)}" target="_self">{escape(group.title)}</a>'
        f"<small>{state} · {escape(' · '.join(about))}{_act_on_all(group, address)}</small>"
        f"{_note(group)}{victims.roots_of(group)}"
    )


def _act_on_all(group: Group, address: str) -> str:
    """Return the link that opens the dialog for all live exceptions of a group; "" for a single one."""
    if group.live_cases <= 1 or not page_context().may("batch.run"):
        return ""
    return f' · <a href="{escape(address)}&amp;{OPEN}=1" target="_self">Act on all {group.live_cases:,}…</a>'


def _note(group: Group) -> str:
    """Return the first line of the group's note."""
    if group.note is None:
        return ""
    lines = group.note.text.splitlines()
    more = " …" if lines[1:] else ""
    return f"<small>Note: {escape(lines[0])}{more}</small>"


def _who(group: Group) -> str:
    """Return who has cases of the group, and who has claimed all of it."""
    names = [escape(name) for name in group.holders]
    if group.claim and group.claim.holder not in group.holders:
        names.append(escape(group.claim.holder))
    claimed = f"<small>{escape(group.claim.holder)} claimed the group</small>" if group.claim else ""
    return ", ".join(names) + claimed if names else formats.MISSING


def _spark(group: Group) -> str:
    """Return the failures of each hour as bars; the text says the same, and those of each day."""
    most = max(*group.hours, 1)
    bars = "".join(f'<i style="height:{round(100 * count / most)}%"></i>' for count in group.hours)
    days = " ".join(f"{count:,}" for count in group.days)
    text = f"{formats.count(sum(group.hours), 'failure')} in 24 h; by day, 14 days: {days}"
    return f'<span class="spark" role="img" aria-label="{text}" title="{text}">{bars}</span>'


def _age(oldest: datetime | None, now: datetime) -> str:
    return (
        formats.MISSING if oldest is None else formats.duration((now - oldest).total_seconds(), coarse=True)
    )


def _fix(group: Group) -> str:
    """Return the last fix that worked, and how often: `Retry: 41 of 43`."""
    fix = group.last_fix
    if fix is None:
        return formats.MISSING
    way = _WAYS.get(fix.how) or CODE_NAMES.get(fix.how, fix.how)
    return f"{way}: {fix.worked:,} of {fix.tried:,}" if fix.tried else f"{way}: {fix.worked:,}"
