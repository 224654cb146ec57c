"""Pareto chart: which few steps most failures come from."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from data import formats
from views.kit.plots.frame import AMBER, INDIGO, Plot, made, short, whole

if TYPE_CHECKING:
    from collections.abc import Sequence


class Bar(NamedTuple):
    """One cause, and how often; `group`: where it belongs, for causes of one name."""

    name: str
    group: str
    size: int


def pareto(title: str, bars: Sequence[Bar], what: str) -> Plot | None:
    """Return the causes, the greatest first, with the share of all up to each; None where there are none."""
    ordered = sorted((one for one in bars if one.size), key=lambda one: (-one.size, one.name, one.group))
    total = sum(one.size for one in ordered)
    if not total:
        return None
    shares = [100 * sofar / total for sofar in accumulate(one.size for one in ordered)]
    # Two steps may be called the same when cut: places keep them apart.
    places = list(range(len(ordered)))
    names = [short(one.name, 18) for one in ordered]
    hover = [[f"{short(one.name, 60)} · {short(one.group, 60)}"] for one in ordered]
    counted = go.Bar(
        x=places, y=[one.size for one in ordered], marker={"color": INDIGO}, customdata=hover,
        hovertemplate="%{customdata[0]}: <b>%{y:,}</b><extra></extra>",
    )  # fmt: skip
    sofar = go.Scatter(
        x=places, y=shares, yaxis="y2", mode="lines+markers", line={"color": AMBER, "width": 2},
        customdata=hover, hovertemplate="up to %{customdata[0]}: <b>%{y:.0f} %</b><extra></extra>",
    )  # fmt: skip
    figure = made(
        [counted, sofar],
        # Level where they fit: names at a slant are harder to read.
        xaxis={
            "tickmode": "array", "tickvals": places, "ticktext": names, "autotickangles": [0, -35],
            "ticklabeloverflow": "allow",
        },
        yaxis={"title": {"text": what}, **whole(ordered[0].size)},
        yaxis2={
            "overlaying": "y", "side": "right", "range": [0, 105], "title": {"text": "share so far, %"},
            "showgrid": False, "tickmode": "array", "tickvals": [0, 20, 40, 60, 80, 100],
        },
    )  # fmt: skip
    rows = [
        (f"{one.name or '–'} · {one.group}", f"{one.size:,}", formats.percent(share))
        for one, share in zip(ordered, shares, strict=True)
    ]
    few = next(place for place, share in enumerate(shares, 1) if share >= 80)  # noqa: PLR2004 - Pareto's share
    note = f"n {total:,} {what}; {few} of {len(ordered)} make {formats.percent(shares[few - 1])} of them."
    return Plot(title, figure, note, ("Step", what.capitalize(), "Share so far"), rows)
