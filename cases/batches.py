"""Batches: one act on many cases. A list is frozen first, then its items are acted on one by one.

1. A filter or ids become a frozen list: items in the order of the queue, and what is left out, each with why.
2. Somebody starts it. From then on no other batch may have its cases.                    frozen → running
3. The runner (`cases.batch_runner`) acts on the items in groups. Each act is one of the author, with their
   rights as they are at that moment. The cursor is committed with the acts.
4. Somebody pauses it, and its author resumes it.                                          running ↔ paused
   Its author may not act any more:                                                        running → stopped
   The author may again, and resumes it:                                                   stopped → running
5. No item waits:                                                                          running → done
   Somebody cancels it, and what waits is skipped:            frozen, running, paused, stopped → cancelled

The total never changes: done + failed + skipped + waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from access.errors import ForbiddenError
from cases.assigning import Assign
from cases.batch_terms import NOTHING, Terms
from cases.case import Money, json_value
from cases.commands import Claim, Release, Resolve, RetryCase
from cases.errors import AlreadyClaimedError, CaseNotFoundError, InvalidActError
from cases.escalating import Escalate
from cases.snoozing import Snooze
from data.errors import ConflictError, UnsnagError
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cases.commands import CaseCommand


class BatchState(StrEnum):
    """Where a batch is on its way."""

    FROZEN = "frozen"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    CANCELLED = "cancelled"


STARTED: Final = (BatchState.RUNNING, BatchState.PAUSED, BatchState.STOPPED)
"""States in which no other batch may act on its cases."""


class ItemState(StrEnum):
    """What became of an item of a batch."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    LEFT_OUT = "left_out"


VERBS: Final[Mapping[str, type[CaseCommand]]] = {
    "claim": Claim,
    "release": Release,
    "retry": RetryCase,
    "resolve": Resolve,
    "assign": Assign,
    "snooze": Snooze,
    "escalate": Escalate,
}
"""What a batch can do with each of its cases."""
FOR_OTHERS: Final = ("escalate",)
"""Acts that are also for cases that somebody else has claimed, as the single act is."""

CAUSES: Final = {
    "missing": "there is no such exception",
    "recovered": "it has recovered already",
    "ended": "it is closed already",
    "not_permitted": "you may not act on it",
    "other_batch": "batch {} acts on it",
    "held": "{} has claimed it",
    "busy": "a retry of it runs, or it waits for its proof",
    "not_held": "nobody has claimed it",
    "unprovable": "no later success could prove it",
    "unsafe": "its step is not safe to replay",
    "undeclared": "its step does not declare whether it is safe to replay",
    "no_worker": "no worker has announced step {} within 24 h",
    "cancelled": "{} cancelled the batch before it",
    "refused": "{}",
    "error": "{}",
}
"""Why an item was left out, skipped or failed, as a sentence about it; {} stands for its detail."""
CAUSES_OF_MANY: Final = {
    "missing": "do not exist",
    "recovered": "recovered already",
    "ended": "closed already",
    "not_permitted": "not permitted",
    "other_batch": "in another batch",
    "held": "claimed by others",
    "busy": "being retried, or waiting for proof",
    "not_held": "not claimed",
    "unprovable": "cannot be proved",
    "unsafe": "not safe to replay",
    "undeclared": "not declared safe to replay",
    "no_worker": "without a worker",
    "cancelled": "cancelled",
    "refused": "not possible any more",
    "error": "failed",
}
"""The same in a list of counts: `2 claimed by others`."""


