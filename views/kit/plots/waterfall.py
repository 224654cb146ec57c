"""Waterfall of money: what was at risk, what came, what was recovered, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from data import formats
from views.kit.plots.frame import GRAY, INDIGO, RED, TEAL, Plot, made

if TYPE_CHECKING:
    from kpis.review.pack import MoneyOfWeek


def waterfall(money: MoneyOfWeek) -> Plot | None:
    """Return the money of a week in one currency; None where the currency is not known or there is none."""
    steps = (
        ("At risk before", money.at_start, "absolute", money.units_at_start),
        ("Came, net", money.came, "relative", None),
        ("Recovered by itself", -money.automatic, "relative", money.units_automatic),
        ("Recovered by people", -money.people, "relative", money.units_people),
        ("Still at risk", money.still_open, "total", money.units_open),
    )
    if money.currency is None or not any(amount for _, amount, _, _ in steps):
        return None
    texts = [formats.money(amount, money.currency, short=True) for _, amount, _, _ in steps]
    bars = go.Waterfall(
        x=[name.replace(" ", "<br>", 1) for name, *_ in steps],
        y=[float(amount) for _, amount, _, _ in steps],
        measure=[kind for _, _, kind, _ in steps],
        text=texts,
        textposition="auto",
        connector={"line": {"color": GRAY, "width": 1}},
        increasing={"marker": {"color": RED}},
        decreasing={"marker": {"color": TEAL}},
        totals={"marker": {"color": INDIGO}},
        insidetextfont={"color": "#fff"},
        hovertemplate="%{x}: <b>%{text}</b><extra></extra>",
    )
    figure = made(
        [bars], yaxis={"title": {"text": money.currency}, "tickformat": ",.2~s"}, xaxis={"tickangle": 0}
    )
    figure.update_layout(margin={"t": 28})
    rows = [
        (name, formats.money(amount, money.currency), "–" if units is None else f"{units:,}")
        for name, amount, _, units in steps
    ]
    note = f"In {money.currency}. Came, net: what came at risk, less what was closed without proof."
    return Plot(f"Money at risk in {money.currency}", figure, note, ("Part", "Amount", "Units"), rows)
