"""Account: who I am, what I may do, where I am signed in, my password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from access import people, sessions
from access.passwords import MAX_LENGTH, MIN_LENGTH
from data import formats
from data.errors import UnsnagError
from views.kit.acting import say, show_messages
from views.kit.leaving import sign_out_button
from views.kit.markdown import escape
from views.kit.person import context, page_context
from views.kit.title import title

if TYPE_CHECKING:
    from access.directory import Session
    from server.context import ServerContext


def page() -> None:
    """Draw the page."""
    title("Account")
    show_messages()
    ctx = page_context()
    if ctx.container.authority.local:
        _local(ctx)
        return
    _roles(ctx)
    left, right = st.columns(2, gap="large")
    with left:
        _sessions(ctx)
    with right:
        _password(ctx)


def _local(ctx: ServerContext) -> None:
    st.markdown(
        f"You are **{escape(ctx.actor.name)}** on this machine. In local mode nobody signs in, "
        "and everyone at this machine may do everything."
    )
    st.caption(
        "To use Unsnag as a team, add people with `python app.py user add NAME --role admin`, "
        "then restart the server."
    )
    st.link_button("Use another name", "/me", icon=":material/edit:")


def _roles(ctx: ServerContext) -> None:
    grants = ctx.container.authority.grants(ctx.actor)
    roles = ", ".join(f"**{escape(str(grant))}**" for grant in grants) or "no role yet"
    st.markdown(f"{escape(ctx.actor.name)}: {roles}")


def _sessions(ctx: ServerContext) -> None:
    st.subheader("My sessions", anchor=False)
    own = sessions.sessions_of(ctx, ctx.actor.name)
    for session in own:
        _session(ctx, session)
    with st.container(horizontal=True, gap="small"):
        sign_out_button("sign_out", "primary")
        st.button(
            "Sign out everywhere else",
            key="sign_out_others",
            icon=":material/devices_off:",
            on_click=_sign_out_others,
            disabled=len(own) < 2,  # noqa: PLR2004 - this one and another
        )


def _session(ctx: ServerContext, session: Session) -> None:
    own = ctx.actor.credential == f"session:{session.id}"
    now = ctx.now()
    with st.container(border=True, gap="xxsmall"):
        name = "This browser" if own else _browser(session.agent)
        st.markdown(f"**{escape(name)}** :gray[{escape(session.address or '')}]")
        seen = ctx.container.directory.seen_at(session)
        st.caption(
            f"since {formats.clock(session.created_at, ctx.settings.zone, now)} by {session.method} · "
            f"used {formats.ago(seen, now)} · ends {formats.ago(session.expires_at, now)}"
        )
        if not own:
            st.button(
                "End", key=f"end_{session.id}", icon=":material/close:", on_click=_end, args=(session.id,)
            )


def _browser(agent: str | None) -> str:
    """Return a browser's name, as far as its user agent names it."""
    for name in ("Edg", "OPR", "Firefox", "Chrome", "Safari"):
        if name in (agent or ""):
            return {"Edg": "Edge", "OPR": "Opera"}.get(name, name)
    return "Another program"


def _sign_out_others() -> None:
    ended = sessions.sign_out(context(), others=True)
    say(f"{formats.count(ended, 'other session')} ended", ":material/check_circle:")


def _end(session_id: str) -> None:
    sessions.sign_out(context(), session_id)
    say("The session has ended", ":material/check_circle:")


def _password(ctx: ServerContext) -> None:
    person = ctx.container.directory.people.get(ctx.actor.name)
    st.subheader("Password", anchor=False)
    if person is None or person.password_hash is None:
        st.caption("You sign in through your organisation, which manages your password.")
        return
    with st.form("password", clear_on_submit=True):
        old = st.text_input("Current password", type="password", max_chars=MAX_LENGTH)
        new = st.text_input(
            "New password", type="password", max_chars=MAX_LENGTH,
            help=f"At least {MIN_LENGTH} characters; a sentence is best.",
        )  # fmt: skip
        again = st.text_input("New password again", type="password", max_chars=MAX_LENGTH)
        sent = st.form_submit_button("Change password", icon=":material/key:")
    if sent:
        _change_password(ctx, old, new, again)


def _change_password(ctx: ServerContext, old: str, new: str, again: str) -> None:
    if new != again:
        st.error("The two new passwords differ.", icon=":material/warning:")
        return
    try:
        people.change_password(ctx, old, new)
    except UnsnagError as error:
        st.error(escape(str(error)), icon=":material/warning:")
    else:
        st.success("The password is changed; other sessions have ended.", icon=":material/check_circle:")
