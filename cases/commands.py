"""What people do with cases: claim, release, retry, cancel a retry, mark as fixed outside, resolve.

Every channel performs these commands (`access.commands.perform`). Each reads the case in its transaction,
applies a rule of `cases.lifecycle`, and writes the change with its audit entries. The answer is the case
after the change.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar

from access.commands import Command, Target
from audit.actor import HUMAN
from cases import classes, lifecycle, workers
from cases.case import Case, Retry, RetryState
from cases.change import Change, make
from cases.errors import CaseNotFoundError, NoWorkerError
from unsnag.conventions import idempotency_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from access.context import RequestContext
    from audit.actor import Actor
    from cases.workers import StepWorker
    from data.transaction import Tx


@dataclass(frozen=True, slots=True)
class AtHand:
    """A case as a command finds it, with what else its rule asks for."""

    case: Case
    retry: Retry | None = None
    workers: Sequence[StepWorker] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command does: the change of the case, and what becomes of its retry."""

    change: Change
    new_retry: Retry | None = None
    cancel: Sequence[RetryState] = ()
    """The case's retry ends where it is in one of these states."""


@dataclass(frozen=True, slots=True)
class CaseCommand(Command[AtHand, Decision, Case]):
    """A command on one case.

    Raises, when performed, beside what `perform` does:
        CaseNotFoundError: there is no such case within the actor's reach.
        NotAllowedNowError: the case's state does not allow it.
    """

    case_id: str

    def load(self, tx: Tx, _ctx: RequestContext) -> AtHand:
        """Return the case."""
        case = case_in(tx, self.case_id)
        if case is None:
            raise CaseNotFoundError(self.case_id)
        return AtHand(case)

    def authorize(self, loaded: AtHand) -> Target:
        """Return the case: the right is needed for its tenant and flow."""
        return Target.of_case(loaded.case, CaseNotFoundError(self.case_id))

    def apply(self, tx: Tx, decided: Decision, _ctx: RequestContext, now: datetime) -> Case:
        """Write the change and what becomes of the retry."""
        case = decided.change.before
        if decided.cancel and case and case.retry_id:
            asked = {"id": case.retry_id, "states": list(decided.cancel), "now": now}
            tx.run("cases/cancel_retry", asked)
            tx.topics.add("retry")
        if decided.new_retry:
            _queue(tx, decided.new_retry, now)
        (after,) = make(tx, [decided.change], now)
        return after

    def kept(self, answer: Case) -> dict[str, Any]:
        """Return the case as JSON."""
        return answer.row()

    def answer_again(self, kept: dict[str, Any]) -> Case:
        """Return the case that was kept."""
        return Case.of_json(kept)


@dataclass(frozen=True, slots=True)
class Claim(CaseCommand):
    """Claim a case, or renew one's own claim.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
    """

    act: ClassVar = "case.claim"

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the claim."""
        case = loaded.case
        verb = "renewed" if case.state == lifecycle.CLAIMED else "claimed"
        claimed = lifecycle.claim(case, ctx.actor.name, now, ctx.limits)
        return Decision(Change(case, claimed, verb, ctx.actor))


@dataclass(frozen=True, slots=True)
class Release(CaseCommand):
    """Give a claimed case back to the queue.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
    """

    act: ClassVar = "case.release"

    def decide(self, loaded: AtHand, ctx: RequestContext, _now: datetime) -> Decision:
        """Return the release."""
        released = lifecycle.release(loaded.case, ctx.actor.name)
        return Decision(Change(loaded.case, released, "released", ctx.actor))


@dataclass(frozen=True, slots=True)
class RetryCase(CaseCommand):
    """Ask for a retry of the case's step; a worker carries it out.

    A step that declares that it is not safe to replay takes an approver, a business error a reason.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
        NoWorkerError: no worker has announced the step, so nobody would come for it.
        ReasonMissingError: it is a business error, and no reason is given.
    """

    act: ClassVar = "case.retry"
    reason: str | None = None

    def load(self, tx: Tx, ctx: RequestContext) -> AtHand:
        """Return the case with the workers that could carry out the retry."""
        found = CaseCommand.load(self, tx, ctx)
        return replace(found, workers=workers.of_step(tx, found.case))

    def authorize(self, loaded: AtHand) -> Target:
        """Return the case; a step that is not safe to replay asks for a stricter right."""
        stricter = "case.retry_unsafe" if loaded.case.replay_safe is False else None
        return Target.of_case(loaded.case, CaseNotFoundError(self.case_id), stricter)

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the retry; one that still runs from before the case came back loses its lease."""
        case, reason = loaded.case, (self.reason or "").strip() or None
        # The last 4 digits of a lease's id count its leases (cases.retries).
        retry_id = uuid.uuid4().hex[:28]
        retrying = lifecycle.retry(case, ctx.actor.name, retry_id, reason, now)
        if why := workers.missing(case, loaded.workers, now.replace(tzinfo=UTC)):
            raise NoWorkerError(case.id, why)
        new = _retry_of(case, retry_id, ctx.actor, reason, now)
        details = {"retry_id": new.id, "idempotency_key": new.idempotency_key, "attempt": new.attempt}
        after = _by_person(retrying, ctx.actor, now)
        return Decision(Change(case, after, "retried", ctx.actor, reason, details), new_retry=new)


