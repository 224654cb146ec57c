"""The week that the page shows: as it was frozen, or as a draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from kpis import periods, weeks
from kpis.chosen import ALL, Selection
from kpis.definition import ids
from kpis.figure import Kpi
from kpis.review.pack import is_judged
from kpis.review.parts import of_part
from views.business.filters import FRESH_S, where

if TYPE_CHECKING:
    from datetime import date

    from data.store import Reading
    from kpis.periods import Period
    from kpis.review.pack import Number
    from kpis.weeks import Content, FrozenWeek, Restated, Stated
    from server.context import ServerContext


@dataclass(frozen=True, slots=True)
class Shown:
    """A week of the review, and what the user may do to it."""

    week: str
    period: Period
    content: Content
    kept: FrozenWeek | None
    """None: it is a draft."""
    intact: bool
    restated: dict[str, Restated]
    """Figures of a frozen week that would be others now."""
    today: date
    may_write: bool
    may_freeze: bool
    may_aim: bool
    work: Selection = ALL
    as_frozen: frozenset[str] = frozenset()
    """Figures of a part of a frozen week that are as of its freeze; all others are computed now."""

    @property
    def is_over(self) -> bool:
        """Return whether the week has ended."""
        return self.period.whole_end is None

    @property
    def stated(self) -> list[tuple[str, Stated]]:
        """Return the figures by KPI, in the order of the tiles; those that are defined no more come last."""
        order = ids()
        known = self.content.figures.items()
        return sorted(known, key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))

    def as_of(self, kpi_id: str) -> str:
        """Return whether a figure is as of the freeze of its week, or computed now."""
        frozen = self.kept is not None and (self.work.is_all or kpi_id in self.as_frozen)
        return "freeze" if frozen else "now"

    def judged(self, kpi_id: str) -> float | None:
        """Return the target that a figure is judged by; None also of a sum while its week still runs."""
        target = self.content.figures[kpi_id].target
        return None if kpi_id in ids() and not is_judged(kpi_id, self.period) else target


def usual_week(ctx: ServerContext) -> str:
    """Return the week to talk about: the last one, or this one where the last is frozen."""
    this = periods.week_of(ctx.now(), ctx.settings.zone)
    last = shifted(this, -1, ctx.settings.zone)
    return this if last in {one.week for one in _frozen(ctx)} else last


def shifted(name: str, weeks_later: int, zone: str) -> str:
    """Return the week before or after one."""
    return periods.week_of(periods.week(name, zone).earlier(-weeks_later).start, zone)


def shown(ctx: ServerContext, name: str, work: Selection = ALL) -> Shown:
    """Return a week of some work, as it was frozen or as a draft.

    Raises:
        InvalidPeriodError: there is no such week.
    """
    found = _frozen(ctx)
    kept = next((one for one in found if one.week == name), None)
    if kept is None:
        return _draft(ctx, name, work)
    content = weeks.Content.of(kept.content)
    if not work.is_all:
        return _part_of_frozen(ctx, kept, content, found, work)
    now = _figures(ctx.reading, where(ctx), name, content.zone)
    later = {kpi: weeks.restated(one, now[kpi]) for kpi, one in content.figures.items() if kpi in now}
    return Shown(
        week=name,
        period=periods.week(name, content.zone),
        content=content,
        kept=kept,
        intact=weeks.verdict(found).entries >= kept.seq,
        restated={kpi: one for kpi, one in later.items() if one},
        today=datetime.fromisoformat(kept.frozen_at).astimezone(ZoneInfo(content.zone)).date(),
        may_write=False,
        may_freeze=False,
        may_aim=False,
    )


def _part_of_frozen(
    ctx: ServerContext, kept: FrozenWeek, content: Content, found: list[FrozenWeek], work: Selection
) -> Shown:
    """Return a part of a week that was frozen over all flows: what it keeps of it, the rest as of now."""
    now = _computed(ctx.reading, where(ctx), kept.week, content.zone, _coarse(ctx), work)
    part, known = of_part(content, now, work)
    written = {name: getattr(content, name) for name in ("promises", "actions", "entries", "notes")}
    later = {kpi: weeks.restated(part.figures[kpi], now.figures[kpi]) for kpi in known}
    return Shown(
        week=kept.week,
        period=periods.week(kept.week, content.zone),
        content=replace(part, **written),
        kept=kept,
        intact=weeks.verdict(found).entries >= kept.seq,
        restated={kpi: one for kpi, one in later.items() if one},
        today=datetime.fromisoformat(kept.frozen_at).astimezone(ZoneInfo(content.zone)).date(),
        may_write=False,
        may_freeze=False,
        may_aim=False,
        work=work,
        as_frozen=frozenset(known),
    )


def _coarse(ctx: ServerContext) -> datetime:
    now = ctx.now()
    return now - timedelta(seconds=now.timestamp() % FRESH_S)


def _draft(ctx: ServerContext, name: str, work: Selection) -> Shown:
    zone, now = ctx.settings.zone, ctx.now()
    found = _computed(ctx.reading, where(ctx), name, zone, _coarse(ctx), work)
    content = weeks.with_words(ctx.reading, name, found, now)
    whole = ctx.reading.scope is None and work.is_all
    return Shown(
        week=name,
        period=periods.week(name, zone).until(now),
        content=content,
        kept=None,
        intact=True,
        restated={},
        today=now.astimezone(ZoneInfo(zone)).date(),
        may_write=whole and ctx.may("week.write"),
        may_freeze=whole and ctx.may("week.freeze"),
        may_aim=whole and ctx.may("kpi.target"),
        work=work,
    )


@st.cache_data(ttl=20, max_entries=16, show_spinner=False)
def _computed(
    _reading: Reading, where: str, name: str, zone: str, _now: datetime, work: Selection
) -> Content:
    del where
    return weeks.computed(_reading, name, zone, _now, work)


@st.cache_data(ttl=20, max_entries=16, show_spinner=False)
def _figures(_reading: Reading, where: str, name: str, zone: str) -> dict[str, Stated]:
    del where
    return weeks.figures_now(_reading, name, zone)


def forget() -> None:
    """Compute figures again: somebody changed a target, or froze a week."""
    _computed.clear()
    _figures.clear()


def _frozen(ctx: ServerContext) -> list[FrozenWeek]:
    return weeks.frozen(ctx.reading) if ctx.reading.scope is None else []


def as_kpi(kpi_id: str, one: Stated) -> Kpi:
    """Return a figure that was written down as what the formatters of figures take."""
    return Kpi(
        id=kpi_id,
        name=one.name,
        value=number(one.value),
        unit=one.unit,
        n=one.n,
        in_flight=one.in_flight or 0,
        definition_version=one.definition_version,
        better=one.better,
        previous=number(one.previous),
        previous_n=one.previous_n,
        floor=one.floor,
    )


def number(value: Number) -> float | Decimal | None:
    """Return a value that was written down as a number: money is kept as a decimal string."""
    return Decimal(value) if isinstance(value, str) else value
