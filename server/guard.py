"""The guard: every HTTP request and every websocket passes it before anything else sees it.

1. The host must be one that this server answers for; a page of another site must not act here.
2. Health and the sign-in pages are open. Everything else needs a session (cookie), a token (bearer) or,
   in local mode, nothing but this machine.
3. Who it is travels on in a header that is stripped from what comes in, and in the ASGI scope.
4. An open websocket or event stream ends with the session behind it.
5. Bodies, rates and streams are limited; every answer carries the security headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from access.errors import ForbiddenError, SignedOutError
from data.errors import UnsnagError
from server import bodies, identity, origins
from server import headers as security
from server.container import current
from server.rates import Rates, Streams, is_stream
from server.refusals import HEALTH, OTLP, RefusedError, refuse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from audit.actor import Actor
    from server.container import Container

_OPEN: Final = frozenset((*HEALTH, "/sign-in", "/welcome", "/sign-in/openid", "/sign-in/openid/done"))


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._rates = Rates()
        self._streams = Streams(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        send = security.added(scope, send)
        try:
            await self._pass(scope, receive, send, headers)
        except RefusedError as error:
            await refuse(scope, receive, send, headers, error.refusal)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, str]) -> None:
        try:
            container = _running()
        except RefusedError:
            if scope["path"] not in HEALTH:  # they answer as soon as the process serves
                raise
            await self._app(scope, receive, send)
            return
        _check_site(scope, headers, container)
        body = bodies.limited(scope, headers, receive, send, bodies.Pace.of(container.settings.access))
        actor = None if _is_open(scope, container) else self._actor(scope, headers, container)
        if actor is not None:
            _check_role(scope, actor, container)
        self._rates.check(scope, actor, container)
        scope = identity.with_actor(scope, actor, container)
        if actor is not None and is_stream(scope):
            await self._streams.run(scope, receive, send, actor, container)
        elif body is not None:
            await body.run(self._app, scope)
        else:
            await self._app(scope, receive, send)

    def _actor(self, scope: Scope, headers: dict[bytes, str], container: Container) -> Actor:
        try:
            return identity.recognised(scope, headers, container)
        except SignedOutError as error:
            raise self._rates.refusal_of_stranger(scope, error) from error


def _running() -> Container:
    try:
        return current()
    except UnsnagError as error:
        raise RefusedError(503, "starting", str(error), 1) from error


def _check_site(scope: Scope, headers: dict[bytes, str], container: Container) -> None:
    if scope["path"] != "/healthz" or container.authority.local:
        origins.refuse_two_hosts(scope)
        origins.check_host(headers, container)
    origins.check_origin(scope, headers, container)


def _is_open(scope: Scope, container: Container) -> bool:
    return scope["type"] == "http" and scope["path"] in _OPEN and not container.authority.local


def _check_role(scope: Scope, actor: Actor, container: Container) -> None:
    path = scope["path"]
    act = "telemetry.send" if path.startswith(OTLP) else "metrics" if path == "/metrics" else None
    if act is None:
        return
    try:
        # What a limited sender may send is looked at record by record.
        container.authority.decide(actor, act, anywhere=act == "telemetry.send")
    except ForbiddenError as error:
        raise RefusedError(403, "forbidden", str(error)) from error