@dataclass(frozen=True, slots=True)
class CancelRetry(CaseCommand):
    """Cancel a retry that no worker has taken yet.

    The case goes back to who had claimed it before the retry, else to the queue. It stays due when it was.

    Raises, when performed:
        NotAllowedNowError: no retry waits, or a worker runs it already.
    """

    act: ClassVar = "case.cancel_retry"
    reason: str | None = None

    def load(self, tx: Tx, ctx: RequestContext) -> AtHand:
        """Return the case with its retry."""
        found = CaseCommand.load(self, tx, ctx)
        retries = tx.run("cases/retry_by_id", {"id": found.case.retry_id}, into=Retry.of)
        return replace(found, retry=retries[0] if retries else None)

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case without its retry."""
        case = loaded.case
        after = lifecycle.cancel_retry(case, loaded.retry, now, ctx.limits)
        details = {"retry_id": case.retry_id}
        change = Change(case, after, "retry_cancelled", ctx.actor, self.reason, details)
        return Decision(change, cancel=[RetryState.QUEUED])


@dataclass(frozen=True, slots=True)
class FixedOutside(CaseCommand):
    """Say that the unit was repaired outside the automation; the case waits for its success signal.

    It returns to the queue where none arrives within `Limits.fixed_outside_s`.

    Raises, when performed:
        AlreadyClaimedError: somebody else holds it.
        InvalidActError: the reason is too short, or nothing could ever prove the unit.
    """

    act: ClassVar = "case.fixed_outside"
    reason: str

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case waiting for its proof."""
        case, reason = loaded.case, self.reason.strip()
        waiting = lifecycle.fixed_outside(case, ctx.actor.name, reason, now, ctx.limits)
        after = _by_person(waiting, ctx.actor, now)
        return Decision(Change(case, after, "fixed_outside", ctx.actor, reason))


@dataclass(frozen=True, slots=True)
class Resolve(CaseCommand):
    """Close a case with a code and a reason. It wins over any claim.

    Raises, when performed:
        InvalidActError: there is no such code, or the reason is too short.
    """

    act: ClassVar = "case.resolve"
    code: str
    reason: str

    def decide(self, loaded: AtHand, ctx: RequestContext, now: datetime) -> Decision:
        """Return the case closed. A worker that runs its retry learns at its next report that it is lost."""
        case, reason = loaded.case, self.reason.strip()
        after = lifecycle.resolve(case, self.code, reason, now)
        if self.code in lifecycle.VERIFIABLE:
            after = _by_person(after, ctx.actor, now)
        details = {"code": self.code}
        if case.holder not in (None, ctx.actor.name):
            details["taken_from"] = str(case.holder)
        change = Change(case, after, "resolved", ctx.actor, reason, details)
        return Decision(change, cancel=[RetryState.QUEUED, RetryState.LEASED])


@dataclass(frozen=True, slots=True)
class Classify(CaseCommand):
    """Name the class of a case, on request also for what arrives later in its group.

    The rules ask for it where they are not sure; a person may also correct them.

    Raises, when performed:
        InvalidActError: there is no such class.
        NotAllowedNowError: the case has ended.
    """

    act: ClassVar = "case.class"
    error_class: str
    for_group: bool = False

    def decide(self, loaded: AtHand, ctx: RequestContext, _now: datetime) -> Decision:
        """Return the case with the class that the person names."""
        case = loaded.case
        after = classes.named(case, self.error_class, ctx.actor.name)
        details = {
            "class": after.error_class,
            "was": case.error_class,
            "rule": case.class_rule,
            "confidence": case.class_confidence,
            "for_group": self.for_group,
        }
        return Decision(Change(case, after, "classified", ctx.actor, details=details))

    def apply(self, tx: Tx, decided: Decision, ctx: RequestContext, now: datetime) -> Case:
        """Write the change, and keep what the person named as a label."""
        after = CaseCommand.apply(self, tx, decided, ctx, now)
        before = decided.change.before
        if before is not None:
            classes.keep_label(tx, before, after, now, for_group=self.for_group)
        return after


def case_in(tx: Tx, case_id: str) -> Case | None:
    """Return a case as it is in this transaction."""
    found = tx.run("cases/case_for_act", {"id": case_id}, into=Case.of)
    return found[0] if found else None


def _by_person(case: Case, actor: Actor, now: datetime) -> Case:
    """Return the case with the mark of people's work; a service's act leaves none."""
    return replace(case, people_at=now) if actor.kind == HUMAN else case


def _queue(tx: Tx, new: Retry, now: datetime) -> None:
    # One may still run from before the case recovered and came back: its lease is lost now.
    tx.run("cases/cancel_running_retries", {"case_id": new.case_id, "now": now})
    tx.view_rows("new_retry", [new.row()], like="retry")
    tx.run("cases/insert_retry")
    tx.topics.add("retry")


def _retry_of(case: Case, retry_id: str, actor: Actor, reason: str | None, now: datetime) -> Retry:
    is_traced = case.trace_id and case.span_id
    return Retry(
        id=retry_id,
        case_id=case.id,
        flow=case.flow,
        step=case.step,
        correlation_id=case.correlation_id,
        attempt=case.attempts + 1,
        state=RetryState.QUEUED,
        idempotency_key=case.idempotency_key or idempotency_key(case.flow, case.step, case.correlation_id),
        requested_by=actor.name,
        requested_at=now,
        reason=reason,
        traceparent=f"00-{case.trace_id}-{case.span_id}-01" if is_traced else None,
        data=case.data,
    )
