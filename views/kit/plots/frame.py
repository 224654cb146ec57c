"""What all plots share: the product's template, and how a plot is drawn with its note and its table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go
import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INDIGO, TEAL, AMBER, RED, SKY, GRAY = "#6366f1", "#0d9488", "#d97706", "#dc2626", "#0284c7", "#94a3b8"
"""Colours that differ clearly on a light page and on a dark one; text and grid follow the theme."""
HEIGHT: Final = 320
FEW: Final = 6
"""With fewer whole numbers than this an axis has one tick for each."""

_AXIS: Final = {"automargin": True, "title": {"standoff": 10, "font": {"size": 12}}, "tickfont": {"size": 12}}
TEMPLATE: Final = go.layout.Template(
    layout={
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "showlegend": False,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
        "hovermode": "closest",
        "bargap": 0.25,
        "dragmode": False,
        "separators": ".,",
        "xaxis": {**_AXIS, "showgrid": False},
        "yaxis": {**_AXIS, "gridcolor": "rgba(148,163,184,0.25)", "zerolinecolor": "rgba(148,163,184,0.5)"},
    }
)
_NO_NAME: Final = re.compile(r"[^a-z0-9]+")
_TABLE: Final = """<style>
details.plot {font-size: .85rem; margin: -.4rem 0 .4rem}
details.plot summary {cursor: pointer; opacity: .8}
details.plot div {overflow-x: auto; max-height: 22rem; overflow-y: auto}
details.plot table {border-collapse: collapse; width: 100%}
details.plot th, details.plot td {
    text-align: left; padding: .15rem .7rem .15rem 0; border-bottom: 1px solid #80808040
}
details.plot td.num, details.plot th.num {text-align: right; font-variant-numeric: tabular-nums}
</style>"""


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure to look at, with its note and the same as a table."""

    title: str
    figure: go.Figure
    note: str
    """What the reader must know: n, units, the rule, what is left out."""
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    """Plain text; the first column names the row, all others are numbers."""


def made(traces: Sequence[Any], **layout: Any) -> go.Figure:
    """Return a figure in the product's template."""
    # Streamlit takes the height from the figure itself, never from its template.
    return go.Figure(data=list(traces), layout={"template": TEMPLATE, "height": HEIGHT, **layout})


def draw(plot: Plot, key: str) -> None:
    """Draw a plot, its note, and its table for those who do not see it. The camera saves it as a picture."""
    name = _NO_NAME.sub("-", plot.title.lower()).strip("-")
    st.markdown(f"**{plot.title}**")
    st.plotly_chart(
        plot.figure,
        key=key,
        config={
            "displaylogo": False,
            "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": {"format": "svg", "filename": f"unsnag-{name}"},
        },
    )
    st.caption(plot.note)
    st.html(_TABLE + table(plot))


def table(plot: Plot) -> str:
    """Return a plot's values as a table that can be unfolded; everything in it is escaped."""
    head = "".join(_cell("th", name, place) for place, name in enumerate(plot.head))
    rows = "".join(
        f"<tr>{''.join(_cell('td', cell, place) for place, cell in enumerate(row))}</tr>" for row in plot.rows
    )
    caption = f"<caption style='display:none'>{escape(plot.title)}</caption>"
    return (
        "<details class='plot'><summary>As a table</summary>"
        f"<div><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _cell(tag: str, text: str, place: int) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return f"<{tag}{scope}{' class=num' if place else ''}>{escape(text)}</{tag}>"


def mark_weeks(figure: go.Figure, weeks: Sequence[str], changed: Mapping[str, str], **where: Any) -> str:
    """Draw a dotted line at each week in which something changed, and return what the note says of them.

    The weeks are the categories of the x axis, in their order; `where` names row and column of small plots.
    """
    found = [(place, week) for place, week in enumerate(weeks) if week in changed]
    for place, _ in found:
        figure.add_vline(place, line={"color": GRAY, "width": 1, "dash": "dot"}, **where)
    return " Dotted: " + "; ".join(f"{week} {changed[week]}" for _, week in found) + "." if found else ""


def whole(most: float) -> dict[str, Any]:
    """Return an axis of counts, from zero."""
    return {"rangemode": "tozero", **ticks(most)}


def ticks(most: float) -> dict[str, Any]:
    """Return ticks for counts: no half units where there are few."""
    return {"tickformat": ",d"} | ({"dtick": 1} if most < FEW else {})


def short(text: str, most: int = 24) -> str:
    """Return a label that leaves the plot its place. What comes from records is no markup of Plotly."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return escape(cut, quote=False) or "–"
