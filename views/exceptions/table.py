"""The table of cases, and what keys and clicks in it do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from access.errors import SignedOutError
from cases.commands import CaseCommand, Claim, Release
from cases.next_case import offered
from cases.ordering import KEYS as KEYS_OF_ORDER
from cases.tabs import MINE
from server.queue import PER_PAGE
from views.components.queue_table import queue_table
from views.components.queue_tabs import queue_note
from views.exceptions.arrangement import arrange, chosen_columns, chosen_widths, set_width, sort_by
from views.kit.acting import act, say
from views.kit.case_acts import NO_OPERATOR
from views.kit.dialogs import resolve_dialog, retry_dialog
from views.kit.leaving import release_all_dialog
from views.kit.person import context, page_context, who
from views.kit.sorting import assign_dialog, escalate_dialog, snooze_dialog
from views.kit.state import go

if TYPE_CHECKING:
    from datetime import datetime

    from server.queue import QueueRequest, QueueView


KEYS: Final = {
    "c": "claim", "r": "retry", "v": "resolve", "s": "snooze", "u": "release", "n": "next", "?": "help",
}  # fmt: skip


_TABLE: Final = "queue"
_LEFT: Final = ":material/undo:"


_KEYS_HELP: Final = """
| key | does |
|---|---|
| `j` `k` `↓` `↑` | move |
| `Enter` `o` | open the panel |
| `x` `Space` | select; with `Shift` and the arrows, a range |
| `a` | select all on this page |
| `c` | claim what is selected, or the row under the cursor |
| `n` | claim the most urgent open exception |
| `r` | retry… |
| `v` | resolve… |
| `s` | snooze… |
| `u` | release |
| `t` | trace the unit |
| `Esc` | clear the selection, then close the panel |
"""


def case_list(asked: QueueRequest, view: QueueView, opened: str | None, now: datetime) -> None:
    """Draw the table of one page of cases, and the bar above it."""
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    selected = queue_table(
        view,
        asked,
        key=_TABLE,
        now=now,
        me=who().name,
        opened=opened,
        narrow=opened is not None,
        keys=KEYS,
        claim_s=page_context().settings.cases.claim_minutes * 60,
        epoch=st.session_state.get("queue_epoch", 0),
        on_act=_from_key,
        on_open=_from_row,
        on_sort=_from_head,
        on_width=_from_edge,
        columns=chosen_columns(),
        widths=chosen_widths(),
        on_claimed=_from_claim,
        refusal=None if page_context().may("case.claim") else NO_OPERATOR,
        on_selected=lambda: None,
    )
    with bar:
        _bar(asked, view, selected)
    _open_dialog()


def _bar(asked: QueueRequest, view: QueueView, selected: list[str]) -> None:
    total = view.listed.total
    is_closed = asked.tab in ("recovered", "resolved", "expired")
    usual = "newest first" if is_closed else "by due time, then value"
    how = f"by {asked.order.words}" if asked.order else usual
    queue_note(view, asked, key="queue_note", how=how, selected=len(selected))
    st.space("stretch")
    if selected and page_context().may("case.claim"):
        _acts_on(selected)
    if asked.tab == MINE and st.button("Release all…", key="release_all", icon=":material/undo:"):
        release_all_dialog()
    if total > PER_PAGE:
        st.button(
            "", key="page_back", icon=":material/chevron_left:", help="Previous page",
            disabled=asked.page == 1,
            on_click=lambda: go(page=str(asked.page - 1)),
        )  # fmt: skip
        st.button(
            "", key="page_on", icon=":material/chevron_right:", help="Next page",
            disabled=asked.page * PER_PAGE >= total,
            on_click=lambda: go(page=str(asked.page + 1)),
        )  # fmt: skip
    arrange()
    if st.button("", key="keys_help", icon=":material/keyboard:", help="Keys (?)"):
        _keys_dialog()


def _acts_on(selected: list[str]) -> None:
    count = len(selected)
    st.button(
        f"Claim {count}",
        key="many_claim",
        icon=":material/front_hand:",
        on_click=_act_many,
        args=([Claim(case_id) for case_id in selected],),
    )
    st.button(
        f"Release {count}",
        key="many_release",
        icon=":material/undo:",
        on_click=_act_many,
        args=([Release(case_id) for case_id in selected],),
    )
    if st.button(f"Retry {count}…", key="many_retry", icon=":material/replay:"):
        retry_dialog(selected)
    if st.button(f"Snooze {count}…", key="many_snooze", icon=":material/snooze:"):
        snooze_dialog(selected)
    if st.button(f"Assign {count}…", key="many_assign", icon=":material/assignment_ind:"):
        assign_dialog(selected)
    if st.button(f"Escalate {count}…", key="many_escalate", icon=":material/north_east:"):
        escalate_dialog(selected)
    if st.button(f"Resolve {count}…", key="many_resolve", icon=":material/task_alt:"):
        resolve_dialog(selected)


def _act_many(commands: list[CaseCommand]) -> None:
    act(commands)
    st.session_state["queue_epoch"] = st.session_state.get("queue_epoch", 0) + 1


def _from_key() -> None:
    request = st.session_state[_TABLE].act
    if not request:
        return
    name, ids = request["name"], request["ids"]
    if name == "claim":
        _act_many([Claim(case_id) for case_id in ids])
    elif name == "release":
        _act_many([Release(case_id) for case_id in ids])
    elif name == "next":
        claim_next()
    else:
        st.session_state["requested_dialog"] = (name, ids)


def _from_row() -> None:
    request = st.session_state[_TABLE].open
    if request:
        go(case=request["id"])


def _from_claim() -> None:
    claimed = st.session_state[_TABLE].claimed
    if claimed:
        say("1 exception claimed", ":material/check_circle:")
        _open_mine(claimed["id"])


def _from_head() -> None:
    name = (st.session_state[_TABLE].sort or {}).get("name")
    if name in KEYS_OF_ORDER:
        sort_by(name)


def _from_edge() -> None:
    changed = st.session_state[_TABLE].width
    if changed:
        set_width(**changed)


def _open_dialog() -> None:
    name, ids = st.session_state.pop("requested_dialog", (None, []))
    if name == "help":
        _keys_dialog()
    elif ids and not page_context().may("case.claim"):
        st.toast(NO_OPERATOR, icon=":material/lock:")
    elif name == "retry" and ids:
        retry_dialog(ids)
    elif name == "resolve" and ids:
        resolve_dialog(ids)
    elif name == "snooze" and ids:
        snooze_dialog(ids)


def claim_next() -> None:
    """Claim the most urgent open case, and open it."""
    ctx = page_context()
    try:
        offer = offered(context().reading, who().name, ctx.now(), ctx.settings.cases.claim_minutes * 60)
    except SignedOutError:
        return  # the next page shows the sign-in
    if any(_claim_one(case.id) for case in offer.cases):
        return
    if offer.given_back:
        say("Nothing else is open: what is left you gave back a moment ago. Claim it in the list.", _LEFT)
    elif not offer.cases:
        say("Nothing is open.", _LEFT)


def _claim_one(case_id: str) -> bool:
    """Claim one case and open it among mine: the next key acts on it."""
    done = bool(act([Claim(case_id)]))
    if done:
        _open_mine(case_id)
    return done


def _open_mine(case_id: str) -> None:
    go(tab=MINE, case=case_id, page=None)


@st.dialog("Keys")
def _keys_dialog() -> None:
    st.markdown(_KEYS_HELP)
