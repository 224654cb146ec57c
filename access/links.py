"""One-time links: by them people choose their password, and the first admin comes in.

A link's code is shown once and kept as a hash only. A new link voids the holder's older ones.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from access import names, passwords
from access.commands import SystemCommand, perform
from access.directory import PersonState, secret_hash
from access.errors import AlreadyThereError, LinkUsedError
from access.grants import give
from access.person_rows import end_sessions, insert_person, record, subject_of, update_person
from access.roles import ADMIN, Grant
from audit.actor import SYSTEM, Actor
from data.clock import stored, utc_now

if TYPE_CHECKING:
    from access.context import RequestContext
    from data.transaction import Tx

LINK_LASTS: Final = timedelta(hours=72)
FIRST_LINK_LASTS: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is shown, once; `person` is None for the first admin's."""

    person: str | None
    code: str = field(repr=False)
    expires_at: datetime


def new_link(tx: Tx, person: str | None, now: datetime, lasts: timedelta) -> Link:
    """Make a link and keep its hash."""
    code = secrets.token_urlsafe(32)
    tx.run("access/use_links", {"person": person, "now": now})
    kept = {"code_hash": secret_hash(code), "person": person, "now": now, "expires_at": now + lasts}
    tx.run("access/insert_link", kept)
    return Link(person, code, (now + lasts).replace(tzinfo=UTC))


def link_again() -> NoReturn:
    """Refuse a link that was made before, by the same Idempotency-Key.

    Raises:
        AlreadyThereError: always.
    """
    raise AlreadyThereError("This was done already, and a link is shown only once. Make a new one.")


def first_link(ctx: RequestContext) -> Link | None:
    """Make the link by which the first admin comes in; None where there is an admin."""
    return None if ctx.directory.has_admin() else perform(MakeFirstLink(), ctx.as_system())


def holder_of(ctx: RequestContext, code: str) -> str | None:
    """Return whose link this is; None: the first admin's.

    Raises:
        LinkUsedError: it is not valid, or not any more.
    """
    rows = ctx.store.query("access/link", {"code_hash": secret_hash(code), "now": stored(utc_now())})
    if not rows or (rows[0]["person"] is None and ctx.directory.has_admin()):
        raise LinkUsedError
    holder: str | None = rows[0]["person"]
    return holder


def accept(ctx: RequestContext, code: str, password: str, name: str | None = None) -> str:
    """Use a link: the person's password is what they chose. Return their name.

    Raises:
        LinkUsedError: it is not valid, or not any more.
        InvalidPersonError: the password is too weak, or the first admin's name cannot be.
    """
    holder = holder_of(ctx, code)
    person = holder or names.checked(name or "")
    # Hashing takes 60 ms: it is done before the writer's transaction.
    kept = passwords.hashed(password, person)
    return perform(AcceptLink(code, person, kept, is_first_admin=holder is None), ctx.as_system())


@dataclass(frozen=True, slots=True)
class MakeFirstLink(SystemCommand[Link]):
    """Make the link by which the first admin comes in."""

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> Link:
        """Write it."""
        return new_link(tx, None, now, FIRST_LINK_LASTS)


@dataclass(frozen=True, slots=True)
class AcceptLink(SystemCommand[str]):
    """Use a link and keep the hash of the password that was chosen by it."""

    code: str = field(repr=False)
    person: str
    password_hash: str = field(repr=False)
    is_first_admin: bool = False

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> str:
        """Write it; sessions that were open before end."""
        rows = tx.run("access/link", {"code_hash": secret_hash(self.code), "now": now})
        if not rows:
            raise LinkUsedError
        tx.run("access/use_links", {"person": rows[0]["person"], "now": now})
        if self.is_first_admin:
            self._add_first_admin(tx, ctx, now)
        update_person(tx, self.person, now, state=PersonState.ACTIVE, password_hash=self.password_hash)
        details = {"sessions ended": len(end_sessions(tx, self.person, now))}
        actor = Actor(self.person, channel="page")
        record(tx, "password chosen by link", actor, self.person, now, details=details)
        return self.person

    def _add_first_admin(self, tx: Tx, ctx: RequestContext, now: datetime) -> None:
        if ctx.directory.has_admin():
            raise LinkUsedError
        if not tx.run("access/person", {"name": self.person}):
            insert_person(tx, self.person, PersonState.ACTIVE, SYSTEM.name, now)
        give(tx, subject_of(self.person), (Grant(ADMIN),))
        details = {"roles": [str(Grant(ADMIN))]}
        record(tx, "first admin", SYSTEM, self.person, now, details=details)
