"""What an actor may do at this moment: asked at every request, every run of a page, and in every act."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from access import roles
from access.directory import PersonState, secret_hash
from access.errors import ForbiddenError, SignedOutError, TokenNotFoundError, TooManyTriesError
from access.sending import SenderLimit
from access.throttle import Throttle
from audit.actor import HUMAN, SYSTEM_KIND, Actor, service, service_name
from data.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from access.directory import Directory, Session, Token
    from access.roles import Grant

OWNER: Final = "owner"
"""The credential of commands: any user who may read the server's own files."""
BATCH: Final = "batch"
"""The kind of credential of what a person started and the server does for them; never a caller's."""
_TOKEN: Final = re.compile(r"unsnag_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_CLOCK_SLACK: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts, and how long it may rest."""

    lasts: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=2)


class SignInTries:
    """Passwords that are tried: counted for each address, each name from one address, and each name.

    A try counts before its password is looked at, and not after: a thousand at once are otherwise all let
    through, and everybody else waits behind them.
    """

    def __init__(self) -> None:
        self._by_address = Throttle(free=20, refill_s=6.0)
        self._by_name_there = Throttle(free=5, refill_s=30.0)
        self._by_name = Throttle(free=100, refill_s=30.0)

    def begin(self, name: str, address: str) -> None:
        """Let a try pass, and count it.

        Raises:
            TooManyTriesError: there were too many that were not right.
        """
        taken: list[tuple[Throttle, str]] = []
        for throttle, key in self._keys(name, address):
            try:
                throttle.take(key)
            except TooManyTriesError:
                for other, its_key in taken:
                    other.give_back(its_key)
                raise
            taken.append((throttle, key))

    def was_right(self, name: str, address: str) -> None:
        """Forget the wrong tries for a name from this address, and that this one was counted."""
        for throttle, key in self._keys(name, address):
            throttle.give_back(key)
        self._by_name_there.forget(f"{name} {address}")

    def _keys(self, name: str, address: str) -> tuple[tuple[Throttle, str], ...]:
        return (
            (self._by_address, address),
            (self._by_name_there, f"{name} {address}"),
            (self._by_name, name),
        )


