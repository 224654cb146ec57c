"""A center that asks for sign-in, with people and tokens of any role, and clients that act as them."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from access.authority import OWNER
from access.roles import SERVICE_ROLES, Grant
from access.sessions import Visitor
from audit.actor import Actor
from collectors import otlp
from collectors.sources import Sources
from server import center as centers
from server.api.app import build
from server.center import Center
from server.guard import Guard, sender
from server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENTENCE = "an honest sentence"
OWN = Actor("root", door="command", credential=OWNER)
HOME = Visitor("127.0.0.1", "a browser")


@dataclass
class Team:
    """A running center, its address, and who may come in."""

    center: Center
    address: str

    def person(self, name: str, *grants: Grant) -> str:
        """Add a person who has chosen a password; return their name."""
        link = self.center.people.add(name, grants, actor=OWN)
        assert link is not None
        return self.center.people.accept(link.code, SENTENCE)

    def cookie(self, name: str) -> str:
        """Sign somebody in; return the session's secret."""
        return self.center.sessions.sign_in(name, SENTENCE, HOME)

    def token(self, name: str, *grants: Grant) -> str:
        """Make a token; return its text."""
        return self.center.tokens.add(name, grants, days=1, actor=OWN).text

    def actor(self, name: str) -> Actor:
        """Sign somebody in; return the actor that their pages act as."""
        session = self.center.authority.session(self.cookie(name))
        assert session is not None
        return self.center.authority.person_of(session.id)

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
    center = Center.open(settings)
    # Nothing is started: following files has tests of its own.
    center.collecting = Sources(center.store, center.settings.collectors)
    centers.install(center)
    try:
        yield Team(center, address())
    finally:
        centers.install(None)
        center.close()


class Serving:
    """One web server for all tests of this process; each center has a guard of its own."""

    def __init__(self) -> None:
        self._plain = build(otlp.routes(lambda: centers.current().store, self._collectors, sender))
        self._guards: dict[int, Guard] = {}
        config = uvicorn.Config(self, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        threading.Thread(target=self._server.run, daemon=True).start()
        while not self._server.started:
            time.sleep(0.01)

    @staticmethod
    def _collectors() -> Any:
        return centers.current().settings.collectors

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on to the guard of the center that runs now."""
        guard = self._guards.setdefault(id(centers.current()), Guard(self._plain))
        await guard(scope, receive, send)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"


@cache
def _serving() -> Serving:
    return Serving()


def address() -> str:
    """Return where the plain routes of the running center are served."""
    serving = _serving()
    serving._guards.clear()
    return serving.address
