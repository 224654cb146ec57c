"""Frozen weeks: what a weekly review stated stays as it was, and what became known later stands beside it.

1. A week is a draft: its figures are those of now, with everything that has arrived.
2. People comment on figures.
3. Somebody freezes it, once it is over: values, n, versions and hashes of the definitions, the time of the
   data and the comments are written down, bound to the week frozen before as entries of the audit are.
4. Records that arrive late, or a new definition, make a restated figure beside the frozen one.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import orjson

from access.commands import Command, Target
from audit import chain, trail
from data.errors import ConflictError, UnsnagError
from data.nouns import noun
from kpis import periods, scoreboard, targets
from kpis.definition import definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx
    from kpis.figure import Kpi
    from kpis.targets import Aim


class WeekRunsError(UnsnagError):
    """The week is not over."""


class EmptyCommentError(UnsnagError):
    """A comment without words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A figure as it is written down; money as a decimal string, so that JSON keeps each digit."""

    name: str
    value: float | str | None
    unit: str
    n: int
    in_flight: int | None
    previous: float | str | None
    target: float | None
    owner: str | None
    definition_version: int
    sql_hash: str
    """SHA-256 of the statement that made it."""
    comment: str | None

    @classmethod
    def of(cls, one: Kpi, aim: Aim, comment: str | None) -> Stated:
        """Return a figure of now with what people set and wrote for it."""
        return cls(
            name=one.name,
            value=_plain(one.value),
            unit=one.unit,
            n=one.n,
            in_flight=one.in_flight,
            previous=_plain(one.previous),
            target=aim.target,
            owner=aim.owner,
            definition_version=one.definition_version,
            sql_hash=hashlib.sha256(definition(one.id).sql.encode()).hexdigest(),
            comment=comment,
        )


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of a week: as of when, in which zone, and its figures by KPI."""

    zone: str
    data_as_of: str
    figures: dict[str, Stated]

    @classmethod
    def of(cls, text: str) -> Content:
        """Return what the JSON of a sealed week says."""
        kept = orjson.loads(text)
        figures = {name: Stated(**one) for name, one in kept.pop("figures").items()}
        return cls(**kept, figures=figures)


@dataclass(frozen=True, slots=True)
class FrozenWeek:
    """A week as it was when somebody froze it: an entry of the chain."""

    seq: int
    week: str
    frozen_at: str
    actor: str
    content: str
    """JSON of a `Content`; text, so that the hash covers each character."""
    v: int
    salt: str
    prev_hash: str
    hash: str


_frozen_week: Final = noun(FrozenWeek)


@dataclass(frozen=True, slots=True)
class Restated:
    """What a figure of a frozen week would be now."""

    value: float | str | None
    n: int
    definition_version: int
    reason: str
    """late records, or another definition."""


def frozen(reading: Reading) -> list[FrozenWeek]:
    """Return the frozen weeks, the first frozen first."""
    return reading.query("kpis/frozen_weeks", into=_frozen_week)


def verdict(weeks: Iterable[FrozenWeek]) -> chain.Verdict:
    """Check that no frozen week was altered, removed or added."""
    return chain.verify(cast("chain.Sealed", asdict(one)) for one in weeks)


def draft(reading: Reading, week: str, zone: str) -> dict[str, Stated]:
    """Return the figures of a week as they would be frozen now, by KPI.

    Raises:
        InvalidPeriodError: there is no such week.
    """
    found = scoreboard.board(reading, periods.week(week, zone))
    aims = targets.aims(reading, None)
    comments = dict(reading.query("kpis/week_comments", {"week": week}, into=_comment_of))
    return {one.id: Stated.of(one, aims.get(one.id, targets.Aim()), comments.get(one.id)) for one in found}


def restated(before: Stated, now: Stated) -> Restated | None:
    """Return what a frozen figure would be now, or None where it is the same."""
    if _compared(before) == _compared(now):
        return None
    reason = "late records" if before.sql_hash == now.sql_hash else "another definition"
    return Restated(now.value, now.n, now.definition_version, reason)


