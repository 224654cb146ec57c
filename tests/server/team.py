"""A center that asks for sign-in, with people and tokens of any role, and clients that act as them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from access.authority import OWNER
from access.commands import perform
from access.links import accept
from access.people import AddPerson
from access.roles import SERVICE_ROLES, Grant
from access.sessions import Visitor, sign_in
from access.tokens import AddToken
from audit.actor import Actor
from collectors import receiver
from server import container as containers
from server.api.app import build
from server.container import Container, NotRunningError
from server.guard import Guard
from server.identity import sender
from server.settings import Settings
from tests.app import app
from tests.hosted import Hosted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENTENCE = "an honest sentence"
OWN = Actor("root", channel="command", credential=OWNER)
HOME = Visitor("127.0.0.1", "a browser")


@dataclass
class Team:
    """A running center, its address, and clients that sign in."""

    container: Container
    address: str

    def person(self, name: str, *grants: Grant) -> str:
        """Add a person who has chosen a password; return their name."""
        link = perform(AddPerson(name, grants), self.container.context(OWN))
        assert link is not None
        return accept(self.container.as_system(), link.code, SENTENCE)

    def cookie(self, name: str) -> str:
        """Sign somebody in; return the session's secret."""
        return sign_in(self.container.as_system(), name, SENTENCE, HOME)

    def token(self, name: str, *grants: Grant) -> str:
        """Make a token; return its text."""
        return perform(AddToken(name, grants=grants, days=1), self.container.context(OWN)).text

    def actor(self, name: str) -> Actor:
        """Sign somebody in; return the actor that their pages act as."""
        session = self.container.authority.session(self.cookie(name))
        assert session is not None
        return self.container.authority.person_of(session.id)

    def as_person(self, name: str) -> httpx.Client:
        """Return a client with the cookie of a new session."""
        return httpx.Client(base_url=self.address, cookies={"unsnag": self.cookie(name)}, timeout=30)

    def as_token(self, text: str) -> httpx.Client:
        """Return a client with a token."""
        return httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {text}"}, timeout=30)

    def holder(self, name: str, *grants: Grant) -> httpx.Client:
        """Return a client of a new person or, for a service's role, of a new token."""
        if grants[0].role in SERVICE_ROLES and name.startswith("t-"):
            return self.as_token(self.token(name, *grants))
        self.person(name, *grants)
        return self.as_person(name)


@contextmanager
def team(folder: Path, collectors: Any = None, **access: Any) -> Iterator[Team]:
    """Open a center that asks for sign-in, and serve its plain routes."""
    settings = Settings.model_validate({
        "data": folder / "store", "spool": folder / "spool", "access": {"sign_in": True, **access},
        "collectors": collectors or {},
    })  # fmt: skip
    with app(settings) as container:
        yield Team(container, address())


class Serving:
    """One web server for all tests of this process; each center has a guard of its own."""

    def __init__(self) -> None:
        self._plain = build(
            receiver.routes(
                lambda: containers.current().store,
                self._collectors,
                sender,
                lambda: containers.current().mappings,
                lambda: containers.current().quotas,
            )
        )
        self._guards: dict[int, Guard] = {}
        self.address = Hosted(self, lifespan="off").start().address

    @staticmethod
    def _collectors() -> Any:
        return containers.current().settings.collectors

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on to the guard of the center that runs now."""
        guard = self._guards.setdefault(self._running(), Guard(self._plain))
        await guard(scope, receive, send)

    @staticmethod
    def _running() -> int:
        try:
            return id(containers.current())
        except NotRunningError:  # as between the start of the process and that of the store
            return 0


@cache
def _serving() -> Serving:
    return Serving()


def address() -> str:
    """Return where the plain routes of the running center are served."""
    serving = _serving()
    serving._guards.clear()
    return serving.address
