"""The pages before the dashboard: sign in, first start, one-time links, OpenID, and the name in local mode.

They are plain HTML: Streamlit's own pages need a session already.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from access import links, passwords, sessions
from access.errors import LinkUsedError, TooManyTriesError
from access.sessions import OpenIdPerson, Visitor
from access.throttle import Throttle
from data.errors import UnsnagError
from server.container import current
from server.identity import HEADER, NAME, NAME_COOKIE, cookie, cookie_name
from server.openid.provider import Begun, OpenIdProvider

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from server.openid.settings import OidcSettings
    from server.settings import Settings

_FOLDER: Final = Path(__file__).parent / "pages"
_PAGES: Final = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True)
_LOGO: Final = Markup((_FOLDER / "logo.svg").read_text(encoding="utf-8"))  # noqa: S704 - our own file
_ICON: Final = Markup(quote((_FOLDER / "favicon.svg").read_text(encoding="utf-8")))  # noqa: S704 - our own file
_OPENID_LASTS_S: Final = 600.0
_MAX_BEGUN: Final = 1_000
_REFUSED: Final = 403


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    name: str
    label: str
    type: str = "text"
    value: str = ""
    auto: str = "off"
    hint: str = ""


def _page(status: int = 200, **parts: Any) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    empty: dict[str, Any] = {
        "lead": "",
        "problem": "",
        "fields": (),
        "hidden": {},
        "button": "",
        "other": None,
        "action": "",
    }
    warning = (
        "" if _is_private() else "This connection is not encrypted: others on the network can read along."
    )
    text = _PAGES.get_template("door.html").render(
        **{**empty, "warning": warning, **parts}, nonce=nonce, logo=_LOGO, icon=_ICON
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    return HTMLResponse(text, status, {"Content-Security-Policy": policy})


def _is_private() -> bool:
    settings = current().settings
    return settings.is_secure or settings.host in ("127.0.0.1", "localhost", "::1")


# --- sign in ----------------------------------------------------------------------------------


async def sign_in(request: Request) -> Response:
    """Show the form, or begin a session."""
    if current().authority.local:
        return RedirectResponse("/", 303)
    if request.method == "GET":
        return _form(_local_path(request.query_params.get("next")))
    form = await request.form(max_files=0, max_fields=5)
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    where = _local_path(str(form.get("next", "")))
    try:
        secret = await asyncio.to_thread(
            sessions.sign_in, current().as_system(), name, password, visitor(request)
        )
    except TooManyTriesError as error:
        answer = _form(where, name, str(error), 429)
        answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    except UnsnagError as error:
        return _form(where, name, str(error), 401)
    return _welcomed(request, secret, where)


def _form(where: str, name: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    oidc = current().settings.access.oidc
    other = (
        {"href": f"/sign-in/openid?next={quote(where)}", "label": f"Sign in with {oidc.label}"}
        if oidc
        else None
    )
    return _page(
        status,
        title="Sign in",
        problem=problem,
        action="/sign-in",
        button="Sign in",
        other=other,
        hidden={"next": where},
        fields=[
            Field("name", "Name", value=name[:60], auto="username"),
            Field("password", "Password", "password", auto="current-password"),
        ],
    )


def _welcomed(request: Request, secret: str, where: str) -> Response:
    settings = current().settings
    old = cookie(request.headers.get("cookie", ""), cookie_name(settings))
    session = current().authority.session(old) if old else None
    if session:
        sessions.sign_out(current().context(current().authority.person_of(session.id)))
    answer = RedirectResponse(where, 303)
    _set_cookie(answer, secret, settings)
    return answer


def _set_cookie(answer: Response, secret: str, settings: Settings) -> None:
    # Lax, not strict: a link in a mail to one exception would else lead to the sign-in page.
    answer.set_cookie(
        cookie_name(settings),
        secret,
        max_age=int(settings.access.session_hours * 3600),
        httponly=True,
        samesite="lax",
        secure=settings.is_secure,
        path="/",
    )


def visitor(request: Request) -> Visitor:
    """Return where a request comes from."""
    return Visitor(request.client.host if request.client else "unknown", request.headers.get("user-agent"))


def _local_path(asked: str | None) -> str:
    """Return a path of ours: a link must not lead somebody from our sign-in page to another site."""
    plain = (asked or "").strip()
    harmless = plain.startswith("/") and not plain.startswith(("//", "/\\")) and plain.isprintable()
    return plain if harmless and "\\" not in plain else "/"


# --- one-time links ---------------------------------------------------------------------------


async def welcome(request: Request) -> Response:
    """Show whose link it is and take the password, once."""
    if current().authority.local:
        return RedirectResponse("/", 303)
    form = await request.form(max_files=0, max_fields=6) if request.method == "POST" else {}
    code = str(form.get("code", "") or request.query_params.get("code", ""))
    try:
        person = await asyncio.to_thread(links.holder_of, current().as_system(), code)
    except LinkUsedError as error:
        return _page(
            410, title="This link is over", problem=str(error), other={"href": "/sign-in", "label": "Sign in"}
        )
    if request.method == "GET":
        return _choose(person, code)
    return await _chosen(request, form, person, code)


async def _chosen(request: Request, form: Any, person: str | None, code: str) -> Response:
    name, password = person or str(form.get("name", "")), str(form.get("password", ""))
    if password != str(form.get("again", "")):
        return _choose(person, code, name, "The two passwords differ.", 422)
    try:
        accepted = await asyncio.to_thread(links.accept, current().as_system(), code, password, name)
        secret = await asyncio.to_thread(
            sessions.begin, current().as_system(), accepted, "link", visitor(request)
        )
    except UnsnagError as error:
        return _choose(person, code, name, str(error), 422)
    return _welcomed(request, secret, "/")


def _choose(
    person: str | None, code: str, name: str = "", problem: str = "", status: int = 200
) -> HTMLResponse:
    fields = [
        Field(
            "password", "Password", "password", auto="new-password",
            hint=f"At least {passwords.MIN_LENGTH} characters; a sentence is best.",
        ),
        Field("again", "Password again", "password", auto="new-password"),
    ]  # fmt: skip
    if person is None:
        hint = "a to z, 0 to 9, and . _ @ + - between them"
        fields.insert(0, Field("name", "Your name", value=name[:60], auto="username", hint=hint))
    lead = (
        f"Choose the password of {person}."
        if person
        else "Nobody can sign in yet. The person who opened this link becomes the first admin."
    )
    return _page(
        status,
        title="Welcome",
        lead=lead,
        problem=problem,
        action="/welcome",
        button="Choose and sign in",
        hidden={"code": code},
        fields=fields,
    )


# --- OpenID -----------------------------------------------------------------------------------


class _Begun:
    """Sign-ins that are under way at the OpenID provider: kept here, ten minutes, each used once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, Begun, str]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, begun: Begun, where: str) -> str:
        """Keep one and return the key that its browser holds."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._kept[key] = (time.monotonic(), begun, where)
            while len(self._kept) > _MAX_BEGUN:
                self._kept.popitem(last=False)
        return key

    def take(self, key: str) -> tuple[Begun, str] | None:
        """Return one, for the first and last time."""
        with self._lock:
            found = self._kept.pop(key, None)
        if found is None or time.monotonic() - found[0] > _OPENID_LASTS_S:
            return None
        return found[1], found[2]


_under_way: Final = _Begun()
_begins: Final = Throttle(free=30, refill_s=2.0)
"""So that nobody pushes the sign-ins of others out of what is kept."""
_providers: Final[list[tuple[OidcSettings, OpenIdProvider]]] = []


def _provider() -> OpenIdProvider | None:
    settings = current().settings.access.oidc
    if settings is None or current().authority.local:
        return None
    # One a running configuration: it keeps the provider's keys.
    if not _providers or _providers[0][0] is not settings:
        _providers[:] = [(settings, OpenIdProvider(settings))]
    return _providers[0][1]


def _openid_cookie(settings: Settings) -> str:
    return f"{cookie_name(settings)}-openid"


async def openid(request: Request) -> Response:
    """Send the browser to the OpenID provider."""
    provider, settings = _provider(), current().settings
    if provider is None:
        return RedirectResponse("/sign-in", 303)
    try:
        _begins.check(visitor(request).address)
    except TooManyTriesError as error:
        return _form("/", "", str(error), 429)
    _begins.count(visitor(request).address)
    base = settings.access.public_url or f"{request.url.scheme}://{request.headers['host']}"
    try:
        begun = await provider.begin(f"{base}/sign-in/openid/done")
    except UnsnagError as error:
        return _form("/", "", str(error), 502)
    key = _under_way.keep(begun, _local_path(request.query_params.get("next")))
    answer = RedirectResponse(begun.url, 303)
    answer.set_cookie(
        _openid_cookie(settings), key, max_age=int(_OPENID_LASTS_S), httponly=True, samesite="lax",
        secure=settings.is_secure, path="/",
    )  # fmt: skip
    return answer


async def openid_done(request: Request) -> Response:
    """Take the provider's answer and begin a session."""
    provider, settings = _provider(), current().settings
    key = cookie(request.headers.get("cookie", ""), _openid_cookie(settings))
    kept = _under_way.take(key) if key else None
    if provider is None or kept is None or settings.access.oidc is None:
        return _form(
            "/", "", "This sign-in was not begun in this browser, or took too long. Try again.", _REFUSED
        )
    begun, where = kept
    try:
        who = await provider.finish(begun, request.query_params)
        secret = await asyncio.to_thread(
            sessions.begin_by_openid, current().as_system(), OpenIdPerson(who.issuer, who.subject, who.name),
            visitor(request), settings.access.oidc.new_people,
        )  # fmt: skip
    except UnsnagError as error:
        return _form(where, "", str(error), _REFUSED)
    answer = _welcomed(request, secret, where)
    answer.delete_cookie(_openid_cookie(settings), path="/", secure=settings.is_secure, httponly=True)
    return answer


