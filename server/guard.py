"""The guard at the one door: HTTP and the websocket pass it before anything else sees them.

1. The host must be one that this server answers for; a page of another site must not act here.
2. Health and the sign-in pages are open. Everything else needs a session (cookie), a token (bearer) or,
   in local mode, nothing but this machine.
3. Who it is travels on in a header that is stripped from what comes in, and in the ASGI scope.
4. An open websocket or event stream ends with the session behind it.
5. Bodies, rates and streams are limited; every answer carries the security headers.
"""

from __future__ import annotations

import getpass
import hmac
import ipaddress
import re
import socket
import time
from collections import Counter
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from access.authority import OWNER
from access.errors import ForbiddenError, SignedOutError, TooManyTriesError
from access.sending import LIMIT
from access.throttle import Throttle
from audit.actor import HUMAN, Actor, service
from data.errors import UnsnagError
from server import bodies
from server import headers as security
from server.center import current
from server.refusals import OTLP, PROGRAMS, RefusedError, refuse
from server.settings import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from server.center import Center
    from server.settings import Settings

HEADER: Final = "x-unsnag-actor"
"""Set by this guard only: a name in local mode, a session's public id otherwise."""
NAME_COOKIE: Final = "unsnag_name"
ACTOR: Final = "unsnag.actor"
"""Where the ASGI scope holds the actor."""
NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>&\"';,\\/]{1,60}")
MAX_STREAMS: Final = 50

_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_OPEN: Final = frozenset(
    ("/healthz", "/readyz", "/sign-in", "/welcome", "/sign-in/openid", "/sign-in/openid/done")
)
_HEALTH: Final = ("/healthz", "/readyz")
_COMMAND: Final = "command"
_GONE: Final = 4401
_GRACE_S: Final = 15.0


def default_name() -> str:
    """Return the name of the person who started the process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def cookie_name(settings: Settings) -> str:
    """Return what the session's cookie is called: by its prefix browsers hold it to https and this host."""
    return "__Host-unsnag" if settings.is_secure else "unsnag"


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._streams: Counter[str] = Counter()
        self._strangers = Throttle(free=60, refill_s=1.0)
        self._rates: dict[float, Throttle] = {}

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
        is_health = scope["path"] == "/healthz"
        try:
            center = _running()
        except RefusedError:
            if scope["path"] not in _HEALTH:  # they answer as soon as the process serves
                raise
            await self._app(scope, receive, send)
            return
        if not is_health or center.authority.local:
            _refuse_two_hosts(scope)
            _check_host(headers, center)
        _check_origin(scope, headers, center)
        pace = bodies.Pace.of(center.settings.access)
        body = bodies.limited(scope, headers, receive, send, pace)
        actor = None if _is_open(scope, center) else self._actor(scope, headers, center)
        if actor is not None:
            _check_role(scope, actor, center)
        self._check_rate(scope, actor, center)
        scope = _with_actor(scope, actor, center)
        if actor is not None and _is_stream(scope):
            await self._stream(scope, receive, send, actor, center)
        elif body is not None:
            await body.run(self._app, scope)
        else:
            await self._app(scope, receive, send)

    # --- who is it ---------------------------------------------------------------------------

    def _actor(self, scope: Scope, headers: dict[bytes, str], center: Center) -> Actor:
        try:
            return _recognised(scope, headers, center)
        except SignedOutError as error:
            raise self._strange(_address(scope), error) from error

    def _strange(self, address: str, error: SignedOutError) -> RefusedError:
        """Return the refusal of somebody unknown; who is known is never slowed by who shares the address."""
        try:
            self._strangers.check(address)
        except TooManyTriesError as slowed:
            return RefusedError(429, "too-many-tries", str(slowed), slowed.wait_s)
        self._strangers.count(address)
        return RefusedError(401, "signed-out", str(error))

    def _check_rate(self, scope: Scope, actor: Actor | None, center: Center) -> None:
        """Slow a caller, or on the pages that are open to strangers an address, that asks too much."""
        if center.authority.local or scope["path"].startswith(OTLP) or scope["path"] in _HEALTH:
            return
        if actor is not None and actor.credential == OWNER:
            return
        key = f"address:{_address(scope)}" if actor is None else actor.credential or ""
        rate = center.settings.access.requests_per_second
        throttle = self._rates.setdefault(rate, Throttle(free=int(rate * 10), refill_s=1 / rate))
        try:
            throttle.check(key)
        except TooManyTriesError as error:
            words = f"Too many requests: at most {rate:g} a second. Wait a little."
            raise RefusedError(429, "too-many-requests", words, error.wait_s) from error
        throttle.count(key)

    # --- streams -----------------------------------------------------------------------------

    async def _stream(self, scope: Scope, receive: Receive, send: Send, actor: Actor, center: Center) -> None:
        key = actor.credential or actor.name
        if self._streams[key] >= MAX_STREAMS:
            raise RefusedError(429, "too-many-streams", "Too many pages are open. Close some.", 5)
        self._streams[key] += 1
        try:
            await self._app(scope, _while_alive(receive, send, actor, center), send)
        finally:
            self._streams[key] -= 1
            if not self._streams[key]:
                del self._streams[key]


# --- the checks -------------------------------------------------------------------------------


def _running() -> Center:
    try:
        return current()
    except UnsnagError as error:
        raise RefusedError(503, "starting", str(error), 1) from error


def _refuse_two_hosts(scope: Scope) -> None:
    """Refuse a request that names two hosts: whoever reads the other one is led astray."""
    if sum(name == b"host" for name, _ in scope["headers"]) > 1:
        raise RefusedError(400, "two-hosts", "A request names one host.")


