"""Retries as workers see them: lease one, keep it, report how it went.

A lease has an id of its own: the retry's 28 hex digits and 4 that count its leases. A worker that was
lost and comes back holds an id that is not valid any more, and learns it (`LeaseLostError`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target, perform
from cases import lifecycle, workers
from cases.case import Case, Retry, RetryState
from cases.change import Change, make
from cases.commands import case_in
from cases.errors import LeaseLostError
from cases.proof import proof_now
from data.clock import aware
from unsnag import wire
from unsnag.wire import Lease, LeaseState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from access.limits import Limits
    from audit.actor import Actor
    from cases.workers import Step
    from data.transaction import Tx

_ID_DIGITS: Final = 28
_COUNT_DIGITS: Final = 4


def lease_next(
    ctx: RequestContext,
    flows: Sequence[str] | None,
    handlers: Sequence[Step] | None = None,
    *,
    key: str | None = None,
) -> Lease | None:
    """Hand out the oldest waiting retry of these flows (all flows if None), or None.

    `handlers` are flow and step of what the worker can do; a worker of an older client announces none.
    Workers ask every second: what changes nothing takes no transaction.
    """
    if workers.is_news(ctx.store, ctx.actor, flows, handlers):
        perform(Announce(_tuple(flows), _tuple(handlers)), ctx)
    known = {"key": key, "actor": ctx.actor.name}
    is_repeated = ctx.store.query("access/idempotent_write", known)
    if not is_repeated and not ctx.store.query("cases/next_retry", _wanted(ctx, flows)):
        return None
    return perform(LeaseRetry(_tuple(flows)), ctx, key=key)


def _tuple(values: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _wanted(ctx: RequestContext, flows: Sequence[str] | None) -> dict[str, Any]:
    ctx.authority.decide(ctx.actor, workers.WORK, anywhere=True)
    scope = ctx.authority.scope(ctx.actor, workers.WORK)
    return {
        "flows": None if flows is None else list(flows),
        "scope": None if scope is None else list(scope),
    }


@dataclass(frozen=True, slots=True)
class Announce(Command[None, None, None]):
    """Say which steps a worker can do."""

    act: ClassVar = workers.WORK
    flows: tuple[str, ...] | None
    handlers: tuple[Step, ...] | None

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> None:
        """Keep it."""
        workers.note_announced(tx, ctx, self.flows, self.handlers, now)


@dataclass(frozen=True, slots=True)
class RetryChange:
    """What happens to a retry; it is refused where the retry has moved on since it was read."""

    before: Retry
    after: Retry


@dataclass(frozen=True, slots=True)
class LeaseRetry(Command[Retry | None, RetryChange | None, Lease | None]):
    """Take the oldest retry that waits within the worker's reach."""

    act: ClassVar = workers.WORK
    flows: tuple[str, ...] | None

    def load(self, tx: Tx, ctx: RequestContext) -> Retry | None:
        """Return the retry."""
        found = tx.run("cases/next_retry", _wanted(ctx, self.flows), into=Retry.of)
        return found[0] if found else None

    def decide(self, loaded: Retry | None, ctx: RequestContext, now: datetime) -> RetryChange | None:
        """Return the retry as this worker has it."""
        if loaded is None:
            return None
        leased = replace(
            loaded,
            state=RetryState.LEASED,
            leases=loaded.leases + 1,
            worker=ctx.actor.name,
            lease_until=now + timedelta(seconds=ctx.limits.retry_lease_s),
            started_at=loaded.started_at or now,
        )
        return RetryChange(loaded, leased)

    def apply(self, tx: Tx, decided: RetryChange | None, ctx: RequestContext, now: datetime) -> Lease | None:
        """Write it, with what it says of the worker."""
        if decided is None:
            return None
        retry = _write(tx, decided)
        workers.note(tx, ctx, [(retry.flow, retry.step)], now)
        return _lease_of(retry)

    def answer_again(self, kept: dict[str, Any]) -> Lease:
        """Return the lease that was kept."""
        return wire.from_json(Lease, kept)


def _lease_of(retry: Retry) -> Lease:
    assert retry.lease_until is not None  # noqa: S101 - it was leased just now
    return Lease(
        id=f"{retry.id}{retry.leases:0{_COUNT_DIGITS}x}",
        case=retry.case_id,
        flow=retry.flow,
        step=retry.step,
        correlation_id=retry.correlation_id,
        idempotency_key=retry.idempotency_key,
        attempt=retry.attempt,
        traceparent=retry.traceparent,
        data=dict(retry.data),
        lease_until=retry.lease_until.replace(tzinfo=UTC),
    )


@dataclass(frozen=True, slots=True)
class Leased:
    """A retry as the worker that reports on it finds it, with its case."""

    retry: Retry
    case: Case


@dataclass(frozen=True, slots=True)
class LeaseCommand(Command[Leased, RetryChange, LeaseState]):
    """What a worker reports of the retry that it holds.

    Raises, when performed:
        LeaseLostError: the lease was lost.
    """

    act: ClassVar = workers.WORK
    lease_id: str

    def load(self, tx: Tx, _ctx: RequestContext) -> Leased:
        """Return the retry and its case, whatever became of the lease."""
        for retry in tx.run("cases/retry_by_id", {"id": self.lease_id[:_ID_DIGITS]}, into=Retry.of):
            if case := case_in(tx, retry.case_id):
                return Leased(retry, case)
        raise LeaseLostError

    def authorize(self, loaded: Leased) -> Target:
        """Return the case: a worker's token may be for some flows only."""
        return Target.of_case(loaded.case)

    def held(self, retry: Retry, now: datetime) -> Retry:
        """Return the retry if the lease is the one that stands.

        Raises:
            LeaseLostError: it is not.
        """
        is_current = self.lease_id[_ID_DIGITS:] == f"{retry.leases:0{_COUNT_DIGITS}x}"
        lasts = retry.lease_until is not None and retry.lease_until > now
        if retry.state != RetryState.LEASED or not is_current or not lasts:
            raise LeaseLostError
        return retry

    def finished(self, retry: Retry, now: datetime, state: RetryState, **fields: Any) -> RetryChange:
        """Return the retry ended by its worker."""
        held = self.held(retry, now)
        return RetryChange(held, replace(held, state=state, finished_at=now, lease_until=None, **fields))

    def answer_again(self, kept: dict[str, Any]) -> LeaseState:
        """Return the answer that was kept."""
        return wire.from_json(LeaseState, kept)


