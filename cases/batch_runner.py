"""The runner of batches: a thread that acts on the items of started batches, in groups.

A group is one transaction: its acts, their audit entries, what became of each item, and the cursor. A server
that is killed has done a whole group or none of it, and goes on behind the cursor at the next start.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from access.authority import BATCH
from access.commands import SystemCommand, perform, perform_together
from access.errors import ForbiddenError, SignedOutError
from audit import trail
from audit.actor import HUMAN, SYSTEM, Actor
from cases.batch_commands import batch_in, counts, write_batch
from cases.batches import FOR_OTHERS, VERBS, BatchState, ItemState, cause_of
from cases.errors import AlreadyClaimedError, NotAllowedNowError
from data.background import Background
from data.errors import StoreBusyError, StoreClosedError, StoreUnavailableError
from data.logs import event_log
from data.nouns import noun, shallow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from access.commands import Outcome
    from access.context import RequestContext
    from cases.batches import Batch
    from cases.commands import AtHand
    from data.transaction import Tx

_LOG: Final = event_log("cases")
GROUP: Final = 200
"""Items of one transaction."""
_EVERY_S: Final = 0.1
_AGAIN_S: Final = 5.0
"""How long to wait after the store could not write."""
_NOT_NOW: Final = (StoreBusyError, StoreClosedError, StoreUnavailableError)


@dataclass(frozen=True, slots=True)
class _Next:
    place: int
    case_id: str


def author_of(batch: Batch) -> Actor:
    """Return the actor that the acts of a batch are performed as.

    What a person starts goes on when they have signed out: their roles are asked for by name. The token of a
    service has to be valid.
    """
    is_session = batch.author_kind == HUMAN and (batch.credential or "").startswith("session:")
    credential = f"{BATCH}:{batch.id}" if is_session else batch.credential
    return Actor(batch.author, batch.author_kind, "batch", credential)


@dataclass(frozen=True, slots=True)
class RunItems(SystemCommand[bool]):
    """Act on the next items of a batch; the answer is whether there may be more."""

    batch_id: str
    limit: int = GROUP

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> bool:
        """Act, and write what became of each item with the cursor."""
        batch = batch_in(tx, self.batch_id)
        if batch is None or batch.state != BatchState.RUNNING:
            return False
        author = replace(ctx, actor=author_of(batch))
        try:
            author.authority.decide(author.actor, VERBS[batch.act].act, anywhere=True)
        except (ForbiddenError, SignedOutError) as error:
            return _end(tx, replace(batch, state=BatchState.STOPPED, why=str(error)), "batch stopped", now)
        wanted = {"id": batch.id, "place": batch.place, "limit": self.limit}
        following = tx.run("cases/next_batch_items", wanted, into=noun(_Next))
        if not following:
            return _end(tx, replace(batch, state=BatchState.DONE, ended_at=now), "batch done", now)
        outcomes = perform_together(
            tx,
            [batch.command(item.case_id) for item in following],
            author,
            shown={"batch": batch.id},
            check=lambda found: _refuse_unfit(batch, found),
        )
        pairs = zip(following, outcomes, strict=True)
        _write_items(tx, batch, [_finished(batch, item, outcome, now) for item, outcome in pairs])
        return True


def _end(tx: Tx, batch: Batch, verb: str, now: datetime) -> bool:
    """Write that a batch does not go on."""
    write_batch(tx, batch)
    entry = trail.Entry(
        verb, SYSTEM, subject=f"batch:{batch.id}", from_state=BatchState.RUNNING, to_state=batch.state,
        reason=batch.why, details=counts(batch),
    )  # fmt: skip
    trail.write(tx, [entry], now)
    return False


def _refuse_unfit(batch: Batch, found: AtHand) -> None:
    """Refuse what the frozen list would have left out: it has changed since, or was not so before."""
    case = found.case
    if case.holder not in (None, batch.author) and batch.act not in FOR_OTHERS:
        raise AlreadyClaimedError(case.id, str(case.holder), case.claimed_at, case.lease_until)
    is_safe = case.replay_safe or (case.replay_safe is None and batch.undeclared)
    if batch.act == "retry" and not is_safe:
        raise NotAllowedNowError(case, "retried in a batch", "its step is not declared safe to replay.")


@dataclass(frozen=True, slots=True)
class _Finished:
    """What became of an item: columns of its row."""

    batch_id: str
    place: int
    finished_at: datetime
    state: ItemState
    cause: str | None = None
    detail: str | None = None
    act: str | None = None


def _finished(batch: Batch, item: _Next, outcome: Outcome, now: datetime) -> _Finished:
    if outcome.error is None:
        return _Finished(batch.id, item.place, now, ItemState.DONE, act=outcome.act)
    return _Finished(batch.id, item.place, now, *cause_of(outcome.error))


def _write_items(tx: Tx, batch: Batch, finished: Sequence[_Finished]) -> None:
    """Write what became of items, and move the cursor and the counts with them."""
    tx.view_rows("finished_item", [shallow(item) for item in finished], like="batch_item")
    tx.run("cases/update_batch_items")
    states = [item.state for item in finished]
    write_batch(
        tx,
        replace(
            batch,
            place=max(item.place for item in finished),
            done=batch.done + states.count(ItemState.DONE),
            failed=batch.failed + states.count(ItemState.FAILED),
            skipped=batch.skipped + states.count(ItemState.SKIPPED),
        ),
    )


@dataclass(frozen=True, slots=True)
class FailItem(SystemCommand[bool]):
    """Write that the next item of a batch failed for a reason that no rule of ours states."""

    batch_id: str
    error: str

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> bool:
        """Write it."""
        batch = batch_in(tx, self.batch_id)
        if batch is None or batch.state != BatchState.RUNNING:
            return False
        wanted = {"id": batch.id, "place": batch.place, "limit": 1}
        for item in tx.run("cases/next_batch_items", wanted, into=noun(_Next)):
            failed = _Finished(batch.id, item.place, now, ItemState.FAILED, "error", self.error)
            _write_items(tx, batch, [failed])
        return True


def step(ctx: RequestContext, batch_id: str) -> bool:
    """Act on the next group of a batch; return whether there may be more.

    Where a group cannot be written, each of its items is tried alone.
    """
    try:
        return perform(RunItems(batch_id), ctx)
    except _NOT_NOW:
        raise
    except Exception:  # noqa: BLE001 - one item must not keep the others from being done
        return all(_alone(ctx, batch_id) for _ in range(GROUP))


def _alone(ctx: RequestContext, batch_id: str) -> bool:
    try:
        return perform(RunItems(batch_id, limit=1), ctx)
    except _NOT_NOW:
        raise
    except Exception as error:  # noqa: BLE001 - what kept it from being done is written on the item
        _LOG.exception("batch.item_failed", batch=batch_id)
        return perform(FailItem(batch_id, f"{type(error).__name__}: {error}"), ctx)


class BatchRunner(Background):
    """The thread. It looks at the store when a batch has changed, and otherwise does nothing."""

    def __init__(self, ctx: RequestContext, revision: Callable[[], int]) -> None:
        self._ctx = ctx
        self._revision = revision
        super().__init__("batches")

    def _run(self) -> None:
        seen = -1
        while not self._stopping.wait(_EVERY_S):
            revision = self._revision()
            if revision == seen or self._ctx.store.held:
                continue
            try:
                while self._round():
                    pass
                seen = revision
            except _NOT_NOW:
                self._stopping.wait(_AGAIN_S)
            except Exception:  # noqa: BLE001 - the next batch must not suffer
                _LOG.exception("batch.failed")
                self._stopping.wait(_AGAIN_S)

    def _round(self) -> bool:
        """Act on a group of each batch that runs, and return whether there may be more."""
        more = False
        for batch_id in self._ctx.store.query("cases/running_batches", into=itemgetter("id")):
            if self._stopping.is_set():
                return False
            more = step(self._ctx, batch_id) or more
        return more
