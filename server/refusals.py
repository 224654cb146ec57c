"""Refusing a request: why, and the answer in the form that its sender reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse

from collectors import receiver
from data.errors import UnsnagError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

OTLP: Final = "/v1/"
HEALTH: Final = ("/healthz", "/readyz")
PROGRAMS: Final = (
    "/api/",
    OTLP,
    "/metrics",
    "/_stcore/",
    "/media/",
    "/component/",
    "/static/",
    "/app/static/",
)
"""Where programs ask: they get an error, never the sign-in page."""
_UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further."""

    status: int
    kind: str
    words: str
    wait_s: int | None = None
    """When the sender may come again, in seconds."""
    ends_connection: bool = False


class RefusedError(UnsnagError):
    """The request goes no further."""

    def __init__(self, status: int, kind: str, words: str, wait_s: int | None = None) -> None:
        self.refusal = Refusal(status, kind, words, wait_s)
        super().__init__(words)

    @classmethod
    def of(cls, refusal: Refusal) -> RefusedError:
        """Return the error that carries a refusal."""
        error = cls(refusal.status, refusal.kind, refusal.words)
        error.refusal = refusal
        return error


async def refuse(
    scope: Scope, receive: Receive, send: Send, headers: dict[bytes, str], refusal: Refusal
) -> None:
    """Answer a request, or close a websocket, with a refusal.

    Exporters get a google.rpc.Status in the form they sent, people the sign-in page where that is missing,
    everybody else a problem (RFC 9457).
    """
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4000 + refusal.status})
        return
    answer = _answer(scope, headers, refusal)
    if answer.status_code == _UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="unsnag"'
    if refusal.wait_s:
        answer.headers["Retry-After"] = str(refusal.wait_s)
    if refusal.ends_connection:
        answer.headers["Connection"] = "close"
    await answer(scope, receive, send)


def _answer(scope: Scope, headers: dict[bytes, str], refusal: Refusal) -> Response:
    if scope["path"].startswith(OTLP):
        return receiver.failure(refusal.status, refusal.words, headers.get(b"content-type", ""))
    if refusal.status == _UNAUTHORIZED and _looks_for_a_page(scope, headers):
        return _to_the_sign_in(scope)
    problem: dict[str, Any] = {
        "type": f"urn:unsnag:{refusal.kind}",
        "title": refusal.kind.replace("-", " ").capitalize(),
        "status": refusal.status,
        "detail": refusal.words,
    }
    return JSONResponse(problem, refusal.status, media_type="application/problem+json")


def _looks_for_a_page(scope: Scope, headers: dict[bytes, str]) -> bool:
    is_page = scope["method"] == "GET" and "text/html" in headers.get(b"accept", "")
    return is_page and not scope["path"].startswith(PROGRAMS)


def _to_the_sign_in(scope: Scope) -> Response:
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    asked = scope["path"] + query
    return RedirectResponse("/sign-in" if asked == "/" else f"/sign-in?next={quote(asked, safe='/')}", 303)
