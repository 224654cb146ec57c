"""What service levels and comparisons are held against: objectives of flows, and baselines.

Both are append-only and set over all flows, or for one; what is set for a flow counts there instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from audit import trail
from data.clock import stored
from data.errors import UnsnagError
from data.nouns import noun
from kpis.definition import definition
from kpis.targets import FigureCommand

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx
    from kpis.periods import Period

AIMED: Final = "K14"
"""The figure whose objective is another number than its target: how long a unit may take."""
COMPARED: Final = "K32"
"""The figure that compares with a baseline."""


class NoObjectiveError(UnsnagError):
    """The figure takes none, or it is none."""


@dataclass(frozen=True, slots=True)
class Objective:
    """How many seconds a unit may take; `flow` is None where it is that of all flows without one."""

    kpi: str
    flow: str | None
    bound: float


class Baseline(NamedTuple):
    """The time that is compared with; all are None where nobody set one. The moments are the store's own."""

    name: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


_objective: Final = noun(Objective)


def objectives(reading: Reading) -> list[Objective]:
    """Return the objectives that hold now, that of all flows first."""
    return reading.query("kpis/objectives", into=_objective)


def baseline(reading: Reading, flow: str | None) -> Baseline:
    """Return the baseline of a flow: its own, else that over all flows."""
    found = dict(reading.query("kpis/baselines", into=_of_flow))
    own = found.get(flow, Baseline())
    return own if own.name else found.get(None, Baseline())


def _of_flow(row: Mapping[str, Any]) -> tuple[str | None, Baseline]:
    flow, latest = row.values()
    return flow, Baseline(**latest)


@dataclass(frozen=True, slots=True)
class SetObjective(FigureCommand):
    """Set how long a unit may take, over all flows or in one; None takes it away."""

    kpi_id: str
    seconds: float | None
    flow: str | None = None

    def decide(self, _loaded: None, _ctx: RequestContext, _now: datetime) -> None:
        """Refuse what is no objective, and figures that take none.

        Raises:
            UnknownKpiError: there is no such KPI.
            NoObjectiveError: the figure takes no objective, or it is none.
        """
        name = definition(self.kpi_id).name
        if self.kpi_id != AIMED:
            raise NoObjectiveError(f"{name} takes no objective in seconds. {AIMED} does.")
        if self.seconds is not None and not self.seconds > 0:
            raise NoObjectiveError(f"An objective must be more than 0 seconds, not {self.seconds:g}.")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write what was set, and who set it."""
        row = {"flow": self.flow, "bound": self.seconds}
        tx.run("kpis/insert_objective", {**row, "kpi": self.kpi_id, "actor": ctx.actor.name, "now": now})
        entry = trail.Entry("objective set", ctx.actor, subject=f"figure:{self.kpi_id}", details=row)
        trail.write(tx, [entry], now)
        return {"id": self.kpi_id, "flow": self.flow, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class SetBaseline(FigureCommand):
    """Set the time that a figure compares with, over all flows or in one; None takes it away."""

    kpi_id: str
    name: str | None
    period: Period | None
    flow: str | None = None

    def decide(self, _loaded: None, _ctx: RequestContext, now: datetime) -> None:
        """Refuse what is no baseline, and figures that take none.

        Raises:
            UnknownKpiError: there is no such KPI.
            NoObjectiveError: the figure takes no baseline, or it is none.
        """
        name = definition(self.kpi_id).name
        if self.kpi_id != COMPARED:
            raise NoObjectiveError(f"{name} takes no baseline. {COMPARED} does.")
        if (self.name is None) != (self.period is None):
            raise NoObjectiveError("A baseline has a name, a start and an end; leave out all three for none.")
        if self.period and stored(self.period.end) > now:
            raise NoObjectiveError(
                "A baseline must be over, or its figures would still change. Choose an end in the past."
            )

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write what was set, and who set it."""
        start, end = (self.period.start, self.period.end) if self.period else (None, None)
        row = {"flow": self.flow, "name": self.name}
        times = {"start": stored(start) if start else None, "end": stored(end) if end else None}
        tx.run("kpis/insert_baseline", {**row, **times, "actor": ctx.actor.name, "now": now})
        details = row | {name: str(time) if time else None for name, time in times.items()}
        entry = trail.Entry("baseline set", ctx.actor, subject=f"figure:{self.kpi_id}", details=details)
        trail.write(tx, [entry], now)
        return {"id": self.kpi_id, **row, "start": start, "end": end}
