"""Who sent a request: read from cookie, token or command secret, and passed on where none can forge it."""

from __future__ import annotations

import getpass
import hmac
import re
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from access.authority import OWNER
from access.errors import SignedOutError
from access.sending import LIMIT
from audit.actor import HUMAN, Actor, service
from server.refusals import OTLP, PROGRAMS

if TYPE_CHECKING:
    from starlette.types import Scope

    from server.container import Container
    from server.settings import Settings

HEADER: Final = "x-unsnag-actor"
"""Set by the guard only: a name in local mode, a session's public id otherwise."""
NAME_COOKIE: Final = "unsnag_name"
ACTOR: Final = "unsnag.actor"
"""Where the ASGI scope holds the actor."""
NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>&\"';,\\/]{1,60}")
_COMMAND: Final = "command"


def default_name() -> str:
    """Return the name of the person who started the process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def owner() -> Actor:
    """Return who may do everything: the user who may read the server's own files."""
    return Actor(default_name(), HUMAN, "command", OWNER)


def cookie_name(settings: Settings) -> str:
    """Return what the session's cookie is called: by its prefix browsers hold it to https and this host."""
    return "__Host-unsnag" if settings.is_secure else "unsnag"


def recognised(scope: Scope, headers: dict[bytes, str], container: Container) -> Actor:
    """Return who sent a request: a command, a session, a token, or in local mode a name.

    Raises:
        SignedOutError: nobody who is known.
    """
    channel = "rest" if scope["path"].startswith(PROGRAMS[:3]) else "page"
    kind, _, sent = headers.get(b"authorization", "").partition(" ")
    if kind.lower() == _COMMAND and hmac.compare_digest(sent.encode(), container.command_secret.encode()):
        name = unquote(headers.get(HEADER.encode(), ""))
        return Actor(name if NAME.fullmatch(name) else default_name(), HUMAN, "command", OWNER)
    if container.authority.local:
        return Actor(_local_name(headers), HUMAN, channel)
    if kind.lower() == "bearer":
        return _by_token(sent.strip(), container)
    secret = cookie(headers.get(b"cookie", ""), cookie_name(container.settings))
    session = container.authority.session(secret) if secret else None
    if session is None:
        raise SignedOutError
    container.directory.note_seen(session.id, container.authority.now())
    return container.authority.person_of(session.id, channel)


def _by_token(sent: str, container: Container) -> Actor:
    token = container.authority.token(sent)
    if token is None:
        raise SignedOutError("This token is not valid: it is wrong, has expired, or was revoked.")
    container.directory.note_used(token.id, container.authority.now())
    return service(token.name, f"token:{token.id}")


def _local_name(headers: dict[bytes, str]) -> str:
    named = headers.get(HEADER.encode()) or cookie(headers.get(b"cookie", ""), NAME_COOKIE)
    name = unquote(named or "").strip()
    return name if NAME.fullmatch(name) and name.isprintable() else default_name()


def with_actor(scope: Scope, actor: Actor | None, container: Container) -> Scope:
    """Return the scope with the actor in it and in `HEADER`; what came in under that name is gone."""
    own = [(name, value) for name, value in scope["headers"] if name != HEADER.encode()]
    if actor is not None:
        value = actor.name if container.authority.local else (actor.credential or "")
        own.append((HEADER.encode(), quote(value).encode()))
    limit = container.authority.sender_limit(actor) if actor and scope["path"].startswith(OTLP) else None
    return {**scope, "headers": own, ACTOR: actor, LIMIT: limit}


def cookie(header: str, name: str) -> str | None:
    """Return one cookie of a header, or None."""
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def sender(scope: Scope) -> str:
    """Return who sent telemetry, for the receiver's shares: the service of the token, else the address."""
    actor = scope.get(ACTOR)
    return actor.name if actor is not None and actor.kind != HUMAN else address(scope)


def address(scope: Scope) -> str:
    """Return the address that a request came from."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
