"""Small multiples: a figure week by week, one small plot a part, all with the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from kpis import display
from views.kit.plots.control import scale
from views.kit.plots.frame import INDIGO, TEMPLATE, Plot, mark_weeks, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 6
COLUMNS = 2


class Trend(NamedTuple):
    """A part's values by week, and the units that it had in all of them."""

    name: str
    n: int
    values: tuple[float | None, ...]


def multiples(
    title: str,
    unit: str,
    weeks: Sequence[str],
    trends: Sequence[Trend],
    changed: Mapping[str, str] | None = None,
) -> Plot | None:
    """Return the parts with most units; None where no part has a value. `changed`: by week, what changed."""
    shown = sorted(
        (one for one in trends if any(value is not None for value in one.values)),
        key=lambda one: (-one.n, one.name),
    )
    found = shown[:MOST]
    if not found:
        return None
    most = max(abs(value) for one in found for value in one.values if value is not None)
    size, axis = scale(unit, most)
    columns = min(COLUMNS, len(found))
    lines = -(-len(found) // columns)
    names = [f"{short(one.name)} · n {one.n:,}" for one in found]
    figure = make_subplots(
        rows=lines, cols=columns, shared_xaxes=True, shared_yaxes="all", subplot_titles=names,
        vertical_spacing=0.3 / lines, horizontal_spacing=0.06,
    )  # fmt: skip
    for place, one in enumerate(found):
        figure.add_trace(_line(one, weeks, size), row=place // columns + 1, col=place % columns + 1)
    marked = mark_weeks(figure, weeks, changed or {}, row="all", col="all")
    ticks = [weeks[0], weeks[-1]] if len(weeks) > 1 else list(weeks)
    figure.update_layout(template=TEMPLATE, height=70 + 130 * lines, margin={"t": 26})
    figure.update_xaxes(
        type="category", tickmode="array", tickvals=ticks, ticktext=[w.partition("-")[2] for w in ticks]
    )
    # A share that lies between 90 and 100 % would be a flat line over a zero.
    figure.update_yaxes(rangemode="normal" if unit == "percent" else "tozero", nticks=4)
    figure.update_yaxes(title_text=axis, col=1)
    figure.update_annotations(font_size=12)
    rows = [(one.name, f"{one.n:,}", *(display.figure(value, unit) for value in one.values)) for one in found]
    left = f" The {MOST} parts with most units, of {len(shown)}." if len(shown) > MOST else ""
    note = f"{weeks[0]} to {weeks[-1]}, all with the same axes; n over these weeks.{left}{marked}"
    return Plot(title, figure, note, ("Part", "n", *weeks), rows)


def _line(one: Trend, weeks: Sequence[str], size: float) -> go.Scatter:
    return go.Scatter(
        x=list(weeks),
        y=[None if value is None else value / size for value in one.values],
        mode="lines+markers",
        line={"color": INDIGO, "width": 2},
        marker={"size": 4},
        hovertemplate="%{x}: <b>%{y:,.2f}</b><extra></extra>",
    )
