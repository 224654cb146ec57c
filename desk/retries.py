"""Retries as workers see them: lease one, keep it, report how it went.

A lease has an id of its own: the retry's 28 hex digits and 4 that count its leases. A worker that was
lost and comes back holds an id that is not valid any more, and learns it (`LeaseLostError`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from access.gate import Asked, Target
from data.clock import aware
from desk import lifecycle
from desk.cases import read
from desk.change import Change, make
from desk.errors import LeaseLostError
from desk.proof import proof_now
from desk.workers import Workers, announced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from access.gate import Gate
    from audit.actor import Actor
    from data.store import Tx
    from desk.workers import Step

    Retry = dict[str, Any]

_ID_DIGITS: Final = 28
_COUNT_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Retries:
    """The queue of retries, through one gate. All acts raise ForbiddenError and SignedOutError."""

    gate: Gate
    limits: lifecycle.Limits
    workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        """Begin to note workers."""
        object.__setattr__(self, "workers", Workers(self.limits.untaken_s))

    def lease(
        self,
        flows: list[str] | None,
        *,
        worker: Actor,
        token: str | None = None,
        handlers: Sequence[Step] | None = None,
    ) -> Retry | None:
        """Hand out the oldest waiting retry of these flows (all flows if None), or None.

        `handlers` are flow and step of what the worker can do; a worker of an older client announces none.
        """
        reach = self._reach(worker)
        if self.workers.is_news(worker, flows, handlers):
            self._note(worker, reach, flows, handlers)
        wanted = {"flows": flows, "scope": reach}
        store = self.gate.store
        if not self._seen(token, worker) and not store.query("desk/next_retry", wanted):
            return None

        def work(tx: Tx, _found: Target, now: datetime) -> Retry | None:
            waiting = tx.run("desk/next_retry", wanted)
            return self._hand_out(tx, waiting[0], worker, now) if waiting else None

        # The statement finds only what lies within the worker's reach.
        return self.gate.perform(_asked(worker, token, "lease", flows), work, Target(anywhere=True))

    def heartbeat(self, lease_id: str, *, worker: Actor, token: str | None = None) -> Retry:
        """Prolong a lease.

        Raises:
            LeaseLostError: it was lost.
        """

        def work(tx: Tx, _found: Target, now: datetime) -> Retry:
            retry = _leased(tx, lease_id, now)
            until = now + timedelta(seconds=self.limits.retry_lease_s)
            _move(tx, retry, lease_until=until)
            self.workers.note(tx, worker, self._reach(worker), [(retry["flow"], retry["step"])], now)
            return {"id": lease_id, "lease_until": aware(until)}

        return self.gate.perform(_asked(worker, token, "heartbeat", lease_id), work, _of(lease_id))

    def complete(self, lease_id: str, *, worker: Actor, token: str | None = None) -> Retry:
        """Report that the step ran well: the case waits for its unit's own success signal.

        Raises:
            LeaseLostError: the lease was lost.
        """

        def work(tx: Tx, _found: Target, now: datetime) -> Retry:
            retry = _leased(tx, lease_id, now)
            _move(tx, retry, state="succeeded", finished_at=now, lease_until=None)
            self._verify(tx, retry, worker, now)
            return {"id": lease_id, "state": "succeeded"}

        return self.gate.perform(_asked(worker, token, "complete", lease_id), work, _of(lease_id))

    def fail(
        self,
        lease_id: str,
        *,
        worker: Actor,
        error_type: str | None = None,
        message: str | None = None,
        token: str | None = None,
    ) -> Retry:
        """Report that the step failed again: the case is open again.

        Raises:
            LeaseLostError: the lease was lost.
        """

        def work(tx: Tx, _found: Target, now: datetime) -> Retry:
            retry = _leased(tx, lease_id, now)
            _move(
                tx, retry, state="failed", finished_at=now, lease_until=None,
                error_type=error_type, error_message=message,
            )  # fmt: skip
            reopen(tx, retry, worker, now, message or error_type)
            return {"id": lease_id, "state": "failed"}

        asked = _asked(worker, token, "fail", lease_id, error_type, message)
        return self.gate.perform(asked, work, _of(lease_id))

    def _note(
        self,
        worker: Actor,
        reach: list[str] | None,
        flows: list[str] | None,
        handlers: Sequence[Step] | None,
    ) -> None:
        def work(tx: Tx, _found: Target, now: datetime) -> None:
            self.workers.note(tx, worker, reach, announced(tx, worker, flows, handlers), now)

        self.gate.perform(_asked(worker, None, "announce"), work, Target(anywhere=True))
        self.workers.noted(worker, flows, handlers)

    def _reach(self, worker: Actor) -> list[str] | None:
        """Return what retries this worker may have; None: all."""
        self.gate.authority.decide(worker, "retry.work", anywhere=True)
        reach = self.gate.authority.scope(worker, "retry.work")
        return None if reach is None else list(reach)

    def _hand_out(self, tx: Tx, retry: Retry, worker: Actor, now: datetime) -> Retry:
        leases = retry["leases"] + 1
        until = now + timedelta(seconds=self.limits.retry_lease_s)
        _move(
            tx, retry, state="leased", leases=leases, worker=worker.name, lease_until=until,
            started_at=retry["started_at"] or now,
        )  # fmt: skip
        self.workers.note(tx, worker, self._reach(worker), [(retry["flow"], retry["step"])], now)
        return {
            "id": f"{retry['id']}{leases:0{_COUNT_DIGITS}x}",
            "case": retry["case_id"],
            "flow": retry["flow"],
            "step": retry["step"],
            "correlation_id": retry["correlation_id"],
            "idempotency_key": retry["idempotency_key"],
            "attempt": retry["attempt"],
            "traceparent": retry["traceparent"],
            "data": orjson.loads(retry["data"]) if retry["data"] else {},
            "lease_until": aware(until),
        }

    def _verify(self, tx: Tx, retry: Retry, worker: Actor, now: datetime) -> None:
        case = read(tx.run("desk/case_for_act", {"id": retry["case_id"]}))
        if case is None or case["state"] != lifecycle.RETRYING or case["retry_id"] != retry["id"]:
            return
        (case,) = make(
            tx, [Change(case, lifecycle.step_ran(case, now, self.limits), "verifying", worker)], now
        )
        if proven := proof_now(tx, case, now):
            make(tx, [proven], now)

    def _seen(self, token: str | None, worker: Actor) -> bool:
        known = {"key": token, "actor": worker.name}
        return bool(self.gate.store.query("access/idempotent_write", known))


def _asked(worker: Actor, token: str | None, *request: Any) -> Asked:
    return Asked("retry.work", worker, token, request)


def _of(lease_id: str) -> Callable[[Tx], Target]:
    """Return what finds the case of a lease's retry, for whoever asks may work on some flows only."""

    def target(tx: Tx) -> Target:
        for retry in tx.run("desk/retry_by_id", {"id": lease_id[:_ID_DIGITS]}):
            case = read(tx.run("desk/case_for_act", {"id": retry["case_id"]}))
            if case is not None:
                return Target(case=case, tenant=case["tenant"], flow=case["flow"])
        raise LeaseLostError

    return target


