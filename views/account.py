"""Account: who I am, what I may do, where I am signed in, my password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from access.passwords import MAX_LENGTH, MIN_LENGTH
from data.errors import UnsnagError
from server.center import current
from views.kit import words
from views.kit.acting import say, show_messages
from views.kit.person import here, who

if TYPE_CHECKING:
    from access.directory import Session
    from server.center import Seat


def page() -> None:
    """Draw the page."""
    st.title("Account", anchor=False)
    show_messages()
    seat = here()
    if seat.center.authority.local:
        _local(seat)
        return
    _roles(seat)
    left, right = st.columns(2, gap="large")
    with left:
        _sessions(seat)
    with right:
        _password(seat)


def _local(seat: Seat) -> None:
    st.markdown(
        f"You are **{words.escape(seat.actor.name)}** on this machine. In local mode nobody signs in, "
        "and everybody at this machine may do everything."
    )
    st.caption(
        "To use it as a team, add people: `python app.py user add NAME --role admin`, then start again."
    )
    st.link_button("Use another name", "/me", icon=":material/edit:")


def _roles(seat: Seat) -> None:
    grants = seat.center.authority.grants(seat.actor)
    told = ", ".join(f"**{words.escape(str(grant))}**" for grant in grants) or "no role yet"
    st.markdown(f"{words.escape(seat.actor.name)}: {told}")


def _sessions(seat: Seat) -> None:
    st.subheader("Where I am signed in", anchor=False)
    sessions = seat.center.sessions.of(seat.actor.name)
    for session in sessions:
        _session(seat, session)
    with st.container(horizontal=True, gap="small"):
        st.button("Sign out", key="sign_out", icon=":material/logout:", type="primary", on_click=_sign_out)
        st.button(
            "Sign out everywhere else",
            key="sign_out_others",
            icon=":material/devices_off:",
            on_click=_sign_out_others,
            disabled=len(sessions) < 2,  # noqa: PLR2004 - this one and another
        )


def _session(seat: Seat, session: Session) -> None:
    own = seat.actor.credential == f"session:{session.id}"
    now = seat.now()
    with st.container(border=True, gap="xxsmall"):
        name = "This browser" if own else _browser(session.agent)
        st.markdown(f"**{words.escape(name)}** :gray[{words.escape(session.address or '')}]")
        seen = seat.center.directory.seen_at(session)
        st.caption(
            f"since {words.clock(session.created_at, seat.settings.zone, now)} by {session.method} · "
            f"used {words.ago(seen, now)} · ends {words.ago(session.expires_at, now)}"
        )
        if not own:
            st.button(
                "End", key=f"end_{session.id}", icon=":material/close:", on_click=_end, args=(session.id,)
            )


def _browser(agent: str | None) -> str:
    """Return a browser's name, as far as one tells it."""
    for name in ("Edg", "OPR", "Firefox", "Chrome", "Safari"):
        if name in (agent or ""):
            return {"Edg": "Edge", "OPR": "Opera"}.get(name, name)
    return "Another program"


def _sign_out() -> None:
    current().sessions.end(who())


def _sign_out_others() -> None:
    ended = current().sessions.end(who(), others=True)
    say(f"{words.plural(ended, 'other session')} ended", ":material/check_circle:")


def _end(session_id: str) -> None:
    current().sessions.end(who(), session_id)
    say("The session has ended", ":material/check_circle:")


def _password(seat: Seat) -> None:
    person = seat.center.directory.people.get(seat.actor.name)
    st.subheader("Password", anchor=False)
    if person is None or person.password_hash is None:
        st.caption("You sign in with your organisation; your password is kept there.")
        return
    with st.form("password", clear_on_submit=True):
        old = st.text_input("Present password", type="password", max_chars=MAX_LENGTH)
        new = st.text_input(
            "New password", type="password", max_chars=MAX_LENGTH,
            help=f"At least {MIN_LENGTH} characters; a sentence is best.",
        )  # fmt: skip
        again = st.text_input("New password again", type="password", max_chars=MAX_LENGTH)
        sent = st.form_submit_button("Change password", icon=":material/key:")
    if sent:
        _change_password(seat, old, new, again)


def _change_password(seat: Seat, old: str, new: str, again: str) -> None:
    if new != again:
        st.error("The two new passwords differ.", icon=":material/warning:")
        return
    try:
        seat.center.people.change_password(seat.actor, old, new)
    except UnsnagError as error:
        st.error(words.escape(str(error)), icon=":material/warning:")
    else:
        st.success("The password is changed; other sessions have ended.", icon=":material/check_circle:")
