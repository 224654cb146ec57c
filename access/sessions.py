"""Sessions: begin by password, link or OpenID; end by log-out, time, or an admin.

The secret is in the browser's cookie and nowhere else; the store keeps its hash. The session behind an actor
is looked up at every request and in every command: an open page loses its power when its session ends.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from access import names, passwords
from access.commands import SystemCommand, perform
from access.directory import PersonState, secret_hash
from access.errors import RefusedSignInError
from access.grants import give
from access.people import PersonCommand
from access.person_rows import end_sessions, insert_person, record, subject_of, update_person
from access.roles import Grant
from audit import trail
from audit.actor import Actor
from data.clock import stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from access.directory import Person, Session
    from data.transaction import Tx

_AGENT_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where somebody comes from who is not signed in yet."""

    address: str
    agent: str | None = None


def sessions_of(ctx: RequestContext, name: str) -> list[Session]:
    """Return a person's living sessions, the newest first."""
    now = ctx.authority.now()
    living = [s for s in ctx.directory.sessions.values() if s.person == name and s.expires_at > now]
    return sorted(living, key=lambda session: session.created_at, reverse=True)


# --- begin --------------------------------------------------------------------------------------------


def sign_in(ctx: RequestContext, name: str, password: str, visitor: Visitor) -> str:
    """Return the secret of a new session.

    Raises:
        RefusedSignInError: name or password are wrong, or the person may not sign in. The error does
            not state which.
        TooManyTriesError: too many wrong tries from this address, for this name from it, or for this name.
    """
    plain, tries = names.typed(name), ctx.authority.tries
    tries.begin(plain, visitor.address)
    person = ctx.directory.people.get(plain)
    is_right = passwords.matches(password, person.password_hash if person else None)
    if person is None or not is_right or person.state != PersonState.ACTIVE:
        if person is not None:
            perform(RecordRefusedSignIn(person.name, visitor.address), ctx.as_system())
        raise RefusedSignInError
    tries.was_right(plain, visitor.address)
    return begin(ctx, person.name, "password", visitor)


def begin(ctx: RequestContext, name: str, method: str, visitor: Visitor) -> str:
    """Begin a session of somebody who was recognised; return its secret.

    Raises:
        RefusedSignInError: there is no such active person.
    """
    return perform(BeginSession(name, method, visitor), ctx.as_system())


@dataclass(frozen=True, slots=True)
class OpenIdPerson:
    """Somebody as an OpenID provider names them: `subject` is their id at `issuer`."""

    issuer: str
    subject: str
    name: str


def begin_by_openid(
    ctx: RequestContext, who: OpenIdPerson, visitor: Visitor, new_role: str | None = None
) -> str:
    """Begin a session of somebody whom an OpenID provider vouches for; return its secret.

    A person is known by issuer and subject. Seen for the first time, they take the place of the person of
    their name who was added for OpenID and has no password, or are added with `new_role`.

    Raises:
        RefusedSignInError: no person of this name may sign in through this provider.
        InvalidPersonError: the provider's name cannot be a name here.
    """
    people = ctx.directory.people.values()
    known = next(
        (person for person in people if (person.issuer, person.subject) == (who.issuer, who.subject)), None
    )
    if known is not None:
        return begin(ctx, known.name, "openid", visitor)
    plain = names.checked(names.typed(who.name))
    perform(BindPerson(plain, who.issuer, who.subject, new_role), ctx.as_system())
    return begin(ctx, plain, "openid", visitor)


@dataclass(frozen=True, slots=True)
class BeginSession(SystemCommand[str]):
    """Begin a session; the answer is its secret."""

    person: str
    method: str
    visitor: Visitor

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> str:
        """Write the session, and that the person signed in."""
        rows = tx.run("access/person", {"name": self.person})
        if not rows or rows[0]["state"] != PersonState.ACTIVE:
            raise RefusedSignInError
        secret, public = secrets.token_urlsafe(32), secrets.token_hex(8)
        address = self.visitor.address
        tx.run("access/insert_session", {
            "id": public,
            "secret_hash": secret_hash(secret),
            "person": self.person,
            "method": self.method,
            "agent": (self.visitor.agent or "")[:_AGENT_CHARS] or None,
            "address": address,
            "now": now,
            "expires_at": now + ctx.authority.limits.lasts,
        })  # fmt: skip
        update_person(tx, self.person, now, signed_in_at=now)
        actor = Actor(self.person, channel="page", credential=f"session:{public}")
        record(tx, "signed in", actor, self.person, now, details={"method": self.method, "address": address})
        return secret


