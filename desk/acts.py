"""What people do with cases: claim, release, retry, cancel a retry, mark as fixed outside, resolve.

Every door calls these. Each act passes the gate, which knows who may, and is one transaction: read the
case, apply the rule, write the change with its audit entries. The same token answers the same again,
however often it is sent.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from access.gate import Asked, Target
from audit.actor import HUMAN
from desk import lifecycle, workers
from desk.cases import read, revived, shape
from desk.change import Change, make
from desk.errors import CaseNotFoundError, NoWorkerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from access.gate import Gate
    from audit.actor import Actor
    from data.store import Tx

    Case = dict[str, Any]
    Rule = Callable[[Tx, Case, datetime], Change]


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts on cases, through one gate.

    All of them raise CaseNotFoundError, ForbiddenError, SignedOutError, NotAllowedNowError and
    TokenReusedError. `shown` is what the person saw before the act: it is recorded with the intent.
    """

    gate: Gate
    limits: lifecycle.Limits

    def claim(
        self, case_id: str, *, actor: Actor, token: str | None = None, shown: dict[str, Any] | None = None
    ) -> Case:
        """Claim a case, or renew one's own claim. Return the case after.

        Raises:
            AlreadyClaimedError: somebody else holds it.
        """

        def rule(_tx: Tx, case: Case, now: datetime) -> Change:
            renewed = case["state"] == lifecycle.CLAIMED
            fields = lifecycle.claim(case, actor.name, now, self.limits)
            return Change(case, fields, "renewed" if renewed else "claimed", actor)

        return self._perform(case_id, rule, Asked("case.claim", actor, token, (case_id,), shown=shown))

    def release(
        self, case_id: str, *, actor: Actor, token: str | None = None, shown: dict[str, Any] | None = None
    ) -> Case:
        """Give a claimed case back to the queue. Return the case after.

        Raises:
            AlreadyClaimedError: somebody else holds it.
        """

        def rule(_tx: Tx, case: Case, _now: datetime) -> Change:
            return Change(case, lifecycle.release(case, actor.name), "released", actor)

        return self._perform(case_id, rule, Asked("case.release", actor, token, (case_id,), shown=shown))

    def retry(
        self,
        case_id: str,
        *,
        actor: Actor,
        reason: str | None = None,
        token: str | None = None,
        shown: dict[str, Any] | None = None,
    ) -> Case:
        """Ask for a retry of the case's step; a worker carries it out. Return the case after.

        A step that says it is not safe to replay takes an approver, a business error a reason.

        Raises:
            AlreadyClaimedError: somebody else holds it.
            NoWorkerError: no worker has announced the step, so nobody would come for it.
            ReasonMissingError: it is a business error, and no reason is given.
        """
        reason = (reason or "").strip() or None

        def rule(tx: Tx, case: Case, now: datetime) -> Change:
            # The last 4 digits of a lease's id count its leases (desk.retries).
            retry_id = uuid.uuid4().hex[:28]
            fields = lifecycle.retry(case, actor.name, retry_id, reason, now) | _by_person(actor, now)
            if words := workers.missing(case, tx.run("desk/step_workers", workers.asked(case)), now):
                raise NoWorkerError(case["id"], words)
            row = _retry_row(case, retry_id, actor, reason, now)
            # One may still run from before the case recovered and came back: its lease is lost now.
            tx.run("desk/cancel_running_retries", {"case_id": case["id"], "now": now})
            tx.view_rows("new_retry", [row], like="retry")
            tx.run("desk/insert_retry")
            tx.topics.add("retry")
            details = {
                "retry_id": retry_id,
                "idempotency_key": row["idempotency_key"],
                "attempt": row["attempt"],
            }
            return Change(case, fields, "retried", actor, reason, details)

        asked = Asked("case.retry", actor, token, (case_id, reason), reason, shown)
        return self._perform(case_id, rule, asked)

    def cancel_retry(
        self,
        case_id: str,
        *,
        actor: Actor,
        reason: str | None = None,
        token: str | None = None,
        shown: dict[str, Any] | None = None,
    ) -> Case:
        """Cancel a retry that no worker has taken yet. Return the case after.

        The case goes back to whom it was claimed by before the retry, else to the queue, and stays due
        when it was.

        Raises:
            NotAllowedNowError: no retry waits, or a worker runs it already.
        """

        def rule(tx: Tx, case: Case, now: datetime) -> Change:
            retry = read(tx.run("desk/retry_by_id", {"id": case["retry_id"]}))
            fields = lifecycle.cancel_retry(case, retry, now, self.limits)
            tx.run("desk/cancel_retry", {"id": case["retry_id"], "states": ["queued"], "now": now})
            tx.topics.add("retry")
            return Change(case, fields, "retry_cancelled", actor, reason, {"retry_id": case["retry_id"]})

        asked = Asked("case.cancel_retry", actor, token, (case_id, reason), reason, shown)
        return self._perform(case_id, rule, asked)

    def fixed_outside(
        self,
        case_id: str,
        *,
        actor: Actor,
        reason: str,
        token: str | None = None,
        shown: dict[str, Any] | None = None,
    ) -> Case:
        """Say that the unit was repaired outside the automation; the case waits for its success signal.

        It returns to the queue where none arrives within `Limits.fixed_outside_s`. Return the case after.

        Raises:
            AlreadyClaimedError: somebody else holds it.
            InvalidActError: the reason is too short, or nothing could ever prove the unit.
        """

        def rule(_tx: Tx, case: Case, now: datetime) -> Change:
            fields = lifecycle.fixed_outside(case, actor.name, reason, now, self.limits)
            return Change(case, fields | _by_person(actor, now), "fixed_outside", actor, reason.strip())

        asked = Asked("case.fixed_outside", actor, token, (case_id, reason), reason.strip(), shown)
        return self._perform(case_id, rule, asked)

    def resolve(
        self,
        case_id: str,
        *,
        actor: Actor,
        code: str,
        reason: str,
        token: str | None = None,
        shown: dict[str, Any] | None = None,
    ) -> Case:
        """Close a case with a code and a reason. It wins over any claim. Return the case after.

        Raises:
            InvalidActError: there is no such code, or the reason is too short.
        """

        def rule(tx: Tx, case: Case, now: datetime) -> Change:
            fields = lifecycle.resolve(case, code, reason, now)
            if code in lifecycle.VERIFIABLE:
                fields |= _by_person(actor, now)
            if case["retry_id"]:
                # A worker that runs it already learns at its next report that the lease is lost.
                states = ["queued", "leased"]
                tx.run("desk/cancel_retry", {"id": case["retry_id"], "states": states, "now": now})
            taken = {"code": code} | (
                {"taken_from": case["holder"]} if case["holder"] not in (None, actor.name) else {}
            )
            return Change(case, fields, "resolved", actor, reason.strip(), taken)

        asked = Asked("case.resolve", actor, token, (case_id, code, reason), reason.strip(), shown)
        return self._perform(case_id, rule, asked)

    def _perform(self, case_id: str, rule: Rule, asked: Asked) -> Case:
        def target(tx: Tx) -> Target:
            case = read(tx.run("desk/case_for_act", {"id": case_id}))
            if case is None:
                raise CaseNotFoundError(case_id)
            return Target.of_case(case, CaseNotFoundError(case_id), _stricter(asked.act, case))

        def work(tx: Tx, found: Target, now: datetime) -> Case:
            assert found.case is not None  # noqa: S101 - `target` found it
            (after,) = make(tx, [rule(tx, found.case, now)], now)
            return shape(after)

        return revived(self.gate.perform(asked, work, target))


def _by_person(actor: Actor, now: datetime) -> Case:
    """Return what an act that counts as people's work leaves on the case; nothing for a service's."""
    return {"people_at": now} if actor.kind == HUMAN else {}


def _stricter(act: str, case: Case) -> str:
    return "case.retry_unsafe" if act == "case.retry" and case["replay_safe"] is False else act


def _retry_row(case: Case, retry_id: str, actor: Actor, reason: str | None, now: datetime) -> dict[str, Any]:
    traceparent = (
        f"00-{case['trace_id']}-{case['span_id']}-01" if case["trace_id"] and case["span_id"] else None
    )
    return {
        "id": retry_id,
        "case_id": case["id"],
        "flow": case["flow"],
        "step": case["step"],
        "correlation_id": case["correlation_id"],
        "attempt": case["attempts"] + 1,
        "state": "queued",
        "idempotency_key": case["idempotency_key"],
        "requested_by": actor.name,
        "requested_at": now,
        "reason": reason,
        "traceparent": traceparent,
        "data": case["data"],
        "leases": 0,
    }
