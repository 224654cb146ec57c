"""People: add, give roles, disable, enable, send a link, choose a password.

An admin never chooses somebody's password: adding a person makes a one-time link, by which they choose it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

from access import names, passwords
from access.directory import is_admin, secret_hash
from access.errors import (
    AlreadyThereError,
    InvalidPersonError,
    LastAdminError,
    LinkUsedError,
    PersonNotFoundError,
)
from access.gate import Asked, Target
from access.grants import checked, give, words
from access.roles import ADMIN, LADDER, Grant
from audit import trail
from audit.actor import SYSTEM, Actor
from data.clock import stored, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.directory import Directory, Person
    from access.gate import Gate
    from data.store import Tx

    Row = dict[str, Any]

LINK_LASTS: Final = timedelta(hours=72)
FIRST_LINK_LASTS: Final = timedelta(hours=24)
INVITED: Final = "invited"
ACTIVE: Final = "active"
DISABLED: Final = "disabled"


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link's code, which is told once and kept as a hash only."""

    person: str | None
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class People:
    """The acts on people, through one gate. All raise ForbiddenError and SignedOutError."""

    gate: Gate
    directory: Directory

    def listed(self) -> list[Person]:
        """Return everybody, by name."""
        return sorted(self.directory.people.values(), key=lambda person: person.name)

    def add(
        self,
        name: str,
        grants: Sequence[Grant],
        *,
        actor: Actor,
        openid: bool = False,
        token: str | None = None,
    ) -> Link | None:
        """Add a person; return the link by which they choose a password, None where OpenID vouches for them.

        Raises:
            InvalidPersonError: the name or a role cannot be.
            AlreadyThereError: the name is or was somebody's.
        """
        name, given, code = names.checked(name), checked(grants, LADDER, "people"), _Code()

        def work(tx: Tx, _found: Target, now: datetime) -> Row:
            if tx.run("access/person", {"name": name}):
                raise AlreadyThereError(f"The name {name} is or was somebody's. Names are never used again.")
            self._insert(tx, name, ACTIVE if openid else INVITED, actor, now)
            give(tx, f"person:{name}", given)
            _tell(tx, "person added", actor, name, now, {"roles": words(given)})
            if not openid:
                code.keep(tx, name, now, LINK_LASTS)
            return {"name": name}

        asked = Asked("person.add", actor, token, (name, words(given), openid))
        self.gate.perform(asked, work, Target(subject=f"person:{name}"))
        return None if openid else code.link()

    def give(self, name: str, grants: Sequence[Grant], *, actor: Actor, token: str | None = None) -> None:
        """Replace a person's roles; it takes effect at once, in open pages too.

        Raises:
            PersonNotFoundError, InvalidPersonError, LastAdminError
        """
        given = checked(grants, LADDER, "people")

        def work(tx: Tx, _found: Target, now: datetime) -> Row:
            self._known(name)
            self._keep_an_admin(name, given)
            before = self.directory.people[name].grants
            give(tx, f"person:{name}", given)
            told = {"from": words(before), "to": words(given)}
            _tell(tx, "roles given", actor, name, now, told)
            return told

        asked = Asked("person.change", actor, token, (name, words(given)))
        self.gate.perform(asked, work, Target(subject=f"person:{name}"))

    def disable(
        self, name: str, *, actor: Actor, reason: str | None = None, token: str | None = None
    ) -> None:
        """Let a person in no more, and end their sessions at once; claims return when they run out.

        Raises:
            PersonNotFoundError, LastAdminError
        """

        def work(tx: Tx, _found: Target, now: datetime) -> Row:
            self._known(name)
            self._keep_an_admin(name, ())
            _update(tx, name, now, state=DISABLED)
            tx.run("access/use_links", {"person": name, "now": now})
            ended = tx.run("access/end_sessions", {"person": name, "id": None, "but": None, "now": now})
            _tell(tx, "person disabled", actor, name, now, {"sessions ended": len(ended)}, reason)
            return {"sessions": len(ended)}

        asked = Asked("person.change", actor, token, (name, DISABLED), reason)
        self.gate.perform(asked, work, Target(subject=f"person:{name}"))

    def enable(self, name: str, *, actor: Actor, token: str | None = None) -> None:
        """Let a disabled person in again, with the roles they had.

        Raises:
            PersonNotFoundError
        """

        def work(tx: Tx, _found: Target, now: datetime) -> Row:
            person = self._known(name)
            vouched = person.password_hash or person.issuer
            _update(tx, name, now, state=ACTIVE if vouched else INVITED)
            _tell(tx, "person enabled", actor, name, now)
            return {"name": name}

        asked = Asked("person.change", actor, token, (name, ACTIVE))
        self.gate.perform(asked, work, Target(subject=f"person:{name}"))

    def link(self, name: str, *, actor: Actor, token: str | None = None) -> Link:
        """Make a new one-time link for a person; older ones are void.

        Raises:
            PersonNotFoundError
            InvalidPersonError: the person is disabled.
        """
        code = _Code()

        def work(tx: Tx, _found: Target, now: datetime) -> Row:
            if self._known(name).state == DISABLED:
                raise InvalidPersonError(f"{name} is disabled. Enable them first.")
            code.keep(tx, name, now, LINK_LASTS)
            _tell(tx, "link made", actor, name, now)
            return {"name": name}

        asked = Asked("person.change", actor, token, (name, "link"))
        self.gate.perform(asked, work, Target(subject=f"person:{name}"))
        return code.link()

    # --- without a session: the links themselves ---------------------------------------------

    def first_link(self) -> Link | None:
        """Make the link by which the first admin comes in; None where there is an admin."""
        if self.directory.has_admin():
            return None
        code = _Code()
        self.gate.tick(lambda tx, now: code.keep(tx, None, now, FIRST_LINK_LASTS))
        return code.link()

    def whose(self, code: str) -> str | None:
        """Return whose link this is; None: the first admin's.

        Raises:
            LinkUsedError: it is not valid, or not any more.
        """
        rows = self.gate.store.query(
            "access/link", {"code_hash": secret_hash(code), "now": stored(utc_now())}
        )
        if not rows or (rows[0]["person"] is None and self.directory.has_admin()):
            raise LinkUsedError
        name: str | None = rows[0]["person"]
        return name

    def accept(self, code: str, password: str, name: str | None = None) -> str:
        """Use a link: the person's password is what they chose. Return their name.

        Raises:
            LinkUsedError: it is not valid, or not any more.
            InvalidPersonError: the password is too weak, or the first admin's name cannot be.
        """
        whose = self.whose(code)
        person = whose or names.checked(name or "")
        kept = passwords.hashed(password, person)

        def work(tx: Tx, now: datetime) -> str:
            self._spend(tx, code, now)
            actor = Actor(person, door="page")
            if whose is None:
                self._first_admin(tx, person, now)
            _update(tx, person, now, state=ACTIVE, password_hash=kept)
            ended = tx.run("access/end_sessions", {"person": person, "id": None, "but": None, "now": now})
            told = {"sessions ended": len(ended)}
            _tell(tx, "password chosen by link", actor, person, now, told)
            return person

        return self.gate.tick(work)

    def change_password(self, actor: Actor, old: str, new: str) -> None:
        """Let a person choose another password; their other sessions end.

        Raises:
            InvalidPersonError: the old one is wrong, or the new one too weak.
        """
        person = self._known(actor.name)
        if not passwords.matches(old, person.password_hash):
            raise InvalidPersonError("The present password is wrong.")
        kept = passwords.hashed(new, person.name)
        mine = (actor.credential or "").partition(":")[2]

        def work(tx: Tx, now: datetime) -> int:
            self.gate.authority.grants(actor)
            _update(tx, person.name, now, password_hash=kept)
            ended = tx.run(
                "access/end_sessions", {"person": person.name, "id": None, "but": mine, "now": now}
            )
            _tell(tx, "password changed", actor, person.name, now, {"other sessions ended": len(ended)})
            return len(ended)

        self.gate.tick(work)

    # --- the parts ---------------------------------------------------------------------------

    def _known(self, name: str) -> Person:
        person = self.directory.people.get(name)
        if person is None:
            raise PersonNotFoundError(name)
        return person

    def _keep_an_admin(self, name: str, given: Sequence[Grant]) -> None:
        others = (p for p in self.directory.people.values() if p.name != name and p.state == ACTIVE)
        was = is_admin(self.directory.people[name].grants)
        if was and not is_admin(given) and not any(is_admin(person.grants) for person in others):
            raise LastAdminError

    def _first_admin(self, tx: Tx, name: str, now: datetime) -> None:
        if self.directory.has_admin():
            raise LinkUsedError
        if not tx.run("access/person", {"name": name}):
            self._insert(tx, name, ACTIVE, SYSTEM, now)
        give(tx, f"person:{name}", (Grant(ADMIN),))
        _tell(tx, "first admin", SYSTEM, name, now)

    @staticmethod
    def _insert(tx: Tx, name: str, state: str, by: Actor, now: datetime) -> None:
        row = {"name": name, "state": state, "password_hash": None, "issuer": None, "subject": None}
        tx.run("access/insert_person", {**row, "now": now, "by": by.name})
        tx.topics.add("access")

    @staticmethod
    def _spend(tx: Tx, code: str, now: datetime) -> None:
        rows = tx.run("access/link", {"code_hash": secret_hash(code), "now": now})
        if not rows:
            raise LinkUsedError
        tx.run("access/use_links", {"person": rows[0]["person"], "now": now})


