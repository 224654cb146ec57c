"""Units that ended in foreign telemetry of which nobody states what success is. They are in no rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.clock import stored
from data.nouns import noun

if TYPE_CHECKING:
    from data.store import Reading
    from kpis.periods import Period


@dataclass(frozen=True, slots=True)
class Unruled:
    """Units of one flow that ended without a success rule."""

    flow: str
    units: int


_unruled: Final = noun(Unruled)


def unruled(reading: Reading, period: Period, flow: str | None = None) -> list[Unruled]:
    """Return the flows of a period that have no success rule, the one with most units first.

    A flow that has one now may be here for units that ended before it had.
    """
    params = {"from": stored(period.start), "to": stored(period.end), "flow": flow}
    return reading.query("kpis/units_without_rule", params, into=_unruled)