class BatchNotFoundError(UnsnagError):
    """There is no such batch."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"There is no batch {batch_id}. A list that nobody starts is forgotten after a day.")


class EmptyFilterError(InvalidActError):
    """An empty filter would reach everything. Choose a flow, class, severity, tenant, group or text."""


class BatchStateError(ConflictError):
    """The state of the batch does not allow this."""

    def __init__(self, batch: Batch, verb: str) -> None:
        super().__init__(f"Batch {batch.id} is {batch.state} and cannot be {verb}.")


class Sample(NamedTuple):
    """One of the cases of a batch."""

    id: str
    correlation_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One act on many cases, and how far it is. Times are naive UTC in the writer, aware outside."""

    id: str
    act: str
    """A key of `VERBS`."""
    state: BatchState
    author: str
    author_kind: str
    credential: str | None
    asked: Mapping[str, Any]
    """The filter, or how many ids."""
    undeclared: bool
    """A retry also of steps that do not declare whether they are safe to replay."""
    code: str | None = None
    reason: str | None = None
    given: Terms = NOTHING
    """Whom it assigns or escalates to, until when it snoozes."""
    why: str | None = None
    """Why it was stopped, or who paused or cancelled it."""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    total: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    left_out: int
    place: int = 0
    """The cursor: the last item that was looked at."""
    flows: Sequence[str]
    oldest: datetime | None
    value: Sequence[Money] = field(default_factory=tuple)
    """Money of its items when the list was frozen, by currency; a unit in several flows counts once."""
    samples: Sequence[Sample] = field(default_factory=tuple)

    @property
    def waiting(self) -> int:
        """Items that wait."""
        return self.total - self.done - self.failed - self.skipped

    @property
    def is_started(self) -> bool:
        """Whether it acts on its cases, or goes on with that when it is resumed."""
        return self.state in STARTED

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Batch:
        """Return the batch of a stored row."""
        asked, value, samples = (json_value(row[name]) for name in ("asked", "value", "samples"))
        return _batch(
            row,
            state=BatchState(row["state"]),
            asked=asked,
            given=Terms.of_json(row["given"]),
            value=tuple(Money(Decimal(amount), currency) for amount, currency in value),
            samples=tuple(Sample(*sample) for sample in samples),
        )

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Batch:
        """Return the batch of a row that was kept as JSON."""
        times = {name: datetime.fromisoformat(kept[name]) for name in TIMES if kept[name]}
        return cls.of({**kept, **times})

    def row(self) -> dict[str, Any]:
        """Return the batch as the row that is stored."""
        value = [[str(amount), currency] for amount, currency in self.value]
        return {one.name: getattr(self, one.name) for one in fields(self)} | {
            "asked": orjson.dumps(self.asked).decode(),
            "given": self.given.json(),
            "flows": list(self.flows),
            "value": orjson.dumps(value).decode(),
            "samples": orjson.dumps([list(sample) for sample in self.samples]).decode(),
        }

    def command(self, case_id: str) -> CaseCommand:
        """Return the command on one of its cases."""
        match self.act:
            case "retry":
                return RetryCase(case_id, self.reason)
            case "resolve":
                return Resolve(case_id, self.code or "", self.reason or "")
            case "assign":
                return self.given.assign(case_id)
            case "snooze":
                return self.given.snooze(case_id, self.reason)
            case "escalate":
                return self.given.escalate(case_id, self.reason)
            case _:
                return Claim(case_id) if self.act == "claim" else Release(case_id)


_batch: Final = noun(Batch, aware=False)
TIMES: Final = tuple(one.name for one in fields(Batch) if "datetime" in str(one.type))


@dataclass(frozen=True, slots=True)
class Item:
    """One case of a batch, and what became of it."""

    place: int
    case_id: str
    state: str
    cause: str | None
    """A key of `CAUSES`; None where nothing was in the way."""
    detail: str | None
    act: str | None
    """The id of the act in the audit."""
    finished_at: datetime | None
    flow: str | None
    correlation_id: str | None
    title: str | None
    case_state: str | None
    """Where the case stands now."""

    @property
    def reason(self) -> str | None:
        """Why it was left out, skipped or failed, as a sentence."""
        return CAUSES[self.cause].format(self.detail) if self.cause else None


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How many items of a state have a cause."""

    state: str
    cause: str
    items: int


def cause_of(error: UnsnagError) -> tuple[ItemState, str, str]:
    """Return the state, cause and detail of an item whose act was refused."""
    if isinstance(error, AlreadyClaimedError):
        return ItemState.SKIPPED, "held", error.holder
    is_late = isinstance(error, ConflictError | CaseNotFoundError | ForbiddenError)
    return (ItemState.SKIPPED, "refused", str(error)) if is_late else (ItemState.FAILED, "error", str(error))


def noun_of_money(row: Mapping[str, Any]) -> Money:
    """Return the amount of a row."""
    return Money(*(row[name] for name in Money._fields))
