"""One sentence for each section: what it comes to. Plain text: it is escaped where it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from data import formats
from kpis import display
from kpis.review import entries
from kpis.review.actions import OPEN
from kpis.review.moved import TREND_FROM, is_off_target
from views.review.shown import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from kpis.review.pack import Pack, ShapeOfWeek
    from views.review.shown import Shown

OLDER: Final = "This week was frozen by a version that kept figures only."


def headline(section: str, shown: Shown) -> str:
    """Return the sentence of a section."""
    if section in _WRITTEN:
        return _WRITTEN[section](shown)
    pack = shown.content.pack
    return OLDER if pack is None else _STATED[section](shown, pack)


def _promises(shown: Shown) -> str:
    promises = shown.content.promises
    still_open = [one for one in promises if one.state == OPEN]
    if not promises:
        return "No promises open."
    overdue = sum(one.is_overdue(shown.today) for one in still_open)
    ended = len(promises) - len(still_open)
    parts = [f"{len(still_open)} open", f"{overdue} overdue" if overdue else "none overdue"]
    return ", ".join([*parts, *([f"{ended} ended since the week began"] if ended else [])]) + "."


def _scoreboard(shown: Shown) -> str:
    targets = {kpi: shown.judged(kpi) for kpi, _ in shown.stated}
    judged = [
        (one, targets.get(kpi))
        for kpi, one in shown.stated
        if targets.get(kpi) is not None and one.value is not None
    ]
    off = [one.name for one, target in judged if is_off_target(float(one.value or 0), one.better, target)]
    if not judged:
        return (
            "No figure has a target yet. Set one on a tile."
            if shown.work.is_all
            else "No target is set here."
        )
    if not off:
        return f"{formats.count(len(judged), 'figure')} with a target, none off target."
    return f"{len(judged) - len(off)} of {len(judged)} targets reached; off target: {', '.join(off)}."


def _shape(shown: Shown, pack: Pack) -> str:
    *earlier, own = pack.shape
    text = f"{formats.count(_units(own), 'unit')} finished, {formats.number(own.touchless)} without a person."
    if not earlier or not pack.compared or not shown.is_over:
        return text
    before = earlier[-1]
    return (
        f"{text} The week before: {formats.number(_units(before))}, "
        f"{formats.number(before.touchless)} without a person."
    )


def _units(one: ShapeOfWeek) -> int:
    return one.touchless + one.assisted + one.manual + one.failed


def _moved(shown: Shown, pack: Pack) -> str:
    if not pack.moved:
        return "Nothing is off target or has clearly moved."
    names = ", ".join(one.name for one in pack.moved)
    missing = len(shown.content.uncommented)
    comments = (
        f" {formats.count(missing, 'comment')} missing."
        if missing and not shown.kept and shown.work.is_all
        else ""
    )
    return f"{names}.{comments}"


def _hurts(_shown: Shown, pack: Pack) -> str:
    if not pack.hurts:
        return "No step failed."
    first = pack.hurts[0]
    return (
        f"Most units failed at {first.step or first.flow}: {formats.number(first.units)}; "
        f"{formats.number(first.units_before)} the week before."
    )


def _money(_shown: Shown, pack: Pack) -> str:
    known = [one for one in pack.money if one.currency]
    if not known:
        return "No unit with a known value was at risk or recovered."
    first = known[0]
    amounts = (first.automatic + first.people, first.automatic, first.still_open)
    recovered, automatic, still_open = (
        formats.money(amount, first.currency, short=True) for amount in amounts
    )
    others = f" {formats.count(len(known) - 1, 'more currency', 'more currencies')}." if known[1:] else ""
    return f"{recovered} recovered, {automatic} of it automatically; {still_open} still at risk.{others}"


def _backlog(_shown: Shown, pack: Pack) -> str:
    backlog = pack.backlog
    flow = f"{formats.number(backlog.inflow)} came in, {formats.number(backlog.outflow)} went out."
    if not backlog.open:
        return f"Nothing is open. {flow}"
    oldest = backlog.oldest[0].seconds if backlog.oldest else None
    return (
        f"{formats.number(backlog.open)} open, the oldest for {formats.duration(oldest, coarse=True)}. {flow}"
    )


def _wins(shown: Shown) -> str:
    wins, misses = (
        sum(one.kind == kind for one in shown.content.entries) for kind in (entries.WIN, entries.MISS)
    )
    text = f"{formats.count(wins, 'win')}, {formats.count(misses, 'miss', 'misses')}."
    return text if wins and misses else f"{text} Write at least one of each."


def _decisions(shown: Shown) -> str:
    decided = sum(one.kind == entries.DECISION for one in shown.content.entries)
    promised = len(shown.content.actions)
    return f"{formats.count(decided, 'decision')}, {formats.count(promised, 'action')}."


_WRITTEN: Final[dict[str, Callable[[Shown], str]]] = {
    "promises": _promises,
    "scoreboard": _scoreboard,
    "wins": _wins,
    "decisions": _decisions,
}
_STATED: Final[dict[str, Callable[[Shown, Pack], str]]] = {
    "shape": _shape,
    "moved": _moved,
    "hurts": _hurts,
    "money": _money,
    "backlog": _backlog,
}


def first_weeks(pack: Pack) -> str | None:
    """Return why there is no trend yet; None where there is one."""
    weeks = max((len(points) for points in pack.trends.values()), default=0)
    if weeks >= TREND_FROM:
        return None
    return (
        f"Records begin in {pack.began or 'a later week'}: {formats.count(weeks, 'week')} so far. "
        f"The trend starts after {TREND_FROM} weeks, usual ranges after 12."
    )


def since(shown: Shown, kpi: str | None, week: str) -> str | None:
    """Return what became of a figure since an action was promised that should move it."""
    pack = shown.content.pack
    one = shown.content.figures.get(kpi or "")
    if one is None or pack is None:
        return one.name if one else None
    before = next((point.value for point in pack.trends.get(kpi or "", []) if point.week == week), None)
    if before is None or week == shown.week:
        return f"{one.name} {display.figure(number(one.value), one.unit)}"
    texts = [display.figure(number(value), one.unit) for value in (before, one.value)]
    return f"{one.name} {texts[0]} → {texts[1]} since {week}"
