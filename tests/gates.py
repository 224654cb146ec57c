"""Contexts for tests: local mode, where everybody may do everything, and the sign-in mode with its people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from access.authority import Authority, SessionLimits
from access.context import RequestContext
from access.directory import Directory
from access.limits import Limits
from access.sessions import Visitor, sign_in
from audit.actor import SYSTEM, Actor
from data.clock import utc_now
from data.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path


def local_context(store: Store, actor: Actor = SYSTEM, limits: Limits | None = None) -> RequestContext:
    """Return an actor of local mode over a store."""
    return RequestContext(actor, store, Authority(Directory(), local=True), limits or Limits())


class House:
    """A store with sign-in: its people, sessions and tokens."""

    def __init__(
        self,
        folder: Path,
        limits: SessionLimits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.directory = Directory()
        self.store = Store.open(folder, None, self._committed)
        self.directory.load(self.store)
        self.authority = Authority(self.directory, local=False, limits=limits, now=now)

    def _committed(self, topics: set[str]) -> None:
        if "access" in topics:
            self.directory.load(self.store)

    def context(self, actor: Actor) -> RequestContext:
        """Return an actor over the store."""
        return RequestContext(actor, self.store, self.authority, Limits())

    def as_system(self) -> RequestContext:
        """Return the system itself over the store."""
        return self.context(SYSTEM)

    def signed_in(self, name: str, password: str) -> Actor:
        """Return the actor of a new session."""
        secret = sign_in(self.as_system(), name, password, Visitor("127.0.0.1"))
        session = self.authority.session(secret)
        assert session is not None
        return self.authority.person_of(session.id)

    def entries(self) -> list[dict[str, Any]]:
        """Return the whole audit."""
        return self.store.query("audit/page", {"after": 0, "limit": 10_000})