@dataclass(frozen=True, slots=True)
class RecordRefusedSignIn(SystemCommand[None]):
    """Record that somebody tried a wrong password for a person."""

    person: str
    address: str

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> None:
        """Write the entry."""
        entry = trail.Entry(
            "sign-in refused",
            Actor(self.person, "unknown", "page"),
            kind=trail.DECISION,
            subject=subject_of(self.person),
            details={"allowed": "no", "address": self.address},
        )
        trail.write(tx, [entry], now)


@dataclass(frozen=True, slots=True)
class BindPerson(SystemCommand[None]):
    """Bind a name to who an OpenID provider says it is; add the person where `new_role` lets newcomers in."""

    person: str
    issuer: str
    subject: str
    new_role: str | None = None

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> None:
        """Write the binding."""
        found = tx.run("access/person", {"name": self.person})
        actor, bound = Actor(self.person, channel="page"), {"issuer": self.issuer, "subject": self.subject}
        details: dict[str, Any] = {"issuer": self.issuer}
        if not found and self.new_role:
            insert_person(tx, self.person, PersonState.ACTIVE, self.issuer, now, **bound)
            give(tx, subject_of(self.person), (Grant(self.new_role),))
            details["roles"] = [self.new_role]
            record(tx, "person added", actor, self.person, now, details=details)
        elif found and _waits_for_openid(found[0]):
            update_person(tx, self.person, now, **bound)
            record(tx, "person recognised", actor, self.person, now, details=details)
        else:
            raise RefusedSignInError(
                "You were recognised, but nobody has given you access here. Ask an admin to add you."
            )


def _waits_for_openid(row: Mapping[str, Any]) -> bool:
    """Return whether a person was added for OpenID and has not come in yet."""
    return row["state"] == PersonState.ACTIVE and not (row["issuer"] or row["password_hash"])


# --- end ----------------------------------------------------------------------------------------------


def sign_out(ctx: RequestContext, session_id: str | None = None, *, others: bool = False) -> int:
    """End a session of one's own: this one, a named one, or all others. Return how many ended."""
    mine = (ctx.actor.credential or "").partition(":")[2]
    which = {"but": mine} if others else {"session_id": session_id or mine}
    return perform(SignOut(ctx.actor, **which), ctx.as_system())


@dataclass(frozen=True, slots=True)
class SignOut(SystemCommand[int]):
    """End one session of a person, or all but one."""

    person: Actor
    session_id: str | None = None
    but: str | None = None

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> int:
        """Write it."""
        name = self.person.name
        ended = end_sessions(tx, name, now, session_id=self.session_id, but=self.but)
        if ended:
            record(tx, "signed out", self.person, name, now, details={"sessions": ended})
        return len(ended)


@dataclass(frozen=True, slots=True)
class EndSessions(PersonCommand):
    """End all sessions of somebody, as an admin."""

    def apply(self, tx: Tx, decided: Person, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write it."""
        ended = len(end_sessions(tx, decided.name, now))
        record(tx, "sessions ended", ctx.actor, decided.name, now, details={"sessions": ended})
        return {"sessions": ended}


def sweep(ctx: RequestContext) -> None:
    """Keep when sessions and tokens were used, and end those that ran out. Cheap when there is nothing."""
    seen, used = ctx.directory.take_notes()
    now = stored(ctx.authority.now())
    idle_since = now - ctx.authority.limits.idle
    is_late = any(_is_over(session, now, idle_since) for session in ctx.directory.sessions.values())
    if seen or used or is_late:
        perform(KeepUses(seen, used, (now, idle_since) if is_late else None), ctx.as_system())


@dataclass(frozen=True, slots=True)
class KeepUses(SystemCommand[None]):
    """Keep when sessions and tokens were used last, and end the sessions that are over."""

    sessions: Mapping[str, datetime]
    tokens: Mapping[str, datetime]
    late: tuple[datetime, datetime] | None = field(default=None)
    """Now, and since when a session has rested too long; None: none is over."""

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, _now: datetime) -> None:
        """Write it."""
        for session_id, moment in self.sessions.items():
            tx.run("access/touch_session", {"id": session_id, "now": stored(moment)})
        for token_id, moment in self.tokens.items():
            tx.run("access/touch_token", {"id": token_id, "now": stored(moment)})
        if self.late and tx.run("access/expire_sessions", {"now": self.late[0], "idle_since": self.late[1]}):
            tx.topics.add("access")


def _is_over(session: Session, now: datetime, idle_since: datetime) -> bool:
    return stored(session.expires_at) <= now or stored(session.seen_at) <= idle_since
