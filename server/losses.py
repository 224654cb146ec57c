"""Acknowledged commits that are missing from the store: how they are shown, and the decision to go on.

Until an operator decides, everything can be read and nothing is written: collectors wait, senders are asked
to try again, so that a backup can be restored and what they hold is not lost as well.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Final, cast

from access.commands import Command, Target, perform
from audit import trail
from data.errors import ConflictError

if TYPE_CHECKING:
    from datetime import datetime

    from access.context import RequestContext
    from data.transaction import Tx
    from data.witness import Loss
    from server.context import ServerContext

_DECIDE: Final = (
    "Nothing is written until you decide: restore a backup with `python app.py restore BACKUP`, or go on "
    "without what is missing with `python app.py store accept --reason REASON`."
)


def explained(loss: Loss) -> str:
    """Return what is missing, and what to do."""
    return f"{loss} {_DECIDE}"


@dataclass(frozen=True, slots=True)
class AcceptLoss(Command["Loss | None", "Loss", str]):
    """Go on without the commits that are missing; the answer says what they were.

    Checkpoints of the audit that saw lost entries are moved to a file beside theirs: the chain continues from
    what is left.
    """

    act: ClassVar = "store.accept"
    reason: str

    def load(self, _tx: Tx, ctx: RequestContext) -> Loss | None:
        """Return what was missing when the store was opened."""
        return ctx.store.loss

    def authorize(self, _loaded: Loss | None) -> Target:
        """Return the store."""
        return Target(subject="store")

    def decide(self, loaded: Loss | None, _ctx: RequestContext, _now: datetime) -> Loss:
        """Return what is accepted.

        Raises:
            ConflictError: nothing is missing.
        """
        if loaded is None:
            raise ConflictError("Nothing is missing from the store: there is nothing to accept.")
        return loaded

    def apply(self, tx: Tx, decided: Loss, ctx: RequestContext, now: datetime) -> str:
        """Write the entry, and let the store write again once it is on disk."""
        aside = cast("ServerContext", ctx).container.watch.set_aside(now)
        details = {**asdict(decided), "checkpoints_moved_to": aside.name if aside else None}
        entry = trail.Entry("loss accepted", ctx.actor, subject="store", reason=self.reason, details=details)
        trail.write(tx, [entry], now)
        tx.after_commit.append(ctx.store.forget_loss)
        return str(decided)


def accept(ctx: ServerContext, reason: str, key: str | None = None) -> str:
    """Go on without the commits that are missing, and return what they were.

    Raises:
        ConflictError: nothing is missing.
        ForbiddenError: the actor may not.
        CheckpointError: the file of the checkpoints cannot be written.
    """
    ctx.authority.decide(ctx.actor, AcceptLoss.act)
    held = ctx.store.held
    ctx.store.hold(None)
    try:
        missing = perform(AcceptLoss(reason), ctx, key=key)
    except BaseException:
        ctx.store.hold(held)
        raise
    ctx.container.watch.check_all()
    return missing
