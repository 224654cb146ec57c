"""The tile of a figure, and what moved it, as HTML."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Final

from data import formats
from kpis import display
from kpis.review.contributions import ADDED, RATES
from kpis.review.moved import TREND_FROM, is_off_target, limits
from kpis.review.pack import SEVERAL
from views.business.behind import count_line
from views.review.fragments import marks, table, value
from views.review.shown import as_kpi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kpis.review.pack import Contributions, Effect, Moved, WeekPoint
    from kpis.weeks import Restated, Stated
    from views.review.shown import Shown

MOST_PARTS: Final = 5
_WIDTH, _HEIGHT = 240, 44


def tile(kpi_id: str, one: Stated, shown: Shown) -> str:
    """Return the tile of a figure."""
    figure = as_kpi(kpi_id, one)
    text = formats.count(one.n, *display.nouns(figure)) if figure.too_few else value(one.value, one.unit)
    later = shown.restated.get(kpi_id)
    owner = f" · {escape(one.owner)}" if one.owner else ""
    lines = [
        _change(kpi_id, one, shown),
        _spark(one, _points(kpi_id, shown), _changed(shown)),
        _line(_target(kpi_id, one, shown) + owner),
        _line(escape(one.note)),
        _line(f"{count_line(figure)} · version {one.definition_version}", "plain"),
        _restated(later, one) if later else "",
        _as_of(kpi_id, shown),
    ]
    look = "tile few" if figure.too_few else "tile"
    name = f'<div class="name">{escape(one.name)}</div><div class="value">{text}</div>'
    return f'<div class="{look}">{name}{"".join(lines)}</div>'


def _line(content: str, kind: str = "") -> str:
    return f'<div class="line {kind}">{content}</div>'


def _change(kpi_id: str, one: Stated, shown: Shown) -> str:
    figure = as_kpi(kpi_id, one)
    text = display.change(figure)
    pack = shown.content.pack
    if text:
        kind = "good" if display.is_better(figure) else "bad"
        arrow = "▲" if text.startswith("+") else "▼"
        word = "better" if kind == "good" else "worse"
        return _line(f'{arrow} {escape(text)} <span class="small">{word} than the week before</span>', kind)
    if figure.too_few:
        return _line(f"too few: fewer than {one.floor}", "plain")
    if pack and not pack.compared:
        return _line("no full week before", "plain")
    return _line("no change" if one.previous is not None else "nothing to compare", "plain")


def _target(kpi_id: str, one: Stated, shown: Shown) -> str:
    if one.target is None:
        return '<span class="plain">no target</span>'
    aim = value(round(one.target) if one.unit in ADDED else one.target, one.unit)
    if shown.judged(kpi_id) is None:
        return f"target {aim} for the whole week"
    if one.value is None or one.n < one.floor:
        return f"target {aim}"
    off = is_off_target(float(one.value), one.better, one.target)
    kind, word = ("bad", "✗ off target") if off else ("good", "✓ on target")
    return f'target {aim} · <b class="{kind}">{word}</b>'


def _as_of(kpi_id: str, shown: Shown) -> str:
    """Return as of when a figure of a part of a frozen week is; the whole week states it once, at its top."""
    if not shown.kept or shown.work.is_all:
        return ""
    words = {"freeze": "as of the freeze", "now": "computed now"}[shown.as_of(kpi_id)]
    return _line(f'<span class="badge">{words}</span>')


def _restated(later: Restated, one: Stated) -> str:
    text = f"Restated: {value(later.value, one.unit)}, n {later.n:,} ({escape(later.reason)})"
    return _line(f'<span class="badge bad">{text}</span>')


def _points(kpi_id: str, shown: Shown) -> list[WeekPoint]:
    return shown.content.pack.trends.get(kpi_id, []) if shown.content.pack else []


def _changed(shown: Shown) -> dict[str, str]:
    return marks(shown.content.pack.changes) if shown.content.pack else {}


def _spark(one: Stated, points: Sequence[WeekPoint], changed: Mapping[str, str]) -> str:
    """Return the weeks as a line in an image, with target, usual range and changes; its text has them too."""
    known = [(place, float(point.value)) for place, point in enumerate(points) if point.value is not None]
    if len(known) < TREND_FROM:
        return f'<div class="spark plain">trend after {TREND_FROM} weeks</div>'
    usual = limits([number for _, number in known[:-1]])
    scale = _Scale([number for _, number in known], one.target, usual, len(points))
    drawn = "".join(
        (
            scale.band(usual) if usual else "",
            scale.level(one.target) if one.target is not None else "",
            *(scale.mark(place) for place, point in enumerate(points) if point.week in changed),
            scale.line(known),
        )
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'preserveAspectRatio="none">{drawn}</svg>'
    )
    text = ", ".join(_point_text(point, one, changed) for point in points)
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return f'<img class="spark" alt="{text}" title="{text}" src="{source}">'


def _point_text(point: WeekPoint, one: Stated, changed: Mapping[str, str]) -> str:
    what = f" ({escape(changed[point.week])})" if point.week in changed else ""
    return f"{point.week} {value(point.value, one.unit)}{what}"


class _Scale:
    """Where values lie in the image of a trend."""

    def __init__(
        self, values: Sequence[float], target: float | None, usual: tuple[float, float] | None, weeks: int
    ) -> None:
        all_values = [*values, *([] if target is None else [target]), *(usual or ())]
        self._low, self._high = min(all_values), max(all_values)
        self._step = (_WIDTH - 8) / max(weeks - 1, 1)

    def _y(self, number: float) -> float:
        share = (number - self._low) / (self._high - self._low) if self._high > self._low else 0.5
        return 4 + (_HEIGHT - 8) * (1 - share)

    def line(self, known: Sequence[tuple[int, float]]) -> str:
        """Return the line, with its last point."""
        places = [(4 + place * self._step, self._y(number)) for place, number in known]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        x, y = places[-1]
        path = f'<polyline points="{points}" fill="none" stroke="#6366f1" stroke-width="2"/>'
        return f'{path}<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#6366f1"/>'

    def level(self, target: float) -> str:
        """Return the target as a dashed line."""
        y = self._y(target)
        ends = f'x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"'
        return f'<line {ends} stroke="#94a3b8" stroke-width="1.5" stroke-dasharray="5 4"/>'

    def mark(self, place: int) -> str:
        """Return a week in which something changed as a dotted line."""
        x = 4 + place * self._step
        ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_HEIGHT}"'
        return f'<line {ends} stroke="#64748b" stroke-width="1.5" stroke-dasharray="2 3"/>'

    def band(self, usual: tuple[float, float]) -> str:
        """Return the usual range."""
        top, bottom = self._y(usual[1]), self._y(usual[0])
        return (
            f'<rect x="0" width="{_WIDTH}" y="{top:.1f}" height="{bottom - top:.1f}" '
            'fill="#94a3b8" fill-opacity="0.2"/>'
        )


# --- what moved -----------------------------------------------------------------------------------------


def why_moved(one: Moved, shown: Shown) -> str:
    """Return a figure that moved, with what its parts contribute."""
    stated = shown.content.figures[one.id]
    change = display.change(as_kpi(one.id, stated))
    values = f"{value(stated.previous, one.unit)} → {value(stated.value, one.unit)}"
    head = f"<p><b>{escape(one.name)}</b> {values}{f' ({escape(change)})' if change else ''}</p>"
    adds_up = all(split.adds_up for split in one.splits)
    more = "" if adds_up else "<p class=small>This figure is no sum of its parts: they do not add up.</p>"
    return (
        f"{head}<p>{escape(one.reason)}</p>{''.join(_split(split, one.unit) for split in one.splits)}{more}"
    )


def _split(found: Contributions, unit: str) -> str:
    if len(found.parts) < 2:  # noqa: PLR2004 - one part alone explains nothing
        return ""
    by = escape(found.by.replace("_", " ").capitalize())
    return _contributions(found, unit, by) if found.adds_up else _values_only(found, unit, by)


def _values_only(found: Contributions, unit: str, by: str) -> str:
    rows = [(_key(one.key), *_values(one, unit)) for one in found.parts[:MOST_PARTS]]
    return table((by, "Before", "Now"), rows, 2)


def _contributions(found: Contributions, unit: str, by: str) -> str:
    is_rate = unit in RATES and any(one.mix is not None for one in found.parts)
    first, rest = found.parts[:MOST_PARTS], found.parts[MOST_PARTS:]
    rows: list[tuple[str, ...]] = [
        (_key(one.key), *_values(one, unit), *_effects([one], unit, is_rate=is_rate)) for one in first
    ]
    if rest:
        name = formats.count(len(rest), "other")
        rows.append((name, "", "", *_effects(rest, unit, is_rate=is_rate)))
    cells = ("All", "", "", *_effects(found.parts, unit, is_rate=is_rate))
    last = "".join(f"<td{' class=num' if place else ''}>{cell}</td>" for place, cell in enumerate(cells))
    effects = ("Own rate", "Mix", "Together") if is_rate else ("Contribution",)
    text = _in_words(found, unit) if is_rate else ""
    return table((by, "Before", "Now", *effects), rows, 2 + len(effects), f"<tr class=sum>{last}</tr>") + text


def _key(key: str) -> str:
    return "Counted in several" if key == SEVERAL else escape(key)


def _values(one: Effect, unit: str) -> tuple[str, str]:
    sides = ((one.before, one.n_before), (one.value, one.n))
    before, now = (
        f"{value(found, unit)}<br><small>n {n:,}</small>" if n else formats.MISSING for found, n in sides
    )
    return before, now


def _effects(parts: Sequence[Effect], unit: str, *, is_rate: bool) -> tuple[str, ...]:
    together = signed(sum(one.total for one in parts), unit)
    if not is_rate:
        return (together,)
    own = [one for one in parts if one.key != SEVERAL]
    if not own:
        return "", "", together
    rate, mix = sum(one.rate for one in own), sum(one.mix or 0 for one in own)
    return signed(rate, unit), signed(mix, unit), together


def signed(number: float, unit: str) -> str:
    """Return a contribution with its sign, in natural units: `+1.83 pt`, `-12`, `+€1,188.07`."""
    size = abs(round(number, 2))
    sign = "" if not size else "-" if number < 0 else "+"
    if unit == "percent":
        return f"{sign}{size:,.2f} pt"
    if unit in RATES:
        return f"{sign}{size:,.2f}"
    if unit in ADDED:
        return f"{sign}{size:,.0f}"
    return f"{sign}{escape(formats.money(size, None if unit == 'money' else unit))}"


def _in_words(found: Contributions, unit: str) -> str:
    own = [one for one in found.parts if one.key != SEVERAL]
    rate, mix = sum(one.rate for one in own), sum(one.mix or 0 for one in own)
    text = f"Own rates moved it by {signed(rate, unit)}, the mix of work by {signed(mix, unit)}"
    several = sum(one.total for one in found.parts if one.key == SEVERAL)
    text += f", units that are counted in several parts by {signed(several, unit)}." if several else "."
    change = found.change or 0
    moved = [one.rate for one in own if one.rate]
    if moved and change and all(one * change < 0 for one in moved):
        text += " Each part by itself moved the other way: the mix of work made the change."
    return f"<p>{text}</p>"
