"""What people do with batches: freeze a list, start it, pause, resume and cancel it. See `cases.batches`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target
from access.errors import ForbiddenError
from audit import trail
from cases import lifecycle, workers
from cases.batch_terms import NOTHING, Terms, refuse_unfit
from cases.batches import (
    FOR_OTHERS,
    STARTED,
    VERBS,
    Batch,
    BatchNotFoundError,
    BatchState,
    BatchStateError,
    EmptyFilterError,
    ItemState,
    Sample,
    noun_of_money,
)
from cases.errors import InvalidActError
from cases.queries import CaseFilter
from cases.search import Asker, parse
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from access.context import RequestContext
    from data.transaction import Tx

SAMPLES: Final = 5
MOST_IDS: Final = 10_000
_FORGOTTEN: Final = timedelta(days=1)
"""How long a list is kept that nobody starts."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a frozen list reaches."""

    total: int
    left_out: int
    flows: Sequence[str]
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class FreezeBatch(Command[None, Batch, Batch]):
    """Freeze the list of what a batch would act on. Nothing is acted on, so the audit does not have it.

    Raises, when performed:
        EmptyFilterError: the filter chooses nothing in particular, and there are no ids.
        InvalidSearchError: the search cannot be read.
        InvalidActError: there is no such act, or both a filter and ids are given.
    """

    act: ClassVar = "batch.freeze"
    verb: str
    """A key of `cases.batches.VERBS`."""
    chosen: CaseFilter | None = None
    search: str | None = None
    """A search that narrows the filter; see `cases.search`."""
    ids: tuple[str, ...] | None = None
    undeclared: bool = False
    code: str | None = None
    reason: str | None = None
    given: Terms = NOTHING

    def decide(self, _loaded: None, ctx: RequestContext, now: datetime) -> Batch:
        """Return the batch without its items."""
        if self.verb not in VERBS:
            raise InvalidActError(f"A batch cannot {self.verb!r}. Choose one of: {', '.join(VERBS)}.")
        chosen = self._filter(ctx, now)
        if chosen is not None and self.ids is not None:
            raise InvalidActError("Give a filter or ids, not both.")
        if not self.ids and not (chosen and chosen.narrows()):
            raise EmptyFilterError
        return Batch(
            id=uuid.uuid4().hex[:16],
            act=self.verb,
            state=BatchState.FROZEN,
            author=ctx.actor.name,
            author_kind=ctx.actor.kind,
            credential=ctx.actor.credential,
            asked=_stated(chosen, self.search, self.ids),
            undeclared=self.undeclared,
            code=self.code,
            reason=(self.reason or "").strip() or None,
            given=self.given,
            created_at=now,
            total=0,
            left_out=0,
            flows=(),
            oldest=None,
        )

    def apply(self, tx: Tx, decided: Batch, ctx: RequestContext, now: datetime) -> Batch:
        """Write the items, and the batch with what they are in all."""
        for statement in ("cases/forget_batch_items", "cases/forget_batches"):
            tx.run(statement, {"since": now - _FORGOTTEN})
        tx.run("cases/freeze_batch_items", self._wanted(decided, ctx, now))
        frozen = _counted(tx, decided)
        tx.view_rows("new_batch", [frozen.row()], like="batch")
        tx.run("cases/insert_batch")
        tx.topics.add("batch")
        return frozen

    def _filter(self, ctx: RequestContext, now: datetime) -> CaseFilter | None:
        """Return the filter within the search, which a command keeps as text: repeated it is the same."""
        if not self.search:
            return self.chosen
        asker = Asker(ctx.actor.name, now.replace(tzinfo=UTC))
        return (self.chosen or CaseFilter()).within(parse(self.search, asker))

    def _wanted(self, batch: Batch, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        chosen = self._filter(ctx, now) or CaseFilter()
        # A filter without a state means what is not closed; ids mean what they name.
        states = chosen.state or (None if self.ids else sorted(lifecycle.LIVE))
        return {
            **chosen.params(),
            "states": states,
            "ids": None if self.ids is None else list(self.ids),
            "scope": _listed(ctx.authority.scope(ctx.actor, "read")),
            "reach": _listed(ctx.authority.scope(ctx.actor, VERBS[batch.act].act)),
            "batch": batch.id,
            "verb": batch.act,
            "me": ctx.actor.name,
            "for_others": list(FOR_OTHERS),
            "undeclared": self.undeclared,
            "announced": now - workers.KNOWN,
            "live": sorted(lifecycle.LIVE),
            "waiting": sorted(lifecycle.WAITING),
            "unprovable": list(lifecycle.UNPROVABLE),
            "started": list(STARTED),
        }

    def kept(self, answer: Batch) -> dict[str, Any]:
        """Return the batch as JSON."""
        return answer.row()

    def answer_again(self, kept: dict[str, Any]) -> Batch:
        """Return the batch that was kept."""
        return Batch.of_json(kept)


def _stated(chosen: CaseFilter | None, search: str | None, ids: Sequence[str] | None) -> dict[str, Any]:
    """Return what the list was asked for, as JSON."""
    if ids is not None:
        return {"ids": len(ids)}
    return (chosen or CaseFilter()).stated() | ({"search": search} if search else {})


def _listed(scope: Sequence[str] | None) -> list[str] | None:
    return None if scope is None else list(scope)


def _counted(tx: Tx, batch: Batch) -> Batch:
    """Return a batch with what its items are in all."""
    own = {"id": batch.id}
    (scope,) = tx.run("cases/batch_scope", own, into=noun(_Scope, aware=False))
    money = {**own, "states": [ItemState.WAITING], "recovered": False, "scope": None}
    return replace(
        batch,
        total=scope.total,
        left_out=scope.left_out,
        flows=scope.flows,
        oldest=scope.oldest,
        value=tuple(tx.run("cases/batch_money", money, into=noun_of_money)),
        samples=tuple(
            tx.run("cases/batch_samples", {**own, "limit": SAMPLES}, into=lambda row: Sample(**row))
        ),
    )


# --- a batch that is there ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchChange:
    """What happens to a batch."""

    before: Batch
    after: Batch
    verb: str


@dataclass(frozen=True, slots=True)
class BatchCommand(Command["Batch | None", BatchChange, Batch]):
    """A command on one batch.

    Raises, when performed:
        BatchNotFoundError: the actor may not see it, or it does not exist.
        BatchStateError: its state does not allow it.
    """

    act: ClassVar = "batch.run"
    batch_id: str

    def load(self, tx: Tx, _ctx: RequestContext) -> Batch | None:
        """Return the batch."""
        return batch_in(tx, self.batch_id)

    def authorize(self, _loaded: Batch | None) -> Target:
        """Return the batch; what its acts reach is asked for each of them."""
        return Target(subject=f"batch:{self.batch_id}", anywhere=True)

    def seen(self, loaded: Batch | None, ctx: RequestContext) -> Batch:
        """Return the batch if the actor may see it: it is theirs, or they see everything."""
        if loaded is None or not (loaded.author == ctx.actor.name or ctx.authority.scope(ctx.actor) is None):
            raise BatchNotFoundError(self.batch_id)
        return loaded

    def own(self, loaded: Batch | None, ctx: RequestContext, verb: str) -> Batch:
        """Return the batch if it is the actor's: its acts rest on the rights of its author."""
        batch = self.seen(loaded, ctx)
        if batch.author != ctx.actor.name:
            raise ForbiddenError(
                f"Only {batch.author} can {verb} batch {batch.id}: its acts are {batch.author}'s. "
                "Nothing was changed. You can pause or cancel it."
            )
        return batch

    def apply(self, tx: Tx, decided: BatchChange, ctx: RequestContext, now: datetime) -> Batch:
        """Write the change."""
        write_batch(tx, decided.after)
        why = decided.after.reason if decided.verb == "batch started" else None
        entry = trail.Entry(
            decided.verb,
            ctx.actor,
            subject=f"batch:{decided.after.id}",
            from_state=decided.before.state,
            to_state=decided.after.state,
            reason=why,
            details=counts(decided.after),
        )
        trail.write(tx, [entry], now)
        return decided.after

    def kept(self, answer: Batch) -> dict[str, Any]:
        """Return the batch as JSON."""
        return answer.row()

    def answer_again(self, kept: dict[str, Any]) -> Batch:
        """Return the batch that was kept."""
        return Batch.of_json(kept)


@dataclass(frozen=True, slots=True)
class StartBatch(BatchCommand):
    """Start a batch whose list was frozen. Items that another batch has by now are skipped.

    Raises, when performed:
        InvalidActError: nothing is to be done, or its code, reason, person, team or time is not valid.
        ReasonMissingError: a retry has no reason.
    """

    code: str | None = None
    reason: str | None = None
    given: Terms = NOTHING

    def decide(self, loaded: Batch | None, ctx: RequestContext, now: datetime) -> BatchChange:
        """Return the batch running."""
        batch = self.own(loaded, ctx, "start")
        if batch.state != BatchState.FROZEN:
            raise BatchStateError(batch, "started")
        after = replace(
            batch,
            state=BatchState.RUNNING,
            code=(self.code or batch.code) if batch.act == "resolve" else None,
            reason=(self.reason or "").strip() or batch.reason,
            given=batch.given if self.given == NOTHING else self.given,
            started_at=now,
            credential=ctx.actor.credential,
        )
        refuse_unfit(after, ctx, now)
        return BatchChange(batch, after, "batch started")

    def apply(self, tx: Tx, decided: BatchChange, ctx: RequestContext, now: datetime) -> Batch:
        """Take the cases for this batch, and write the start."""
        asked = {"id": self.batch_id, "started": list(STARTED), "now": now}
        taken = tx.run("cases/skip_taken_items", asked)
        after = replace(decided.after, skipped=len(taken))
        return BatchCommand.apply(self, tx, replace(decided, after=after), ctx, now)


@dataclass(frozen=True, slots=True)
class PauseBatch(BatchCommand):
    """Pause a batch: the items that wait stay as they are."""

    def decide(self, loaded: Batch | None, ctx: RequestContext, _now: datetime) -> BatchChange:
        """Return the batch paused."""
        batch = self.seen(loaded, ctx)
        if batch.state != BatchState.RUNNING:
            raise BatchStateError(batch, "paused")
        after = replace(batch, state=BatchState.PAUSED, why=f"{ctx.actor.name} paused it")
        return BatchChange(batch, after, "batch paused")


@dataclass(frozen=True, slots=True)
class ResumeBatch(BatchCommand):
    """Go on with a batch that was paused, or stopped for want of permission."""

    def decide(self, loaded: Batch | None, ctx: RequestContext, _now: datetime) -> BatchChange:
        """Return the batch running."""
        batch = self.own(loaded, ctx, "resume")
        if batch.state not in (BatchState.PAUSED, BatchState.STOPPED):
            raise BatchStateError(batch, "resumed")
        after = replace(batch, state=BatchState.RUNNING, why=None, credential=ctx.actor.credential)
        return BatchChange(batch, after, "batch resumed")


@dataclass(frozen=True, slots=True)
class CancelBatch(BatchCommand):
    """Cancel a batch. What was done stays done; the items that wait are skipped."""

    def decide(self, loaded: Batch | None, ctx: RequestContext, now: datetime) -> BatchChange:
        """Return the batch cancelled."""
        batch = self.seen(loaded, ctx)
        if batch.state != BatchState.FROZEN and not batch.is_started:
            raise BatchStateError(batch, "cancelled")
        after = replace(batch, state=BatchState.CANCELLED, why=f"{ctx.actor.name} cancelled it", ended_at=now)
        return BatchChange(batch, after, "batch cancelled")

    def apply(self, tx: Tx, decided: BatchChange, ctx: RequestContext, now: datetime) -> Batch:
        """Skip what waits, and write the end."""
        skipped = tx.run("cases/skip_waiting_items", {"id": self.batch_id, "me": ctx.actor.name, "now": now})
        after = replace(decided.after, skipped=decided.after.skipped + len(skipped))
        return BatchCommand.apply(self, tx, replace(decided, after=after), ctx, now)


def batch_in(tx: Tx, batch_id: str) -> Batch | None:
    """Return a batch as it is in this transaction."""
    found = tx.run("cases/batch_for_act", {"id": batch_id}, into=Batch.of)
    return found[0] if found else None


def write_batch(tx: Tx, batch: Batch) -> None:
    """Write a batch that has changed."""
    tx.view_rows("changed_batch", [batch.row()], like="batch")
    tx.run("cases/update_batch")
    tx.topics.add("batch")


def counts(batch: Batch) -> Mapping[str, Any]:
    """Return what the audit keeps of a batch: its act, and how many items are where."""
    return {
        "act": batch.act,
        "total": batch.total,
        "done": batch.done,
        "failed": batch.failed,
        "skipped": batch.skipped,
        "left_out": batch.left_out,
    }
