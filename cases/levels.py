"""Service levels: until when somebody should have taken up a case, and until when it should have ended.

A level is looked up by flow, class and severity. What a narrower entry leaves open comes from the next wider
one: flow and class, flow, class, everything; within each the severity, then `any`.
Both clocks start when the case was opened, or opened again. Until somebody takes it up the earlier of the two
due times counts, then the one of its end.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read back by its type
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cases.business_hours import Calendar
from cases.lifecycle import FOR_PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases.case import Case

ANY: Final = "any"
WARN_LEFT: Final = 0.25
"""A due time warns when this part of its time is left."""


@dataclass(frozen=True, slots=True)
class Level:
    """How long triage and the end may take; None: a wider entry says it."""

    triage: timedelta | None = None
    resolve: timedelta | None = None
    business_hours: bool | None = None
    """Whether only business hours count."""


class Promise(NamedTuple):
    """A level with nothing left open."""

    triage: timedelta
    resolve: timedelta
    business_hours: bool


@dataclass(frozen=True, slots=True)
class LevelTable:
    """Levels by severity, and by class and severity."""

    severities: Mapping[str, Level] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, Level]] = field(default_factory=dict)

    def entries(self, error_class: str, severity: str) -> Iterator[Level]:
        """Return the entries that speak of a class and a severity, the narrowest first."""
        for table in (self.classes.get(error_class, {}), self.severities):
            yield from (table[name] for name in (severity, ANY) if name in table)


DEFAULT: Final = LevelTable({
    "critical": Level(timedelta(minutes=10), timedelta(minutes=30)),
    "high": Level(timedelta(minutes=30), timedelta(hours=2)),
    "medium": Level(timedelta(hours=2), timedelta(hours=8)),
    "low": Level(timedelta(hours=8), timedelta(hours=24)),
    ANY: Level(timedelta(hours=8), timedelta(hours=24), business_hours=False),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """All levels: those of single flows, and those for every flow."""

    everywhere: LevelTable = field(default_factory=LevelTable)
    flows: Mapping[str, LevelTable] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)

    def of(self, flow: str, error_class: str, severity: str) -> Promise:
        """Return the level of a case."""
        tables = (self.flows.get(flow, LevelTable()), self.everywhere, DEFAULT)
        found = [entry for table in tables for entry in table.entries(error_class, severity)]
        return Promise(
            next(entry.triage for entry in found if entry.triage is not None),
            next(entry.resolve for entry in found if entry.resolve is not None),
            next(entry.business_hours for entry in found if entry.business_hours is not None),
        )

    def due(self, promise: Promise, start: datetime) -> Due:
        """Return when what a level promises is due."""
        after = self.calendar.after if promise.business_hours else _on_the_clock
        warned = 1 - WARN_LEFT
        return Due(
            after(start, promise.triage),
            after(start, promise.triage * warned),
            after(start, promise.resolve),
            after(start, promise.resolve * warned),
        )


def _on_the_clock(start: datetime, length: timedelta) -> datetime:
    return start + length


class Due(NamedTuple):
    """When triage and the end of a case are due, and when each begins to warn."""

    triage: datetime
    triage_warns: datetime
    end: datetime
    end_warns: datetime


def timed(case: Case, levels: ServiceLevels) -> dict[str, Any]:
    """Return the due times of a live case."""
    level = levels.of(case.flow, case.error_class, case.severity)
    start = case.reopened_at or case.first_seen
    due = levels.due(level, start)
    if case.approval_id is not None:
        return _of_answer(case, start, due)
    return {
        "triage_due_at": due.triage,
        "triage_warns_at": due.triage_warns,
        "due_at": due.end,
        "warns_at": due.end_warns,
    }


def _of_answer(case: Case, start: datetime, due: Due) -> dict[str, Any]:
    """Return the due times of an approval: it has one, which the automation names, or else the level."""
    until, warns = due.end, due.end_warns
    if case.answer_until is not None:
        length = case.answer_until - case.first_seen
        until, warns = start + length, start + length * (1 - WARN_LEFT)
    return {"triage_due_at": None, "triage_warns_at": None, "due_at": until, "warns_at": warns}


class DueState(StrEnum):
    """How a case that waits for a person stands to what is due next."""

    DUE = "due"
    WARNING = "warning"
    BREACHED = "breached"


def due_state(case: Case, now: datetime) -> DueState | None:
    """Return how a case stands; None where it does not wait for a person, or is snoozed."""
    if case.state not in FOR_PEOPLE or case.is_snoozed or case.next_due_at is None:
        return None
    if case.next_due_at <= now:
        return DueState.BREACHED
    is_near = case.next_warns_at is not None and case.next_warns_at <= now
    return DueState.WARNING if is_near else DueState.DUE
