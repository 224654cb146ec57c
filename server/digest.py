"""The digest of a weekly review: when it is due, and what it says. Plain text, for mail and chat alike."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from data import formats
from kpis import display, periods, weeks
from kpis.definition import ids
from kpis.review.actions import OPEN
from kpis.review.moved import is_off_target
from kpis.review.pack import is_judged

if TYPE_CHECKING:
    from data.store import Reading
    from kpis.review.pack import Number
    from kpis.weeks import Content, Stated

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LATE: Final = timedelta(days=3)
"""A digest that is later than this is not sent any more: its meeting is over."""
_MOST: Final = 10


class Digest(NamedTuple):
    """What is sent."""

    title: str
    body: str


def due_week(now: datetime, zone: str, weekday: str, at: time) -> str | None:
    """Return the ISO week whose digest is due: the one before that of the last time of sending.

    None where the last time of sending is longer ago than `LATE`.
    """
    here = now.astimezone(ZoneInfo(zone))
    back = (here.weekday() - WEEKDAYS.index(weekday)) % 7
    sending = datetime.combine(here.date() - timedelta(days=back), at, ZoneInfo(zone))
    if sending > here:
        sending = datetime.combine(sending.date() - timedelta(days=7), at, ZoneInfo(zone))
    # Compared in UTC: two times of one zone are subtracted by the clock on the wall.
    if now.astimezone(UTC) - sending.astimezone(UTC) > LATE:
        return None
    this = periods.week_of(sending, zone)
    return periods.week_of(periods.week(this, zone).earlier(1).start, zone)


def digest(reading: Reading, week: str, zone: str, url: str, now: datetime) -> Digest:
    """Return the digest of a week: as it was frozen, or as a draft."""
    kept = next((one for one in weeks.frozen(reading) if one.week == week), None)
    content = weeks.Content.of(kept.content) if kept else weeks.draft(reading, week, zone, now)
    state = "frozen" if kept else "draft: late records still change it"
    off = _off_target(content, week)
    lines = [f"Weekly review {week} ({state})", f"{url}/review?week={week}", ""]
    lines += [*_section("Off target", [_line(*one) for one in off])]
    lines += _section("What moved", _moved(content))
    lines += _section("Promises that are overdue", _overdue(content, now, zone))
    rest = [(kpi, one) for kpi, one in content.figures.items() if kpi not in dict(off)]
    lines += _section("Figures", [_line(*one) for one in rest if one[1].value is not None], most=50)
    return Digest(f"Unsnag: weekly review {week}", "\n".join(lines).rstrip() + "\n")


def _section(name: str, lines: list[str], most: int = _MOST) -> list[str]:
    if not lines:
        return []
    more = [f"- and {len(lines) - most} more"] if len(lines) > most else []
    return [name, *(f"- {line}" for line in lines[:most]), *more, ""]


def _off_target(content: Content, week: str) -> list[tuple[str, Stated]]:
    period = periods.week(week, content.zone)
    return [
        (kpi, one)
        for kpi, one in content.figures.items()
        if kpi in ids()
        and is_judged(kpi, period)
        and one.value is not None
        and one.n >= one.floor
        and is_off_target(float(one.value), one.better, one.target)
    ]


def _line(_kpi: str, one: Stated) -> str:
    text = f"{one.name}: {_figure(one.value, one.unit)}"
    if one.target is not None:
        text += f", target {_figure(one.target, one.unit)}"
    if one.previous is not None:
        text += f", the week before {_figure(one.previous, one.unit)}"
    owner = f", {one.owner}" if one.owner else ""
    return f"{text} (n {formats.number(one.n)}{owner})"


def _figure(value: Number, unit: str) -> str:
    """Return a value as text; money was written down as a decimal string."""
    return display.figure(Decimal(value) if isinstance(value, str) else value, unit)


def _moved(content: Content) -> list[str]:
    return [f"{one.name}: {one.reason}" for one in content.pack.moved] if content.pack else []


def _overdue(content: Content, now: datetime, zone: str) -> list[str]:
    today = now.astimezone(ZoneInfo(zone)).date()
    late = [one for one in content.promises if one.state == OPEN and one.is_overdue(today)]
    return [f"{one.text} ({one.owner}, due {one.due_on})" for one in late]
