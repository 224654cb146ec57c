"""How long a unit took, and which idle gaps of it are folded.

Pure functions: spans and logs go in, seconds come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cases.unit import UnitState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cases.unit import Records, UnitDetail
    from traces.telemetry import Span

    Interval = tuple[float, float]

FOLD_SHARE: Final = 0.1


FOLD_MS: Final = 30_000.0
"""An idle gap is folded when it is longer than this, and than this share of what is not folded yet."""


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union of intervals, in order."""
    union: list[Interval] = []
    for low, high in sorted(intervals):
        if union and low <= union[-1][1]:
            union[-1] = union[-1][0], max(high, union[-1][1])
        else:
            union.append((low, high))
    return union


def gaps(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the idle gaps that are folded at first, in order; all in milliseconds.

    The longest goes first: once it is folded, the next one is compared with what is left.
    """
    union = merged(intervals)
    if not union:
        return []
    left = union[-1][1] - union[0][0]
    folded = []
    idle = [(before[1], after[0]) for before, after in pairwise(union)]
    for low, high in sorted(idle, key=lambda gap: gap[0] - gap[1]):
        if high - low <= max(FOLD_MS, FOLD_SHARE * left):
            break
        folded.append((low, high))
        left -= high - low
    return sorted(folded)


def working(spans: Sequence[Span]) -> float:
    """Return the seconds in which at least one span was running."""
    union = merged((span.start.timestamp(), span.end.timestamp()) for span in spans)
    return sum(high - low for low, high in union)


def bounds(found: Records) -> tuple[datetime, datetime] | None:
    """Return the first and the last moment that a span or a log speaks of."""
    times = [time for span in found.spans for time in (span.start, span.end)]
    times += [log.time for log in found.logs]
    return (min(times), max(times)) if times else None


@dataclass(frozen=True, slots=True)
class Times:
    """How long a unit took, in seconds."""

    total: float
    working: float

    @property
    def waiting(self) -> float:
        """Return the rest: nothing was running."""
        return max(0.0, self.total - self.working)


def times(unit: UnitDetail, now: datetime) -> Times:
    """Return how long a unit took; one in flight takes until now."""
    known = bounds(unit)
    if known is None:
        return Times(0.0, 0.0)
    end = max(now, known[1]) if unit.state is UnitState.IN_FLIGHT else known[1]
    return Times((end - known[0]).total_seconds(), working(unit.spans))
