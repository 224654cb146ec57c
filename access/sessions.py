"""Sessions: begin by password, link or OpenID; end by log-out, time, or an admin.

The secret is in the browser's cookie and nowhere else; the store keeps its hash. Whoever holds a session is
looked up at every request and in every act, so that an open page loses its power when the session ends.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from access import names, passwords
from access.directory import secret_hash
from access.errors import PersonNotFoundError, RefusedSignInError
from access.gate import Asked, Target
from access.grants import give
from access.people import ACTIVE
from access.roles import Grant
from access.throttle import Throttle
from audit import trail
from audit.actor import Actor
from data.clock import stored

if TYPE_CHECKING:
    from datetime import datetime

    from access.directory import Directory, Person, Session
    from access.gate import Gate
    from data.store import Tx

_AGENT_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where somebody comes from who is not signed in yet."""

    address: str
    agent: str | None = None


class Sessions:
    """Begin and end sessions, over one gate."""

    def __init__(self, gate: Gate, directory: Directory) -> None:
        self._gate = gate
        self._directory = directory
        self._by_address = Throttle(free=20, refill_s=6.0)
        self._by_name = Throttle(free=5, refill_s=30.0)

    def sign_in(self, name: str, password: str, visitor: Visitor) -> str:
        """Return the secret of a new session.

        Raises:
            RefusedSignInError: name or password are wrong, or the person may not come in: not said which.
            TooManyTriesError: too many wrong tries from this address, or for this name from it.
        """
        plain = names.typed(name)
        both = f"{plain} {visitor.address}"
        self._by_address.check(visitor.address)
        self._by_name.check(both)
        person = self._directory.people.get(plain)
        right = passwords.matches(password, person.password_hash if person else None)
        if person is None or not right or person.state != ACTIVE:
            self._by_address.count(visitor.address)
            self._by_name.count(both)
            if person is not None:
                self._record_refusal(person, visitor)
            raise RefusedSignInError
        self._by_name.forget(both)
        return self.begin(person.name, "password", visitor)

    def begin(self, name: str, method: str, visitor: Visitor) -> str:
        """Begin a session of somebody who was recognised; return its secret.

        Raises:
            RefusedSignInError: there is no such active person.
        """
        secret, public = secrets.token_urlsafe(32), secrets.token_hex(8)
        agent = (visitor.agent or "")[:_AGENT_CHARS] or None
        lasts = self._gate.authority.limits.lasts

        def work(tx: Tx, now: datetime) -> None:
            rows = tx.run("access/person", {"name": name})
            if not rows or rows[0]["state"] != ACTIVE:
                raise RefusedSignInError
            row: dict[str, Any] = {
                "id": public,
                "secret_hash": secret_hash(secret),
                "person": name,
                "method": method,
            }
            row |= {"agent": agent, "address": visitor.address, "now": now, "expires_at": now + lasts}
            tx.run("access/insert_session", row)
            empty = dict.fromkeys(("state", "password_hash", "issuer", "subject"))
            tx.run("access/update_person", {**empty, "name": name, "signed_in_at": now, "now": now})
            tx.topics.add("access")
            actor = Actor(name, door="page", credential=f"session:{public}")
            told = {"method": method, "address": visitor.address}
            trail.write(tx, [trail.Entry("signed in", actor, subject=f"person:{name}", details=told)], now)

        self._gate.tick(work)
        return secret

    def recognised(
        self, issuer: str, subject: str, name: str, visitor: Visitor, new_role: str | None = None
    ) -> str:
        """Begin a session of somebody whom an OpenID provider vouches for; return its secret.

        A person is known by issuer and subject. Seen for the first time, they take the place of the person of
        their name who was added for OpenID and has no password, or are added with `new_role`.

        Raises:
            RefusedSignInError: nobody of this name may come in by this provider.
            InvalidPersonError: the provider's name cannot be a name here.
        """
        known = next(
            (p for p in self._directory.people.values() if (p.issuer, p.subject) == (issuer, subject)), None
        )
        if known is None:
            plain = names.checked(names.typed(name))
            self._gate.tick(lambda tx, now: self._bind(tx, plain, issuer, subject, new_role, now))
            return self.begin(plain, "openid", visitor)
        return self.begin(known.name, "openid", visitor)

    def _bind(  # noqa: PLR0917 - called in one place
        self, tx: Tx, name: str, issuer: str, subject: str, new_role: str | None, now: datetime
    ) -> None:
        found = tx.run("access/person", {"name": name})
        actor = Actor(name, door="page")
        if not found and new_role:
            row = {"name": name, "state": ACTIVE, "password_hash": None, "issuer": issuer, "subject": subject}
            tx.run("access/insert_person", {**row, "now": now, "by": issuer})
            give(tx, f"person:{name}", (Grant(new_role),))
            told: dict[str, Any] = {"issuer": issuer, "roles": [new_role]}
            entry = trail.Entry("person added", actor, subject=f"person:{name}", details=told)
        elif found and found[0]["state"] == ACTIVE and not (found[0]["issuer"] or found[0]["password_hash"]):
            bound = {"state": None, "password_hash": None, "signed_in_at": None}
            change = {**bound, "issuer": issuer, "subject": subject, "name": name, "now": now}
            tx.run("access/update_person", change)
            told = {"issuer": issuer}
            entry = trail.Entry("person recognised", actor, subject=f"person:{name}", details=told)
        else:
            raise RefusedSignInError(
                "You were recognised, but nobody has given you access here. Ask an admin to add you."
            )
        tx.topics.add("access")
        trail.write(tx, [entry], now)

    def of(self, name: str) -> list[Session]:
        """Return a person's living sessions, the newest first."""
        living = (
            s
            for s in self._directory.sessions.values()
            if s.person == name and s.expires_at > self._gate.authority.now()
        )
        return sorted(living, key=lambda session: session.created_at, reverse=True)

    def end(self, actor: Actor, session_id: str | None = None, *, others: bool = False) -> int:
        """End a session of one's own: this one, a named one, or all others. Return how many ended."""
        mine = (actor.credential or "").partition(":")[2]
        which = {"id": None, "but": mine} if others else {"id": session_id or mine, "but": None}

        def work(tx: Tx, now: datetime) -> int:
            ended = tx.run("access/end_sessions", {"person": actor.name, **which, "now": now})
            if ended:
                tx.topics.add("access")
                told = {"sessions": [row["id"] for row in ended]}
                trail.write(
                    tx, [trail.Entry("signed out", actor, subject=f"person:{actor.name}", details=told)], now
                )
            return len(ended)

        return self._gate.tick(work)

    def end_all_of(self, name: str, *, actor: Actor, token: str | None = None) -> int:
        """End all sessions of somebody, as an admin.

        Raises:
            PersonNotFoundError
        """

        def work(tx: Tx, _found: Target, now: datetime) -> int:
            if name not in self._directory.people:
                raise PersonNotFoundError(name)
            ended = tx.run("access/end_sessions", {"person": name, "id": None, "but": None, "now": now})
            tx.topics.add("access")
            told = {"sessions": len(ended)}
            entry = trail.Entry("sessions ended", actor, subject=f"person:{name}", details=told)
            trail.write(tx, [entry], now)
            return len(ended)

        asked = Asked("person.change", actor, token, (name, "sessions"))
        return self._gate.perform(asked, work, Target(subject=f"person:{name}"))

    def sweep(self) -> None:
        """Keep when sessions and tokens were used, and end those that ran out."""
        seen, used = self._directory.take_notes()
        now = stored(self._gate.authority.now())
        idle_since = now - self._gate.authority.limits.idle
        late = [s for s in self._directory.sessions.values() if _over(s, now, idle_since)]
        if not (seen or used or late):
            return

        def work(tx: Tx, _now: datetime) -> None:
            for session_id, moment in seen.items():
                tx.run("access/touch_session", {"id": session_id, "now": stored(moment)})
            for token_id, moment in used.items():
                tx.run("access/touch_token", {"id": token_id, "now": stored(moment)})
            if late and tx.run("access/expire_sessions", {"now": now, "idle_since": idle_since}):
                tx.topics.add("access")

        self._gate.tick(work)

    def _record_refusal(self, person: Person, visitor: Visitor) -> None:
        def work(tx: Tx, now: datetime) -> None:
            actor = Actor(person.name, "unknown", "page")
            told = {"allowed": "no", "address": visitor.address}
            entry = trail.Entry(
                "sign-in refused", actor, kind=trail.DECISION, subject=f"person:{person.name}", details=told
            )
            trail.write(tx, [entry], now)

        self._gate.tick(work)


def _over(session: Session, now: datetime, idle_since: datetime) -> bool:
    return stored(session.expires_at) <= now or stored(session.seen_at) <= idle_since
