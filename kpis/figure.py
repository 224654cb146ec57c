"""One figure: a KPI of one period, with what it takes to trust it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

COMMON_COLUMNS: Final = ("period", "key", "value", "n", "in_flight")
"""The columns that every KPI's statement returns; all others are details of that KPI."""


@dataclass(frozen=True, slots=True)
class Part:
    """A figure's share of one key."""

    key: str
    value: Any
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a KPI's statement returns for a period, or for a part of one."""

    period: int = 0
    key: str | None = None
    value: Any
    n: int = 0
    in_flight: int = 0
    currency: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """The columns that only this KPI has."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Counted:
        """Return what a row of the statement counts."""
        details = {name: value for name, value in row.items() if name not in COMMON_COLUMNS}
        return _counted(row, details=details)


_counted: Final = noun(Counted)


@dataclass(frozen=True, slots=True)
class Point:
    """One KPI in one part of a period."""

    start: datetime
    end: datetime
    value: Any
    n: int


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure of one period."""

    id: str
    name: str
    value: Any
    """float, or Decimal for money; None where nothing was counted."""
    unit: str
    """As in the definition; for money the currency code."""
    n: int
    in_flight: int
    definition_version: int
    better: str
    previous: Any
    """The value of the period before, cut at the same point where this one still runs."""
    previous_n: int
    floor: int
    breakdown: list[Part] = field(default_factory=list)
    """Parts of `n` that add up to it, the biggest first."""
    trend: list[Point] = field(default_factory=list)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def too_few(self) -> bool:
        """Return whether n is below the floor: the figure then says little."""
        return self.n < self.floor
