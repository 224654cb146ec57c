"""People, sessions and tokens, held in memory: a check costs a look-up, never a query.

The store has one owner, so this mirror is the truth: it is read again after every commit that touched it,
before the writer takes the next act.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from access.roles import Grant
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from data.ports import State

    Grants = Mapping[str, tuple[Grant, ...]]
    """Roles by person:NAME or token:NAME."""


class PersonState(StrEnum):
    """Whether a person may sign in."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in."""

    name: str
    state: PersonState
    password_hash: str | None = field(repr=False)
    issuer: str | None
    subject: str | None
    created_at: datetime
    signed_in_at: datetime | None
    grants: tuple[Grant, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any], grants: Grants) -> Person:
        """Return the person of a stored row, with their roles."""
        own = grants.get(f"person:{row['name']}", ())
        return _person(row, state=PersonState(row["state"]), grants=own)


_person: Final = noun(Person)


@dataclass(frozen=True, slots=True)
class Session:
    """A person's session; times are aware."""

    id: str
    secret_hash: str = field(repr=False)
    person: str
    method: str
    agent: str | None
    address: str | None
    created_at: datetime
    expires_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """One secret of a service token; times are aware."""

    id: str
    name: str
    secret_hash: str = field(repr=False)
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None
    grants: tuple[Grant, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any], grants: Grants) -> Token:
        """Return the token of a stored row, with its roles."""
        return _token(row, grants=grants.get(f"token:{row['name']}", ()))


_token: Final = noun(Token)


def secret_hash(secret: str) -> str:
    """Return the hash that is stored of a random secret: a plain hash is enough, as it cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Directory:
    """People, sessions and tokens of one store."""

    def __init__(self) -> None:
        self.people: Mapping[str, Person] = {}
        self.sessions: Mapping[str, Session] = {}
        self.tokens: Mapping[str, Token] = {}
        self._by_secret: Mapping[str, Session] = {}
        self._seen: dict[str, datetime] = {}
        self._used: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def load(self, state: State) -> None:
        """Read everything again."""
        grants = _grants(state)
        people = state.query("access/people", into=lambda row: Person.of(row, grants))
        sessions = state.query("access/sessions", into=noun(Session))
        tokens = state.query("access/tokens", into=lambda row: Token.of(row, grants))
        self.people = {person.name: person for person in people}
        self.sessions = {session.id: session for session in sessions}
        self.tokens = {token.id: token for token in tokens}
        self._by_secret = {session.secret_hash: session for session in sessions}

    def session_of(self, secret: str) -> Session | None:
        """Return the session whose secret this is.

        The look-up is by the secret's hash: its duration reveals nothing about the secret.
        """
        return self._by_secret.get(secret_hash(secret))

    def has_admin(self) -> bool:
        """Return whether somebody can say who is who."""
        return any(p.state == PersonState.ACTIVE and is_admin(p.grants) for p in self.people.values())

    def note_seen(self, session_id: str, now: datetime) -> None:
        """Remember that a session was used."""
        with self._lock:
            self._seen[session_id] = now

    def note_used(self, token_id: str, now: datetime) -> None:
        """Remember that a token was used."""
        with self._lock:
            self._used[token_id] = now

    def seen_at(self, session: Session) -> datetime:
        """Return when a session was used last."""
        return self._seen.get(session.id, session.seen_at)

    def used_at(self, token: Token) -> datetime | None:
        """Return when a token was used last."""
        return self._used.get(token.id, token.used_at)

    def take_notes(self) -> tuple[dict[str, datetime], dict[str, datetime]]:
        """Return what was seen and used since the last call, to be kept in the store."""
        with self._lock:
            taken = (dict(self._seen), dict(self._used))
            self.sessions = {
                key: replace(s, seen_at=self._seen.get(key, s.seen_at)) for key, s in self.sessions.items()
            }
            self._by_secret = {s.secret_hash: s for s in self.sessions.values()}
            self.tokens = {
                key: replace(t, used_at=self._used.get(key, t.used_at)) for key, t in self.tokens.items()
            }
            self._seen.clear()
            self._used.clear()
        return taken


def is_admin(grants: Iterable[Grant]) -> bool:
    """Return whether the grants make an admin of everything."""
    return any(grant.role == "admin" and grant.whole for grant in grants)


@dataclass(frozen=True, slots=True)
class _Given:
    """A role that somebody has; `holder` is person:NAME or token:NAME."""

    holder: str
    role: str
    tenant: str | None
    flow: str | None


def _grants(state: State) -> dict[str, tuple[Grant, ...]]:
    found: dict[str, list[Grant]] = defaultdict(list)
    for given in state.query("access/grants", into=noun(_Given)):
        found[given.holder].append(Grant(given.role, given.tenant, given.flow))
    return {holder: tuple(grants) for holder, grants in found.items()}
