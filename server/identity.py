"""Who is at the door, in local mode: a name that a person chose, on this machine only.

The middleware strips the identity header from what comes in and sets it anew, so that everything
behind it can trust the header. Requests for a foreign host, or sent by a foreign page, are refused:
a web site must not act here through somebody's browser (DNS rebinding, cross-site requests).
"""

from __future__ import annotations

import getpass
import html
import re
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route

from server.settings import is_loopback

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER: Final = "x-unsnag-actor"
COOKIE: Final = "unsnag_name"
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>&\"';,\\]{1,60}")
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")


def default_name() -> str:
    """Return the name of the person who started the process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


class LocalIdentity:
    """ASGI middleware for HTTP and the websocket: sets the identity header, refuses foreign pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the identity header set, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = _refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
            return
        own = [(name, value) for name, value in scope["headers"] if name != HEADER.encode()]
        own.append((HEADER.encode(), quote(_name(headers)).encode()))
        await self._app({**scope, "headers": own}, receive, send)


def _refusal(scope: Scope, headers: dict[bytes, str]) -> str | None:
    host = headers.get(b"host", "")
    if not is_loopback(urlsplit(f"//{host}").hostname or ""):
        return f"This server answers for this machine only, not for {host or 'a request without a host'}."
    origin = headers.get(b"origin")
    acts = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
    if acts and origin is not None and urlsplit(origin).netloc != host:
        return f"A page of {origin} may not act here."
    return None


async def _refuse(scope: Scope, receive: Receive, send: Send, words: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403})
        return
    problem = {"type": "urn:unsnag:foreign-page", "title": "Refused", "status": 403, "detail": words}
    await JSONResponse(problem, 403, media_type="application/problem+json")(scope, receive, send)


def _name(headers: dict[bytes, str]) -> str:
    named = headers.get(HEADER.encode()) or _cookie(headers.get(b"cookie", ""))
    name = unquote(named or "").strip()
    return name if _NAME.fullmatch(name) else default_name()


def _cookie(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


# --- the page where a person says who they are -----------------------------------------------

_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Who are you? · Unsnag</title>
<meta name="viewport" content="width=device-width">
<style>
:root{{color-scheme:light dark;--ink:light-dark(#111827,#e6e8ee);--line:light-dark(#e3e6eb,#262b36);
--paper:light-dark(#fff,#0e1016);--main:light-dark(#4f46e5,#818cf8);--on:light-dark(#fff,#0e1016)}}
body{{font:15px/1.5 Inter,system-ui,sans-serif;color:var(--ink);background:var(--paper);display:grid;
place-items:center;min-height:100vh;margin:0}}form{{width:20rem;display:grid;gap:.75rem}}
h1{{font-size:1.4rem;margin:0}}p{{margin:0;opacity:.75}}input,button{{font:inherit;padding:.55rem .75rem;
border-radius:6px;border:1px solid var(--line)}}input{{background:transparent;color:inherit}}
button{{background:var(--main);color:var(--on);border:0;font-weight:600}}</style>
<form method="post"><h1>Who are you?</h1>
<p>Your name stands beside what you claim, retry and resolve on this machine.</p>
<input name="name" value="{name}" aria-label="Your name" autofocus required maxlength="60">
<p role="alert">{problem}</p><button>Continue</button></form></html>"""


async def me(request: Request) -> Response:
    """Show the form, or keep the name in a cookie of this browser."""
    name = unquote(request.headers.get(HEADER, ""))
    if request.method == "GET":
        return HTMLResponse(_PAGE.format(name=html.escape(name, quote=True), problem=""))
    form = await request.form(max_files=0, max_fields=5)
    chosen = str(form.get("name", "")).strip()
    if not _NAME.fullmatch(chosen):
        words = "Use 1 to 60 letters, digits and spaces."
        return HTMLResponse(_PAGE.format(name=html.escape(chosen[:60], quote=True), problem=words), 422)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, quote(chosen), max_age=180 * 86_400, httponly=True, samesite="strict")
    return answer


ROUTES: Final = [Route("/me", me, methods=["GET", "POST"])]
