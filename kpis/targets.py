"""What people set for a figure: its target, and who answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from access.commands import Command, Target
from audit import trail
from kpis.definition import definition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from audit.actor import Actor
    from data.store import Reading
    from data.transaction import Tx


class Aim(NamedTuple):
    """The target of a KPI, in its unit, and its owner; None where nobody set it."""

    target: float | None = None
    owner: str | None = None


def aims(reading: Reading, flow: str | None) -> dict[str, Aim]:
    """Return what was set over all flows, or for one flow, by KPI."""
    return dict(reading.query("kpis/targets", {"flow": flow}, into=_aim_of))


def _aim_of(row: Mapping[str, Any]) -> tuple[str, Aim]:
    kpi, latest = row.values()
    return kpi, Aim(**latest)


class FigureCommand(Command[None, None, dict[str, Any]]):
    """Sets what a figure is held against, over all flows or in one."""

    act: ClassVar = "kpi.target"
    kpi_id: str
    flow: str | None

    def authorize(self, _loaded: None) -> Target:
        """Return the figure."""
        return Target(subject=f"figure:{self.kpi_id}", flow=self.flow)


@dataclass(frozen=True, slots=True)
class SetTarget(FigureCommand):
    """Set the target and the owner of a KPI, over all flows or for one; None takes it away."""

    kpi_id: str
    target: float | None
    owner: str | None
    flow: str | None = None

    def decide(self, _loaded: None, _ctx: RequestContext, _now: datetime) -> None:
        """Refuse a KPI that is none.

        Raises:
            UnknownKpiError: there is no such KPI.
        """
        definition(self.kpi_id)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write what was set, and who set it."""
        row = set_aim(tx, self.kpi_id, self.flow, Aim(self.target, self.owner), ctx.actor, now)
        return {"id": self.kpi_id, **row}


def set_aim(  # noqa: PLR0917 - the order of the words: of which figure, in which flow, what, by whom, when
    tx: Tx, kpi: str, flow: str | None, aim: Aim, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Write what counts for a KPI from now on, over all flows or for one, with its entry in the audit."""
    row = {"target": aim.target, "owner": aim.owner, "flow": flow}
    tx.run("kpis/set_target", {**row, "kpi": kpi, "actor": actor.name, "now": now})
    trail.write(tx, [trail.Entry("target set", actor, subject=f"figure:{kpi}", details=row)], now)
    return row
