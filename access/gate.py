"""The one place that every change passes, by whichever door it comes.

1. A transaction begins; what is acted upon is read in it.
2. The actor's session or token and roles are looked at as they are now, not as a page drew them.
3. A token that was seen before gets the answer of that time.
4. Intent and decision are recorded, the work is done, its effects are recorded: all in the one transaction.
5. A refusal changes nothing and is recorded by itself.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import orjson

from access.errors import ForbiddenError, TokenReusedError
from access.roles import ACTS
from audit import trail
from audit.actor import SYSTEM
from data.clock import stored, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from access.authority import Authority
    from access.roles import Grant
    from audit.actor import Actor
    from data.errors import UnsnagError
    from data.store import Store, Tx

T = TypeVar("T")

_REFUSALS_EVERY_S: Final = 10.0
"""How often a refusal of the same act to the same actor is recorded: a loop must not fill the audit."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is about: a case, or a subject such as `person:ann`; `act` may name a stricter rule."""

    case: dict[str, Any] | None = None
    subject: str | None = None
    tenant: str | None = None
    flow: str | None = None
    act: str | None = None
    anywhere: bool = False
    """A role for anything at all is enough: the work itself reaches no further than the actor's scope."""
    missing: UnsnagError | None = None
    """Raised where the actor may not even look: what one may not see is not there."""

    @classmethod
    def of_case(cls, case: dict[str, Any], missing: UnsnagError, act: str | None = None) -> Target:
        """Return a case as the target of an act."""
        return cls(case=case, tenant=case["tenant"], flow=case["flow"], act=act, missing=missing)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came to the gate: the act, who asks, the Idempotency-Key, the request, why, what was shown."""

    act: str
    actor: Actor
    token: str | None = None
    request: tuple[Any, ...] = ()
    reason: str | None = None
    shown: dict[str, Any] | None = None


class Gate:
    """Performs acts on one store under one authority."""

    def __init__(self, store: Store, authority: Authority) -> None:
        self.store = store
        self.authority = authority
        self._refused: dict[tuple[str, str], float] = {}

    def perform(
        self,
        asked: Asked,
        work: Callable[[Tx, Target, datetime], T],
        target: Callable[[Tx], Target] | Target | None = None,
    ) -> T:
        """Do `work` if the actor may; return its answer, or that of the first time for a token seen before.

        `work` gets the transaction, what `target` found in it, and the moment (naive UTC).

        Raises:
            ForbiddenError: the actor may not. The refusal is recorded.
            SignedOutError: the session or token behind the actor is no longer valid.
            TokenReusedError: the token came with another request before.
        """
        found = Target()

        def transaction(tx: Tx) -> T:
            nonlocal found
            now = stored(utc_now())
            tx.act = uuid.uuid4().hex
            found = target(tx) if callable(target) else target or Target()
            granted = self._decide(asked, found)
            return _once(tx, asked, now, lambda: done(tx, granted, now))

        def done(tx: Tx, granted: Grant | None, now: datetime) -> T:
            if not ACTS[asked.act].quiet:
                told = {"allowed": "yes", "by": str(granted)}
                trail.write(tx, _asked_and_decided(asked, found, told), now)
            return work(tx, found, now)

        try:
            return self.store.act(transaction).result()
        except ForbiddenError as error:
            self._record_refusal(asked, found, error)
            raise

    def _decide(self, asked: Asked, found: Target) -> Grant | None:
        act = found.act or asked.act
        if found.missing and not self.authority.may(asked.actor, "read", found.tenant, found.flow):
            self.authority.grants(asked.actor)  # signed out is told as such
            raise found.missing
        return self.authority.decide(asked.actor, act, found.tenant, found.flow, anywhere=found.anywhere)

    def _record_refusal(self, asked: Asked, found: Target, error: ForbiddenError) -> None:
        key, now = (asked.actor.name, asked.act), time.monotonic()
        if now - self._refused.get(key, -_REFUSALS_EVERY_S) < _REFUSALS_EVERY_S:
            return
        self._refused[key] = now

        def transaction(tx: Tx) -> None:
            tx.act = uuid.uuid4().hex
            told = {"allowed": "no", "why": str(error)}
            trail.write(tx, _asked_and_decided(asked, found, told), stored(utc_now()))

        self.store.act(transaction).result()

    def record(
        self,
        asked: Asked,
        verb: str,
        *,
        subject: str,
        details: dict[str, Any] | None = None,
        anywhere: bool = False,
    ) -> None:
        """Record an act that changes nothing in the store: an export, a look at what is unmasked."""

        def work(tx: Tx, _found: Target, now: datetime) -> None:
            entry = trail.Entry(verb, asked.actor, subject=subject, reason=asked.reason, details=details)
            trail.write(tx, [entry], now)

        self.perform(asked, work, Target(subject=subject, anywhere=anywhere))

    def tick(self, work: Callable[[Tx, datetime], T]) -> T:
        """Do what time alone does."""
        return self.perform(Asked("clock", SYSTEM), lambda tx, _found, now: work(tx, now))


def _asked_and_decided(asked: Asked, found: Target, decision: dict[str, Any]) -> list[trail.Entry]:
    shown = {"shown": asked.shown} if asked.shown else None
    act = found.act or asked.act
    common = {"actor": asked.actor, "case": found.case, "subject": found.subject}
    return [
        trail.Entry(verb=act, kind=trail.INTENT, reason=asked.reason, details=shown, **common),  # type: ignore[arg-type]
        trail.Entry(verb=act, kind=trail.DECISION, details=decision, **common),  # type: ignore[arg-type]
    ]


def _once(tx: Tx, asked: Asked, now: datetime, work: Callable[[], T]) -> T:
    if asked.token is None:
        return work()
    request = hashlib.sha256(orjson.dumps([asked.act, *asked.request])).hexdigest()
    for row in tx.run("access/idempotent_write", {"key": asked.token, "actor": asked.actor.name}):
        if row["request_hash"] != request:
            raise TokenReusedError
        return cast("T", orjson.loads(row["body"]))
    answer = work()
    if answer is None:  # nothing was done: nothing to answer again
        return answer
    kept = {
        "key": asked.token,
        "actor": asked.actor.name,
        "request_hash": request,
        "status": 200,
        "body": orjson.dumps(answer, default=str).decode(),
        "now": now,
    }
    tx.run("access/insert_idempotent_write", kept)
    return answer
