"""Legal holds: what belongs to an ID or a flow is not removed until the hold is lifted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target
from audit import trail
from data.errors import ConflictError, UnsnagError
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx

CORRELATION_ID: Final = "correlation_id"
FLOW: Final = "flow"


class HoldNotFoundError(UnsnagError):
    """There is no such hold, or it was lifted."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Something that is not removed; lifted where `lifted_at` is set."""

    id: str
    kind: str
    """`correlation_id` or `flow`."""
    value: str
    reason: str
    set_by: str
    set_at: datetime
    lifted_by: str | None = None
    lifted_at: datetime | None = None
    lifted_because: str | None = None

    @property
    def details(self) -> dict[str, str]:
        """What the audit says of it."""
        return {self.kind: self.value}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Hold:
        """Return the hold of a row; its times are aware."""
        return _hold(row)


_hold = noun(Hold)


def holds(reading: Reading) -> list[Hold]:
    """Return all holds, also lifted ones, the newest first."""
    return reading.query("retention/all_holds", into=Hold.of)


@dataclass(frozen=True, slots=True)
class SetHold(Command["list[Hold]", None, str]):
    """Keep what belongs to a correlation ID, or to a flow; the answer is the hold's id.

    Raises, when performed:
        ConflictError: it is held already.
    """

    act: ClassVar = "store.hold"
    kind: str
    value: str
    reason: str

    def load(self, tx: Tx, _ctx: RequestContext) -> list[Hold]:
        """Return the holds that were set."""
        return tx.run("retention/all_holds", into=Hold.of)

    def authorize(self, _loaded: list[Hold]) -> Target:
        """Return the store."""
        return Target(subject="store")

    def decide(self, loaded: list[Hold], _ctx: RequestContext, _now: datetime) -> None:
        """Refuse a second hold on the same.

        Raises:
            ConflictError: it is held already.
        """
        standing = [one for one in loaded if one.lifted_at is None]
        if found := next((one for one in standing if (one.kind, one.value) == (self.kind, self.value)), None):
            raise ConflictError(f"{self.value} is held since {found.set_at:%Y-%m-%d} by {found.set_by}.")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> str:
        """Write the hold and its entry."""
        made = Hold(uuid.uuid4().hex[:12], self.kind, self.value, self.reason, ctx.actor.name, now)
        row = {"id": made.id, "kind": made.kind, "value": made.value, "reason": made.reason}
        tx.run("retention/insert_hold", {**row, "by": made.set_by, "now": now})
        trail.write(tx, [_entry(ctx, "held", made, self.reason)], now)
        return made.id


@dataclass(frozen=True, slots=True)
class LiftHold(Command["Hold | None", Hold, str]):
    """Let policies remove again what was held; the answer is the hold's id.

    Raises, when performed:
        HoldNotFoundError: there is no such hold, or it was lifted.
    """

    act: ClassVar = "store.hold"
    hold_id: str
    reason: str

    def load(self, tx: Tx, _ctx: RequestContext) -> Hold | None:
        """Return the hold."""
        found = tx.run("retention/all_holds", into=Hold.of)
        return next((one for one in found if one.id == self.hold_id and not one.lifted_at), None)

    def authorize(self, _loaded: Hold | None) -> Target:
        """Return the store."""
        return Target(subject="store")

    def decide(self, loaded: Hold | None, _ctx: RequestContext, _now: datetime) -> Hold:
        """Return what is lifted.

        Raises:
            HoldNotFoundError: there is no such hold, or it was lifted.
        """
        if loaded is None:
            raise HoldNotFoundError
        return loaded

    def apply(self, tx: Tx, decided: Hold, ctx: RequestContext, now: datetime) -> str:
        """Write that it is lifted, and the entry."""
        lifted = {"id": decided.id, "by": ctx.actor.name, "reason": self.reason, "now": now}
        tx.run("retention/lift_hold", lifted)
        trail.write(tx, [_entry(ctx, "hold lifted", decided, self.reason)], now)
        return decided.id


def _entry(ctx: RequestContext, verb: str, hold: Hold, reason: str) -> trail.Entry:
    return trail.Entry(verb, ctx.actor, subject=f"hold:{hold.id}", reason=reason, details=hold.details)
