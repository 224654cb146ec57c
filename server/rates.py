"""How often a sender may ask, and how many streams it may hold open.

Who is known is never slowed by who shares the address.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from access.authority import OWNER
from access.errors import SignedOutError, TooManyTriesError
from access.throttle import Throttle
from audit.actor import HUMAN
from server.identity import address
from server.refusals import HEALTH, OTLP, RefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from audit.actor import Actor
    from server.container import Container

MAX_STREAMS: Final = 50
_GONE: Final = 4401
_GRACE_S: Final = 15.0


class Rates:
    """Requests of strangers by address, and of those who are known by credential."""

    def __init__(self) -> None:
        self._strangers = Throttle(free=60, refill_s=1.0)
        self._known: dict[float, Throttle] = {}

    def refusal_of_stranger(self, scope: Scope, error: SignedOutError) -> RefusedError:
        """Return the refusal of somebody unknown, who is slowed after some tries."""
        where = address(scope)
        try:
            self._strangers.check(where)
        except TooManyTriesError as slowed:
            return RefusedError(429, "too-many-tries", str(slowed), slowed.wait_s)
        self._strangers.count(where)
        return RefusedError(401, "signed-out", str(error))

    def check(self, scope: Scope, actor: Actor | None, container: Container) -> None:
        """Slow a caller, or on the pages that are open to strangers an address, that asks too much.

        Raises:
            RefusedError: it asks too much.
        """
        if container.authority.local or scope["path"].startswith(OTLP) or scope["path"] in HEALTH:
            return
        if actor is not None and actor.credential == OWNER:
            return
        key = f"address:{address(scope)}" if actor is None else actor.credential or ""
        rate = container.settings.access.requests_per_second
        throttle = self._known.setdefault(rate, Throttle(free=int(rate * 10), refill_s=1 / rate))
        try:
            throttle.check(key)
        except TooManyTriesError as error:
            words = f"Too many requests: at most {rate:g} a second. Wait a little."
            raise RefusedError(429, "too-many-requests", words, error.wait_s) from error
        throttle.count(key)


class Streams:
    """Open websockets and event streams of each caller; each ends with the session behind it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: Counter[str] = Counter()

    async def run(
        self, scope: Scope, receive: Receive, send: Send, actor: Actor, container: Container
    ) -> None:
        """Run the application for a stream.

        Raises:
            RefusedError: the caller has too many.
        """
        key = actor.credential or actor.name
        if self._open[key] >= MAX_STREAMS:
            raise RefusedError(429, "too-many-streams", "Too many pages are open. Close some.", 5)
        self._open[key] += 1
        try:
            await self._app(scope, _while_alive(receive, send, actor, container), send)
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def is_stream(scope: Scope) -> bool:
    """Return whether a request stays open for as long as its session."""
    return scope["type"] == "websocket" or bool(scope["path"] == "/api/v1/events")


def _while_alive(receive: Receive, send: Send, actor: Actor, container: Container) -> Receive:
    """Close a websocket whose session has ended, once its page has had time to show it.

    The page has no power from the first moment on: every run of it asks who is there.
    """
    over_at: float | None = None

    async def received() -> Message:
        nonlocal over_at
        message = await receive()
        if message["type"] != "websocket.receive":
            return message
        try:
            container.authority.grants(actor)
        except SignedOutError:
            over_at = over_at or time.monotonic()
            if time.monotonic() - over_at < _GRACE_S:
                return message
            await send({"type": "websocket.close", "code": _GONE})
            return {"type": "websocket.disconnect", "code": _GONE}
        if actor.credential and actor.kind == HUMAN:
            container.directory.note_seen(actor.credential.partition(":")[2], container.authority.now())
        return message

    return received
