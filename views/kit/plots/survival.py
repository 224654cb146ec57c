"""Kaplan-Meier curve: which share of what was opened is still open after which time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from data import formats
from views.kit.plots.control import scale
from views.kit.plots.frame import GRAY, INDIGO, Plot, made

if TYPE_CHECKING:
    from collections.abc import Sequence


class Age(NamedTuple):
    """How many ended at an age, and how many left at it: ended, or still open with that age."""

    seconds: float
    ended: int
    leaving: int


class Point(NamedTuple):
    """The share that is still open from an age on, in percent, of so many that were as old."""

    seconds: float
    still_open: float
    at_risk: int


def curve(ages: Sequence[Age]) -> list[Point]:
    """Return the Kaplan-Meier estimate; what is still open counts with the age that it has."""
    at_risk, share, points = (
        sum(one.leaving for one in ages),
        1.0,
        [Point(0.0, 100.0, sum(one.leaving for one in ages))],
    )
    for one in sorted(ages):
        if one.ended:
            share *= 1 - one.ended / at_risk
            points.append(Point(one.seconds, 100 * share, at_risk))
        at_risk -= one.leaving
    return points


def survival(title: str, ages: Sequence[Age], what: str) -> Plot | None:
    """Return the curve; None where nothing was opened."""
    total, ended = sum(one.leaving for one in ages), sum(one.ended for one in ages)
    if not total:
        return None
    points, oldest = curve(ages), max(one.seconds for one in ages)
    size, axis = scale("seconds", oldest)
    # What is still open at the end keeps the curve level up to the oldest of them.
    drawn = [*points, Point(oldest, points[-1].still_open, 0)]
    line = go.Scatter(
        x=[one.seconds / size for one in drawn],
        y=[one.still_open for one in drawn],
        line={"shape": "hv", "color": INDIGO, "width": 2},
        mode="lines",
        hovertemplate="after %{x:,.1f} " + axis + ": <b>%{y:.1f} %</b> still open<extra></extra>",
    )
    figure = made(
        [line],
        xaxis={"title": {"text": f"{axis} since it was opened"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "still open, %"}, "range": [0, 103]},
    )
    figure.add_hline(50, line={"color": GRAY, "width": 1, "dash": "dash"})
    return Plot(
        title, figure, _note(points, total, ended, what), ("Age", "Still open", "As old"), _rows(points)
    )


def _rows(points: Sequence[Point]) -> list[tuple[str, ...]]:
    step = max(len(points) // 12, 1)
    shown = [*points[:-1:step], points[-1]]
    return [(formats.duration(p.seconds), formats.percent(p.still_open), f"{p.at_risk:,}") for p in shown]


def _note(points: Sequence[Point], total: int, ended: int, what: str) -> str:
    half = next((one.seconds for one in points if one.still_open <= 50), None)  # noqa: PLR2004 - the median
    middle = "less than half ended" if half is None else f"half ended within {formats.duration(half)}"
    return (
        f"n {total:,} {what}, {total - ended:,} open or expired; {middle}. What is open counts with its age."
    )
