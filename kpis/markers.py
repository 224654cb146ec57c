"""Change markers: what changed in the automations, beside the figures that it may have moved.

1. Somebody, or what deploys, marks a change: a deploy or anything else, of one flow or of all.
2. Settings of flows, mappings and currencies are changes by themselves: the audit has them.
3. Each trend shows the changes of its weeks; `effect` compares each figure before and after one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target
from audit import trail
from data.clock import stored
from data.errors import UnsnagError
from data.nouns import noun, shallow
from kpis import scoreboard
from kpis.periods import Period
from kpis.review.written import checked_text

if TYPE_CHECKING:
    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx
    from kpis.figure import Kpi

KINDS: Final = ("deploy", "change")
DAYS: Final = 7
"""How long before and after a change is compared, where nobody says otherwise."""
_AHEAD: Final = timedelta(minutes=5)
_EVER: Final = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


class MarkerNotFoundError(UnsnagError):
    """There is no such change, or the caller may not see it."""


class MarkerTimeError(UnsnagError):
    """A change is marked once it has happened."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed in the automations."""

    id: str
    kind: str
    """deploy or change, as somebody marked it; settings: of a flow, a mapping or currencies."""
    flow: str | None
    """None: it is about all flows."""
    text: str
    version: str | None
    link: str | None
    happened_at: datetime
    actor: str

    @property
    def words(self) -> str:
        """Return the change as text, with its flow."""
        return f"{self.flow}: {self.text}" if self.flow else self.text


_change: Final = noun(Change)


def changes(
    reading: Reading, since: datetime, until: datetime, flow: str | None = None, marker: str | None = None
) -> list[Change]:
    """Return the changes from a moment up to another, the latest first: of a flow, those of all flows too.

    Within a scope: those of the flows that it has, and markers of all flows.
    """
    asked = {"since": stored(since), "to": stored(until), "flow": flow, "id": marker}
    found = reading.query("kpis/changes", asked, into=_change)
    if reading.scope is None:
        return found
    known = scoreboard.flows(reading)
    return [one for one in found if one.flow in known or (one.flow is None and one.kind in KINDS)]


def place(one: Change) -> bytes:
    """Return the place of a change in a list, the latest first."""
    before_the_end = _EVER[1] - one.happened_at
    return f"{before_the_end // timedelta(microseconds=1):020d}{one.id}".encode()


def change(reading: Reading, marker: str) -> Change:
    """Return one change.

    Raises:
        MarkerNotFoundError: there is none with this id, or the scope does not reach it.
    """
    found = changes(reading, *_EVER, marker=marker)
    if not found:
        raise MarkerNotFoundError
    return found[0]


def around(one: Change, days: int, zone: str, now: datetime) -> Period:
    """Return the days after a change, cut now; its period before are the same hours before it."""
    return Period(one.happened_at, one.happened_at + timedelta(days=days), zone).until(now)


def effect(reading: Reading, one: Change, days: int, zone: str, now: datetime) -> list[Kpi]:
    """Return each figure after a change, with the time before it as what it is compared with."""
    return scoreboard.board(reading, around(one, days, zone, now), one.flow)


@dataclass(frozen=True, slots=True)
class AddMarker(Command[None, Change, "dict[str, Any]"]):
    """Mark a change of the automations, of one flow or of all."""

    act: ClassVar = "marker.set"
    text: str
    kind: str = "deploy"
    flow: str | None = None
    version: str | None = None
    link: str | None = None
    happened_at: datetime | None = None
    """None: now."""

    def authorize(self, _loaded: None) -> Target:
        """Return a role for anything: what it must reach is asked with the rule."""
        return Target(subject="marker", anywhere=True)

    def decide(self, _loaded: None, ctx: RequestContext, now: datetime) -> Change:
        """Return the marker.

        Raises:
            EmptyTextError: it has no words.
            MarkerTimeError: it has not happened yet.
            ForbiddenError: the role does not reach the flow; a marker of all flows takes one for everything.
        """
        moment = now.replace(tzinfo=UTC)
        happened = self.happened_at or moment
        if happened < _EVER[0]:
            raise MarkerTimeError(f"{happened.isoformat()} is no time of a change: begin in 1970.")
        if happened > moment + _AHEAD:
            raise MarkerTimeError(f"{happened.isoformat()} lies ahead. Mark a change once it has happened.")
        text = checked_text(self.text, "marker")
        ctx.authority.decide(ctx.actor, self.act, None, self.flow)
        return Change(
            uuid.uuid4().hex, self.kind, self.flow, text, self.version, self.link, happened, ctx.actor.name
        )

    def apply(self, tx: Tx, decided: Change, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the marker and its entry."""
        row = shallow(decided, ("id", "kind", "flow", "text", "version", "link"))
        happened = stored(decided.happened_at)
        tx.run("kpis/insert_marker", {**row, "happened_at": happened, "actor": ctx.actor.name, "now": now})
        entry = trail.Entry(
            "marker set", ctx.actor, subject=f"marker:{decided.id}", details=row | {"at": str(happened)}
        )
        trail.write(tx, [entry], now)
        return shallow(decided)

    def kept(self, answer: dict[str, Any]) -> Any:
        """Return the answer with its time as text."""
        return {name: str(one) if isinstance(one, datetime) else one for name, one in answer.items()}


@dataclass(frozen=True, slots=True)
class RemoveMarker(Command["list[str | None]", None, "dict[str, str]"]):
    """Take away a marker that was wrong; the audit keeps it."""

    act: ClassVar = "marker.set"
    marker: str

    def load(self, tx: Tx, _ctx: RequestContext) -> list[str | None]:
        """Return the flow of the marker, where it stands."""
        return [flow for row in tx.run("kpis/marker", {"id": self.marker}) for flow in row.values()]

    def authorize(self, loaded: list[str | None]) -> Target:
        """Return the flow of the marker."""
        return Target(subject=f"marker:{self.marker}", flow=loaded[0] if loaded else None)

    def decide(self, loaded: list[str | None], _ctx: RequestContext, _now: datetime) -> None:
        """Refuse what is no marker.

        Raises:
            MarkerNotFoundError: there is none, or it was taken away.
        """
        if not loaded:
            raise MarkerNotFoundError

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Take it away, and record that."""
        tx.run("kpis/remove_marker", {"id": self.marker, "actor": ctx.actor.name, "now": now})
        entry = trail.Entry("marker removed", ctx.actor, subject=f"marker:{self.marker}")
        trail.write(tx, [entry], now)
        return {"id": self.marker}
