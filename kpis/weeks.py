"""Frozen weeks: what a weekly review stated stays as it was, and what became known later stands beside it.

1. A week is a draft: its figures are those of now, with everything that has arrived.
2. People comment on figures, and write down wins, misses, decisions, actions and notes (`kpis.review`).
3. Somebody freezes it, once it is over and each figure that moved has a comment: values, n, versions and
   hashes of the definitions, the time of the data, what else the week states and all that was written are
   kept, bound to the week frozen before as entries of the audit are.
4. Records that arrive late, or a new definition, make a restated figure beside the frozen one.
   A definition is the statement and the macros that it reads.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from access.commands import Command, Target
from audit import chain, trail
from data.clock import utc_now
from data.errors import ConflictError
from data.nouns import noun
from kpis import display, periods, targets
from kpis.chosen import ALL, Selection
from kpis.definition import definition
from kpis.review import actions, entries
from kpis.review.actions import Action  # noqa: TC001 - a frozen week is read back by these types
from kpis.review.entries import Entry, Note  # noqa: TC001 - the same
from kpis.review.errors import EmptyCommentError
from kpis.review.pack import Number, Pack, Week, pack, plain
from kpis.review.parts import Parts  # noqa: TC001 - the same
from kpis.review.written import is_frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx
    from kpis.figure import Kpi
    from kpis.targets import Aim


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A figure as it is written down; money as a decimal string, so that JSON keeps each digit."""

    name: str
    value: Number
    unit: str
    n: int
    in_flight: int | None
    previous: Number
    """The value of the week before; None also where records do not cover that week."""
    target: float | None
    owner: str | None
    definition_version: int
    sql_hash: str
    """SHA-256 of the statement that made it."""
    comment: str | None
    better: str = "up"
    previous_n: int = 0
    floor: int = 0
    note: str = ""
    """The second figure that keeps the first one honest."""
    macros_hash: str | None = None
    """SHA-256 of the macros that the statement reads; None in a week that an earlier version froze."""

    @classmethod
    def of(cls, one: Kpi, aim: Aim, comment: str | None, *, compared: bool) -> Stated:
        """Return a figure of now with what people set and wrote for it."""
        sql_hash, macros_hash = _hashes(one.id)
        return cls(
            name=one.name,
            value=plain(one.value),
            unit=one.unit,
            n=one.n,
            in_flight=one.in_flight,
            previous=plain(one.previous) if compared else None,
            target=aim.target,
            owner=aim.owner,
            definition_version=one.definition_version,
            sql_hash=sql_hash,
            comment=comment,
            better=one.better,
            previous_n=one.previous_n if compared else 0,
            floor=one.floor,
            note=display.note(one),
            macros_hash=macros_hash,
        )


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of a week: as of when, in which zone, its figures by KPI, and the rest of the review.

    A week that an earlier version froze has figures only.
    """

    zone: str
    data_as_of: str
    figures: dict[str, Stated]
    pack: Pack | None = None
    promises: list[Action] = field(default_factory=list)
    """Actions of earlier weeks, as they were."""
    actions: list[Action] = field(default_factory=list)
    """What was promised in this review."""
    entries: list[Entry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    parts: Parts = field(default_factory=dict)
    """Empty of a draft, and of a week that an earlier version froze."""

    @classmethod
    def of(cls, text: str) -> Content:
        """Return what the JSON of a sealed week says."""
        return _content.validate_json(text)

    @property
    def uncommented(self) -> list[str]:
        """Return the ids of the figures that moved and have no comment."""
        moved = self.pack.moved if self.pack else []
        return [one.id for one in moved if not self.figures[one.id].comment]


_content: Final = TypeAdapter(Content)


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
    """late records, another definition, or late records or changed SQL: other or unknown macros."""


def frozen(reading: Reading) -> list[FrozenWeek]:
    """Return the frozen weeks, the first frozen first."""
    return reading.query("kpis/frozen_weeks", into=_frozen_week)


def verdict(weeks: Iterable[FrozenWeek]) -> chain.Verdict:
    """Check that no frozen week was altered, removed or added."""
    return chain.verify(cast("chain.Sealed", asdict(one)) for one in weeks)


def draft(reading: Reading, name: str, zone: str, now: datetime | None = None) -> Content:
    """Return a week as it would be frozen now, without the parts of its figures.

    Raises:
        InvalidPeriodError: there is no such week.
    """
    moment = now or utc_now()
    return with_words(reading, name, computed(reading, name, zone, moment), moment)


def computed(reading: Reading, name: str, zone: str, now: datetime, work: Selection = ALL) -> Content:
    """Return what a week states by itself of some work, without what people wrote.

    Raises:
        InvalidPeriodError: there is no such week.
    """
    week = Week.of(reading, name, zone, now, work)
    board, aims = week.board(), {} if work.part else targets.aims(reading, work.flow)
    return Content(zone, now.isoformat(), _stated(week, board, aims), pack(week, board, aims))


def with_words(reading: Reading, name: str, content: Content, now: datetime) -> Content:
    """Return a week with what people wrote. They wrote about all flows: a scope sees none of it."""
    if reading.scope is not None:
        return content
    comments = dict(reading.query("kpis/week_comments", {"week": name}, into=_comment_of))
    figures = {kpi: replace(one, comment=comments.get(kpi)) for kpi, one in content.figures.items()}
    today = now.astimezone(ZoneInfo(content.zone)).date()
    return replace(
        content,
        figures=figures,
        promises=actions.promises(reading, name, content.zone, today),
        actions=actions.of_week(reading, name),
        entries=entries.entries(reading, name),
        notes=entries.notes(reading, name),
    )


def figures_now(reading: Reading, name: str, zone: str) -> dict[str, Stated]:
    """Return the figures of a week as they would be frozen now, by KPI.

    Raises:
        InvalidPeriodError: there is no such week.
    """
    week = Week.of(reading, name, zone, utc_now())
    return _stated(week, week.figures(), targets.aims(reading, None))


def _stated(week: Week, board: Iterable[Kpi], aims: Mapping[str, Aim]) -> dict[str, Stated]:
    return {
        one.id: Stated.of(one, aims.get(one.id, targets.Aim()), None, compared=week.compared) for one in board
    }


def restated(before: Stated, now: Stated) -> Restated | None:
    """Return what a frozen figure would be now, or None where it is the same.

    Another statement or version is always stated, other macros only beside another figure: most of their
    changes change no figure.
    """
    if _meant(before) != _meant(now):
        reason = "another definition"
    elif _counted(before) == _counted(now):
        return None
    else:
        reason = "late records" if before.macros_hash == now.macros_hash else "late records or changed SQL"
    return Restated(now.value, now.n, now.definition_version, reason)


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
        if is_frozen(ctx.store, self.week):
            raise ConflictError(f"The week {self.week} was frozen: its comments stay as they are.")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Write the comment."""
        row = {"week": self.week, "kpi": self.kpi_id, "text": self.text.strip(), "actor": ctx.actor.name}
        tx.run("kpis/insert_week_comment", {**row, "now": now})
        entry = trail.Entry("commented", ctx.actor, subject=f"week:{self.week}", details={"kpi": self.kpi_id})
        trail.write(tx, [entry], now)
        return row


def _meant(one: Stated) -> tuple[int, str]:
    return one.definition_version, one.sql_hash


def _counted(one: Stated) -> tuple[Any, ...]:
    return one.value, one.unit, one.n


@cache
def _hashes(kpi_id: str) -> tuple[str, str]:
    """Return the SHA-256 of a statement and of the macros that it reads: files, which stay as they are."""
    meant = definition(kpi_id)
    sql, macros = (hashlib.sha256(text.encode()).hexdigest() for text in (meant.sql, meant.macros))
    return sql, macros


def _comment_of(row: Mapping[str, Any]) -> tuple[str, str]:
    kpi, text = row.values()
    return kpi, text
