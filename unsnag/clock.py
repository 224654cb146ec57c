"""The time that telemetry carries: the machine's clock, a shifted one, or a test's own.

A shifted clock (``UNSNAG_CLOCK_OFFSET_S``) produces back-dated telemetry from programs that run today.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ENV_OFFSET = "UNSNAG_CLOCK_OFFSET_S"

now_ns: Callable[[], int] = time.time_ns
"""Nanoseconds since 1970. Read it as ``clock.now_ns()``, since it is replaced."""


def is_real() -> bool:
    """Say whether telemetry lives by the machine's clock."""
    return now_ns is time.time_ns


def use(source: Callable[[], int] | None) -> None:
    """Live by another clock, or with None by the machine's again."""
    global now_ns  # noqa: PLW0603 - one process has one time
    now_ns = source or time.time_ns


def shift_by_environment() -> None:
    """Shift the machine's clock as the environment says; a clock that was set stays."""
    try:
        offset_ns = int(float(os.environ.get(ENV_OFFSET) or 0) * 1e9)
    except (ValueError, OverflowError):
        return
    if offset_ns and is_real():
        use(lambda: time.time_ns() + offset_ns)


_cached = (-1, b"")


def second(number: int) -> bytes:
    """Return a second since 1970 as ``2026-11-22T09:14:00``, which a fraction and a Z complete."""
    global _cached  # noqa: PLW0603 - formatting the date once a second halves the cost
    cached = _cached
    if number != cached[0]:
        cached = _cached = (number, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(number)).encode())
    return cached[1]
