"""The disk under the store: how full it is, when it will be full, and how much must stay free.

DuckDB gives a database up when the disk fills while it writes a checkpoint. So the writer stops while there
is still space for one: as much as the write-ahead log holds, and a reserve.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from data import formats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RESERVE: Final = 256 * 10**6
WARN_PERCENT: Final = 90
WARN_DAYS: Final = 7.0
_SAMPLE_S: Final = 60.0
_SAMPLES: Final = 24 * 60
_TREND_S: Final = 1800.0
"""A trend over less than this says nothing: a checkpoint alone moves it."""
_DAY_S: Final = 86_400.0


@dataclass(slots=True)
class Disk:
    """The file system of one store. Sizes are in bytes."""

    database: Path
    reserve: int = RESERVE
    reusable: Callable[[], int] = lambda: 0
    """Bytes of the database file that hold nothing: what is removed makes place there, not on the disk."""
    _reusable: int = 0
    _used: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    @property
    def free(self) -> int:
        """What this user may still write."""
        found = os.statvfs(self.database.parent)
        return found.f_bavail * found.f_frsize

    @property
    def percent(self) -> float:
        """How much of what this user may use is used, of 100."""
        found = os.statvfs(self.database.parent)
        used = found.f_blocks - found.f_bfree
        return 100.0 * used / max(used + found.f_bavail, 1)

    def needed(self) -> int:
        """Return how much has to stay free: what a checkpoint may need, and the reserve."""
        try:
            log = self.database.with_name(f"{self.database.name}.wal").stat().st_size
        except OSError:
            log = 0
        return log + self.reserve

    def refusal(self) -> str | None:
        """Return why nothing more can be written, or None."""
        free, needed = self.free, self.needed()
        if free >= needed:
            return None
        sizes = f"{formats.size(free)} are free, and {formats.size(needed)} have to stay free"
        return (
            f"The disk of the store is full: {sizes}. Nothing is written and nothing is lost: senders try "
            "again. Free space, or give the store a larger disk; writing resumes by itself."
        )

    def sample(self, now: float | None = None) -> None:
        """Remember how much is used, at most once a minute, for a day."""
        at = time.monotonic() if now is None else now
        if not self._used or at - self._used[-1][0] >= _SAMPLE_S:
            found = os.statvfs(self.database.parent)
            self._reusable = self.reusable()
            self._used.append((at, (found.f_blocks - found.f_bfree) * found.f_frsize - self._reusable))

    def days_left(self) -> float | None:
        """Return when the disk will be full at the pace of the last day; None while that is not known."""
        if not self._used:
            return None
        (begun, before), (ended, after) = self._used[0], self._used[-1]
        if ended - begun < _TREND_S or after <= before:
            return None
        left = max(self.free - self.needed(), 0) + self._reusable
        return left / ((after - before) / (ended - begun)) / _DAY_S

    def warning(self) -> str | None:
        """Return that the disk will soon be full, or None."""
        percent, days = self.percent, self.days_left()
        if percent < WARN_PERCENT and (days is None or days >= WARN_DAYS):
            return None
        pace = (
            "" if days is None else f", and full in {formats.number(days)} days at the pace of the last day"
        )
        return (
            f"The disk of the store is {percent:.0f} % full{pace}: {formats.size(self.free)} are free. The "
            f"store stops writing at {formats.size(self.needed())}. Free space, or give it a larger disk."
        )
