"""A unit of work, or a trace, with all that is known of it, and what a search finds. Times are aware."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cases.case import Money
from data.nouns import noun
from unsnag.fields import ON_CASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from cases.case import Case
    from cases.queries import AuditEntry
    from traces.recent import Settling
    from traces.telemetry import LogRecord, Span

CONTEXT: Final = ("tenant", *ON_CASE)
"""Whose work a unit is: fields of its rows."""


class UnitState(StrEnum):
    """Where a unit stands, or how its last part ended."""

    IN_FLIGHT = "in_flight"
    COMPLETED = "completed"
    FAILED = "failed"
    RECOVERED = "recovered"
    PARTIAL = "partial"
    WITH_ERRORS = "completed_with_errors"
    UNPROVEN = "completed_unproven"
    ENDED = "ended"
    MENTIONED = "mentioned"
    """Records only name the ID, in a text or an attribute: no record belongs to it."""


class Totals(NamedTuple):
    """How many spans and log records there are, where not all of them are read."""

    spans: int
    logs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Spans and log records, oldest first."""

    spans: Sequence[Span]
    logs: Sequence[LogRecord]
    truncated: Totals | None = None

    @property
    def records(self) -> list[Span | LogRecord]:
        """The spans, and then the logs."""
        return [*self.spans, *self.logs]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceDetail(Records):
    """One trace."""

    trace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOfTrace:
    """A unit that records of a trace belonged to, and when."""

    correlation_id: str
    flow: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDetail(Records):
    """A unit of work with all that is known of it."""

    correlation_id: str
    flows: Sequence[str] = ()
    state: UnitState
    opened_at: datetime
    completed_at: datetime | None = None
    last_seen: datetime
    value: Money | None = None
    attempts: int = 0
    failed_attempts: int = 0
    context: Mapping[str, str | None]
    """The fields of `CONTEXT`."""
    cases: Sequence[Case] = ()
    settling: Sequence[Settling] = ()
    """Failures that are no cases yet."""
    acts: Sequence[AuditEntry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFlow:
    """What one flow knows of a unit."""

    flow: str
    outcome: str | None
    opened_at: datetime
    first_seen: datetime
    last_seen: datetime
    completed_at: datetime | None
    failed_at: datetime | None
    attempts: int
    failed_attempts: int
    value_amount: Decimal | None
    value_currency: str | None
    context: Mapping[str, str | None]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> UnitFlow:
        """Return the flow's part of a unit of a stored row."""
        return _flow(row, context={name: row[name] for name in CONTEXT})

    @property
    def is_failed(self) -> bool:
        """Did it fail, and not complete since?"""
        return self.failed_at is not None and (
            self.completed_at is None or self.completed_at < self.failed_at
        )

    @property
    def value(self) -> Money | None:
        """What the unit is worth; None where nobody knows it."""
        return None if self.value_amount is None else Money(self.value_amount, self.value_currency)


_flow: Final = noun(UnitFlow)


class HitKind(StrEnum):
    """What a search found."""

    UNIT = "unit"
    CUSTOMER = "customer"
    """A unit of this customer, who is its title."""
    TRACE = "trace"
    CASE = "case"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something that a search found. `rank` orders hits: the lowest first."""

    kind: HitKind
    id: str
    title: str | None
    time: datetime | None
    state: str | None
    rank: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Hit:
        """Return the hit of a row."""
        return _hit(row, kind=HitKind(row["kind"]))

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called, in small letters."""
        called = (self.id, self.title or "") if self.kind is HitKind.CUSTOMER else (self.id,)
        return tuple(name.lower() for name in called)


_hit: Final = noun(Hit)


@dataclass(frozen=True, slots=True)
class SeenUnit:
    """A unit of one flow in a list of those that were seen last."""

    id: str
    flow: str
    time: datetime
    state: str


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One trace in a list."""

    trace_id: str
    start: datetime
    duration_ms: float
    spans: int
    root: str
    service: str | None
    error: bool
    correlation_id: str | None
