"""Box plots: how long units took, and how far apart that lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from data import formats
from views.kit.plots.control import scale
from views.kit.plots.frame import HEIGHT, INDIGO, Plot, made, short

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 8


class Box(NamedTuple):
    """The times of one part, in seconds: a tenth took less than `p10`, a quarter less than `q1`."""

    name: str
    n: int
    p10: float
    q1: float
    median: float
    q3: float
    p90: float


def spread(title: str, boxes: Sequence[Box]) -> Plot | None:
    """Return a box for each part, the one with most units first; None where there are none."""
    shown = sorted(boxes, key=lambda one: (-one.n, one.name))[:MOST]
    if not shown:
        return None
    size, axis = scale("seconds", max(one.p90 for one in shown))
    places = list(range(len(shown)))
    drawn = go.Box(
        y=places, orientation="h", line={"color": INDIGO}, fillcolor="rgba(99,102,241,0.3)", hoverinfo="x",
        **{
            edge: [getattr(one, name) / size for one in shown]
            for edge, name in (
                ("lowerfence", "p10"), ("q1", "q1"), ("median", "median"), ("q3", "q3"),
                ("upperfence", "p90"),
            )
        },
    )  # fmt: skip
    labels = [f"{short(one.name, 18)}<br>n {one.n:,}" for one in shown]
    figure = made(
        [drawn],
        height=min(HEIGHT, 90 + 46 * len(shown)),
        xaxis={"title": {"text": axis}, "rangemode": "tozero", "showgrid": True},
        yaxis={
            "tickmode": "array", "tickvals": places, "ticktext": labels, "autorange": "reversed",
            "showgrid": False,
        },
    )  # fmt: skip
    rows = [
        (
            one.name,
            f"{one.n:,}",
            *(formats.duration(value) for value in (one.p10, one.q1, one.median, one.q3, one.p90)),
        )
        for one in shown
    ]
    left = f" The {MOST} parts with most units, of {len(boxes)}." if len(boxes) > MOST else ""
    total = sum(one.n for one in boxes)
    note = (
        f"n {total:,}. The box holds the middle half, its line is the median, the ends are p10 and p90.{left}"
    )
    return Plot(title, figure, note, ("Part", "n", "p10", "p25", "Median", "p75", "p90"), rows)
