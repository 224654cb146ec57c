"""Tokens of services: add, rotate, revoke. A token is shown once; the store keeps its hash.

A name may have two valid secrets, so that a script can be given the new one while the old one still works.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access import names
from access.commands import Command, Target
from access.directory import secret_hash
from access.errors import AlreadyThereError, InvalidPersonError, TokenNotFoundError
from access.grants import checked, give, words
from access.roles import SERVICE_ROLES
from audit import trail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from access.context import RequestContext
    from access.directory import Token
    from access.roles import Grant
    from audit.actor import Actor
    from data.transaction import Tx

MAX_DAYS: Final = 400
OVERLAP: Final = timedelta(hours=24)
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown, once."""

    name: str
    id: str
    text: str = field(repr=False)
    expires_at: datetime


def valid_tokens(ctx: RequestContext) -> list[Token]:
    """Return the valid secrets of all tokens, by name and age."""
    now = ctx.authority.now()
    valid = (token for token in ctx.directory.tokens.values() if token.expires_at > now)
    return sorted(valid, key=lambda token: (token.name, token.created_at))


@dataclass(frozen=True, slots=True)
class _NewSecret(Command[None, Any, NewToken]):
    """A command that makes a secret, which is shown once."""

    act: ClassVar = "token.change"
    name: str
    days: int

    def authorize(self, _loaded: None) -> Target:
        """Return the token."""
        return Target(subject=f"token:{self.name}")

    def kept(self, answer: NewToken) -> Any:
        """Return the id only: a secret is never kept."""
        return {"id": answer.id}

    def answer_again(self, _kept: Any) -> NewToken:
        """Refuse: a token is shown once."""
        raise AlreadyThereError("This was done already, and a token is shown only once. Rotate it.")


@dataclass(frozen=True, slots=True)
class AddToken(_NewSecret):
    """Make a token.

    Raises, when performed:
        InvalidPersonError: the name, a role or the number of days cannot be.
        AlreadyThereError: a valid token has this name; rotate it.
    """

    grants: Sequence[Grant] = ()

    def __post_init__(self) -> None:
        """Check the name, which is what the act is about."""
        object.__setattr__(self, "name", names.checked(self.name))

    def decide(self, _loaded: None, _ctx: RequestContext, _now: datetime) -> tuple[Grant, ...]:
        """Return the roles."""
        _refuse_days(self.days)
        return checked(self.grants, SERVICE_ROLES, "services")

    def apply(self, tx: Tx, decided: tuple[Grant, ...], ctx: RequestContext, now: datetime) -> NewToken:
        """Write the token and its roles."""
        if tx.run("access/token_by_name", {"name": self.name, "now": now}):
            raise AlreadyThereError(
                f"There is a valid token called {self.name}. Rotate it, or revoke it first."
            )
        made = _insert(tx, self.name, self.days, ctx.actor, now)
        give(tx, f"token:{self.name}", decided)
        _record(tx, "token added", ctx.actor, self.name, now, {"roles": words(decided)})
        return made


@dataclass(frozen=True, slots=True)
class RotateToken(_NewSecret):
    """Make a second secret of a token; the first one works on for `overlap`.

    Raises, when performed:
        TokenNotFoundError: there is no valid one.
        AlreadyThereError: there are two already: wait for the older one's end, or revoke it.
    """

    overlap: timedelta = OVERLAP

    def decide(self, _loaded: None, _ctx: RequestContext, _now: datetime) -> None:
        """Refuse a number of days that cannot be."""
        _refuse_days(self.days)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> NewToken:
        """Write the second secret, and when the first one ends."""
        valid = tx.run("access/token_by_name", {"name": self.name, "now": now})
        if not valid:
            raise TokenNotFoundError(self.name)
        oldest = valid[0]["id"]
        if len(valid) >= _AT_ONCE:
            raise AlreadyThereError(
                f"{self.name} has two valid secrets already. Revoke {oldest}, or wait for its end."
            )
        tx.run("access/limit_token", {"id": oldest, "expires_at": now + self.overlap})
        made = _insert(tx, self.name, self.days, ctx.actor, now)
        _record(tx, "token rotated", ctx.actor, self.name, now, {"old": oldest, "new": made.id})
        return made


@dataclass(frozen=True, slots=True)
class RevokeToken(Command[None, None, int]):
    """Take a token back, or one secret of it. The answer is how many secrets ended.

    Raises, when performed:
        TokenNotFoundError: there is none.
    """

    act: ClassVar = "token.change"
    name: str
    secret_id: str | None = None

    def authorize(self, _loaded: None) -> Target:
        """Return the token."""
        return Target(subject=f"token:{self.name}")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> int:
        """Write it."""
        ended = tx.run("access/revoke_tokens", {"name": self.name, "id": self.secret_id, "now": now})
        if not ended:
            raise TokenNotFoundError(self.name)
        tx.topics.add("access")
        _record(tx, "token revoked", ctx.actor, self.name, now, {"secrets": [row["id"] for row in ended]})
        return len(ended)


def _insert(tx: Tx, name: str, days: int, by: Actor, now: datetime) -> NewToken:
    """Make a secret and keep its hash."""
    secret, public, expires_at = secrets.token_urlsafe(32), secrets.token_hex(6), now + timedelta(days=days)
    row = {"id": public, "name": name, "secret_hash": secret_hash(secret)}
    tx.run("access/insert_token", {**row, "now": now, "by": by.name, "expires_at": expires_at})
    tx.topics.add("access")
    return NewToken(name, public, f"unsnag_{public}_{secret}", expires_at.replace(tzinfo=UTC))


def _refuse_days(days: int) -> None:
    if not 1 <= days <= MAX_DAYS:
        raise InvalidPersonError(f"A token lasts 1 to {MAX_DAYS} days.")


def _record(tx: Tx, verb: str, actor: Actor, name: str, now: datetime, details: dict[str, Any]) -> None:  # noqa: PLR0917
    trail.write(tx, [trail.Entry(verb, actor, subject=f"token:{name}", details=details)], now)
