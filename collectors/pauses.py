"""How long each source usually pauses: the longest time between its records of the last seven days."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from data.clock import stored

if TYPE_CHECKING:
    from datetime import datetime

    from data.ports import Telemetry

_DAYS: Final = timedelta(days=7)
_FRESH: Final = timedelta(minutes=15)
_FEWEST: Final = 3


class Pauses:
    """Asks telemetry for pauses, and keeps the answer for a while: it reads a week of arrivals."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._known: dict[str, float] = {}
        self._queried_at: datetime | None = None

    def longest_s(self, source: str, now: datetime) -> float | None:
        """Return the longest pause in seconds; None where fewer than three are known."""
        with self._lock:
            if self._queried_at is None or now - self._queried_at > _FRESH:
                rows = self._telemetry.query("collectors/pauses", {"since": stored(now - _DAYS)})
                self._known = {row["source"]: row["longest_s"] for row in rows if row["pauses"] >= _FEWEST}
                self._queried_at = now
            return self._known.get(source)
