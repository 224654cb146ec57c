"""What people do with cases: claim, release, retry, resolve. Every door calls these.

Each act is one transaction: read the case, apply the rule, write the change with its audit entry.
The same token answers the same again, however often it is sent.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson

from data.clock import stored, utc_now
from desk import lifecycle
from desk.audit import Actor
from desk.cases import read, revived, shape
from desk.change import Change, make
from desk.errors import CaseNotFoundError, TokenReusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from data.store import Store, Tx

    Case = dict[str, Any]
    Rule = Callable[[Tx, Case, datetime], Change]

T = TypeVar("T")

__all__ = ["Actor", "Acts", "once"]


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts on cases, over one store."""

    store: Store
    limits: lifecycle.Limits

    def claim(self, case_id: str, *, actor: Actor, token: str | None = None) -> Case:
        """Claim a case, or renew one's own claim. Return the case after.

        Raises:
            CaseNotFoundError, AlreadyClaimedError, NotAllowedNowError, TokenReusedError
        """

        def rule(_tx: Tx, case: Case, now: datetime) -> Change:
            renewed = case["state"] == lifecycle.CLAIMED
            fields = lifecycle.claim(case, actor.name, now, self.limits)
            return Change(case, fields, "renewed" if renewed else "claimed", actor)

        return self._perform(case_id, rule, actor, token, ["claim", case_id])

    def release(self, case_id: str, *, actor: Actor, token: str | None = None) -> Case:
        """Give a claimed case back to the queue. Return the case after.

        Raises:
            CaseNotFoundError, AlreadyClaimedError, NotAllowedNowError, TokenReusedError
        """

        def rule(_tx: Tx, case: Case, _now: datetime) -> Change:
            return Change(case, lifecycle.release(case, actor.name), "released", actor)

        return self._perform(case_id, rule, actor, token, ["release", case_id])

    def retry(
        self, case_id: str, *, actor: Actor, reason: str | None = None, token: str | None = None
    ) -> Case:
        """Ask for a retry of the case's step; a worker carries it out. Return the case after.

        Raises:
            CaseNotFoundError, AlreadyClaimedError, NotAllowedNowError, TokenReusedError
        """

        def rule(tx: Tx, case: Case, now: datetime) -> Change:
            # The last 4 digits of a lease's id count its leases (desk.retries).
            retry_id = uuid.uuid4().hex[:28]
            fields = lifecycle.retry(case, actor.name, retry_id, now)
            row = _retry_row(case, retry_id, actor, reason, now)
            tx.view_rows("new_retry", [row], like="retry")
            tx.run("desk/insert_retry")
            tx.topics.add("retry")
            details = {
                "retry_id": retry_id,
                "idempotency_key": row["idempotency_key"],
                "attempt": row["attempt"],
            }
            return Change(case, fields, "retried", actor, reason, details)

        return self._perform(case_id, rule, actor, token, ["retry", case_id, reason])

    def resolve(
        self, case_id: str, *, actor: Actor, code: str, reason: str, token: str | None = None
    ) -> Case:
        """Close a case with a code and a reason. It wins over any claim. Return the case after.

        Raises:
            CaseNotFoundError, InvalidActError, NotAllowedNowError, TokenReusedError
        """

        def rule(tx: Tx, case: Case, now: datetime) -> Change:
            fields = lifecycle.resolve(case, code, reason, now)
            if case["retry_id"]:
                # A worker that runs it already learns at its next report that the lease is lost.
                states = ["queued", "leased"]
                tx.run("desk/cancel_retry", {"id": case["retry_id"], "states": states, "now": now})
            taken = {"code": code} | (
                {"taken_from": case["holder"]} if case["holder"] not in (None, actor.name) else {}
            )
            return Change(case, fields, "resolved", actor, reason.strip(), taken)

        return self._perform(case_id, rule, actor, token, ["resolve", case_id, code, reason])

    def _perform(self, case_id: str, rule: Rule, actor: Actor, token: str | None, request: list[Any]) -> Case:
        def work(tx: Tx) -> Case:
            now = stored(utc_now())
            case = read(tx.run("desk/case_for_act", {"id": case_id}))
            if case is None:
                raise CaseNotFoundError(case_id)
            (after,) = make(tx, [rule(tx, case, now)], now)
            return shape(after)

        return revived(self.store.act(lambda tx: once(tx, token, actor, request, lambda: work(tx))).result())


def once(tx: Tx, token: str | None, actor: Actor, request: list[Any], work: Callable[[], T]) -> T:
    """Do `work` the first time a token is seen; answer what it answered every other time.

    Raises:
        TokenReusedError: the token came with another request before.
    """
    if token is None:
        return work()
    asked = hashlib.sha256(orjson.dumps(request)).hexdigest()
    for row in tx.run("desk/idempotent_write", {"key": token, "actor": actor.name}):
        if row["request_hash"] != asked:
            raise TokenReusedError
        return cast("T", orjson.loads(row["body"]))
    answer = work()
    if answer is None:  # nothing was done: nothing to answer again
        return answer
    tx.run(
        "desk/insert_idempotent_write",
        {
            "key": token,
            "actor": actor.name,
            "request_hash": asked,
            "status": 200,
            "body": orjson.dumps(answer, default=str).decode(),
            "now": stored(utc_now()),
        },
    )
    return answer


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
