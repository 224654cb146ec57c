"""Control chart: a figure week by week, with its usual range, its target and what people set when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import plotly.graph_objects as go

from kpis import display
from kpis.review.moved import LIMITS_FROM, limits
from views.kit.plots.frame import AMBER, GRAY, INDIGO, RED, Plot, made

if TYPE_CHECKING:
    from collections.abc import Sequence

DIVIDED: Final = {"seconds": ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds"))}
"""Times are drawn in the largest unit that the greatest of them fills twice."""


class Week(NamedTuple):
    """A figure in one week; `few`: its n is below the floor."""

    week: str
    value: float | None
    n: int
    few: bool


class Mark(NamedTuple):
    """Something that people set in a week."""

    week: str
    text: str


def control(
    title: str, unit: str, weeks: Sequence[Week], target: float | None, marks: Sequence[Mark] = ()
) -> Plot | None:
    """Return a control chart; None while no week has a value. The last week is judged by those before."""
    known = [one for one in weeks if one.value is not None]
    if not known:
        return None
    earlier = [one.value for one in weeks[:-1] if one.value is not None and not one.few]
    usual = limits(earlier)
    size, axis = scale(unit, max(abs(one.value or 0) for one in known))
    names = [one.week for one in weeks]
    figure = made([_line(weeks, size, usual)], yaxis={"title": {"text": axis}}, xaxis=_weeks(names))
    if usual:
        low, high = _possible(usual, unit, known)
        figure.add_hrect(low / size, high / size, fillcolor=GRAY, opacity=0.18, line_width=0)
        figure.add_hline(sum(usual) / 2 / size, line={"color": GRAY, "width": 1})
    if target is not None:
        aimed = {"color": AMBER, "width": 1.5, "dash": "dash"}
        figure.add_hline(target / size, line=aimed, annotation_text="target", annotation_position="top left")
    shown = [one for one in marks if one.week in names]
    for one in shown:
        figure.add_vline(names.index(one.week), line={"color": GRAY, "width": 1, "dash": "dot"})
    return Plot(
        title,
        figure,
        _note(unit, usual, len(earlier), shown),
        ("Week", "Value", "n", "Usual"),
        _rows(unit, weeks, usual),
    )


def _possible(usual: tuple[float, float], unit: str, known: Sequence[Week]) -> tuple[float, float]:
    """Return the usual range without what no value can be: below zero, or above 100 %."""
    low = usual[0] if any((one.value or 0) < 0 for one in known) else max(usual[0], 0)
    return low, min(usual[1], 100) if unit == "percent" else usual[1]


def scale(unit: str, most: float) -> tuple[float, str]:
    """Return what values are divided by, and the name of the axis."""
    for size, name in DIVIDED.get(unit, ()):
        if most >= 2 * size or size == 1:
            return float(size), name
    return 1.0, {"percent": "%", "money": "money"}.get(unit, unit)


def _weeks(names: Sequence[str]) -> dict[str, Any]:
    step = max(-(-len(names) // 7), 1)
    shown = list(range(len(names) - 1, -1, -step))[::-1]
    return {
        "tickmode": "array", "tickvals": shown, "ticktext": [names[n].partition("-")[2] for n in shown],
        "range": [-0.5, len(names) - 0.5], "title": {"text": "ISO week"},
    }  # fmt: skip


def _line(weeks: Sequence[Week], size: float, usual: tuple[float, float] | None) -> go.Scatter:
    colors = [RED if _is_outside(one, usual) else GRAY if one.few else INDIGO for one in weeks]
    return go.Scatter(
        x=list(range(len(weeks))),
        y=[None if one.value is None else one.value / size for one in weeks],
        mode="lines+markers",
        line={"color": INDIGO, "width": 2},
        marker={"color": colors, "size": 9},
        customdata=[[one.week, f"{one.n:,}"] for one in weeks],
        hovertemplate="%{customdata[0]}: <b>%{y:,.2f}</b>, n %{customdata[1]}<extra></extra>",
    )


def _is_outside(one: Week, usual: tuple[float, float] | None) -> bool:
    return (
        usual is not None and not one.few and one.value is not None and not usual[0] <= one.value <= usual[1]
    )


def _rows(unit: str, weeks: Sequence[Week], usual: tuple[float, float] | None) -> list[tuple[str, ...]]:
    def judged(one: Week) -> str:
        if one.few or one.value is None:
            return "too few" if one.few else "–"
        return "–" if usual is None else "no" if _is_outside(one, usual) else "yes"

    return [(one.week, display.figure(one.value, unit), f"{one.n:,}", judged(one)) for one in weeks]


def _note(unit: str, usual: tuple[float, float] | None, earlier: int, marks: Sequence[Mark]) -> str:
    if usual:
        low, high = (display.figure(edge, unit) for edge in (max(usual[0], 0), usual[1]))
        text = f"Grey band: usual, {low} to {high}, from {earlier} earlier weeks (XmR). Red lies outside."
    else:
        text = f"Limits after {LIMITS_FROM} weeks with enough data; {earlier} so far."
    changes = " Dotted: " + "; ".join(f"{one.week} {one.text}" for one in marks) + "." if marks else ""
    return f"{text} Grey points: too few to judge.{changes}"
