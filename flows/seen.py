"""Flows as the page and REST list them: seen in telemetry, or with settings, with what hurts in each."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from data import queries
from data.clock import stored
from data.nouns import noun
from kpis.definition import definition
from kpis.figure import Counted
from kpis.periods import last

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from collectors.mapping_text import Fault
    from data.store import Reading
    from flows.book import FlowBook
    from flows.kept import Version
    from flows.model import FlowSettings
    from kpis.periods import Period

DAYS: Final = 28
"""Over which the touchless rate is shown."""
VALID: Final = "valid"
REFUSED: Final = "refused"
NONE: Final = "none"
_MOST: Final = 2**32 - 1
_PLACE: Final = struct.Struct(">BI")
_ORDER: Final = ("critical", "high", "medium", "low", None)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What telemetry says of a flow."""

    flow: str
    units: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """Money at risk in one currency."""

    currency: str
    amount: Any
    n: int


@dataclass(frozen=True, slots=True)
class SeenFlow:
    """A flow with its settings and what hurts."""

    name: str
    arrived: Arrived
    state: str
    """`valid`, `refused` (an earlier version counts, where there is one), or `none`."""
    settings: FlowSettings | None
    version: Version | None
    file: str | None
    faults: Sequence[Fault] = ()
    touchless: float | None = None
    """Percent of the units that were completed in the last 28 days; None: none was."""
    completed: int = 0
    open_exceptions: int = 0
    at_risk: list[Sum] = field(default_factory=list)

    @property
    def owner(self) -> str | None:
        """Who answers for the flow."""
        return self.settings.owner if self.settings else None

    @property
    def contact(self) -> str | None:
        """How the owner is reached."""
        return self.settings.contact if self.settings else None

    @property
    def criticality(self) -> str | None:
        """How much depends on it, as its settings say."""
        return self.settings.criticality if self.settings else None


def listed(reading: Reading, book: FlowBook, now: datetime, zone: str) -> list[SeenFlow]:
    """Return the flows that the reader may see: critical ones first, then those with most open exceptions.

    A reader of a part sees the settings of the flows that arrived within it, and no others.
    """
    arrived = {one.flow: one for one in reading.query("flows/arrived", into=noun(Arrived))}
    named = {*book.settings, *book.refused_flows} if reading.scope is None else set()
    period = last(DAYS, now, zone)
    touchless, waiting, money = (_by_flow(reading, kpi, period) for kpi in ("K1", "K16", "K8"))
    found = [
        _seen(name, arrived.get(name), book, touchless.get(name), waiting.get(name), money.get(name))
        for name in {*arrived, *named}
    ]
    return sorted(found, key=place)


def place(one: SeenFlow) -> bytes:
    """Return the place of a flow in the list."""
    return _PLACE.pack(_ORDER.index(one.criticality), _MOST - one.open_exceptions) + one.name.encode()


def _seen(  # noqa: PLR0917 - the order of the columns
    name: str,
    arrived: Arrived | None,
    book: FlowBook,
    touchless: Counted | None,
    waiting: Counted | None,
    money: Counted | None,
) -> SeenFlow:
    version, refused = book.versions.get(name), book.refused_flows.get(name)
    settings = book.settings.get(name)
    return SeenFlow(
        name=name,
        arrived=arrived or Arrived(name),
        state=REFUSED if refused else VALID if settings else NONE,
        settings=settings,
        version=version,
        file=refused or (version.file if version else None),
        faults=book.refused.get(refused, ()) if refused else (),
        touchless=touchless.value if touchless else None,
        completed=touchless.n if touchless else 0,
        open_exceptions=waiting.n if waiting else 0,
        at_risk=_sums(money.details if money else {}),
    )


def _sums(details: Mapping[str, Any]) -> list[Sum]:
    return [noun(Sum)(one) for one in details.get("currencies") or () if one.get("amount")]


def _by_flow(reading: Reading, kpi: str, period: Period) -> dict[str | None, Counted]:
    """Return a figure of each flow, with its details."""
    meant = definition(kpi)
    zone = {"zone": period.zone} if queries.takes(meant.statement, "zone") else {}
    params = {"starts": [stored(period.start)], "ends": [stored(period.end)], "flow": None, "by": "flow"}
    return {one.key: one for one in reading.query(meant.statement, {**params, **zone}, into=Counted.of)}
