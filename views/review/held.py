"""What some figures are held against beside their target: an objective in seconds, or a baseline of weeks."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from data.clock import aware
from kpis import periods
from kpis.objectives import AIMED, COMPARED, SetBaseline, SetObjective, baseline, objectives
from kpis.periods import Period, week_of
from views.kit.person import context

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from access.commands import Command

_MOMENT = timedelta(microseconds=1)


def ask(kpi_id: str) -> Callable[[], Command[Any, Any, Any]] | None:
    """Draw what a figure takes beside its target; return what makes the command, if any."""
    if kpi_id == AIMED:
        return _objective()
    return _baseline() if kpi_id == COMPARED else None


def _objective() -> Callable[[], SetObjective]:
    known = next((one.bound for one in objectives(context().reading) if one.flow is None), None)
    label = "Objective: a unit takes at most, in seconds; empty for none"
    seconds = st.number_input(label, value=known, help="A flow's own objective is set by REST.")
    return partial(SetObjective, AIMED, seconds)


def _baseline() -> Callable[[], SetBaseline]:
    ctx = context()
    zone, known = ctx.settings.zone, baseline(ctx.reading, None)
    name = st.text_input("Name of the baseline; empty for none", known.name or "", max_chars=200).strip()
    first = st.text_input("Its first ISO week, such as 2026-W05", _week(known.starts_at, zone), max_chars=10)
    end = known.ends_at and known.ends_at - _MOMENT
    last = st.text_input("Its last ISO week", _week(end, zone), max_chars=10)
    return partial(_of_weeks, name, first.strip(), last.strip(), zone)


def _of_weeks(name: str, first: str, last: str, zone: str) -> SetBaseline:
    if not name:
        return SetBaseline(COMPARED, None, None)
    return SetBaseline(
        COMPARED, name, Period(periods.week(first, zone).start, periods.week(last, zone).end, zone)
    )


def _week(moment: datetime | None, zone: str) -> str:
    found = aware(moment)
    return week_of(found, zone) if found else ""
