"""Any WSGI application: ``application = UnitMiddleware(application, unit="header:X-Order-ID")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from unsnag.frameworks.naming import Rule, Source
from unsnag.frameworks.web import FAILED, SEEN, WRITING, Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from unsnag.frameworks.entry import Entry

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

ERROR: Final = "unsnag.error"
"""Where a framework leaves the exception that it turned into an answer."""


class UnitMiddleware:
    """Makes each request the block of its unit; the block ends when the answer was sent.

    Args:
        app: The application.
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`; a function gets the environ.
        methods: Requests that may be part of a unit's way.
        failed_from: The lowest status of an answer that is a failure.
        options: What `unsnag.unit` takes beside the ID, such as ``completes=False``.
    """

    def __init__(
        self,
        app: Application,
        unit: Rule = None,
        *,
        methods: Iterable[str] = WRITING,
        failed_from: int = FAILED,
        **options: Any,
    ) -> None:
        self.app = app
        self.requests = Requests(unit, methods=methods, failed_from=failed_from, options=options)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if SEEN in environ:
            return self.app(environ, start_response)
        environ[SEEN] = True
        entry = self._entry(environ)
        answer = _Answer(self.requests, entry, environ)

        def watched(status: str, *rest: Any) -> Any:
            answer.status = int(status[:3])
            return start_response(status, *rest)

        entry.begin()
        try:
            answer.body = self.app(environ, watched)
        except BaseException as error:
            entry.finish(error)
            raise
        return answer

    def _entry(self, environ: dict[str, Any]) -> Entry:
        path = path_of(environ)
        source = Source(lambda rule: rule(self.request(environ)), path, lambda name: _header(environ, name))
        carrier = {name: environ.get(f"HTTP_{name.upper()}", "") for name in _CARRIED}
        method = environ.get("REQUEST_METHOD", "")
        return self.requests.entry(method, source, self.template(environ), carrier)

    def template(self, environ: dict[str, Any]) -> str | None:
        """Return the template of the request's route; plain WSGI has none."""
        del environ
        return None

    def request(self, environ: dict[str, Any]) -> Any:
        """Return what a function that finds the unit's ID gets."""
        return environ


_CARRIED: Final = ("traceparent", "tracestate", "baggage")


class _Answer:
    """The body of an answer; closing it ends the block."""

    def __init__(self, requests: Requests, entry: Entry, environ: Mapping[str, Any]) -> None:
        self.status = 0
        self.body: Iterable[bytes] = ()
        self._requests = requests
        self._entry = entry
        self._environ = environ

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.body
        except Exception as error:
            self._entry.finish(error)
            raise

    def close(self) -> None:
        """Close the application's own body, and end the block."""
        try:
            getattr(self.body, "close", lambda: None)()
        except BaseException as error:
            self._entry.finish(error)
            raise
        self._requests.answered(self._entry, self.status, self._environ.get(ERROR))
        self._entry.finish()


def path_of(environ: Mapping[str, Any]) -> str:
    """Return the path below the application, decoded as PEP 3333 says."""
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _header(environ: Mapping[str, Any], name: str) -> str | None:
    return environ.get(f"HTTP_{name.upper().replace('-', '_')}")
