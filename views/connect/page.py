"""Connect: choose a way in, paste its lines, and see the first record arrive."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import streamlit as st

from access.commands import perform
from access.roles import SENDER, Grant
from access.tokens import AddToken
from data import formats
from data.errors import UnsnagError
from server.arrivals import arrivals
from views.connect.ways import NAMED, NO_TOKEN, Place, ways
from views.kit.markdown import escape
from views.kit.person import context, page_context
from views.kit.state import go, param
from views.kit.title import title

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from server.arrivals import Arrival
    from server.context import ServerContext
    from views.connect.ways import Way

_DAYS: Final = 90
_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,59}")
_MOST: Final = 5
_LONGEST: Final = timedelta(hours=1)
"""A page that is left open does not look further back."""


def page() -> None:
    """Draw the page."""
    title("Connect")
    st.markdown(
        "Choose what you have. Paste the lines. This page shows the first record as soon as it arrives."
    )
    ctx = page_context()
    way = _choose()
    name = _name(way)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_lines(ctx, way, name)
    with right:
        _wait(way.key, name)


def _choose() -> Way:
    """Return the way in that the address names."""
    known, chosen = ways(), param("way")
    st.session_state.setdefault("connect_way", chosen if chosen in known else next(iter(known)))
    st.pills(
        "Way in",
        list(known),
        format_func=lambda key: f"{known[key].icon} {known[key].label}",
        key="connect_way",
        required=True,
        on_change=lambda: go(way=st.session_state.connect_way),
        label_visibility="collapsed",
    )
    return known[st.session_state.connect_way]


def _name(way: Way) -> str:
    """Ask for the name that the records are known by; the example stands in for what cannot be one."""
    typed = st.text_input(
        NAMED[way.named], way.example, max_chars=60, key=f"connect_name_{way.key}", width=360
    ).strip()
    if _NAME.fullmatch(typed):
        return typed
    st.caption(":orange[Use letters, digits and `.` `_` `-`. The lines below show the example.]")
    return way.example


# --- the lines ------------------------------------------------------------------------------------


def _show_lines(ctx: ServerContext, way: Way, name: str) -> None:
    st.caption(way.meaning)
    needs_token = way.sends and not ctx.container.authority.local
    token = st.session_state.get(_kept(way, name)) if needs_token else None
    if needs_token:
        _token(ctx, way, name, has_one=token is not None)
    for block in way.lines(name, Place(ctx.settings.url, (token or NO_TOKEN) if needs_token else None)):
        st.markdown(block.where)
        st.code(block.text, language=block.language, wrap_lines=True)
    if way.sends and ctx.container.authority.local:
        st.caption(
            "This server is open to programs on this machine only. To let other machines send, see "
            "*Run it for a team* in `docs/access.md`."
        )
    st.caption(f"More: `{way.more}`")


def _kept(way: Way, name: str) -> str:
    return f"connect_token_{way.key}_{name}"


def _token(ctx: ServerContext, way: Way, name: str, *, has_one: bool) -> None:
    if has_one:
        st.caption(
            f":material/key: The token below is valid for {_DAYS} days and is not shown again. Copy it now."
        )
    elif ctx.may("token.change"):
        st.button(
            "Create a token",
            icon=":material/key:",
            type="primary",
            key="connect_create",
            help="It may send telemetry, and nothing else.",
            on_click=_create,
            args=(way, name),
        )
    else:
        st.caption(
            f":material/key: Replace `{NO_TOKEN}` by a token with the role sender. An admin creates it."
        )
    if refused := st.session_state.pop("connect_refused", None):
        st.error(escape(refused), icon=":material/warning:")


def _create(way: Way, name: str) -> None:
    try:
        made = perform(AddToken(f"{name.lower()}-sender", _DAYS, (Grant(SENDER),)), context())
    except UnsnagError as error:
        st.session_state.connect_refused = str(error)
    else:
        st.session_state[_kept(way, name)] = made.text


# --- the wait -------------------------------------------------------------------------------------


@st.fragment(run_every="2s")
def _wait(key: str, name: str) -> None:
    """Show what arrived since somebody began to wait for this name."""
    ctx = page_context()
    now = ctx.now()
    since = max(st.session_state.setdefault(f"connect_since_{key}_{name}", now), now - _LONGEST)
    way = ways()[key]
    came = arrivals(ctx.reading, since)
    own = [one for one in came if getattr(one, way.named) == name]
    with st.container(border=True, gap="small"):
        if own:
            _arrived(own, now)
        else:
            _nothing_yet(way, name, since, came, now)


def _arrived(own: Sequence[Arrival], now: datetime) -> None:
    st.markdown(f":green[:material/check_circle:] **Received {formats.ago(own[0].arrived_at, now)}**")
    for one in own[:_MOST]:
        where = " · ".join(escape(text) for text in (one.flow, one.service, one.source) if text)
        failed = f" · :red[{formats.count(one.errors, 'error')}]" if one.errors else ""
        summary = f"{where} · {formats.count(one.records, 'record')}{failed}"
        if one.correlation_id is None:
            st.markdown(f"{summary}  \n:orange[No number of an order or unit yet.]")
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.link_button(
                escape(one.correlation_id),
                f"/trace?q={quote(one.correlation_id)}",
                icon=":material/account_tree:",
            )
            st.caption(summary)


def _nothing_yet(way: Way, name: str, since: datetime, came: Sequence[Arrival], now: datetime) -> None:
    st.markdown(f":material/hourglass_top: **Waiting for the first record of {escape(name)}**")
    st.caption(f"since {formats.duration(int((now - since).total_seconds()), coarse=True)}")
    if came:
        last = came[0]
        other = getattr(last, way.named) or last.source
        st.caption(f"Other records arrive: {escape(other)}, {formats.ago(last.arrived_at, now)}.")
    st.markdown(
        "Nothing comes? Run `unsnag doctor` where the script runs: it says what is missing."
        if way.sends
        else "Nothing comes? **Collectors** shows whether the source was found, and what could not be read."
    )