def _check_host(headers: dict[bytes, str], center: Center) -> None:
    named = headers.get(b"host", "")
    host = (urlsplit(f"//{named}").hostname or "").lower() if _is_host(named) else ""
    if center.authority.local:
        if not is_loopback(host):
            words = (
                f"This server answers for this machine only, not for {named or 'a request without a host'}."
            )
            raise RefusedError(403, "foreign-host", words)
        if any(name in headers for name in (b"x-forwarded-for", b"forwarded", b"x-forwarded-host")):
            words = "A proxy stands in front, and nobody would have to sign in. Set access.sign_in = true."
            raise RefusedError(403, "proxy-without-sign-in", words)
    elif not _answers_for(host, center.settings):
        words = f"This server does not answer for {named or 'a request without a host'}. See access.hosts."
        raise RefusedError(421, "foreign-host", words)


def _is_host(named: str) -> bool:
    try:
        urlsplit(f"//{named}").port  # noqa: B018 - raises where it is none
    except ValueError:
        return False
    return True


def _answers_for(host: str, settings: Settings) -> bool:
    own = {name.lower() for name in settings.access.hosts}
    if settings.access.public_url:
        own.add((urlsplit(settings.access.public_url).hostname or "").lower())
    if not own:
        own = {socket.gethostname().lower(), settings.host.lower()}
    # A browser can be led here by a foreign name, never by a plain address.
    return host in own or is_loopback(host) or (not settings.access.hosts and _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _check_origin(scope: Scope, headers: dict[bytes, str], center: Center) -> None:
    origin = headers.get(b"origin")
    acts = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
    if not acts:
        return
    own = {headers.get(b"host", "").lower(), urlsplit(center.settings.access.public_url or "").netloc.lower()}
    if origin is not None and urlsplit(origin).netloc.lower() not in own - {""}:
        raise RefusedError(403, "foreign-page", f"A page of {origin} may not act here.")
    by_cookie = b"cookie" in headers and b"authorization" not in headers
    if origin is None and by_cookie and headers.get(b"sec-fetch-site", "none") not in ("same-origin", "none"):
        raise RefusedError(403, "foreign-page", "A page of another site may not act here.")


def _is_open(scope: Scope, center: Center) -> bool:
    return scope["type"] == "http" and scope["path"] in _OPEN and not center.authority.local


def _check_role(scope: Scope, actor: Actor, center: Center) -> None:
    path = scope["path"]
    act = "telemetry.send" if path.startswith(OTLP) else "metrics" if path == "/metrics" else None
    if act is None:
        return
    try:
        # What a limited sender may send is looked at record by record.
        center.authority.decide(actor, act, anywhere=act == "telemetry.send")
    except ForbiddenError as error:
        raise RefusedError(403, "forbidden", str(error)) from error


def _recognised(scope: Scope, headers: dict[bytes, str], center: Center) -> Actor:
    door = "rest" if scope["path"].startswith(PROGRAMS[:3]) else "page"
    kind, _, sent = headers.get(b"authorization", "").partition(" ")
    if kind.lower() == _COMMAND and hmac.compare_digest(sent.encode(), center.command_secret.encode()):
        name = unquote(headers.get(HEADER.encode(), ""))
        return Actor(name if NAME.fullmatch(name) else default_name(), HUMAN, "command", OWNER)
    if center.authority.local:
        return Actor(_local_name(headers), HUMAN, door)
    if kind.lower() == "bearer":
        return _by_token(sent.strip(), center)
    secret = cookie(headers.get(b"cookie", ""), cookie_name(center.settings))
    session = center.authority.session(secret) if secret else None
    if session is None:
        raise SignedOutError
    center.directory.note_seen(session.id, center.authority.now())
    return center.authority.person_of(session.id, door)


def _by_token(sent: str, center: Center) -> Actor:
    token = center.authority.token(sent)
    if token is None:
        raise SignedOutError("This token is not valid: it is wrong, has expired, or was revoked.")
    center.directory.note_used(token.id, center.authority.now())
    return service(token.name, f"token:{token.id}")


def _local_name(headers: dict[bytes, str]) -> str:
    named = headers.get(HEADER.encode()) or cookie(headers.get(b"cookie", ""), NAME_COOKIE)
    name = unquote(named or "").strip()
    return name if NAME.fullmatch(name) and name.isprintable() else default_name()


def _with_actor(scope: Scope, actor: Actor | None, center: Center) -> Scope:
    own = [(name, value) for name, value in scope["headers"] if name != HEADER.encode()]
    if actor is not None:
        told = actor.name if center.authority.local else (actor.credential or "")
        own.append((HEADER.encode(), quote(told).encode()))
    limit = center.authority.sender_limit(actor) if actor and scope["path"].startswith(OTLP) else None
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
    return actor.name if actor is not None and actor.kind != HUMAN else _address(scope)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


# --- limits ------------------------------------------------------------------------------------


def _is_stream(scope: Scope) -> bool:
    return scope["type"] == "websocket" or bool(scope["path"] == "/api/v1/events")


def _while_alive(receive: Receive, send: Send, actor: Actor, center: Center) -> Receive:
    """Close a websocket whose session has ended, once its page has had the time to say so.

    The page has no power from the first moment on: every run of it asks who is there.
    """
    over_at: float | None = None

    async def received() -> Message:
        nonlocal over_at
        message = await receive()
        if message["type"] != "websocket.receive":
            return message
        try:
            center.authority.grants(actor)
        except SignedOutError:
            over_at = over_at or time.monotonic()
            if time.monotonic() - over_at < _GRACE_S:
                return message
            await send({"type": "websocket.close", "code": _GONE})
            return {"type": "websocket.disconnect", "code": _GONE}
        if actor.credential and actor.kind == HUMAN:
            center.directory.note_seen(actor.credential.partition(":")[2], center.authority.now())
        return message

    return received
