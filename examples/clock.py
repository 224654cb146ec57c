"""The time as the example programs see it: real, shifted by UNSNAG_CLOCK_OFFSET_S, or simulated."""

from __future__ import annotations

import os
import time as real
from datetime import UTC, datetime


class Clock:
    """The machine's clock, shifted by as many seconds as the environment says."""

    def time(self) -> float:
        """Return seconds since 1970."""
        return real.time() + float(os.environ.get("UNSNAG_CLOCK_OFFSET_S", "0"))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        real.sleep(seconds)


class SimulatedClock(Clock):
    """A clock on which waiting takes no time, while work takes as long as it really does."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._since = real.perf_counter()

    def time(self) -> float:
        """Return simulated seconds since 1970."""
        return self._start + real.perf_counter() - self._since

    def sleep(self, seconds: float) -> None:
        """Step forward at once."""
        self._start += seconds

    def sleep_until(self, moment: float) -> None:
        """Step forward to a moment; a moment in the past changes nothing."""
        self.sleep(max(0.0, moment - self.time()))


_current = Clock()


def use(clock: Clock) -> None:
    """Make every example program in this process live by another clock."""
    global _current  # noqa: PLW0603 - one process has one time
    _current = clock


def time() -> float:
    """Return seconds since 1970."""
    return _current.time()


def time_ns() -> int:
    """Return nanoseconds since 1970."""
    return int(_current.time() * 1e9)


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.fromtimestamp(time(), UTC)


def seconds(moment: str) -> float:
    """Turn a time as the REST API writes it into seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


def sleep(seconds: float) -> None:
    """Wait."""
    _current.sleep(seconds)
