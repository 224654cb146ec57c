"""The sections as HTML, the same on the page and in the exported file. What is not ours is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from data import formats
from kpis import display
from kpis.review import entries
from kpis.review.pack import BANDS
from kpis.scoreboard import Shape
from views.business.charts import SHAPES
from views.kit.labels import CLASSES
from views.review.headlines import since
from views.review.shown import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from kpis.review.actions import Action
    from kpis.review.entries import Entry
    from kpis.review.pack import Backlog, ChangeOfWeek, Hurt, MoneyOfWeek, Number, ShapeOfWeek
    from views.review.shown import Shown

_AGES: Final = dict(
    zip(BANDS, ("under 1 h", "1 h to 4 h", "4 h to 24 h", "1 d to 7 d", "over 7 d"), strict=True)
)
MOST_CHANGES: Final = 8
STATES: Final = {"open": "open", "done": "done", "dropped": "dropped"}


def box(content: str) -> str:
    """Return a fragment within what the style sheet is for."""
    return f'<div class="review">{content}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0, last: str = "") -> str:
    """Return a table of cells that are HTML already; the last `numbers` columns hold numbers."""
    first_number = len(head) - numbers
    names = [(name, ' class="num"' if place >= first_number else "") for place, name in enumerate(head)]
    header = "".join(f'<th scope="col"{kind}>{name}</th>' for name, kind in names)
    lines = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, (_, kind) in zip(row, names, strict=True))}</tr>"
        for row in rows
    )
    head = f'<div class="wide" tabindex="0"><table><thead><tr>{header}</tr></thead>'
    return f"{head}<tbody>{lines}{last}</tbody></table></div>"


def note(text: str) -> str:
    """Return the note of a section."""
    return f'<div class="note">{escape(text)}</div>'


# --- shape of work --------------------------------------------------------------------------------------


def shape(weeks: Sequence[ShapeOfWeek], changes: Sequence[ChangeOfWeek] = ()) -> str:
    """Return the units of each week as stacked bars, with a legend, the changes, and the same as a table."""
    most = max((_total(one) for one in weeks), default=0)
    if not most:
        return "<p>No unit finished in these weeks.</p>"
    texts = marks(changes)
    bars = "".join(_stack(one, most, texts.get(one.week), is_own=one is weeks[-1]) for one in weeks)
    legend = "".join(
        f'<span><i style="background:{color}"></i>{name}</span>' for name, color in SHAPES.values()
    )
    head = ["Week", *(name for name, _ in SHAPES.values()), "Finished"]
    rows = [
        [one.week, *(formats.number(_units(one, kind)) for kind in SHAPES), formats.number(_total(one))]
        for one in weeks
    ]
    as_table = f"<details><summary>As a table</summary>{table(head, rows, len(SHAPES) + 1)}</details>"
    changed = _changes(changes)
    return f'<div class="legend">{legend}</div><div class="shape">{bars}</div>{changed}{as_table}'


def marks(changes: Sequence[ChangeOfWeek]) -> dict[str, str]:
    """Return what changed in each week, as text; weeks without a change have none."""
    weeks: dict[str, list[str]] = {}
    for one in changes:
        weeks.setdefault(one.week, []).append(f"{one.flow}: {one.text}" if one.flow else one.text)
    return {week: "; ".join(texts) for week, texts in weeks.items()}


def _changes(found: Sequence[ChangeOfWeek]) -> str:
    if not found:
        return ""
    rows = [
        (one.week, escape(one.kind), escape(one.text), escape(one.flow or "all"), escape(one.actor))
        for one in found[:MOST_CHANGES]
    ]
    left = len(found) - len(rows)
    more = f"<p class=small>{formats.count(left, 'earlier change')} more.</p>" if left else ""
    return table(("▾ Changed in", "Kind", "What", "Flow", "By"), rows) + more


def _stack(one: ShapeOfWeek, most: int, changed: str | None, *, is_own: bool) -> str:
    parts = "".join(
        f'<i style="height:{100 * _units(one, kind) / most:.2f}%;background:{SHAPES[kind][1]}"></i>'
        for kind in reversed(SHAPES)
    )
    text = ", ".join(f"{_units(one, kind):,} {name.lower()}" for kind, (name, _) in SHAPES.items())
    week = one.week.partition("-")[2]
    if changed:
        week += f' <b title="{escape(changed)}">▾</b>'
    return (
        f'<div{" class=own" if is_own else ""}><div class="stack" role="img" title="{text}" '
        f'aria-label="{one.week}: {text}"><span class="total">{_total(one):,}</span>{parts}</div>'
        f'<span class="week">{week}</span></div>'
    )


def _units(one: ShapeOfWeek, kind: Shape) -> int:
    return int(getattr(one, kind.value))


def _total(one: ShapeOfWeek) -> int:
    return sum(_units(one, kind) for kind in Shape)


# --- where it hurts, money, backlog -----------------------------------------------------------------------


def hurts(found: Sequence[Hurt]) -> str:
    """Return the steps at which most units failed."""
    rows = [
        (
            f"{escape(one.step) or formats.MISSING}<br><small>{escape(one.flow)}</small>",
            escape(CLASSES.get(one.error_class, (one.error_class, ""))[0]),
            formats.number(one.units),
            formats.number(one.units_before),
            formats.number(one.failed_attempts),
            formats.percent(one.share),
        )
        for one in found
    ]
    head = ("Step", "Class", "Failed units", "Week before", "Failed attempts", "Share of attempts")
    return table(head, rows, 4) if rows else "<p>No step failed in this week.</p>"


def money(found: Sequence[MoneyOfWeek]) -> str:
    """Return money by currency: at risk, come, recovered, still open. Each line adds up."""
    rows = [
        (
            escape(one.currency),
            *(
                _amount(amount, one.currency, units)
                for amount, units in (
                    (one.at_start, one.units_at_start),
                    (one.came, None),
                    (-one.automatic, one.units_automatic),
                    (-one.people, one.units_people),
                    (one.still_open, one.units_open),
                )
            ),
        )
        for one in found
        if one.currency
    ]
    head = (
        "Currency", "At risk at the start", "Came in", "Recovered automatically", "Recovered by people",
        "Still at risk",
    )  # fmt: skip
    unknown = sum(
        one.units_open + one.units_automatic + one.units_people for one in found if not one.currency
    )
    more = f"<p class=small>{formats.count(unknown, 'unit')} without a known value.</p>" if unknown else ""
    return (
        table(head, rows, 5) if rows else "<p>No value is known of a unit at risk or recovered.</p>"
    ) + more


def _amount(amount: object, currency: str | None, units: int | None) -> str:
    text = escape(formats.money(number(str(amount)), currency))
    return text if units is None else f"{text}<br><small>{formats.count(units, 'unit')}</small>"


def backlog(found: Backlog, *, links: bool) -> str:
    """Return what is open by age, and the oldest exceptions."""
    most = max([*found.ages.values(), 1])
    bands = [
        (
            _AGES[band],
            _bar(found.ages.get(band, 0), most),
            formats.number(found.ages.get(band, 0)),
        )
        for band in BANDS
    ]
    days = found.backlog_days
    clear = "" if days is None else f"<p>{days:.1f} days to clear at the rate of the last four weeks.</p>"
    expired = f"<p>{formats.count(found.expired, 'exception')} expired.</p>" if found.expired else ""
    return table(("Open for", "", "Exceptions"), bands, 1) + clear + expired + _oldest(found, links=links)


def _bar(count: int, most: int) -> str:
    return f'<span class="bar" style="width:{round(160 * count / most)}px"></span>'


def _oldest(found: Backlog, *, links: bool) -> str:
    rows = []
    for one in found.oldest:
        unit = escape(one.correlation_id)
        # The address is made of an id of ours: what telemetry names never gets into one.
        linked = f'<a href="/?case={escape(one.case_id)}" target="_self">{unit}</a>' if links else unit
        where = " · ".join(filter(None, (one.flow, one.step)))
        rows.append(
            (
                f"{linked}<br><small>{escape(where)}</small>",
                escape(one.title),
                formats.duration(one.seconds, coarse=True),
            )
        )
    return table(("Oldest", "What happened", "Open for"), rows, 1) if rows else ""


# --- what people wrote ----------------------------------------------------------------------------------


def written(found: Sequence[Entry], kind: str) -> str:
    """Return the wins, the misses or the decisions."""
    lines = "".join(f"<li>{entry(one)}</li>" for one in found if one.kind == kind)
    empty = {entries.WIN: "No win yet.", entries.MISS: "No miss yet.", entries.DECISION: "No decision yet."}
    return f"<ul>{lines}</ul>" if lines else f"<p class=small>{empty[kind]}</p>"


def entry(one: Entry) -> str:
    """Return one win, miss or decision."""
    about = " · ".join(filter(None, (one.why, one.kpi, one.actor)))
    return f"{escape(one.text)} <span class=small>{escape(about)}</span>"


def actions(found: Sequence[Action], shown: Shown) -> str:
    """Return actions as a table."""
    rows = [
        (
            f"{escape(one.text)}{f'<br><small>{escape(one.note)}</small>' if one.note else ''}",
            escape(one.owner),
            f'<span class="once">{due(one, shown.today)}</span>',
            state(one, shown.today),
            escape(since(shown, one.kpi, one.week) or formats.MISSING),
            f'<span class="once">{one.week}</span>',
        )
        for one in found
    ]
    head = ("Action", "Owner", "Due", "State", "Should move", "Promised in")
    return table(head, rows) if rows else "<p class=small>None.</p>"


def due(one: Action, today: date) -> str:
    """Return when an action is due; its year only where it is another."""
    if one.due_on is None:
        return "no date"
    return f"{one.due_on:%d %b}" if one.due_on.year == today.year else f"{one.due_on:%d %b %Y}"


def state(one: Action, today: date) -> str:
    """Return the state of an action as a badge."""
    if one.is_overdue(today):
        return '<span class="badge bad">overdue</span>'
    kind = "good" if one.state == "done" else "plain"
    return f'<span class="badge {kind}">{STATES[one.state]}</span>'


def comment(text: str | None) -> str:
    """Return the comment on a figure."""
    return note(text) if text else "<p class=small>No comment.</p>"


def value(one: Number, unit: str) -> str:
    """Return a value that was written down, as text; its currency came from telemetry."""
    return escape(display.figure(number(one), unit))
