"""People: who may sign in, what they may do; and the tokens of services. For admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from access.roles import ADMIN, LADDER, SERVICE_ROLES, Grant
from access.tokens import MAX_DAYS
from data.errors import UnsnagError
from views.kit import words
from views.kit.acting import say, show_messages
from views.kit.empty import empty
from views.kit.person import here, seat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from access.directory import Person, Token
    from server.center import Seat

STATES: Final = {
    "active": ("active", "green"),
    "invited": ("has not come in yet", "orange"),
    "disabled": ("disabled", "gray"),
}
_ROLE_WORDS: Final = {
    "viewer": "looks",
    "operator": "works the queue",
    "approver": "decides what operators may not",
    "admin": "says who is who",
    "sender": "sends telemetry",
    "worker": "runs retries",
}


def page() -> None:
    """Draw the page."""
    st.title("People", anchor=False)
    show_messages()
    center = here()
    if not center.may("person.change"):
        empty(
            ":material/lock:",
            "Here stands who may do what.",
            "You may not see it: that takes the role admin.",
            "Ask one of the admins.",
        )
        return
    people, tokens = st.tabs(["People", "Tokens of services"])
    with people:
        _people(center)
    with tokens:
        _tokens(center)


# --- people -----------------------------------------------------------------------------------


def _people(center: Seat) -> None:
    if center.center.authority.local:
        st.info(
            "Local mode: nobody signs in. Once somebody is added, the server asks for sign-in from its next "
            "start on.",
            icon=":material/info:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        found = center.center.people.listed()
        st.caption(words.plural(len(found), "person", "people"), width="stretch")
        if st.button("Add a person…", icon=":material/person_add:", type="primary"):
            _add_person()
    for person in found:
        _person(center, person)
    if not found:
        empty(
            ":material/group:",
            "Here stands who may sign in, and what they may do.",
            "Nobody was added yet.",
            "Add an admin first.",
        )


def _person(center: Seat, person: Person) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        name, color = STATES[person.state]
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(f"**{words.escape(person.name)}** :{color}-badge[{name}]")
            st.caption(_line(center, person))
        with st.popover("Change", icon=":material/more_horiz:", type="tertiary"):
            _changes(person)


def _line(center: Seat, person: Person) -> str:
    sessions = len(center.center.sessions.of(person.name))
    parts = [
        ", ".join(words.escape(str(grant)) for grant in person.grants) or "no role",
        "OpenID" if person.issuer else "password" if person.password_hash else "",
        f"last signed in {words.ago(person.signed_in_at, center.now())}" if person.signed_in_at else "",
        words.plural(sessions, "open session") if sessions else "",
    ]
    return " · ".join(filter(None, parts))


def _changes(person: Person) -> None:
    name = person.name
    if st.button("Roles…", key=f"roles_{name}", icon=":material/badge:", type="tertiary"):
        _give_roles(name, person.grants)
    if person.state == "disabled":
        _button("Enable", f"enable_{name}", ":material/person_check:", lambda: _enable(name))
        return
    if st.button("New link…", key=f"link_{name}", icon=":material/link:", type="tertiary"):
        _new_link(name)
    _button("End all sessions", f"sessions_{name}", ":material/logout:", lambda: _end_sessions(name))
    if st.button("Disable…", key=f"disable_{name}", icon=":material/person_off:", type="tertiary"):
        _disable(name)


def _button(label: str, key: str, icon: str, act: Callable[[], None]) -> None:
    st.button(label, key=key, icon=icon, type="tertiary", on_click=act)


def _enable(name: str) -> None:
    _do(lambda center: center.center.people.enable(name, actor=center.actor), f"{name} may come in again")


def _end_sessions(name: str) -> None:
    _do(
        lambda center: center.center.sessions.end_all_of(name, actor=center.actor),
        f"All sessions of {name} have ended",
    )


def _do(act: Callable[[Seat], Any], done: str) -> None:
    try:
        act(seat())
    except UnsnagError as error:
        say(words.escape(str(error)), ":material/warning:")
    else:
        say(words.escape(done), ":material/check_circle:")


@st.dialog("Add a person", width="medium")
def _add_person() -> None:
    with st.form("add_person", border=False):
        name = st.text_input("Name", max_chars=60, help="a to z, 0 to 9, and . _ @ + - between them")
        grant = _grant_fields(LADDER, "operator")
        openid = bool(here().settings.access.oidc) and st.checkbox("Signs in with OpenID, without a password")
        sent = st.form_submit_button("Add", type="primary", icon=":material/person_add:")
    if not sent:
        return
    try:
        center = seat()
        link = center.center.people.add(name, [grant], actor=center.actor, openid=openid)
    except UnsnagError as error:
        st.error(words.escape(str(error)), icon=":material/warning:")
        return
    if link:
        _show_link(name.strip(), link.code)
    else:
        st.success(f"{words.escape(name.strip())} may sign in with OpenID.", icon=":material/check_circle:")


@st.dialog("New link", width="medium")
def _new_link(name: str) -> None:
    st.markdown(
        f"**{words.escape(name)}** can choose a new password by it. Older links are void; open sessions end "
        "once the password is chosen."
    )
    if st.button("Make the link", type="primary", icon=":material/link:"):
        try:
            center = seat()
            made = center.center.people.link(name, actor=center.actor)
        except UnsnagError as error:
            st.error(words.escape(str(error)), icon=":material/warning:")
        else:
            _show_link(name, made.code)


def _show_link(name: str, code: str) -> None:
    st.success(
        f"Give {words.escape(name)} this link. It works once, for 72 hours, and is shown only now.",
        icon=":material/check_circle:",
    )
    st.code(f"{here().settings.url}/welcome?code={code}", language=None, wrap_lines=True)


@st.dialog("Disable", width="medium")
def _disable(name: str) -> None:
    st.markdown(
        f"**{words.escape(name)}** is let in no more, and open pages lose their power at once. "
        "Claims return to the queue when they run out."
    )
    with st.form("disable", border=False):
        reason = st.text_input("Reason", max_chars=400, placeholder="It is in the audit (optional)")
        sent = st.form_submit_button(f"Disable {name}", type="primary", icon=":material/person_off:")
    if sent:
        _do(
            lambda center: center.center.people.disable(name, actor=center.actor, reason=reason or None),
            f"{name} is disabled",
        )
        st.rerun()


@st.dialog("Roles", width="medium")
def _give_roles(name: str, present: tuple[Grant, ...]) -> None:
    st.markdown(f"What **{words.escape(name)}** may do, from now on and in open pages too.")
    rows = [{"role": g.role, "tenant": g.tenant or "", "flow": g.flow or ""} for g in present]
    with st.form("roles", border=False):
        edited = st.data_editor(
            rows or [{"role": "viewer", "tenant": "", "flow": ""}],
            num_rows="dynamic",
            hide_index=True,
            column_config={
                "role": st.column_config.SelectboxColumn("Role", options=list(LADDER), required=True),
                "tenant": st.column_config.TextColumn("Tenant", help="Empty: any", max_chars=200),
                "flow": st.column_config.TextColumn("Flow", help="Empty: any", max_chars=200),
            },
        )
        st.caption(" · ".join(f"{role} {_ROLE_WORDS[role]}" for role in LADDER))
        sent = st.form_submit_button("Give these roles", type="primary", icon=":material/badge:")
    if sent:
        given = [Grant(row["role"], _or_none(row["tenant"]), _or_none(row["flow"])) for row in edited]
        _do(
            lambda center: center.center.people.give(name, given, actor=center.actor),
            f"{name} has the roles you gave",
        )
        st.rerun()


def _or_none(text: str | None) -> str | None:
    return (text or "").strip() or None


def _grant_fields(choices: Sequence[str], usual: str) -> Grant:
    role = st.selectbox(
        "Role", choices, index=choices.index(usual), format_func=lambda name: f"{name}: {_ROLE_WORDS[name]}"
    )
    left, right = st.columns(2)
    whole = role == ADMIN
    tenant = left.text_input("Tenant", placeholder="any", max_chars=200)
    flow = right.text_input("Flow", placeholder="any", max_chars=200)
    return Grant(role, None if whole else _or_none(tenant), None if whole else _or_none(flow))


# --- tokens -----------------------------------------------------------------------------------


def _tokens(center: Seat) -> None:
    found = center.center.tokens.listed()
    with st.container(horizontal=True, vertical_alignment="center"):
        names = len({token.name for token in found})
        st.caption(f"{words.plural(names, 'token')}; services are never people", width="stretch")
        if st.button("Add a token…", icon=":material/key:", type="primary"):
            _add_token()
    if not found:
        empty(
            ":material/key:",
            "Here stand the tokens by which scripts, workers and programs come in.",
            "There is none yet.",
            "Scripts on this machine that write to the spool folder need none.",
        )
    for token in found:
        _token(center, token)


def _token(center: Seat, token: Token) -> None:
    now = center.now()
    used = center.center.directory.used_at(token)
    left = (token.expires_at - now).total_seconds()
    soon = left < 14 * 86_400
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(f"**{words.escape(token.name)}** `{token.id}`")
            ends = f"ends in {words.duration(left)}"
            st.caption(
                " · ".join(
                    (
                        ", ".join(words.escape(str(grant)) for grant in token.grants),
                        f"used {words.ago(used, now)}",
                        f"{words.duration((now - token.created_at).total_seconds())} old",
                        f":orange[{ends}]" if soon else ends,
                    )
                )
            )
        with st.popover("Change", icon=":material/more_horiz:", type="tertiary"):
            if st.button("Rotate…", key=f"rotate_{token.id}", icon=":material/autorenew:", type="tertiary"):
                _rotate(token.name)
            _button("Revoke", f"revoke_{token.id}", ":material/block:", lambda: _revoke(token))


def _revoke(token: Token) -> None:
    _do(
        lambda center: center.center.tokens.revoke(token.name, actor=center.actor, secret_id=token.id),
        f"The secret {token.id} of {token.name} is revoked",
    )


@st.dialog("Add a token", width="medium")
def _add_token() -> None:
    with st.form("add_token", border=False):
        name = st.text_input("Name", max_chars=60, help="What uses it, such as orders-worker")
        grant = _grant_fields(SERVICE_ROLES, "sender")
        days = st.number_input("Valid for days", 1, MAX_DAYS, 90)
        sent = st.form_submit_button("Make the token", type="primary", icon=":material/key:")
    if sent:
        _show_new(lambda center: center.center.tokens.add(name, [grant], days=days, actor=center.actor))


@st.dialog("Rotate", width="medium")
def _rotate(name: str) -> None:
    st.markdown(
        f"**{words.escape(name)}** gets a second secret. The first works on for 24 hours, so that you can "
        "give the script the new one."
    )
    if st.button("Make the second secret", type="primary", icon=":material/autorenew:"):
        _show_new(lambda center: center.center.tokens.rotate(name, days=90, actor=center.actor))


def _show_new(make: Callable[[Seat], Any]) -> None:
    try:
        made = make(seat())
    except UnsnagError as error:
        st.error(words.escape(str(error)), icon=":material/warning:")
        return
    st.success("This is the token. It is shown only now.", icon=":material/check_circle:")
    st.code(made.text, language=None, wrap_lines=True)
    st.caption(
        "Scripts and workers take it from `UNSNAG_TOKEN`; OTLP exporters as `Authorization: Bearer …`."
    )
