"""Cursors: where the next part of a list begins, as text that callers hand back unread."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Query

from server.api.problems import BadRequestError

Limit = Annotated[int, Query(ge=1, le=1_000, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=64, description="`next` of the answer before.")]
Moment = Annotated[str | None, Query(max_length=40, description="RFC 3339; without a zone: UTC.")]
_MAX_OFFSET = 10_000_000


def offset(cursor: str | None) -> int:
    """Return where a cursor points.

    Raises:
        BadRequestError: it is not one of ours.
    """
    if cursor is None:
        return 0
    try:
        value = int(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, UnicodeEncodeError, binascii.Error):
        raise BadRequestError(f"{cursor!r} is not a cursor of this server.") from None
    if not 0 <= value <= _MAX_OFFSET:
        raise BadRequestError(f"{cursor!r} is not a cursor of this server.")
    return value


def page(total: int, items: list[Any], start: int) -> dict[str, Any]:
    """Return a list answer."""
    end = start + len(items)
    more = base64.urlsafe_b64encode(str(end).encode()).decode() if items and end < total else None
    return {"total": total, "items": items, "next": more}


def moment(text: str | None, name: str, zone: str = "UTC") -> datetime | None:
    """Return a point in time as the store holds it: naive UTC. Without a zone of its own it is in `zone`.

    Raises:
        BadRequestError: it is not RFC 3339.
    """
    if text is None:
        return None
    try:
        # "+" in an unescaped query arrives as a space.
        parsed = datetime.fromisoformat(text.strip().replace(" 0", "+0"))
        parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(zone))
        return parsed.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise BadRequestError(f"{name}={text!r} is not a time such as 2026-11-22T10:00:00Z.") from None