# --- local mode -------------------------------------------------------------------------------


async def me(request: Request) -> Response:
    """Let somebody at this machine say who they are; with sign-in, lead to the account."""
    if not current().authority.local:
        return RedirectResponse("/account", 303)
    name = unquote(request.headers.get(HEADER, ""))
    if request.method == "GET":
        return _ask_name(name)
    form = await request.form(max_files=0, max_fields=5)
    chosen = str(form.get("name", "")).strip()
    if not (NAME.fullmatch(chosen) and chosen.isprintable()):
        return _ask_name(chosen[:60], "Use 1 to 60 letters, digits and spaces.", 422)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(NAME_COOKIE, quote(chosen), max_age=180 * 86_400, httponly=True, samesite="strict")
    return answer


def _ask_name(name: str, problem: str = "", status: int = 200) -> HTMLResponse:
    return _page(
        status,
        title="Who are you?",
        lead="Your name stands beside what you claim, retry and resolve on this machine.",
        problem=problem,
        action="/me",
        button="Continue",
        fields=[Field("name", "Your name", value=name, auto="nickname")],
    )


ROUTES: Final = [
    Route("/sign-in", sign_in, methods=["GET", "POST"]),
    Route("/sign-in/openid", openid),
    Route("/sign-in/openid/done", openid_done),
    Route("/welcome", welcome, methods=["GET", "POST"]),
    Route("/me", me, methods=["GET", "POST"]),
]
