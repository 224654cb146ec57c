"""People: add, give roles, disable, enable, choose another password.

An admin never chooses somebody's password: adding a person makes a one-time link, by which they choose it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access import names, passwords
from access.commands import Command, SystemCommand, Target, perform
from access.directory import PersonState, is_admin
from access.errors import AlreadyThereError, InvalidPersonError, LastAdminError, PersonNotFoundError
from access.grants import checked, give, words
from access.links import LINK_LASTS, Link, link_again, new_link
from access.person_rows import end_sessions, insert_person, record, subject_of, update_person
from access.roles import LADDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from access.directory import Directory, Person
    from access.roles import Grant
    from audit.actor import Actor
    from data.transaction import Tx

_PEOPLE: Final = "people"


def everybody(directory: Directory) -> list[Person]:
    """Return all people, by name."""
    return sorted(directory.people.values(), key=lambda person: person.name)


@dataclass(frozen=True, slots=True)
class AddPerson(Command[None, tuple["Grant", ...], "Link | None"]):
    """Add a person.

    The answer is the link by which they choose a password, None where OpenID vouches for them.

    Raises, when performed:
        InvalidPersonError: the name or a role cannot be.
        AlreadyThereError: the name is or was somebody's.
    """

    act: ClassVar = "person.add"
    name: str
    grants: Sequence[Grant]
    openid: bool = False

    def __post_init__(self) -> None:
        """Check the name, which is what the act is about."""
        object.__setattr__(self, "name", names.checked(self.name))

    def authorize(self, _loaded: None) -> Target:
        """Return the person who is to be."""
        return Target(subject=subject_of(self.name))

    def decide(self, _loaded: None, _ctx: RequestContext, _now: datetime) -> tuple[Grant, ...]:
        """Return the roles."""
        return checked(self.grants, LADDER, _PEOPLE)

    def apply(self, tx: Tx, decided: tuple[Grant, ...], ctx: RequestContext, now: datetime) -> Link | None:
        """Write the person, their roles, and their link."""
        if tx.run("access/person", {"name": self.name}):
            raise AlreadyThereError(f"The name {self.name} is or was somebody's. Names are never used again.")
        insert_person(
            tx, self.name, PersonState.ACTIVE if self.openid else PersonState.INVITED, ctx.actor.name, now
        )
        give(tx, subject_of(self.name), decided)
        record(tx, "person added", ctx.actor, self.name, now, details={"roles": words(decided)})
        return None if self.openid else new_link(tx, self.name, now, LINK_LASTS)

    def kept(self, _answer: Link | None) -> Any:
        """Return that it was done."""
        return {"name": self.name}

    def answer_again(self, _kept: Any) -> Link | None:
        """Return nothing where there was no link; a link cannot be shown again."""
        return None if self.openid else link_again()


@dataclass(frozen=True, slots=True)
class PersonCommand(Command[None, Any, Any]):
    """A command on a person who is there.

    Raises, when performed:
        PersonNotFoundError: nobody has this name.
    """

    act: ClassVar = "person.change"
    name: str

    def authorize(self, _loaded: None) -> Target:
        """Return the person."""
        return Target(subject=subject_of(self.name))

    def decide(self, _loaded: None, ctx: RequestContext, now: datetime) -> Any:
        """Refuse a name that nobody has, only now: who may not change people learns nothing of names."""
        person = ctx.directory.people.get(self.name)
        if person is None:
            raise PersonNotFoundError(self.name)
        return self.rule(person, ctx, now)

    def rule(self, person: Person, _ctx: RequestContext, _now: datetime) -> Any:
        """Return what is to be written."""
        return person


@dataclass(frozen=True, slots=True)
class GiveRoles(PersonCommand):
    """Replace a person's roles; it takes effect at once, in open pages too.

    Raises, when performed:
        InvalidPersonError: a role cannot be.
        LastAdminError: nobody could give roles afterwards.
    """

    grants: Sequence[Grant]

    def rule(self, person: Person, ctx: RequestContext, _now: datetime) -> tuple[Person, tuple[Grant, ...]]:
        """Return the person and their new roles."""
        given = checked(self.grants, LADDER, _PEOPLE)
        _keep_an_admin(ctx.directory, person, given)
        return person, given

    def apply(
        self, tx: Tx, decided: tuple[Person, tuple[Grant, ...]], ctx: RequestContext, now: datetime
    ) -> dict[str, Any]:
        """Write the roles."""
        person, given = decided
        give(tx, subject_of(self.name), given)
        details = {"from": words(person.grants), "to": words(given)}
        record(tx, "roles given", ctx.actor, self.name, now, details=details)
        return details


@dataclass(frozen=True, slots=True)
class DisablePerson(PersonCommand):
    """Let a person in no more, and end their sessions at once; claims return when they run out.

    Raises, when performed:
        LastAdminError: nobody could give roles afterwards.
    """

    reason: str | None = None

    def rule(self, person: Person, ctx: RequestContext, _now: datetime) -> Person:
        """Return the person."""
        _keep_an_admin(ctx.directory, person, ())
        return person

    def apply(self, tx: Tx, decided: Person, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the state; links and sessions end."""
        update_person(tx, decided.name, now, state=PersonState.DISABLED)
        tx.run("access/use_links", {"person": decided.name, "now": now})
        ended = len(end_sessions(tx, decided.name, now))
        details = {"sessions ended": ended}
        record(tx, "person disabled", ctx.actor, decided.name, now, details=details, reason=self.reason)
        return {"sessions": ended}


