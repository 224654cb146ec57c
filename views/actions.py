"""My actions: what a person did lately, what came of it, and what can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import streamlit as st

from cases import my_actions
from cases.commands import CancelRetry, Release
from cases.my_actions import CANCEL_RETRY, RELEASE, WAKE
from cases.snoozing import Wake
from data import formats
from data.paging import PageRequest
from views.components.live import live
from views.kit.acting import act, show_messages
from views.kit.empty import empty
from views.kit.markdown import escape
from views.kit.person import page_context, who
from views.kit.state import go, keep_address, param
from views.kit.title import title

if TYPE_CHECKING:
    from cases.commands import CaseCommand
    from cases.my_actions import Action
    from data.nouns import Page

PER_PAGE: Final = 50
_VERBS: Final = {
    "fixed_outside": "marked as fixed outside", "taken_over": "taken over", "retried": "sent to retry",
    "retry_cancelled": "retry cancelled", "holder_asked": "holder asked", "woken": "snooze ended",
}  # fmt: skip
"""How verbs of the audit are called where another word says more."""
_OUTCOMES: Final[dict[str, tuple[str, Any, str]]] = {
    my_actions.RECOVERED: ("Recovered", "green", ":material/verified:"),
    my_actions.FAILED_AGAIN: ("Failed again", "red", ":material/error:"),
    my_actions.VERIFYING: ("Still verifying", "blue", ":material/hourglass_top:"),
    my_actions.WAITING: ("Waiting for a worker", "blue", ":material/replay:"),
    my_actions.RESOLVED: ("Resolved", "gray", ":material/task_alt:"),
    my_actions.HELD: ("Claimed", "violet", ":material/front_hand:"),
    my_actions.GIVEN_BACK: ("Given back", "gray", ":material/undo:"),
    my_actions.TAKEN_OVER: ("Taken over", "gray", ":material/swap_horiz:"),
    my_actions.EXPIRED: ("Claim ran out", "orange", ":material/timer_off:"),
    my_actions.CANCELLED: ("Cancelled", "gray", ":material/block:"),
    my_actions.SNOOZED: ("Snoozed", "gray", ":material/snooze:"),
    my_actions.WOKEN: ("Back in the queue", "gray", ":material/alarm:"),
}
"""Name, colour and icon of each outcome."""
_UNDO: Final[dict[str, tuple[str, type[CaseCommand]]]] = {
    RELEASE: ("Release", Release),
    CANCEL_RETRY: ("Cancel the retry", CancelRetry),
    WAKE: ("End the snooze", Wake),
}
"""How each way to take an act back is called, and its command."""


def page() -> None:
    """Draw the page."""
    title("My actions")
    _list()


@st.fragment(run_every="60s")
def _list() -> None:
    keep_address()
    live("case", key="live_actions")
    show_messages()
    ctx, first = page_context(), _first()
    found = my_actions.listed(ctx.reading, who().name, PageRequest(PER_PAGE, first))
    if not found.items:
        empty(
            ":material/checklist:",
            "What you did to exceptions, groups and batches, with what came of it.",
            "You have done nothing yet." if not first else "There is nothing on this page.",
            "Claim an exception, and it appears here.",
            "[Exceptions](/)",
        )
        return
    _paging(found, first)
    with st.container(gap="xsmall", key="my_actions"):
        for action in found.items:
            _line(action)


def _first() -> int:
    number = param("page", "1")
    return (max(1, int(number)) - 1) * PER_PAGE if number.isdecimal() else 0


def _paging(found: Page[Action], first: int) -> None:
    number, last = first // PER_PAGE + 1, first + len(found.items)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        zone = page_context().settings.zone
        st.markdown(f"{first + 1:,}–{last:,} of {found.total:,} · :gray[latest first · times in {zone}]")
        if found.total > PER_PAGE:
            st.space("stretch")
            st.button(
                "", key="actions_back", icon=":material/chevron_left:", help="Later actions",
                disabled=first == 0, on_click=lambda: go(page=str(number - 1)),
            )  # fmt: skip
            st.button(
                "", key="actions_on", icon=":material/chevron_right:", help="Earlier actions",
                disabled=last >= found.total, on_click=lambda: go(page=str(number + 1)),
            )  # fmt: skip


def _line(action: Action) -> None:
    """Draw one act: when, what, on what, what came of it, and the button that takes it back."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
        st.markdown(_words(action), width="stretch")
        if action.outcome:
            name, color, icon = _OUTCOMES[action.outcome]
            st.badge(name, color=color, icon=icon)
        if action.undo and action.case_id:
            label, command = _UNDO[action.undo]
            st.button(
                label, key=f"undo_{action.seq}", icon=":material/undo:", on_click=_undo,
                args=(command(action.case_id), action.seq), help="Takes this act back.",
            )  # fmt: skip


def _undo(command: CaseCommand, seq: int) -> None:
    act([command], token=f"undo:{who().name}:{seq}")


def _words(action: Action) -> str:
    ctx = page_context()
    when = formats.clock(action.time, ctx.settings.zone, ctx.now())
    verb = _VERBS.get(action.verb, action.verb.replace("_", " "))
    reason = f": {escape(action.reason)}" if action.reason else ""
    return f"**{escape(verb[:1].upper() + verb[1:])}** · {_about(action)}  \n:gray[{when}{reason}]"


def _about(action: Action) -> str:
    """Return the link to what was acted on."""
    kind, _, name = (action.subject or "").partition(":")
    if action.case_id is None:
        address = (
            f"/batches?batch={quote(name, safe='')}" if kind == "batch" else f"/?group={quote(name, safe='')}"
        )
        state = f" ({escape(action.batch_state)})" if action.batch_state else ""
        return f"[{escape(kind.capitalize())} {escape(name)}]({address}){state}"
    unit = escape(action.correlation_id or action.case_id)
    label = f"{unit}: {escape(action.title)}" if action.title else unit
    return f"[{label}](/?case={quote(action.case_id, safe='')})"
