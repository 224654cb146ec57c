"""What arrived lately: how a page that waits for the first record of a script sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.clock import stored
from data.nouns import noun

if TYPE_CHECKING:
    from datetime import datetime

    from data.ports import Telemetry

_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Arrival:
    """Records of one source, service, flow and ID that arrived after a moment."""

    source: str
    service: str | None
    flow: str | None
    correlation_id: str | None
    arrived_at: datetime
    records: int
    errors: int


def arrivals(telemetry: Telemetry, after: datetime) -> list[Arrival]:
    """Return what arrived after a moment, the latest first, 50 at most."""
    return telemetry.query("server/arrivals", {"since": stored(after), "limit": _MOST}, into=noun(Arrival))
