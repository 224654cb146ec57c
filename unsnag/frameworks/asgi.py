"""FastAPI, Starlette and any other ASGI application.

``app.add_middleware(UnitMiddleware, unit="/orders/{unit}")``, or ``app = UnitMiddleware(app, unit=...)``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from unsnag.frameworks.naming import Rule, Source
from unsnag.frameworks.web import FAILED, SEEN, WRITING, Requests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from unsnag.frameworks.entry import Entry

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FULL = 2
"""Starlette's `Match.FULL`."""


class UnitMiddleware:
    """Makes each request the block of its unit.

    Args:
        app: The application.
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`; a function gets Starlette's request
            where Starlette is used, else the ASGI scope.
        methods: Requests that may be part of a unit's way.
        failed_from: The lowest status of an answer that is a failure.
        options: What `unsnag.unit` takes beside the ID, such as ``completes=False``.
    """

    def __init__(
        self,
        app: Callable[[Scope, Receive, Send], Awaitable[None]],
        unit: Rule = None,
        *,
        methods: Iterable[str] = WRITING,
        failed_from: int = FAILED,
        **options: Any,
    ) -> None:
        self.app = app
        self._requests = Requests(unit, methods=methods, failed_from=failed_from, options=options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope.get("type") != "http" or SEEN in scope:
            await self.app(scope, receive, send)
            return
        scope[SEEN] = True
        entry, status = self._entry(scope), 0

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message.get("type") == "http.response.start":
                status = message.get("status", 0)
            await send(message)

        entry.begin()
        try:
            await self.app(scope, receive, watched)
        except BaseException as error:
            entry.finish(error)
            raise
        self._requests.answered(entry, status)
        entry.finish()

    def _entry(self, scope: Scope) -> Entry:
        headers = _headers(scope)
        source = Source(
            lambda rule: rule(_request(scope)), _path(scope), lambda name: headers.get(name.lower())
        )
        return self._requests.entry(scope.get("method", ""), source, _route(scope), headers)


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers; several of one name count as one list, as HTTP says."""
    found: dict[str, str] = {}
    for name, value in scope.get("headers", ()):
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _request(scope: Scope) -> Any:
    requests = sys.modules.get("starlette.requests")
    return scope if requests is None else requests.Request(scope)


def _route(scope: Scope) -> str | None:
    """Return the template of the route that Starlette will choose; None in another application."""
    try:
        return _matching(getattr(scope.get("app"), "routes", ()), scope)
    except Exception:  # noqa: BLE001 - routes of other frameworks may be anything
        return None


def _matching(routes: Any, scope: Scope) -> str | None:
    for route in routes:
        if hasattr(route, "effective_candidates"):
            found = _included(route, scope)
            if found is not None:
                return found
            continue
        match, child = route.matches(scope)
        if match.value != _FULL:
            continue
        own = getattr(route, "path", "")
        inner = getattr(route, "routes", None)
        if not inner:
            return own or None
        below = _matching(inner, {**scope, **child})
        return None if below is None else own + below
    return None


def _included(router: Any, scope: Scope) -> str | None:
    """Return the template of a route of a router that FastAPI includes: its path has the prefix."""
    path = _path(scope)
    for candidate in router.effective_candidates():
        if hasattr(candidate, "effective_candidates"):
            found = _included(candidate, scope)
            if found is not None:
                return found
        elif candidate.path_regex.match(path) and scope.get("method") in candidate.methods:
            return str(candidate.path)
    return None


def _path(scope: Scope) -> str:
    return str(scope.get("path", "")).removeprefix(scope.get("root_path", ""))
