"""Freezing a week: its figures are computed on readers, and only the write is a transaction of the writer.

1. `ready` computes the figures, their parts and what the sections state, while commits go on.
2. `FreezeWeek` holds the writer for a moment: it reads what people wrote, and checks that nothing came since
   the first step that the figures of the week depend on. Then it writes the week.
3. Where something came, the figures could be of two states of the store: they are computed again (`freeze`).

A record that arrives later, of whichever week, is restated beside the frozen figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson

from access.commands import Command, Target, perform
from audit import chain, trail
from data.clock import stored, utc_now
from data.errors import ConflictError
from kpis import periods
from kpis.review.errors import CommentMissingError, WeekChangedError, WeekRunsError
from kpis.review.pack import Week
from kpis.review.parts import parts
from kpis.review.written import is_frozen
from kpis.weeks import computed, frozen, with_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx
    from kpis.weeks import Content, FrozenWeek

TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Prepared:
    """A week as it was computed, without what people wrote, and how much there was that it rests on."""

    content: Content
    rests_on: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Freezing:
    """What is to be frozen, behind the weeks that were frozen before."""

    earlier: list[FrozenWeek]
    content: Content


def freeze(
    ctx: RequestContext,
    week: str,
    zone: str,
    *,
    key: str | None = None,
    shown: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Freeze a week, and return its name and hash; computed again where the week changed meanwhile.

    Raises:
        InvalidPeriodError: there is no such week.
        WeekRunsError: it is not over.
        ConflictError: it was frozen before.
        CommentMissingError: a figure moved, and nobody wrote why.
        WeekChangedError: it changed each time while its figures were computed.
        ForbiddenError: the actor may not.
    """
    for _ in range(TRIES - 1):
        try:
            return perform(ready(ctx, week, zone), ctx, key=key, shown=shown)
        except WeekChangedError:
            continue
    return perform(ready(ctx, week, zone), ctx, key=key, shown=shown)


def ready(ctx: RequestContext, week: str, zone: str) -> FreezeWeek:
    """Return the command with the week computed; without it where the command will be refused anyway.

    Raises:
        InvalidPeriodError: there is no such week.
    """
    moment, end = utc_now(), periods.week(week, zone).end
    if end > moment or not ctx.may(FreezeWeek.act) or is_frozen(ctx.store, week):
        return FreezeWeek(week, zone)
    reading = ctx.store.everything()
    rests_on = _rests_on(reading, end)
    content = computed(reading, week, zone, moment)
    kept = parts(Week.of(reading, week, zone, moment))
    return FreezeWeek(week, zone, Prepared(replace(content, parts=kept), rests_on))


@dataclass(frozen=True, slots=True)
class FreezeWeek(Command[None, Freezing, "dict[str, str]"]):
    """Write down a week that is over, over all flows: its figures, and all that was written in its review."""

    act: ClassVar = "week.freeze"
    week: str
    zone: str
    prepared: Prepared | None = field(default=None, compare=False, repr=False)
    """What `ready` computed: no part of the request."""

    def authorize(self, _loaded: None) -> Target:
        """Return the week."""
        return Target(subject=f"week:{self.week}")

    def decide(self, _loaded: None, ctx: RequestContext, now: datetime) -> Freezing:
        """Return the week as it was computed, with what people wrote up to now.

        Raises:
            InvalidPeriodError: there is no such week.
            WeekRunsError: it is not over.
            ConflictError: it was frozen before.
            WeekChangedError: it was not computed, or changed since.
            CommentMissingError: a figure moved, and nobody wrote why.
        """
        moment = now.replace(tzinfo=UTC)
        end = periods.week(self.week, self.zone).end
        if end > moment:
            raise WeekRunsError(f"The week {self.week} is not over ({self.zone}). Freeze it when it is.")
        if is_frozen(ctx.store, self.week):
            raise ConflictError(f"The week {self.week} was frozen before. Later facts are shown beside it.")
        reading = ctx.store.everything()
        if self.prepared is None or self.prepared.rests_on != _rests_on(reading, end):
            raise WeekChangedError(self.week)
        content = with_words(reading, self.week, self.prepared.content, moment)
        if content.uncommented:
            names = [content.figures[one].name for one in content.uncommented]
            raise CommentMissingError(self.week, names)
        return Freezing(frozen(reading), content)

    def apply(self, tx: Tx, decided: Freezing, ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Write the week, and its hash also into the audit."""
        sealed = chain.seal(
            {
                "seq": len(decided.earlier) + 1,
                "week": self.week,
                "frozen_at": now.replace(tzinfo=UTC).isoformat(),
                "actor": ctx.actor.name,
                "content": orjson.dumps(decided.content, default=str, option=orjson.OPT_SORT_KEYS).decode(),
            },
            decided.earlier[-1].hash if decided.earlier else chain.START,
        )
        tx.run("kpis/insert_frozen_week", dict(sealed))
        answer = {"week": self.week, "hash": str(sealed.get("hash"))}
        entry = trail.Entry("week frozen", ctx.actor, subject=f"week:{self.week}", details=answer)
        trail.write(tx, [entry], now)
        return answer


def _rests_on(reading: Reading, end: datetime) -> tuple[int, ...]:
    """Return how much there is of each thing that figures up to a moment rest on."""
    asked = {"to": stored(end)}
    parts = [reading.query(name, asked) for name in ("kpis/rests_on_records", "kpis/rests_on")]
    return tuple(count for (row,) in parts for count in row.values())
