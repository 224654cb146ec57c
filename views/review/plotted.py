"""The plots of a week: where it hurts, money, and the backlog with its forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from views.kit.markdown import escape
from views.kit.plots.backlog import Open, backlog
from views.kit.plots.frame import Plot, draw
from views.kit.plots.pareto import Bar, pareto
from views.kit.plots.waterfall import waterfall
from views.review.fragments import marks

if TYPE_CHECKING:
    from kpis.review.pack import Pack
    from views.review.shown import Shown


def hurts(pack: Pack) -> None:
    """Draw which few steps most failed units come from."""
    bars = [Bar(one.step, one.flow, one.units) for one in pack.hurts]
    _draw(pareto("Failed units by step", bars, "failed units"), "hurts")


def money(pack: Pack) -> None:
    """Draw the money of the currency that holds most."""
    _draw(next(filter(None, map(waterfall, pack.money)), None), "money")


def open_backlog(review: Shown, pack: Pack) -> None:
    """Draw the backlog at the end of each whole week, with the forecast of the next."""
    points = pack.trends.get("K16", [])
    whole = points[:-1] if review.period.whole_end else points
    weeks = [Open(one.week, float(one.value)) for one in whole if one.value is not None]
    changed = {week: escape(text) for week, text in marks(pack.changes).items()}
    _draw(backlog(weeks, changed), "backlog")


def _draw(plot: Plot | None, key: str) -> None:
    if plot is not None:
        draw(plot, f"plot_{key}")
