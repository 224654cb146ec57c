"""The one way in for every change. Pages, REST, the command line, workers and the clock all call `perform`.

A command is a small frozen value: what is asked for. Its class says in four functions how it is done:

1. `load` reads what the command is about, in the transaction that will change it.
2. `authorize` names what right it takes, and on what. `perform` asks the actor's session or token and roles
   as they are at this moment, not as a page drew them. A refusal changes nothing and is recorded by itself.
3. `decide` is the rule: values in, a value out, nothing else.
4. `apply` writes what was decided and returns the answer.

A repeated Idempotency-Key gets the answer of the first time. Intent, decision and effects are recorded in the
same transaction as the change.

`perform_together` does the same for many commands of one class in one transaction: a batch. Each is asked
for, decided and recorded as an act of its own; only what they read and write goes to the store together.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

import orjson

from access.errors import ForbiddenError, SignedOutError, TokenReusedError
from access.roles import ACTS
from audit import trail
from data.clock import stored, utc_now
from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from access.context import RequestContext
    from access.roles import Grant
    from audit.trail import AuditedCase
    from data.store import Store
    from data.transaction import Tx

Loaded = TypeVar("Loaded")
Decided = TypeVar("Decided")
Answer = TypeVar("Answer")

_REFUSALS_EVERY_S: Final = 10.0
"""How often a refusal of the same act to the same actor is recorded: a loop must not fill the audit."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a command is about: a case, or a subject such as `person:ann`."""

    case: AuditedCase | None = None
    subject: str | None = None
    tenant: str | None = None
    flow: str | None = None
    act: str | None = None
    """A stricter right than the command's own, where what it is about asks for one."""
    anywhere: bool = False
    """A role for anything at all is enough: the work itself reaches no further than the actor's scope."""
    missing: UnsnagError | None = None
    """Raised where the actor may not even look: what one may not see is not there."""

    @classmethod
    def of_case(cls, case: AuditedCase, missing: UnsnagError | None = None, act: str | None = None) -> Target:
        """Return a case as what a command is about."""
        return cls(case=case, tenant=case.tenant, flow=case.flow, act=act, missing=missing)


class Command(Generic[Loaded, Decided, Answer]):
    """What is asked for. Subclasses are frozen dataclasses; fields that are compared are the request."""

    __slots__ = ()
    act: ClassVar[str]
    """The row of `access.roles.ACTS` that says which roles may do it."""

    @property
    def why(self) -> str | None:
        """The reason that is recorded with the intent."""
        return getattr(self, "reason", None)

    def load(self, _tx: Tx, _ctx: RequestContext) -> Loaded:
        """Return what the command is about, as it is in this transaction."""
        return cast("Loaded", None)

    def authorize(self, _loaded: Loaded) -> Target:
        """Return on what the right is needed; here on something anywhere within the actor's scope."""
        return Target(anywhere=True)

    def decide(self, loaded: Loaded, _ctx: RequestContext, _now: datetime) -> Decided:
        """Return what is to be written. Pure; `now` is naive UTC.

        Raises:
            UnsnagError: a rule refuses it. Nothing is changed.
        """
        return cast("Decided", loaded)

    def apply(self, tx: Tx, decided: Decided, ctx: RequestContext, now: datetime) -> Answer:
        """Write what was decided and return the answer."""
        raise NotImplementedError

    @classmethod
    def load_all(cls, tx: Tx, commands: Sequence[Any], ctx: RequestContext) -> Sequence[Loaded | UnsnagError]:
        """Return what each of several commands of this class is about, or why it cannot be done."""
        return [one.loaded(tx, ctx) for one in commands]

    def loaded(self, tx: Tx, ctx: RequestContext) -> Loaded | UnsnagError:
        """Return what the command is about, or why it cannot be done."""
        try:
            return self.load(tx, ctx)
        except UnsnagError as error:
            return error

    @classmethod
    def apply_all(
        cls, tx: Tx, decided: Sequence[tuple[str, Decided]], ctx: RequestContext, now: datetime
    ) -> None:
        """Write what was decided for several commands of this class, each with the id of its act."""
        raise NotImplementedError

    def kept(self, answer: Answer) -> Any:
        """Return the answer as what is kept, as JSON, for a repeated Idempotency-Key."""
        return answer

    def answer_again(self, kept: Any) -> Answer:
        """Return the answer that was kept."""
        return cast("Answer", kept)