@dataclass(frozen=True, slots=True)
class EnablePerson(PersonCommand):
    """Let a disabled person in again, with the roles they had."""

    def apply(self, tx: Tx, decided: Person, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the state: invited again where nothing vouches for them yet."""
        is_vouched = decided.password_hash or decided.issuer
        update_person(tx, decided.name, now, state=PersonState.ACTIVE if is_vouched else PersonState.INVITED)
        record(tx, "person enabled", ctx.actor, decided.name, now)
        return {"name": decided.name}


@dataclass(frozen=True, slots=True)
class MakeLink(PersonCommand):
    """Make a new one-time link for a person; older ones are void. The answer is the link.

    Raises, when performed:
        InvalidPersonError: the person is disabled.
    """

    def rule(self, person: Person, _ctx: RequestContext, _now: datetime) -> Person:
        """Return the person."""
        if person.state == PersonState.DISABLED:
            raise InvalidPersonError(f"{person.name} is disabled. Enable them first.")
        return person

    def apply(self, tx: Tx, decided: Person, ctx: RequestContext, now: datetime) -> Any:
        """Write the link."""
        made = new_link(tx, decided.name, now, LINK_LASTS)
        record(tx, "link made", ctx.actor, decided.name, now)
        return made

    def kept(self, _answer: Any) -> Any:
        """Return that it was done."""
        return {"name": self.name}

    def answer_again(self, _kept: Any) -> Any:
        """Refuse: a link is shown once."""
        return link_again()


def _keep_an_admin(directory: Directory, person: Person, given: Sequence[Grant]) -> None:
    others = (p for p in directory.people.values() if p.name != person.name and p.state == PersonState.ACTIVE)
    was_admin = is_admin(person.grants)
    if was_admin and not is_admin(given) and not any(is_admin(other.grants) for other in others):
        raise LastAdminError


# --- one's own password -------------------------------------------------------------------------------


def change_password(ctx: RequestContext, old: str, new: str) -> int:
    """Let the actor choose another password; return how many of their other sessions ended.

    Raises:
        PersonNotFoundError: the actor is no person who signs in.
        InvalidPersonError: the old one is wrong, or the new one too weak.
        SignedOutError: their session has ended.
    """
    person = ctx.directory.people.get(ctx.actor.name)
    if person is None:
        raise PersonNotFoundError(ctx.actor.name)
    if not passwords.matches(old, person.password_hash):
        raise InvalidPersonError("The present password is wrong.")
    # Hashing takes 60 ms: it is done before the writer's transaction.
    kept = passwords.hashed(new, person.name)
    ctx.authority.grants(ctx.actor)
    return perform(ChangePassword(ctx.actor, kept), ctx.as_system())


@dataclass(frozen=True, slots=True)
class ChangePassword(SystemCommand[int]):
    """Keep the hash of the password that a person chose; their other sessions end."""

    person: Actor
    password_hash: str = field(repr=False)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> int:
        """Write it."""
        ctx.authority.grants(self.person)
        mine = (self.person.credential or "").partition(":")[2]
        update_person(tx, self.person.name, now, password_hash=self.password_hash)
        ended = len(end_sessions(tx, self.person.name, now, but=mine))
        details = {"other sessions ended": ended}
        record(tx, "password changed", self.person, self.person.name, now, details=details)
        return ended