@dataclass(frozen=True, slots=True)
class Heartbeat(LeaseCommand):
    """Prolong a lease."""

    def decide(self, loaded: Leased, ctx: RequestContext, now: datetime) -> RetryChange:
        """Return the retry with more time."""
        held, until = self.held(loaded.retry, now), now + timedelta(seconds=ctx.limits.retry_lease_s)
        return RetryChange(held, replace(held, lease_until=until))

    def apply(self, tx: Tx, decided: RetryChange, ctx: RequestContext, now: datetime) -> LeaseState:
        """Write it: the worker is there."""
        retry = _write(tx, decided)
        workers.note(tx, ctx, [(retry.flow, retry.step)], now)
        return LeaseState(id=self.lease_id, lease_until=aware(retry.lease_until))


@dataclass(frozen=True, slots=True)
class Complete(LeaseCommand):
    """Report that the step ran well: the case waits for its unit's own success signal."""

    def decide(self, loaded: Leased, _ctx: RequestContext, now: datetime) -> RetryChange:
        """Return the retry as it ended."""
        return self.finished(loaded.retry, now, RetryState.SUCCEEDED)

    def apply(self, tx: Tx, decided: RetryChange, ctx: RequestContext, now: datetime) -> LeaseState:
        """Write it; the case may be proven by a signal that arrived already."""
        retry = _write(tx, decided)
        if case := _waiting_case(tx, retry):
            verifying = lifecycle.step_ran(case, now, ctx.limits)
            (case,) = make(tx, [Change(case, verifying, "verifying", ctx.actor)], now)
            if proven := proof_now(tx, case, now):
                make(tx, [proven], now)
        return LeaseState(id=self.lease_id, state=retry.state)


@dataclass(frozen=True, slots=True)
class Fail(LeaseCommand):
    """Report that the step failed again: the case is open again."""

    error_type: str | None = None
    message: str | None = None
    error_class: str | None = None

    def decide(self, loaded: Leased, _ctx: RequestContext, now: datetime) -> RetryChange:
        """Return the retry as it ended."""
        error = {
            "error_type": self.error_type,
            "error_message": self.message,
            "error_class": self.error_class,
        }
        return self.finished(loaded.retry, now, RetryState.FAILED, **error)

    def apply(self, tx: Tx, decided: RetryChange, ctx: RequestContext, now: datetime) -> LeaseState:
        """Write it, and put the case back."""
        retry = _write(tx, decided)
        reopen(tx, retry, ctx.actor, now, self.message or self.error_type)
        return LeaseState(id=self.lease_id, state=retry.state)


# --- what time does -----------------------------------------------------------------------------------


def give_back(tx: Tx, retry: Retry, limits: Limits, actor: Actor, now: datetime) -> None:
    """Take a retry from a worker that was lost: another may have it, a few times."""
    if retry.leases < limits.retry_leases:
        _write(tx, RetryChange(retry, replace(retry, state=RetryState.QUEUED, lease_until=None)))
        return
    lost = f"{retry.leases} workers were lost over this retry"
    ended: dict[str, Any] = {
        "finished_at": now,
        "lease_until": None,
        "error_type": "WorkerLost",
        "error_message": lost,
    }
    _write(tx, RetryChange(retry, replace(retry, state=RetryState.FAILED, **ended)))
    reopen(tx, retry, actor, now, lost)


def give_up(tx: Tx, retry: Retry, actor: Actor, now: datetime) -> None:
    """Take back a retry that no worker took: its case returns to the queue, with the reason."""
    minutes = int((now - retry.requested_at).total_seconds() // 60)
    why = f"no worker took the retry within {minutes} min: is a worker running for this flow?"
    _write(
        tx, RetryChange(retry, replace(retry, state=RetryState.CANCELLED, finished_at=now, error_message=why))
    )
    reopen(tx, retry, actor, now, why)


def reopen(tx: Tx, retry: Retry, actor: Actor, now: datetime, reason: str | None) -> None:
    """Put the case of a retry that came to nothing back to open."""
    if case := _waiting_case(tx, retry):
        after = lifecycle.retry_ended(case, retry)
        make(tx, [Change(case, after, "retry_failed", actor, reason)], now)


def _waiting_case(tx: Tx, retry: Retry) -> Case | None:
    """Return the retry's case where it still waits for this retry."""
    case = case_in(tx, retry.case_id)
    is_waiting = case and case.state == lifecycle.RETRYING and case.retry_id == retry.id
    return case if is_waiting else None


def _write(tx: Tx, change: RetryChange) -> Retry:
    tx.topics.add("retry")
    tx.view_rows("changed_retry", [change.after.row()], like="retry")
    expected = {"expected_state": change.before.state, "expected_leases": change.before.leases}
    if not tx.run("cases/update_retry", expected):
        raise LeaseLostError
    return change.after
