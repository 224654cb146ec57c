"""Cursors: where the next part of a list begins, as text that callers hand back unread.

A cursor holds when the first part was asked for, by which defaults such as "the last 24 hours" stay the same
for all parts; a digest of what was asked; and the place of the last item. It is no secret, and nothing of it
is trusted: a place that somebody makes up is one more place in a list that they may read.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request

from data.clock import aware, stored, utc_now
from data.paging import PageRequest
from server.api.problems import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from data.nouns import Page

T = TypeVar("T")
_MAX_CURSOR: Final = 4_000
_HEAD: Final = struct.Struct(">Bq8s")
_FORM: Final = 1
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as stored
_OLDEST: Final = timedelta(days=7)
"""A cursor of an older first part is refused: callers page at once."""
DAY: Final = timedelta(days=1)
_AHEAD: Final = timedelta(minutes=5)
_YEARS: Final = (1970, 2200)
_PAGING: Final = ("cursor", "limit")

Limit = Annotated[int, Query(ge=1, le=1_000, description="How many items at most.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=_MAX_CURSOR,
        description="`next` of the answer before; all other parameters but `limit` stay as they were.",
    ),
]
Moment = Annotated[str | None, Query(max_length=40, description="RFC 3339; without a zone: UTC.")]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which times a list looks; naive UTC, None is open."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a list a request asks for."""

    wanted: PageRequest
    at: datetime
    """When the first part was asked for; naive UTC."""
    digest: bytes
    """Of the path and the parameters: what the list is, and its order."""

    def page(self, found: Page[Any], items: Sequence[Any] | None = None) -> dict[str, Any]:
        """Return a list answer; `items` stand for those that were found."""
        more = None if found.after is None else self._cursor(found.after)
        return {"total": found.total, "items": found.items if items is None else items, "next": more}

    def bounds(self, start: str | None, end: str | None) -> Bounds:
        """Return the times that a request names; without a beginning, the day before the end, or before now.

        Raises:
            BadRequestError: one is not RFC 3339.
        """
        since, until = moment(start, "from"), moment(end, "to")
        return Bounds(since or (until or self.at) - DAY, until)

    def within(self, found: Page[Any], bounds: Bounds) -> dict[str, Any]:
        """Return a list answer that says between which times it looked."""
        return self.page(found) | {"from": aware(bounds.start), "to": aware(bounds.end)}

    def behind(self, of: Callable[[str], T]) -> T | None:
        """Return the place behind which the part begins, read by `of` from its text; None: at the beginning.

        Raises:
            BadRequestError: `of` raised a ValueError, as the text is no place of this list.
        """
        place = self.wanted.behind
        try:
            return None if place is None else of(place.decode())
        except ValueError:
            raise _foreign(self._cursor(place or b"")) from None

    def _cursor(self, place: bytes) -> str:
        head = _HEAD.pack(_FORM, (self.at - _EPOCH) // timedelta(microseconds=1), self.digest)
        return base64.urlsafe_b64encode(head + place).decode("ascii").rstrip("=")


def asked(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Asked:
    """Return which part of a list a request asks for.

    Raises:
        BadRequestError: the cursor is none of this server, or one of another list, filter or order.
    """
    digest = _digest(request)
    if cursor is None:
        return Asked(PageRequest(limit), stored(utc_now()), digest)
    at, of, place = _read(cursor)
    if of != digest:
        raise BadRequestError(
            "This cursor belongs to a list with another filter or order. Send the same parameters as for the "
            "page before, or leave `cursor` out to begin again."
        )
    return Asked(PageRequest(limit, behind=place), at, digest)


Paging = Annotated[Asked, Depends(asked)]


def _digest(request: Request) -> bytes:
    own = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in _PAGING)
    return hashlib.blake2b(repr((request.url.path, own)).encode(), digest_size=8).digest()


def _read(cursor: str) -> tuple[datetime, bytes, bytes]:
    """Return when the first part was asked for, the digest of what was asked, and the place."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        form, micros, digest = _HEAD.unpack_from(raw)
        at = _EPOCH + timedelta(microseconds=micros)
    except (ValueError, struct.error, OverflowError):
        raise _foreign(cursor) from None
    place, age = raw[_HEAD.size :], stored(utc_now()) - at
    if form != _FORM or not place or not -_AHEAD <= age <= _OLDEST:
        raise _foreign(cursor)
    return at, digest, place


def _foreign(cursor: str) -> BadRequestError:
    return BadRequestError(
        f"{cursor!r} is not a cursor of this server, or one of more than {_OLDEST.days} days ago. "
        "Leave `cursor` out to begin again."
    )


def page(total: int, items: list[Any]) -> dict[str, Any]:
    """Return a list answer that holds the whole list."""
    return {"total": total, "items": items, "next": None}


def moment(text: str | None, name: str, zone: str = "UTC") -> datetime | None:
    """Return a point in time as the store holds it: naive UTC. Without a zone of its own it is in `zone`.

    Raises:
        BadRequestError: it is not RFC 3339, or lies outside of the years that anything is computed for.
    """
    if text is None:
        return None
    try:
        # "+" in an unescaped query arrives as a space.
        parsed = datetime.fromisoformat(text.strip().replace(" 0", "+0"))
        parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(zone))
        found = parsed.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise BadRequestError(f"{name}={text!r} is not a time such as 2026-11-22T10:00:00Z.") from None
    if not _YEARS[0] <= found.year < _YEARS[1]:
        raise BadRequestError(f"{name}={text!r} is not between the years {_YEARS[0]} and {_YEARS[1]}.")
    return found
