"""What a frozen week keeps of its figures by flow and by segment, and what of it one part shows.

The week itself is frozen over all flows. Of one flow, or of one segment, the review shows what was kept then,
and computes the rest now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kpis import scoreboard
from kpis.definition import definition
from kpis.review.pack import Number, plain
from unsnag.fields import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kpis.chosen import Selection
    from kpis.figure import Counted
    from kpis.review.pack import Week
    from kpis.weeks import Content, Stated

KEPT_BY: Final = ("flow", SPLITS[0])


@dataclass(frozen=True, slots=True)
class FrozenPart:
    """A figure of one flow or segment, as it was frozen."""

    value: Number
    n: int
    previous: Number = None
    previous_n: int = 0

    @classmethod
    def of(cls, now: Counted, before: Counted | None) -> FrozenPart:
        """Return a part of a split beside the same part of the week before."""
        previous, n = (plain(before.value), before.n) if before else (None, 0)
        return cls(plain(now.value), now.n, previous, n)

    def stated(self, now: Stated, whole: Stated) -> Stated:
        """Return the figure of this part as it was frozen; what was not kept by parts is left out."""
        return replace(
            now, value=self.value, n=self.n, previous=self.previous, previous_n=self.previous_n,
            unit=whole.unit, in_flight=None, note="", definition_version=whole.definition_version,
            sql_hash=whole.sql_hash, macros_hash=whole.macros_hash,
        )  # fmt: skip


Parts = dict[str, dict[str, dict[str, FrozenPart]]]
"""By field (flow or segment), KPI and part."""


def parts(week: Week) -> Parts:
    """Return what is kept of the figures of a week."""
    return {by: _parts_by(week, by) for by in KEPT_BY}


def _parts_by(week: Week, by: str) -> dict[str, dict[str, FrozenPart]]:
    found = scoreboard.board_by(week.reading, [week.period, week.period.before], by)
    return {kpi: _beside(counted, compared=week.compared) for kpi, counted in found.items()}


def _beside(counted: Sequence[Counted], *, compared: bool) -> dict[str, FrozenPart]:
    now, before = ({one.key or "": one for one in counted if one.period == place} for place in (1, 2))
    return {key: FrozenPart.of(one, before.get(key) if compared else None) for key, one in now.items()}


def of_part(kept: Content, now: Content, work: Selection) -> tuple[Content, list[str]]:
    """Return what a frozen week keeps of a part of the work, the rest as it is now, and which it keeps.

    A figure is kept where it is split by what the work is a part of; nothing of a segment within a flow is.
    A part without anything in that week has no row: its counts were 0, and its rates none.
    """
    field, key = work.one_part or ("", "")
    known = kept.parts.get(field, {})
    found = {
        kpi: known[kpi].get(key, _nothing(kpi)).stated(one, kept.figures[kpi])
        for kpi, one in now.figures.items()
        if kpi in known and kpi in kept.figures and field in definition(kpi).splits
    }
    return replace(now, figures=now.figures | found), list(found)


def _nothing(kpi: str) -> FrozenPart:
    return FrozenPart(None if definition(kpi).floor else 0.0, 0)
