"""What a case is made of: a failure as it is stored, and failures of one case counted together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from cases.case import CaseKey
from data.nouns import noun
from traces.outcome import CLOSED_BY_SCRIPT
from unsnag.fields import ON_CASE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    Place = tuple[str, int]
    """A trace and the record in it that a failure is anchored at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What the record that speaks for a failure says: kept as JSON without what it leaves out."""

    message: str
    fingerprint: str
    """The group of what has one cause."""
    unit_kind: str
    note: str | None
    """Why it is not a failure like others; None for most."""
    context: Mapping[str, str | None]
    group_version: int = 1
    """Of the rules that made the fingerprint."""
    error_class: str | None = None
    class_rule: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    dependency: str | None = None
    peer: str | None = None
    service: str | None = None
    severity_number: int | None = None
    value_at_risk: Any = None
    """Money as it was reported."""
    value_amount: Any = None
    value_currency: str | None = None
    stacktrace: str | None = None
    data: Any = None
    attempt: int | None = None
    idempotent: bool | None = None
    idempotency_key: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    run_id: str | None = None

    @classmethod
    def of(cls, stored: str) -> Details:
        """Return the details that are stored as JSON."""
        known = orjson.loads(stored)
        return _details(known, context={name: known.get(name) for name in ON_CASE})

    @property
    def is_counted(self) -> bool:
        """Return whether it counts: its own script did not close it."""
        return self.note != CLOSED_BY_SCRIPT


_details = noun(Details)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is understood now; `time` is naive UTC."""

    trace_id: str
    record_id: int
    tenant: str | None
    flow: str
    step: str
    correlation_id: str
    time: datetime
    attempts: int
    affected: str
    """Places, as JSON."""
    part: str | None
    clock: str | None
    seq: int | None
    map_index: str | None
    map_total: int | None
    account: str | None
    """Of a failure of a run: what it states, as JSON (`traces.runs.Account`)."""
    describes: int | None
    """The record of the failure that it only describes."""
    cause: int | None
    """The record of the failure of another service that it comes from."""
    details: Details

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Failure:
        """Return the failure of a row of the table `failure`."""
        return _failure(row, details=Details.of(row["details"]))

    @property
    def key(self) -> CaseKey:
        """The key of its case."""
        return CaseKey(self.tenant, self.flow, self.step, self.correlation_id)

    @property
    def place(self) -> Place:
        """Where it is anchored."""
        return self.trace_id, self.record_id

    @property
    def order(self) -> tuple[datetime, int]:
        """Its place in time among others."""
        return self.time, self.record_id


_failure = noun(Failure, aware=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """Failures of one case together: how many, and what the latest of them says."""

    record_id: int
    """Of the latest."""
    failures: int
    first_seen: datetime
    last_seen: datetime
    attempts: int
    affected: tuple[str, ...]
    """Places as JSON, of each failure."""
    part: str | None
    clock: str | None
    seq: int | None
    cause: int | None
    details: Details

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Counted:
        """Return what the store counted: a row of `cases/failures_by_key`."""
        latest = row["latest"]
        own = {"affected": (row["affected"],), "details": Details.of(latest["details"])}
        return _counted({**row, **latest}, **own)

    @classmethod
    def alone(cls, failure: Failure) -> Counted:
        """Return what a failure says as the only one of its case."""
        times = {"first_seen": failure.time, "last_seen": failure.time}
        return cls(
            record_id=failure.record_id, failures=1, attempts=failure.attempts, affected=(failure.affected,),
            part=failure.part, clock=failure.clock, seq=failure.seq, cause=failure.cause,
            details=failure.details, **times,
        )  # fmt: skip

    def and_also(self, other: Counted | None) -> Counted:
        """Return what both say: the latest failure gives the text.

        Failures that their own script closed count only where there are no others.
        """
        if other is None:
            return self
        if self.details.is_counted != other.details.is_counted:
            return self if self.details.is_counted else other
        earlier, later = sorted((other, self), key=lambda one: (one.last_seen, one.record_id))
        return replace(
            later,
            affected=(*earlier.affected, *later.affected),
            failures=earlier.failures + later.failures,
            first_seen=min(earlier.first_seen, later.first_seen),
            attempts=max(earlier.attempts, later.attempts),
        )


_counted = noun(Counted, aware=False)
