"""The open backlog week by week, with the forecast of next week and its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from data import formats
from kpis.review.forecast import CHANGES, LEAST, forecast
from views.kit.plots.frame import AMBER, INDIGO, Plot, made, mark_weeks, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kpis.review.forecast import Forecast

NEXT = "next"


class Open(NamedTuple):
    """How many were open at the end of a week."""

    week: str
    size: float


def backlog(weeks: Sequence[Open], changed: Mapping[str, str] | None = None) -> Plot | None:
    """Return the plot; None where there is no week. Without enough weeks it has no forecast.

    `changed` has what changed in a week, by its name.
    """
    if not weeks:
        return None
    found = forecast([one.size for one in weeks])
    names = [one.week.partition("-")[2] for one in weeks]
    line = go.Scatter(
        x=names, y=[one.size for one in weeks], mode="lines+markers", line={"color": INDIGO, "width": 2},
        marker={"size": 7}, hovertemplate="%{x}: <b>%{y:,}</b> open<extra></extra>",
    )  # fmt: skip
    most = max(*(one.size for one in weeks), found.high if found else 0)
    figure = made(
        [line, *([_next(found)] if found else [])],
        xaxis={"type": "category", "title": {"text": "ISO week, at its end"}},
        yaxis={"title": {"text": "open exceptions"}, **whole(most)},
    )
    note = _note(found, len(weeks)) + mark_weeks(figure, [one.week for one in weeks], changed or {})
    rows = [(one.week, f"{one.size:,.0f}", "–") for one in weeks]
    if found:
        rows.append(("next week", f"{found.value:,.0f}", f"{found.low:,.0f} to {found.high:,.0f}"))
    return Plot("Open backlog and next week", figure, note, ("Week", "Open", "Interval"), rows)


def _next(found: Forecast) -> go.Scatter:
    return go.Scatter(
        x=[NEXT], y=[found.value], mode="markers", marker={"color": AMBER, "size": 10, "symbol": "diamond"},
        error_y={
            "type": "data", "symmetric": False, "array": [found.high - found.value],
            "arrayminus": [found.value - found.low], "color": AMBER, "thickness": 2, "width": 8,
        },
        hovertemplate=f"next week: <b>%{{y:,.0f}}</b>, {found.low:,.0f} to {found.high:,.0f}<extra></extra>",
    )  # fmt: skip


def _note(found: Forecast | None, weeks: int) -> str:
    if found is None:
        return f"A forecast takes {LEAST + 4} weeks; {weeks} so far."
    signed = f"{'-' if found.last_error < 0 else '+'}{formats.number(abs(found.last_error), 0)}"
    return (
        f"Next week: last backlog plus the mean change of up to {CHANGES} weeks. The interval is what "
        f"8 of 10 of {found.trials} such forecasts were off at most; they were off by "
        f"{formats.number(found.error, 1)} on average, the last one by {signed}."
    )
