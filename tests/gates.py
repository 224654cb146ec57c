"""Gates for tests: local mode, where everybody may do everything, and the sign-in mode with its people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from access.authority import Authority, SessionLimits
from access.directory import Directory
from access.gate import Gate
from access.people import People
from access.sessions import Sessions, Visitor
from access.tokens import Tokens
from data.clock import utc_now
from data.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from audit.actor import Actor


def local_gate(store: Store) -> Gate:
    """Return the gate of local mode over a store."""
    return Gate(store, Authority(Directory(), local=True))


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
        self.gate = Gate(self.store, self.authority)
        self.people = People(self.gate, self.directory)
        self.sessions = Sessions(self.gate, self.directory)
        self.tokens = Tokens(self.gate, self.directory)

    def _committed(self, topics: set[str]) -> None:
        if "access" in topics:
            self.directory.load(self.store)

    def signed_in(self, name: str, password: str) -> Actor:
        """Return the actor of a new session."""
        session = self.authority.session(self.sessions.sign_in(name, password, Visitor("127.0.0.1")))
        assert session is not None
        return self.authority.person_of(session.id)

    def entries(self) -> list[dict[str, Any]]:
        """Return the whole audit."""
        return self.store.query("audit/page", {"after": 0, "limit": 10_000})
