"""What a request and its answer say of a unit; `asgi`, `wsgi`, `flask` and `django` share it.

- Requests that change nothing (GET, HEAD, OPTIONS) make no unit: that an order was looked at proves nothing.
- An exception that leaves the application, or an answer from 500 on, is a failure.
- An answer from 400 on was refused: it is no failure, and it proves nothing.
- Any other answer is a normal end of this part. The part is the route: another route proves nothing of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from unsnag.frameworks.entry import Entry
from unsnag.frameworks.naming import Naming, Rule, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unsnag.units import unit

WRITING: Final = ("POST", "PUT", "PATCH", "DELETE")
SEEN: Final = "unsnag.seen"
"""Marks a request whose block an outer application has begun."""
REFUSED: Final = 400
FAILED: Final = 500
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


class Requests:
    """The requests of one application.

    Args:
        rule: Where the ID of the unit is: see `unsnag.frameworks.naming`.
        methods: Requests that may be part of a unit's way.
        failed_from: The lowest status of an answer that is a failure.
        options: What `unsnag.unit` takes beside the ID.
    """

    def __init__(
        self, rule: Rule, *, methods: Iterable[str], failed_from: int, options: Mapping[str, Any]
    ) -> None:
        self._naming = Naming(rule, options)
        self._methods = frozenset(method.upper() for method in methods)
        self._failed_from = failed_from

    def entry(
        self, method: str, source: Source, template: str | None, carrier: Mapping[str, object]
    ) -> Entry:
        """Return the entry of one request, not begun yet; `template` is its route, where there are routes."""
        if method not in self._methods:
            return Entry(None, "", carrier, is_request=True, is_reading=True)
        found = self._naming.find(source)
        place = template or _template(source.path, found)
        return Entry(found, f"{method} {place}", carrier, is_request=True)

    def answered(self, entry: Entry, status: int, error: BaseException | None = None) -> None:
        """Take what the status says; `error` is the exception that the framework turned into this answer."""
        if status >= self._failed_from:
            entry.fail(f"The request was answered with HTTP status {status}.", error)
        elif status >= REFUSED:
            entry.prove_nothing()


def _template(path: str, found: unit | None) -> str:
    """Return a path without the IDs in it, for an application that has no routes."""
    own = None if found is None else found.correlation_id
    pieces = path.split("/")
    return "/".join(
        "{unit}" if piece == own else "{id}" if piece.isdecimal() or _UUID.fullmatch(piece) else piece
        for piece in pieces
    )
