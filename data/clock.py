"""Times at the store's border: aware UTC outside, naive UTC `TIMESTAMP` inside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_other: list[Callable[[], datetime]] = []


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return _other[0]() if _other else datetime.now(UTC)


def use(clock: Callable[[], datetime] | None) -> None:
    """Make this process live by another clock, or with None by the machine's again.

    The examples' history is made so: by running the real parts, weeks ago.
    """
    _other[:] = [clock] if clock else []


def stored(moment: datetime) -> datetime:
    """Turn an aware moment into the naive UTC one that the store holds."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime | None) -> datetime | None:
    """Turn a stored moment into an aware one."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Return microseconds since the epoch."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