@dataclass(frozen=True, slots=True)
class FreezeWeek(Command[None, "list[FrozenWeek]", "dict[str, str]"]):
    """Write down the figures of a week that is over, over all flows, with their comments."""

    act: ClassVar = "week.freeze"
    week: str
    zone: str

    def authorize(self, _loaded: None) -> Target:
        """Return the week."""
        return Target(subject=f"week:{self.week}")

    def decide(self, _loaded: None, ctx: RequestContext, now: datetime) -> list[FrozenWeek]:
        """Return the weeks that were frozen before.

        Raises:
            InvalidPeriodError: there is no such week.
            WeekRunsError: it is not over.
            ConflictError: it was frozen before.
        """
        if periods.week(self.week, self.zone).end > now.replace(tzinfo=UTC):
            raise WeekRunsError(f"The week {self.week} is not over ({self.zone}). Freeze it when it is.")
        earlier = frozen(ctx.store.everything())
        if any(one.week == self.week for one in earlier):
            raise ConflictError(f"The week {self.week} was frozen before. Later facts are shown beside it.")
        return earlier

    def apply(self, tx: Tx, decided: list[FrozenWeek], ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Write the figures as they are now, and the hash also into the audit.

        The writer waits meanwhile, so the figures are made of all that is committed.
        """
        moment = now.replace(tzinfo=UTC).isoformat()
        content = Content(self.zone, moment, draft(ctx.store.everything(), self.week, self.zone))
        sealed = chain.seal(
            {
                "seq": len(decided) + 1,
                "week": self.week,
                "frozen_at": moment,
                "actor": ctx.actor.name,
                "content": orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode(),
            },
            decided[-1].hash if decided else chain.START,
        )
        tx.run("kpis/insert_frozen_week", dict(sealed))
        answer = {"week": self.week, "hash": str(sealed.get("hash"))}
        entry = trail.Entry("week frozen", ctx.actor, subject=f"week:{self.week}", details=answer)
        trail.write(tx, [entry], now)
        return answer


@dataclass(frozen=True, slots=True)
class CommentOnFigure(Command[None, None, "dict[str, str]"]):
    """Say why a figure of a week is what it is; the latest comment counts until the week is frozen."""

    act: ClassVar = "week.comment"
    week: str
    kpi_id: str
    text: str

    def authorize(self, _loaded: None) -> Target:
        """Return the week."""
        return Target(subject=f"week:{self.week}")

    def decide(self, _loaded: None, ctx: RequestContext, _now: datetime) -> None:
        """Refuse what is no week, no figure or no comment.

        Raises:
            InvalidPeriodError: there is no such week.
            UnknownKpiError: there is no such KPI.
            EmptyCommentError: the comment has no words.
            ConflictError: the week was frozen.
        """
        periods.week(self.week, "UTC")
        definition(self.kpi_id)
        if not self.text.strip():
            raise EmptyCommentError("The comment has no words: write why the figure is what it is.")
        if any(one.week == self.week for one in frozen(ctx.store.everything())):
            raise ConflictError(f"The week {self.week} was frozen: its comments stay as they are.")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Write the comment."""
        row = {"week": self.week, "kpi": self.kpi_id, "text": self.text.strip(), "actor": ctx.actor.name}
        tx.run("kpis/insert_week_comment", {**row, "now": now})
        entry = trail.Entry("commented", ctx.actor, subject=f"week:{self.week}", details={"kpi": self.kpi_id})
        trail.write(tx, [entry], now)
        return row


def _compared(one: Stated) -> tuple[Any, ...]:
    return one.value, one.unit, one.n, one.sql_hash


def _comment_of(row: Mapping[str, Any]) -> tuple[str, str]:
    kpi, text = row.values()
    return kpi, text


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else format(value, "f")
