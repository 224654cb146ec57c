"""People: who may sign in, what they may do; and the tokens of services. For admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from access.commands import perform
from access.people import AddPerson, DisablePerson, EnablePerson, GiveRoles, MakeLink, everybody
from access.roles import ADMIN, LADDER, SERVICE_ROLES, Grant
from access.sessions import EndSessions, sessions_of
from access.tokens import MAX_DAYS, AddToken, RevokeToken, RotateToken, valid_tokens
from data import formats
from data.errors import UnsnagError
from views.kit.acting import say, show_messages
from views.kit.empty import empty
from views.kit.markdown import escape
from views.kit.person import context, page_context
from views.kit.title import title

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from access.directory import Person, Token
    from server.context import ServerContext

STATES: Final = {
    "active": ("active", "green"),
    "invited": ("invited, not signed in yet", "orange"),
    "disabled": ("disabled", "gray"),
}
_ROLE_TEXTS: Final = {
    "viewer": "reads",
    "operator": "works the queue",
    "approver": "approves what operators may not do",
    "admin": "manages people, roles and tokens",
    "sender": "sends telemetry",
    "worker": "runs retries",
}


def page() -> None:
    """Draw the page."""
    title("People")
    show_messages()
    ctx = page_context()
    if not ctx.may("person.change"):
        empty(
            ":material/lock:",
            "Who may sign in, and with which roles.",
            "This page needs the admin role.",
            "Ask an admin for access.",
        )
        return
    people, tokens = st.tabs(["People", "Tokens of services"])
    with people:
        _people(ctx)
    with tokens:
        _tokens(ctx)


# --- people -----------------------------------------------------------------------------------


def _people(ctx: ServerContext) -> None:
    if ctx.container.authority.local:
        st.info(
            "Local mode: nobody signs in. After you add the first person, the server requires sign-in from "
            "its next start.",
            icon=":material/info:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        found = everybody(ctx.directory)
        st.caption(formats.count(len(found), "person", "people"), width="stretch")
        if st.button("Add a person…", icon=":material/person_add:", type="primary"):
            _add_person()
    for person in found:
        _person(ctx, person)
    if not found:
        empty(
            ":material/group:",
            "Who may sign in, and with which roles.",
            "No person has been added yet.",
            "Add an admin first.",
        )


def _person(ctx: ServerContext, person: Person) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        name, color = STATES[person.state]
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(f"**{escape(person.name)}** :{color}-badge[{name}]")
            st.caption(_line(ctx, person))
        with st.popover("Change", icon=":material/more_horiz:", type="tertiary"):
            _changes(person)


def _line(ctx: ServerContext, person: Person) -> str:
    sessions = len(sessions_of(ctx, person.name))
    parts = [
        ", ".join(escape(str(grant)) for grant in person.grants) or "no role",
        "OpenID" if person.issuer else "password" if person.password_hash else "",
        f"last signed in {formats.ago(person.signed_in_at, ctx.now())}" if person.signed_in_at else "",
        formats.count(sessions, "open session") if sessions else "",
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
    _do(lambda ctx: perform(EnablePerson(name), ctx), f"{name} can sign in again")


def _end_sessions(name: str) -> None:
    _do(
        lambda ctx: perform(EndSessions(name), ctx),
        f"All sessions of {name} have ended",
    )


def _do(act: Callable[[ServerContext], Any], done: str) -> None:
    try:
        act(context())
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
    else:
        say(escape(done), ":material/check_circle:")


@st.dialog("Add a person", width="medium")
def _add_person() -> None:
    with st.form("add_person", border=False):
        name = st.text_input("Name", max_chars=60, help="a to z, 0 to 9, and . _ @ + - between them")
        grant = _grant_fields(LADDER, "operator")
        openid = bool(page_context().settings.access.oidc) and st.checkbox(
            "Signs in with OpenID, without a password"
        )
        sent = st.form_submit_button("Add", type="primary", icon=":material/person_add:")
    if not sent:
        return
    try:
        ctx = context()
        link = perform(AddPerson(name, (grant,), openid), ctx)
    except UnsnagError as error:
        st.error(escape(str(error)), icon=":material/warning:")
        return
    if link:
        _show_link(name.strip(), link.code)
    else:
        st.success(f"{escape(name.strip())} may sign in with OpenID.", icon=":material/check_circle:")


@st.dialog("New link", width="medium")
def _new_link(name: str) -> None:
    st.markdown(
        f"**{escape(name)}** can choose a new password with this link. Older links stop working. "
        "Open sessions end when the new password is set."
    )
    if st.button("Create link", type="primary", icon=":material/link:"):
        try:
            ctx = context()
            link = perform(MakeLink(name), ctx)
        except UnsnagError as error:
            st.error(escape(str(error)), icon=":material/warning:")
        else:
            _show_link(name, link.code)


def _show_link(name: str, code: str) -> None:
    st.success(
        f"Send this link to {escape(name)}. It works once, within 72 hours, and is not shown again.",
        icon=":material/check_circle:",
    )
    st.code(f"{page_context().settings.url}/welcome?code={code}", language=None, wrap_lines=True)


@st.dialog("Disable", width="medium")
def _disable(name: str) -> None:
    st.markdown(
        f"**{escape(name)}** can no longer sign in, and open pages stop working at once. "
        "Claims return to the queue when they expire."
    )
    with st.form("disable", border=False):
        reason = st.text_input("Reason", max_chars=400, placeholder="Optional; recorded in the audit")
        sent = st.form_submit_button(f"Disable {name}", type="primary", icon=":material/person_off:")
    if sent:
        _do(
            lambda ctx: perform(DisablePerson(name, reason or None), ctx),
            f"{name} is disabled",
        )
        st.rerun()


@st.dialog("Roles", width="medium")
def _give_roles(name: str, present: tuple[Grant, ...]) -> None:
    st.markdown(f"What **{escape(name)}** may do. Changes apply at once, also in open pages.")
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
        st.caption(" · ".join(f"{role} {_ROLE_TEXTS[role]}" for role in LADDER))
        sent = st.form_submit_button("Save roles", type="primary", icon=":material/badge:")
    if sent:
        grants = [Grant(row["role"], _or_none(row["tenant"]), _or_none(row["flow"])) for row in edited]
        _do(
            lambda ctx: perform(GiveRoles(name, tuple(grants)), ctx),
            f"{name} has the new roles",
        )
        st.rerun()


def _or_none(text: str | None) -> str | None:
    return (text or "").strip() or None


def _grant_fields(choices: Sequence[str], usual: str) -> Grant:
    role = st.selectbox(
        "Role", choices, index=choices.index(usual), format_func=lambda name: f"{name}: {_ROLE_TEXTS[name]}"
    )
    left, right = st.columns(2)
    whole = role == ADMIN
    tenant = left.text_input("Tenant", placeholder="any", max_chars=200)
    flow = right.text_input("Flow", placeholder="any", max_chars=200)
    return Grant(role, None if whole else _or_none(tenant), None if whole else _or_none(flow))


# --- tokens -----------------------------------------------------------------------------------


def _tokens(ctx: ServerContext) -> None:
    found = valid_tokens(ctx)
    with st.container(horizontal=True, vertical_alignment="center"):
        names = len({token.name for token in found})
        st.caption(f"{formats.count(names, 'token')}; services are not people", width="stretch")
        if st.button("Add a token…", icon=":material/key:", type="primary"):
            _add_token()
    if not found:
        empty(
            ":material/key:",
            "Tokens with which scripts, workers and programs sign in.",
            "No token has been created yet.",
            "Scripts on this machine that write to the spool folder need no token.",
        )
    for token in found:
        _token(ctx, token)


def _token(ctx: ServerContext, token: Token) -> None:
    now = ctx.now()
    used = ctx.container.directory.used_at(token)
    left = (token.expires_at - now).total_seconds()
    soon = left < 14 * 86_400
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(f"**{escape(token.name)}** `{token.id}`")
            ends = f"ends in {formats.duration(left, coarse=True)}"
            st.caption(
                " · ".join(
                    (
                        ", ".join(escape(str(grant)) for grant in token.grants),
                        f"used {formats.ago(used, now)}",
                        f"{formats.duration((now - token.created_at).total_seconds(), coarse=True)} old",
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
        lambda ctx: perform(RevokeToken(token.name, token.id), ctx),
        f"The secret {token.id} of {token.name} is revoked",
    )


@st.dialog("Add a token", width="medium")
def _add_token() -> None:
    with st.form("add_token", border=False):
        name = st.text_input("Name", max_chars=60, help="What uses it, such as orders-worker")
        grant = _grant_fields(SERVICE_ROLES, "sender")
        days = st.number_input("Valid for days", 1, MAX_DAYS, 90)
        sent = st.form_submit_button("Create token", type="primary", icon=":material/key:")
    if sent:
        _show_new(lambda ctx: perform(AddToken(name, days, (grant,)), ctx))


@st.dialog("Rotate", width="medium")
def _rotate(name: str) -> None:
    st.markdown(
        f"**{escape(name)}** gets a second secret. The first one works for another 24 hours: "
        "update the script in that time."
    )
    if st.button("Create second secret", type="primary", icon=":material/autorenew:"):
        _show_new(lambda ctx: perform(RotateToken(name, 90), ctx))


def _show_new(make: Callable[[ServerContext], Any]) -> None:
    try:
        token = make(context())
    except UnsnagError as error:
        st.error(escape(str(error)), icon=":material/warning:")
        return
    st.success("Copy this token now. It is not shown again.", icon=":material/check_circle:")
    st.code(token.text, language=None, wrap_lines=True)
    st.caption(
        "Scripts and workers read it from `UNSNAG_TOKEN`; "
        "OTLP exporters send it as `Authorization: Bearer …`."
    )
