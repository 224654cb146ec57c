"""Which host a request may name, and which pages may act: the guard's checks against foreign sites."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from server.refusals import RefusedError
from server.settings import is_loopback

if TYPE_CHECKING:
    from starlette.types import Scope

    from server.container import Container
    from server.settings import Settings

_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")


def refuse_two_hosts(scope: Scope) -> None:
    """Refuse a request that names two hosts: a reader of the other one would be misled."""
    if sum(name == b"host" for name, _ in scope["headers"]) > 1:
        raise RefusedError(400, "two-hosts", "A request names one host.")


def check_host(headers: dict[bytes, str], container: Container) -> None:
    """Refuse a host that this server does not answer for, and in local mode whatever is not this machine.

    Raises:
        RefusedError: the host is foreign, or a proxy stands in front of local mode.
    """
    named = headers.get(b"host", "")
    host = (urlsplit(f"//{named}").hostname or "").lower() if _is_host(named) else ""
    if container.authority.local:
        if not is_loopback(host):
            words = (
                f"This server answers for this machine only, not for {named or 'a request without a host'}."
            )
            raise RefusedError(403, "foreign-host", words)
        if any(name in headers for name in (b"x-forwarded-for", b"forwarded", b"x-forwarded-host")):
            words = "A proxy stands in front, and nobody would have to sign in. Set access.sign_in = true."
            raise RefusedError(403, "proxy-without-sign-in", words)
    elif not _answers_for(host, container.settings):
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


def check_origin(scope: Scope, headers: dict[bytes, str], container: Container) -> None:
    """Refuse an act that a page of another site sends.

    Raises:
        RefusedError: the page is foreign.
    """
    origin = headers.get(b"origin")
    acts = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
    if not acts:
        return
    own = {
        headers.get(b"host", "").lower(),
        urlsplit(container.settings.access.public_url or "").netloc.lower(),
    }
    if origin is not None and urlsplit(origin).netloc.lower() not in own - {""}:
        raise RefusedError(403, "foreign-page", f"A page of {origin} may not act here.")
    # Whatever else it carries: a browser adds the cookie by itself, and only browsers send this header.
    if origin is None and headers.get(b"sec-fetch-site", "none") not in ("same-origin", "none"):
        raise RefusedError(403, "foreign-page", "A page of another site may not act here.")
