"""Who there is, held in memory: a check costs a look-up, never a query.

The store has one owner, so this mirror is the truth: it is read anew after every commit that touched it,
before the writer takes the next act.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from access.roles import Grant
from data.clock import aware

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from data.store import Store

    Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in."""

    name: str
    state: str
    password_hash: str | None = field(repr=False)
    issuer: str | None
    subject: str | None
    created_at: datetime
    signed_in_at: datetime | None
    grants: tuple[Grant, ...] = ()


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


def secret_hash(secret: str) -> str:
    """Return what is kept of a secret made of chance: a plain hash is enough, for nobody can guess it."""
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

    def load(self, store: Store) -> None:
        """Read everything anew."""
        grants = _grants(store.query("access/grants"))
        people = {row["name"]: _person(row, grants) for row in store.query("access/people")}
        sessions = {row["id"]: _session(row) for row in store.query("access/sessions")}
        tokens = {row["id"]: _token(row, grants) for row in store.query("access/tokens")}
        self.people, self.sessions, self.tokens = people, sessions, tokens
        self._by_secret = {session.secret_hash: session for session in sessions.values()}

    def session_of(self, secret: str) -> Session | None:
        """Return the session whose secret this is.

        The look-up is by the secret's hash: how long it takes tells nothing of the secret.
        """
        return self._by_secret.get(secret_hash(secret))

    def has_admin(self) -> bool:
        """Tell whether somebody can say who is who."""
        return any(p.state == "active" and is_admin(p.grants) for p in self.people.values())

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
    """Tell whether the grants make an admin of everything."""
    return any(grant.role == "admin" and grant.whole for grant in grants)


def _grants(rows: list[Row]) -> dict[str, tuple[Grant, ...]]:
    found: dict[str, list[Grant]] = defaultdict(list)
    for row in rows:
        found[row["holder"]].append(Grant(row["role"], row["tenant"], row["flow"]))
    return {holder: tuple(given) for holder, given in found.items()}


def _person(row: Row, grants: dict[str, tuple[Grant, ...]]) -> Person:
    return Person(
        name=row["name"],
        state=row["state"],
        password_hash=row["password_hash"],
        issuer=row["issuer"],
        subject=row["subject"],
        created_at=_aware(row["created_at"]),
        signed_in_at=aware(row["signed_in_at"]),
        grants=grants.get(f"person:{row['name']}", ()),
    )


def _session(row: Row) -> Session:
    times = {name: _aware(row[name]) for name in ("created_at", "expires_at", "seen_at")}
    return Session(
        row["id"], row["secret_hash"], row["person"], row["method"], row["agent"], row["address"], **times
    )


def _token(row: Row, grants: dict[str, tuple[Grant, ...]]) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        secret_hash=row["secret_hash"],
        created_at=_aware(row["created_at"]),
        created_by=row["created_by"],
        expires_at=_aware(row["expires_at"]),
        used_at=aware(row["used_at"]),
        grants=grants.get(f"token:{row['name']}", ()),
    )


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