class SystemCommand(Command[None, None, Answer]):
    """What time does, or what happens where nobody is signed in yet: performed as the system itself."""

    __slots__ = ()
    act: ClassVar = "clock"

    def authorize(self, _loaded: None) -> Target:
        """Return nothing: the right is the system's own."""
        return Target()


def perform(
    command: Command[Any, Any, Answer],
    ctx: RequestContext,
    *,
    key: str | None = None,
    shown: Mapping[str, Any] | None = None,
) -> Answer:
    """Do what a command asks for if the actor may, in one transaction, and return its answer.

    Args:
        command: What is asked for.
        ctx: Who asks, and over which store.
        key: The Idempotency-Key: the same one gets the same answer again, and nothing is done twice.
        shown: What a person saw before; it is recorded with the intent.

    Raises:
        ForbiddenError: the actor may not. The refusal is recorded.
        SignedOutError: the session or token behind the actor is no longer valid.
        TokenReusedError: the key came with another request before.
    """
    run = _Run(command, ctx, key, shown)
    try:
        return ctx.store.act(run).result()
    except ForbiddenError as error:
        _record_refusal(run, error)
        raise


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of several commands: the id of its act, or why it was refused."""

    act: str
    error: UnsnagError | None = None


def perform_together(
    tx: Tx,
    commands: Sequence[Command[Any, Any, Any]],
    ctx: RequestContext,
    *,
    shown: Mapping[str, Any] | None = None,
    check: Callable[[Any], None] = lambda _loaded: None,
) -> list[Outcome]:
    """Do commands of one class, each on something else, in this transaction; return what became of each.

    Args:
        tx: The transaction.
        commands: What is asked for.
        ctx: Who asks. Their rights are asked for each command.
        shown: Recorded with each intent.
        check: Raises where a command is not wanted any more for what it found.

    Raises:
        SignedOutError: nobody stands behind the actor any more. Nothing of the transaction may be kept.
    """
    now, kind, outer = stored(utc_now()), type(commands[0]), tx.act
    outcomes, decided = [], []
    for command, loaded in zip(commands, kind.load_all(tx, commands, ctx), strict=True):
        tx.act = uuid.uuid4().hex
        run = _Run(command, ctx, None, shown)
        found = loaded if isinstance(loaded, UnsnagError) else run.decided(tx, loaded, check, now)
        is_refused = isinstance(found, UnsnagError)
        outcomes.append(Outcome(tx.act, found if is_refused else None))
        decided += [] if is_refused else [(tx.act, found)]
    tx.act = outer
    if decided:
        kind.apply_all(tx, decided, ctx, now)
    return outcomes


class _Run(Generic[Answer]):
    """One command on its way through one transaction."""

    def __init__(
        self,
        command: Command[Any, Any, Answer],
        ctx: RequestContext,
        key: str | None,
        shown: Mapping[str, Any] | None,
    ) -> None:
        self.command = command
        self.ctx = ctx
        self.target = Target()
        self._key = key
        self._shown = shown

    def __call__(self, tx: Tx) -> Answer:
        """Do the command in a transaction of the writer."""
        now = stored(utc_now())
        tx.act = uuid.uuid4().hex
        loaded = self.command.load(tx, self.ctx)
        self.target = self.command.authorize(loaded)
        grant = self._granted()
        for row in self._earlier(tx):
            return self.command.answer_again(orjson.loads(row["body"]))
        if not ACTS[self.command.act].quiet:
            trail.write(tx, self.asked_and_decided({"allowed": "yes", "by": str(grant)}), now)
        decided = self.command.decide(loaded, self.ctx, now)
        answer = self.command.apply(tx, decided, self.ctx, now)
        self._keep(tx, answer, now)
        return answer

    def decided(self, tx: Tx, loaded: Any, check: Callable[[Any], None], now: datetime) -> Any:
        """Decide the command within a transaction of several; return the decision, or why it is refused."""
        self.target = self.command.authorize(loaded)
        try:
            grant = self._granted()
            check(loaded)
            decision = self.command.decide(loaded, self.ctx, now)
        except SignedOutError:
            raise
        except UnsnagError as error:
            if isinstance(error, ForbiddenError):
                trail.write(tx, self.asked_and_decided({"allowed": "no", "why": str(error)}), now)
            return error
        trail.write(tx, self.asked_and_decided({"allowed": "yes", "by": str(grant)}), now)
        return decision

    @property
    def act(self) -> str:
        """The act that is asked for: the command's, or the stricter one that its target names."""
        return self.target.act or self.command.act

    def _granted(self) -> Grant | None:
        authority, actor, on = self.ctx.authority, self.ctx.actor, self.target
        if on.missing and not authority.may(actor, "read", on.tenant, on.flow):
            authority.grants(actor)  # raises for someone who is signed out
            raise on.missing
        return authority.decide(actor, self.act, on.tenant, on.flow, anywhere=on.anywhere)

    def _earlier(self, tx: Tx) -> list[dict[str, Any]]:
        """Return the answer that was kept under the key, if there is one.

        Raises:
            TokenReusedError: it was kept for another request.
        """
        if self._key is None:
            return []
        rows = tx.run("access/idempotent_write", {"key": self._key, "actor": self.ctx.actor.name})
        if any(row["request_hash"] != self._request_hash() for row in rows):
            raise TokenReusedError
        return rows

    def _keep(self, tx: Tx, answer: Answer, now: datetime) -> None:
        if self._key is None or answer is None:  # nothing was done: nothing to answer again
            return
        kept = {
            "key": self._key,
            "actor": self.ctx.actor.name,
            "request_hash": self._request_hash(),
            "status": 200,
            "body": orjson.dumps(self.command.kept(answer), default=str).decode(),
            "now": now,
        }
        tx.run("access/insert_idempotent_write", kept)

    def _request_hash(self) -> str:
        request = [
            type(self.command).__name__,
            *(getattr(self.command, one.name) for one in fields(cast("Any", self.command)) if one.compare),
        ]
        return hashlib.sha256(orjson.dumps(request, default=str)).hexdigest()

    def asked_and_decided(self, decision: dict[str, Any]) -> list[trail.Entry]:
        """Return the entries of intent and decision."""
        shown = {"shown": dict(self._shown)} if self._shown else None
        on = trail.Entry(self.act, self.ctx.actor, self.target.case, subject=self.target.subject)
        intent = replace(on, kind=trail.INTENT, reason=self.command.why, details=shown)
        return [intent, replace(on, kind=trail.DECISION, details=decision)]


_recorded: WeakKeyDictionary[Store, dict[tuple[str, str], float]] = WeakKeyDictionary()
"""When the last refusal of an act to an actor was recorded."""


def _record_refusal(run: _Run[Any], error: ForbiddenError) -> None:
    """Record a refusal in a transaction of its own, at most one in ten seconds of one act to one actor."""
    recorded = _recorded.setdefault(run.ctx.store, {})
    key, now = (run.ctx.actor.name, run.command.act), time.monotonic()
    if now - recorded.get(key, -_REFUSALS_EVERY_S) < _REFUSALS_EVERY_S:
        return
    recorded[key] = now

    def write(tx: Tx) -> None:
        tx.act = uuid.uuid4().hex
        entries = run.asked_and_decided({"allowed": "no", "why": str(error)})
        trail.write(tx, entries, stored(utc_now()))

    run.ctx.store.act(write).result()
