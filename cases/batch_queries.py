"""Batches as pages and REST show them: lists, one with what became of its cases, items. Times are aware."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cases.batches import (
    TIMES,
    Batch,
    BatchNotFoundError,
    BatchState,
    CauseCount,
    Item,
    ItemState,
    noun_of_money,
)
from data.clock import aware, stored
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from access.context import RequestContext
    from cases.case import Money


@dataclass(frozen=True, slots=True)
class _StateCount:
    state: str | None
    cases: int


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """A batch with what became of its cases."""

    batch: Batch
    causes: Sequence[CauseCount]
    case_states: Mapping[str | None, int]
    """Where the cases stand now on which it has acted; None: merged or withdrawn since."""
    recovered: Sequence[Money]
    """Money of units that it acted on and that have recovered since."""


class After(NamedTuple):
    """The batch behind which a page of the list begins."""

    at: datetime
    id: str

    @property
    def text(self) -> str:
        """The place as one word, for an address."""
        return base64.urlsafe_b64encode(f"{stored(self.at).isoformat()} {self.id}".encode()).decode()

    @classmethod
    def of(cls, text: str) -> After:
        """Return the place that a word names.

        Raises:
            ValueError: the text is not a place.
        """
        at, batch_id = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii").split(" ")
        return cls(datetime.fromisoformat(at).replace(tzinfo=UTC), batch_id)


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a list, how long the whole list is, and whether more follows."""

    total: int
    items: Sequence[Any]
    has_more: bool


_MAX_ROWS: Final = 1_000


def listed(
    ctx: RequestContext,
    *,
    author: str | None = None,
    states: Sequence[BatchState] | None = None,
    after: After | None = None,
    limit: int = 50,
) -> Part:
    """Return batches, the newest first: the actor's own, or all for those who may see everything."""
    asked = {
        "author": author,
        "states": None if states is None else list(states),
        "after_at": after and stored(after.at),
        "after_id": after and after.id,
    }
    rows = _seen(ctx, {**asked, "limit": min(limit, _MAX_ROWS) + 1})
    return _part(rows, min(limit, _MAX_ROWS), "total_seen", lambda row: _aware(Batch.of(row)))


def place(batch: Batch) -> After:
    """Return the place of a batch in the list."""
    return After(batch.created_at, batch.id)


def one(ctx: RequestContext, batch_id: str) -> BatchDetail:
    """Return a batch with what became of its cases.

    Raises:
        BatchNotFoundError: the actor may not see it, or it does not exist.
    """
    batch, own = _visible(ctx, batch_id), {"id": batch_id}
    money = {**own, "states": [ItemState.DONE], "recovered": True}
    states = ctx.reading.query("cases/batch_case_states", own, into=noun(_StateCount))
    return BatchDetail(
        batch=batch,
        causes=causes(ctx, batch_id),
        case_states={one.state: one.cases for one in states},
        recovered=ctx.reading.query("cases/batch_money", money, into=noun_of_money),
    )


def causes(ctx: RequestContext, batch_id: str) -> list[CauseCount]:
    """Return why items of a batch were left out, skipped or failed, with how many."""
    return ctx.reading.query("cases/batch_causes", {"id": batch_id}, into=noun(CauseCount))


def items(
    ctx: RequestContext,
    batch_id: str,
    *,
    states: Sequence[str] | None = None,
    after: int = 0,
    limit: int = 50,
) -> Part:
    """Return the items of a batch behind the place `after`, in their order.

    Raises:
        BatchNotFoundError: the actor may not see it, or it does not exist.
    """
    _visible(ctx, batch_id)
    most = min(limit, _MAX_ROWS)
    asked = {"id": batch_id, "states": None if states is None else list(states), "place": after}
    rows = ctx.reading.query("cases/batch_items", {**asked, "limit": most + 1})
    return _part(rows, most, "total", noun(Item))


def _visible(ctx: RequestContext, batch_id: str) -> Batch:
    """Return a batch if the actor may see it."""
    rows = _seen(ctx, {**dict.fromkeys(("author", "states", "after_at", "after_id")), "id": batch_id})
    if not rows:
        raise BatchNotFoundError(batch_id)
    return _aware(Batch.of(rows[0]))


def _seen(ctx: RequestContext, asked: dict[str, Any]) -> list[dict[str, Any]]:
    return ctx.reading.query("cases/batches", {"id": None, "limit": 1, **asked, "me": ctx.actor.name})


def _part(rows: Sequence[Mapping[str, Any]], limit: int, total: str, into: Any) -> Part:
    return Part(rows[0][total] if rows else 0, [into(row) for row in rows[:limit]], len(rows) > limit)


def _aware(batch: Batch) -> Batch:
    moments: dict[str, Any] = {name: aware(getattr(batch, name)) for name in TIMES}
    return replace(batch, **moments)
