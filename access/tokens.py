"""Tokens of services: add, rotate, revoke. A token is told once; the store keeps its hash.

A name may have two valid secrets, so that a script can be given the new one while the old one still works.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

from access import names
from access.directory import secret_hash
from access.errors import AlreadyThereError, InvalidPersonError, TokenNotFoundError
from access.gate import Asked, Target
from access.grants import checked, give, words
from access.roles import SERVICE_ROLES
from audit import trail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.directory import Directory, Token
    from access.gate import Gate
    from access.roles import Grant
    from audit.actor import Actor
    from data.store import Tx

    Row = dict[str, Any]

MAX_DAYS: Final = 400
OVERLAP: Final = timedelta(hours=24)
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is told, once."""

    name: str
    id: str
    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """The acts on tokens, through one gate. All raise ForbiddenError and SignedOutError."""

    gate: Gate
    directory: Directory

    def listed(self) -> list[Token]:
        """Return the valid secrets of all tokens, by name and age."""
        now = self.gate.authority.now()
        valid = (token for token in self.directory.tokens.values() if token.expires_at > now)
        return sorted(valid, key=lambda token: (token.name, token.created_at))

    def add(
        self, name: str, grants: Sequence[Grant], *, days: int, actor: Actor, token: str | None = None
    ) -> NewToken:
        """Make a token.

        Raises:
            InvalidPersonError: the name, a role or the number of days cannot be.
            AlreadyThereError: a valid token has this name; rotate it.
        """
        name, given, fresh = (
            names.checked(name),
            checked(grants, SERVICE_ROLES, "services"),
            _Fresh(names.checked(name), _lasting(days)),
        )

        def work(tx: Tx, _found: Target, now: datetime) -> Row:
            if tx.run("access/token_by_name", {"name": name, "now": now}):
                raise AlreadyThereError(
                    f"There is a valid token called {name}. Rotate it, or revoke it first."
                )
            fresh.keep(tx, actor, now)
            give(tx, f"token:{name}", given)
            _tell(tx, "token added", actor, name, now, {"roles": words(given)})
            return {"id": fresh.id}

        asked = Asked("token.change", actor, token, (name, words(given), days))
        self.gate.perform(asked, work, Target(subject=f"token:{name}"))
        return fresh.told()

    def rotate(
        self,
        name: str,
        *,
        days: int,
        actor: Actor,
        overlap: timedelta = OVERLAP,
        token: str | None = None,
    ) -> NewToken:
        """Make a second secret of a token; the first one works on for `overlap`.

        Raises:
            TokenNotFoundError: there is no valid one.
            AlreadyThereError: there are two already: wait for the older one's end, or revoke it.
        """
        fresh = _Fresh(name, _lasting(days))

        def work(tx: Tx, _found: Target, now: datetime) -> Row:
            valid = tx.run("access/token_by_name", {"name": name, "now": now})
            if not valid:
                raise TokenNotFoundError(name)
            if len(valid) >= _AT_ONCE:
                raise AlreadyThereError(
                    f"{name} has two valid secrets already. Revoke {valid[0]['id']}, or wait for its end."
                )
            tx.run("access/limit_token", {"id": valid[0]["id"], "expires_at": now + overlap})
            fresh.keep(tx, actor, now)
            _tell(tx, "token rotated", actor, name, now, {"old": valid[0]["id"], "new": fresh.id})
            return {"id": fresh.id}

        asked = Asked("token.change", actor, token, (name, "rotate", days))
        self.gate.perform(asked, work, Target(subject=f"token:{name}"))
        return fresh.told()

    def revoke(
        self, name: str, *, actor: Actor, secret_id: str | None = None, token: str | None = None
    ) -> int:
        """Take a token back, or one secret of it. Return how many secrets ended.

        Raises:
            TokenNotFoundError: there is none.
        """

        def work(tx: Tx, _found: Target, now: datetime) -> int:
            ended = tx.run("access/revoke_tokens", {"name": name, "id": secret_id, "now": now})
            if not ended:
                raise TokenNotFoundError(name)
            tx.topics.add("access")
            _tell(tx, "token revoked", actor, name, now, {"secrets": [row["id"] for row in ended]})
            return len(ended)

        asked = Asked("token.change", actor, token, (name, "revoke", secret_id))
        return self.gate.perform(asked, work, Target(subject=f"token:{name}"))


class _Fresh:
    """A secret that is being made."""

    def __init__(self, name: str, lasts: timedelta) -> None:
        self.id = secrets.token_hex(6)
        self._name = name
        self._secret = secrets.token_urlsafe(32)
        self._lasts = lasts
        self._made: NewToken | None = None

    def keep(self, tx: Tx, by: Actor, now: datetime) -> None:
        """Store its hash."""
        expires_at = now + self._lasts
        row = {"id": self.id, "name": self._name, "secret_hash": secret_hash(self._secret)}
        tx.run("access/insert_token", {**row, "now": now, "by": by.name, "expires_at": expires_at})
        tx.topics.add("access")
        text = f"unsnag_{self.id}_{self._secret}"
        self._made = NewToken(self._name, self.id, text, expires_at.replace(tzinfo=UTC))

    def told(self) -> NewToken:
        """Return it.

        Raises:
            AlreadyThereError: the act was done before, by the same Idempotency-Key.
        """
        if self._made is None:
            raise AlreadyThereError("This was done already, and a token is told only once. Rotate it.")
        return self._made


def _lasting(days: int) -> timedelta:
    if not 1 <= days <= MAX_DAYS:
        raise InvalidPersonError(f"A token lasts 1 to {MAX_DAYS} days.")
    return timedelta(days=days)


def _tell(  # noqa: PLR0917 - they read as one sentence
    tx: Tx, verb: str, actor: Actor, name: str, now: datetime, details: Row
) -> None:
    trail.write(tx, [trail.Entry(verb, actor, subject=f"token:{name}", details=details)], now)
