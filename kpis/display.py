"""Figures of KPIs as text: value, change against the period before, and the note under them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from data import formats
from kpis.definition import definition

if TYPE_CHECKING:
    from collections.abc import Callable

    from kpis.figure import Kpi

NO_CURRENCY: Final = "no currency"
"""What money without a currency is called by the macro `money`."""
_PLAIN: Final = ("units", "exceptions", "retries")
_COUNTED: Final = {
    "cases": ("exception", "exceptions"), "records": ("record", "records"), "retries": ("retry", "retries"),
    "incidents": ("incident", "incidents"),
}  # fmt: skip
"""What the rows of a figure are, by the first word of their name; all others are units."""
CLASSES: Final = {
    "business": "Business",
    "data": "Data",
    "infrastructure": "Infrastructure",
    "unknown": "Unknown",
    "none": "No error",
}


def figure(value: Any, unit: str) -> str:
    """Return a value with its unit: `97.3 %`, `3 h 38 min`, `€757.3k`; a dash where there is none."""
    if value is None:
        return "–"
    if unit == "percent":
        return formats.percent(float(value))
    if unit == "seconds":
        return formats.duration(float(value))
    if unit == "per 1,000":
        return formats.number(float(value), 1)
    if unit in _PLAIN:
        return formats.number(int(value))
    return money(value, unit)


def money(amount: Any, unit: str) -> str:
    """Return a sum with its currency, shortened as tiles need it; the unit `money` names no currency."""
    return formats.money(amount, None if unit == "money" else unit, short=True)


def change(one: Kpi) -> str | None:
    """Return the change against the period before, signed, in natural units; None where there is none."""
    if one.value is None or one.previous is None or one.too_few or one.previous_n < one.floor:
        return None
    difference = float(one.value) - float(one.previous)
    text = _difference(abs(difference), one.unit)
    return text if text is None else f"{'-' if difference < 0 else '+'}{text}"


def is_better(one: Kpi) -> bool | None:
    """Return whether the change is for the good; None where there is none."""
    text = change(one)
    return None if text is None else text.startswith("+") == (one.better == "up")


def nouns(one: Kpi) -> tuple[str, str]:
    """Return what a figure counts: one of it, and many."""
    rows = definition(one.id).rows.partition("_")[0]
    return _COUNTED.get(rows, ("unit", "units"))


def note(one: Kpi) -> str:
    """Return the second figure that keeps the first one honest."""
    if not one.details or one.id not in _NOTES:
        return ""
    return _NOTES[one.id](SimpleNamespace(**one.details), one.unit)


def _difference(size: float, unit: str) -> str | None:
    if unit == "percent":
        return f"{formats.number(size, 1)} pt" if round(size, 1) else None
    if unit == "per 1,000":
        return formats.number(size, 1) if round(size, 1) else None
    if unit == "seconds":
        return formats.duration(round(size), coarse=True) if size >= 1 else None
    return figure(size, unit) if round(size) else None


def _touches(d: Any, _unit: str) -> str:
    assisted = f"{d.assisted:,} assisted by people"
    # Without a source that names people's steps, what they do in other tools looks like automation.
    return assisted if d.outside_is_seen else f"{assisted} · work outside is not seen"


def _times(d: Any, _unit: str) -> str:
    if d.p90 is None:
        return ""
    with_open = d.median_with_open
    second = "less than half ended" if with_open is None else f"{formats.duration(with_open)} with open ones"
    return f"p90 {formats.duration(d.p90)} · {second}"


def _p90(d: Any, _unit: str) -> str:
    return "" if d.p90 is None else f"p90 {formats.duration(d.p90)}"


def _handled(d: Any, unit: str) -> str:
    return "" if d.p90 is None else f"{_p90(d, unit)} · {formats.duration(d.total_seconds)} in all"


def _coverage(d: Any, _unit: str) -> str:
    others = d.units_in_other_currencies
    parts = (
        f"Value known for {formats.percent(d.coverage)}",
        f"{others:,} in other currencies" if others else "",
        _without_rate(d),
    )
    return " · ".join(filter(None, parts))


def _without_rate(d: Any) -> str:
    """Name the currencies that keep a sum in the reporting currency from being made."""
    missing = getattr(d, "without_rate", None) or ()
    codes = ", ".join(code for code in missing if code != NO_CURRENCY)
    parts = (
        f"no rate for {codes}" if codes else "",
        "some name no currency" if NO_CURRENCY in missing else "",
    )
    return " · ".join(filter(None, parts))


def _recovered(d: Any, unit: str) -> str:
    parts = (f"automatic {money(d.automatic, unit)} · people {money(d.people, unit)}", _without_rate(d))
    return " · ".join(filter(None, parts))


def _lost(d: Any, _unit: str) -> str:
    rate = d.recovery_rate
    recovered = "recovery rate not known" if rate is None else f"{formats.percent(rate)} recovered instead"
    return " · ".join(filter(None, (recovered, _without_rate(d))))


def _backlog(d: Any, _unit: str) -> str:
    flow = f"{d.inflow:,} in · {d.outflow:,} out"
    days = d.backlog_days
    return flow if days is None else f"{flow} · {days:.1f} days to clear at the current rate"


def _resolved(d: Any, _unit: str) -> str:
    if not d.resolved_n:
        return "No end was due"
    return f"Ended in time: {formats.percent(d.resolved)} of {d.resolved_n:,}"


def _retried(d: Any, _unit: str) -> str:
    parts = (("automatic", d.automatic, d.automatic_n), ("asked for", d.people, d.people_n))
    return " · ".join(f"{name} {formats.percent(rate)} of {n:,}" for name, rate, n in parts if n)


def _retries(d: Any, _unit: str) -> str:
    wasted = f" · {d.wasted:,} after a business error" if d.wasted else ""
    return f"Most at {d.top_step}{wasted} · cost not known: no rates"


def _shifted(d: Any, _unit: str) -> str:
    if d.automated_share is None:
        return "No finished unit has a known routing"
    share = f"{formats.percent(d.automated_share)} of {d.routed:,} automated"
    # Rounded before its sign is taken: -0.04 is no shift.
    shift = None if d.net_shift is None else round(d.net_shift, 1)
    sign = "+" if shift and shift > 0 else ""
    return share if shift is None else f"{share} · net shift {sign}{formats.number(shift or 0, 1)} units"


def _latency(d: Any, _unit: str) -> str:
    without = (
        f"{formats.count(d.without_objective, 'unit')} without an objective" if d.without_objective else ""
    )
    p95 = "" if d.p95 is None else f"p95 {formats.duration(d.p95)}"
    overdue = f"{d.overdue:,} overdue" if d.overdue else ""
    return " · ".join(filter(None, (p95, overdue, without)))


def _budget(d: Any, _unit: str) -> str:
    if d.budget_left is None:
        return "No error budget: no flow has an objective"
    without = f" · {formats.count(d.without_objective, 'unit')} without one" if d.without_objective else ""
    return f"{formats.percent(d.budget_left)} of the error budget left{without}"


def _restored(d: Any, _unit: str) -> str:
    if not d.objectives:
        return "No flow has an objective of K15"
    return (
        ""
        if d.longest is None
        else f"Median {formats.duration(d.median)} · longest {formats.duration(d.longest)}"
    )


def _reduced(d: Any, _unit: str) -> str:
    if not d.baseline_n:
        return "No baseline to compare with"
    return f"{formats.count(d.compared, 'unit')} compared · baseline {formats.duration(d.baseline_seconds)}"


def _answers(d: Any, _unit: str) -> str:
    return f"Who {d.who:,} · what {d.what:,} · steps {d.steps:,} · why {d.why:,} · approvals {d.approvals:,}"


_NOTES: Final[dict[str, Callable[[Any, str], str]]] = {
    "K1": _touches,
    "K19": lambda d, _: f"{d.failed:,} failed",
    "K7": lambda d, _: f"{formats.count(d.with_error, 'unit')} with an error",
    "K2": _shifted,
    "K3": _times,
    "K4": _times,
    "K5": _retries,
    "K6": _p90,
    "K8": _coverage,
    "K9": _recovered,
    "K10": _lost,
    "K11": lambda d, _: f"{d.with_error:,} with an error · {d.only_touched:,} only touched",
    "K12": lambda d, _: f"{d.by_time:,} by time · {d.by_people:,} by people",
    "K14": _latency,
    "K15": _budget,
    "K16": _backlog,
    "K17": _resolved,
    "K18": _handled,
    "K20": lambda d, _: f"At most {d.peak_per_hour:,} in an hour",
    "K22": lambda d, _: f"{formats.count(d.stretches, 'stretch', 'stretches')} of work under a claim",
    "K23": lambda d, _: f"{d.intervened:,} touched because of an exception",
    "K25": lambda d, _: f"p95 {formats.duration(d.p95)} · {d.late:,} late",
    "K28": _restored,
    "K32": _reduced,
    "K40": _retried,
    "K43": _answers,
}
"""By KPI: its details as a line. They are read as attributes, named as the columns of the statement."""