def reopen(tx: Tx, retry: Retry, actor: Actor, now: datetime, reason: str | None) -> None:
    """Put the case of a retry that came to nothing back to open."""
    case = read(tx.run("desk/case_for_act", {"id": retry["case_id"]}))
    if case and case["state"] == lifecycle.RETRYING and case["retry_id"] == retry["id"]:
        fields = lifecycle.retry_failed(case) | lifecycle.without_retry(case, retry)
        make(tx, [Change(case, fields, "retry_failed", actor, reason)], now)


def _leased(tx: Tx, lease_id: str, now: datetime) -> Retry:
    retry_id, count = lease_id[:_ID_DIGITS], lease_id[_ID_DIGITS:]
    found = tx.run("desk/retry_by_id", {"id": retry_id})
    if not found or found[0]["state"] != "leased" or count != f"{found[0]['leases']:0{_COUNT_DIGITS}x}":
        raise LeaseLostError
    if found[0]["lease_until"] <= now:
        raise LeaseLostError
    return found[0]


def _move(tx: Tx, retry: Retry, **fields: Any) -> None:
    tx.topics.add("retry")
    tx.view_rows("changed_retry", [{**retry, **fields}], like="retry")
    expected = {"expected_state": retry["state"], "expected_leases": retry["leases"]}
    if not tx.run("desk/update_retry", expected):
        raise LeaseLostError


def give_back(tx: Tx, retry: Retry, limits: lifecycle.Limits, actor: Actor, now: datetime) -> None:
    """Take a retry from a worker that was lost: another may have it, a few times."""
    if retry["leases"] < limits.retry_leases:
        _move(tx, retry, state="queued", lease_until=None)
        return
    words = f"{retry['leases']} workers were lost over this retry"
    _move(
        tx,
        retry,
        state="failed",
        finished_at=now,
        lease_until=None,
        error_type="WorkerLost",
        error_message=words,
    )
    reopen(tx, retry, actor, now, words)


def give_up(tx: Tx, retry: Retry, actor: Actor, now: datetime) -> None:
    """Take back a retry that no worker took: its case returns to the queue, with the reason."""
    minutes = int((now - retry["requested_at"]).total_seconds() // 60)
    words = f"no worker took the retry within {minutes} min: is a worker running for this flow?"
    _move(tx, retry, state="cancelled", finished_at=now, error_message=words)
    reopen(tx, retry, actor, now, words)
