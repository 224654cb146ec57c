"""The server's REST for commands: ask and send, standard library only; answers as lines of text."""

from __future__ import annotations

import json
import os
import uuid
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from unsnag import destination
from unsnag.conventions import DEFAULT_SERVER, ENV_SERVER, ENV_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REFUSED: Final = 2
"""The exit code where the server refuses."""
_REQUEST_S: Final = 60.0
_FILE_S: Final = 300.0
"""A PDF is printed by a browser on the server, one at a time."""


class ServerSaysNoError(Exception):
    """The server cannot be reached, or refuses the request."""


def ask(
    url: str | None, path: str, params: Mapping[str, Any], most: int | None = None, actor: str | None = None
) -> dict[str, Any]:
    """Ask the server; the pages of a list as one, up to `most` items. `actor` counts in local mode only."""
    found = page(url, path, params, actor)
    following = found.get("next")
    while following and (most is None or len(found.get("items", ())) < most):
        more = page(url, path, {**params, "cursor": following}, actor)
        following = more.get("next")
        found = {**more, "items": found.get("items", []) + more.get("items", [])}
    return found


def page(url: str | None, path: str, params: Mapping[str, Any], actor: str | None = None) -> dict[str, Any]:
    """Return one answer; parameters without a value are left out."""
    chosen = urlencode({name: value for name, value in params.items() if value not in (None, "")})
    return _answer(url, f"{path}?{chosen}" if chosen else path, headers=_named(actor))


def send(url: str | None, path: str, body: Mapping[str, Any], actor: str | None = None) -> dict[str, Any]:
    """Send a write with a key of its own, and return the answer; `actor` counts in local mode only."""
    return _answer(url, path, body, {"Idempotency-Key": uuid.uuid4().hex, **_named(actor)})


def fetch(url: str | None, path: str, params: Mapping[str, Any]) -> bytes:
    """Return an answer that is a file; parameters without a value are left out."""
    chosen = urlencode({name: value for name, value in params.items() if value not in (None, "")})
    return _bytes(url, f"{path}?{chosen}" if chosen else path, None, {}, _FILE_S)


def _named(actor: str | None) -> dict[str, str]:
    return {"X-Unsnag-Actor": quote(actor)} if actor else {}


def _answer(
    url: str | None,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    data = json.dumps(body).encode() if body else b"" if "Idempotency-Key" in (headers or {}) else None
    kind = {"Content-Type": "application/json"} if body else {}
    answer = _bytes(url, path, data, {**kind, **(headers or {})}, _REQUEST_S)
    try:
        return dict(json.loads(answer))
    except ValueError as fault:
        raise ServerSaysNoError(f"{_base(url)} does not answer as an Unsnag server: {fault}") from None


def _base(url: str | None) -> str:
    return (url or os.environ.get(ENV_SERVER) or DEFAULT_SERVER).rstrip("/")


def _bytes(
    url: str | None, path: str, data: bytes | None, headers: Mapping[str, str], timeout: float
) -> bytes:
    base = _base(url)
    try:
        own = destination.bearer(os.environ.get(ENV_TOKEN))
        request = Request(f"{base}{path}", data, {**own, **headers})  # noqa: S310
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310
            return bytes(answer.read())
    except HTTPError as error:
        with error:
            raise ServerSaysNoError(_detail(error)) from None
    except (OSError, HTTPException, ValueError) as fault:
        raise ServerSaysNoError(f"{base} does not answer as an Unsnag server: {fault}") from None


def _detail(error: HTTPError) -> str:
    try:
        return str(json.loads(error.read()).get("detail"))
    except (ValueError, AttributeError, OSError):
        return f"{error.code} {error.reason}"


def line(cells: Iterable[Any]) -> str:
    """Return cells as one line, with tabs between them."""
    return "\t".join(cell_text(cell) for cell in cells)


def cell_text(cell: Any) -> str:
    """Return a cell without what would break its line or steer a terminal."""
    if isinstance(cell, float):
        return f"{cell:.4f}".rstrip("0").rstrip(".")
    plain = "" if cell is None else " ".join(str(cell).split())
    return "".join(letter if letter.isprintable() else "?" for letter in plain)
