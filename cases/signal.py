"""The signal that a unit, or one task of it, ended well: what may prove a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.nouns import noun

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A success as it is stored; `time` is naive UTC."""

    record_id: int
    correlation_id: str
    tenant: str | None
    flow: str
    time: datetime
    part: str | None
    final: bool
    """Whether it says that its unit is complete."""
    retry_id: str | None
    """The lease of the retry that it comes from."""
    clock: str | None
    seq: int | None
    """Its place among what its process wrote."""
    step: str | None
    """Of a task: its step. None where it speaks for the unit."""
    map_index: str | None

    @property
    def order(self) -> tuple[datetime, int]:
        """Its place in time among others."""
        return self.time, self.record_id


signal_of = noun(Signal, aware=False)
"""Make a signal of a row of `unit_signal`."""