class Authority:
    """Answers from memory; `local` is the mode in which everybody at this machine may do everything."""

    def __init__(
        self,
        directory: Directory,
        *,
        local: bool,
        limits: SessionLimits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.directory = directory
        self.local = local
        self.limits = limits or SessionLimits()
        self.now = now
        self.tries = SignInTries()

    # --- who is it ---------------------------------------------------------------------------

    def session(self, secret: str) -> Session | None:
        """Return the living session whose secret a cookie holds."""
        session = self.directory.session_of(secret)
        return session if session and self._lives(session) else None

    def token(self, text: str) -> Token | None:
        """Return the valid token that a caller sent."""
        parts = _TOKEN.fullmatch(text)
        found = self.directory.tokens.get(parts[1]) if parts else None
        if parts is None or found is None:
            return None
        right = hmac.compare_digest(found.secret_hash, secret_hash(parts[2]))
        return found if right and found.expires_at > self.now() else None

    def person_of(self, session_id: str, channel: str = "page") -> Actor:
        """Return the person of a session.

        Raises:
            SignedOutError: the session has ended, or the person was disabled.
        """
        session = self.directory.sessions.get(session_id)
        if session is None or not self._lives(session):
            raise SignedOutError
        return Actor(session.person, HUMAN, channel, f"session:{session.id}")

    def _lives(self, session: Session) -> bool:
        now = self.now()
        person = self.directory.people.get(session.person)
        # A session from the future means that the clock went back: its age is unknown.
        from_the_future = session.created_at > now + _CLOCK_SLACK
        rested = now - self.directory.seen_at(session) > self.limits.idle
        return (
            person is not None
            and person.state == PersonState.ACTIVE
            and not from_the_future
            and not rested
            and session.expires_at > now
        )

    # --- what may it do ----------------------------------------------------------------------

    def grants(self, actor: Actor) -> tuple[Grant, ...]:
        """Return what an actor was given.

        Raises:
            SignedOutError: the session or token behind it is no longer valid.
        """
        if self.local or actor.credential == OWNER:
            return roles.EVERYTHING
        kind, _, public = (actor.credential or "").partition(":")
        if kind == "session" and actor.kind == HUMAN:
            return self._of_session(public, actor.name)
        if kind == BATCH and actor.kind == HUMAN:
            return self._of_person(actor.name)
        if kind == "token":
            return self._of_token(public, actor)
        raise SignedOutError

    def _of_session(self, session_id: str, name: str) -> tuple[Grant, ...]:
        session = self.directory.sessions.get(session_id)
        if session is None or session.person != name or not self._lives(session):
            raise SignedOutError
        return self.directory.people[name].grants

    def _of_person(self, name: str) -> tuple[Grant, ...]:
        """Return the roles that a person has now, also while they are signed out."""
        person = self.directory.people.get(name)
        if person is None or person.state != PersonState.ACTIVE:
            raise SignedOutError(f"{name} was disabled. What they started does not go on.")
        return person.grants

    def _of_token(self, token_id: str, actor: Actor) -> tuple[Grant, ...]:
        token = self.directory.tokens.get(token_id)
        if token is None or token.expires_at <= self.now() or service(token.name).name != actor.name:
            raise SignedOutError("This token is not valid any more. Ask an admin for a new one.")
        return token.grants

    def decide(
        self,
        actor: Actor,
        act: str,
        tenant: str | None = None,
        flow: str | None = None,
        *,
        anywhere: bool = False,
    ) -> Grant | None:
        """Return the grant by which an actor may do an act; None for the system's own.

        The act is on something of this tenant and flow, or on `anywhere` within the actor's scope.

        Raises:
            ForbiddenError: nothing that it was given allows it.
            SignedOutError: the session or token behind it is no longer valid.
        """
        rule = roles.ACTS[act]
        if actor.kind == SYSTEM_KIND and not rule.roles:
            return None
        given = self.grants(actor)
        granted = roles.anywhere(given, act) if anywhere else roles.granting(given, act, tenant, flow)
        if granted is None:
            raise ForbiddenError(_refusal_message(actor, rule, tenant, flow))
        return granted

    def may(
        self,
        actor: Actor,
        act: str,
        tenant: str | None = None,
        flow: str | None = None,
        *,
        anywhere: bool = False,
    ) -> bool:
        """Return whether an actor may do an act; see `decide`."""
        try:
            self.decide(actor, act, tenant, flow, anywhere=anywhere)
        except (ForbiddenError, SignedOutError):
            return False
        return True

    def sender_limit(self, actor: Actor) -> SenderLimit | None:
        """Return what an actor may send telemetry for; None: everything.

        Raises:
            SignedOutError: the session or token behind it is no longer valid.
        """
        return SenderLimit.of(service_name(actor), self.grants(actor))

    def limit_of_token(self, name: str) -> SenderLimit | None:
        """Return what the token `name` may send telemetry for now; None: everything.

        Raises:
            TokenNotFoundError: there is no valid one.
        """
        for token in self.directory.tokens.values():
            if token.name == name and token.expires_at > self.now():
                return SenderLimit.of(name, token.grants)
        raise TokenNotFoundError(name)

    def scope(self, actor: Actor, act: str = "read") -> tuple[str, ...] | None:
        """Return what an act of this actor reaches, as the store's statements take it; None: everything."""
        return roles.scope(self.grants(actor), act)


def _refusal_message(actor: Actor, rule: roles.ActRule, tenant: str | None, flow: str | None) -> str:
    needed = " or ".join(role for role in (*roles.LADDER, roles.SENDER, roles.WORKER) if role in rule.roles)
    where = " for everything" if rule.whole else f" for {tenant or 'no tenant'}/{flow or 'no flow'}"
    if not (tenant or flow or rule.whole):
        where = ""
    return (
        f"{actor.name} may not {rule.words}: that takes the role {needed or 'of the system'}{where}. "
        "Nothing was changed. An admin can give it on the page People."
    )
