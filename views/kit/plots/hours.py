"""Heat map: on which weekday and in which hour steps failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from data import formats
from views.kit.plots.frame import Plot, made, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = 24


class Cell(NamedTuple):
    """How many failures an hour of a weekday had; 1 is Monday."""

    weekday: int
    hour: int
    failures: int


def hours(cells: Sequence[Cell], zone: str) -> Plot | None:
    """Return the heat map; None where nothing failed."""
    counts = {(one.weekday, one.hour): one.failures for one in cells}
    total = sum(counts.values())
    if not total:
        return None
    grid = [[counts.get((day, hour), 0) for hour in range(_HOURS)] for day in range(1, 8)]
    most = max(counts.values())
    heat = go.Heatmap(
        x=list(range(_HOURS)), y=list(DAYS), z=grid, xgap=2, ygap=2, zmin=0, zmax=most,
        # Nothing is as pale as the page in both themes; more is darker and more opaque.
        colorscale=[[0, "rgba(148,163,184,0.12)"], [0.001, "rgba(220,38,38,0.25)"], [1, "rgba(220,38,38,1)"]],
        colorbar={"title": {"text": "failures"}, "thickness": 10, "outlinewidth": 0, **ticks(most)},
        hovertemplate="%{y} %{x}:00: <b>%{z:,}</b><extra></extra>",
    )  # fmt: skip
    figure = made(
        [heat],
        xaxis={"title": {"text": "hour of the day"}, "dtick": 3, "ticksuffix": "h"},
        yaxis={"autorange": "reversed", "showgrid": False},
    )
    worst = max(counts, key=lambda place: (counts[place], -place[0], -place[1]))
    note = (
        f"n {formats.count(total, 'failure')} of steps, by the hour in which they happened ({zone}). "
        f"Most: {DAYS[worst[0] - 1]} {worst[1]}:00 with {counts[worst]:,}."
    )
    rows = [(day, *(f"{count:,}" for count in line)) for day, line in zip(DAYS, grid, strict=True)]
    head = ("Day", *(f"{hour}h" for hour in range(_HOURS)))
    return Plot("Failures by hour and weekday", figure, note, head, rows)