def _update(tx: Tx, name: str, now: datetime, **fields: Any) -> None:
    empty = dict.fromkeys(("state", "password_hash", "issuer", "subject", "signed_in_at"))
    tx.run("access/update_person", {**empty, **fields, "name": name, "now": now})
    tx.topics.add("access")


class _Code:
    """A one-time code: made of chance, told once, kept as a hash."""

    def __init__(self) -> None:
        self._code = secrets.token_urlsafe(32)
        self._made: Link | None = None

    def keep(self, tx: Tx, name: str | None, now: datetime, lasts: timedelta) -> None:
        """Store its hash; the holder's older links are void."""
        tx.run("access/use_links", {"person": name, "now": now})
        kept = {"code_hash": secret_hash(self._code), "person": name, "now": now, "expires_at": now + lasts}
        tx.run("access/insert_link", kept)
        self._made = Link(name, self._code, (now + lasts).replace(tzinfo=UTC))

    def link(self) -> Link:
        """Return the link.

        Raises:
            AlreadyThereError: the act was done before, by the same Idempotency-Key.
        """
        if self._made is None:
            raise AlreadyThereError("This was done already, and a link is told only once. Make a new one.")
        return self._made


def _tell(  # noqa: PLR0917 - they read as one sentence
    tx: Tx,
    verb: str,
    actor: Actor,
    name: str,
    now: datetime,
    details: Row | None = None,
    reason: str | None = None,
) -> None:
    entry = trail.Entry(verb, actor, subject=f"person:{name}", reason=reason, details=details)
    trail.write(tx, [entry], now)
