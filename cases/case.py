"""The nouns of this package: a case, one unit of work stuck at one step, and the retry of its step.

Rows become these types at the store's border (`Case.of`, `Retry.of`), and leave it as rows again (`row()`).
Times are naive UTC, as the store keeps them; `aware()` returns them for pages and REST.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from cases.tasks import Tasks
from unsnag.fields import ON_CASE

if TYPE_CHECKING:
    from collections.abc import Mapping


class CaseState(StrEnum):
    """Where a case is on its way; `cases.lifecycle` says how it gets there."""

    OPEN = "open"
    CLAIMED = "claimed"
    RETRYING = "retrying"
    VERIFYING = "verifying"
    RECOVERED = "recovered"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    AWAITING_APPROVAL = "awaiting_approval"


SEVERITIES: Final = ("critical", "high", "medium", "low")
"""How severe a case can be, the worst first; `cases.content` says what decides it."""


class RetryState(StrEnum):
    """Where a retry is: waiting for a worker, with one, or ended."""

    QUEUED = "queued"
    LEASED = "leased"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


_RENAMED: Final = {"error_class": "class"}
"""Fields whose column has a name that Python keeps for itself."""


class CaseKey(NamedTuple):
    """What a case is about: no two cases share it."""

    tenant: str | None
    flow: str
    step: str
    correlation_id: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> CaseKey:
        """Return the key that a row names."""
        return cls(*(row[name] for name in cls._fields))


class Money(NamedTuple):
    """An amount in its currency, if that is known."""

    amount: Decimal
    currency: str | None


class Place(NamedTuple):
    """Where a failure also showed itself, such as the service that asked."""

    flow: str | None
    step: str | None
    service: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One unit of work stuck at one step, with all that is kept of it."""

    id: str
    version: int = 0
    """How often it changed: a change is refused when the version is not the one that was read."""
    state: CaseState
    tenant: str | None
    flow: str
    step: str
    correlation_id: str
    unit_kind: str = "business"
    error_class: str
    class_rule: str | None = None
    """The rule that gave the class; `person` or `group` where a person named it."""
    class_confidence: float | None = None
    class_version: int | None = None
    """Of the tables of rules that gave the class."""
    class_by: str | None = None
    """Who named the class, for this case or for its group."""
    severity: str
    title: str
    message: str
    note: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    fingerprint: str
    """Of its cause: failures with the same cause have the same, and are in one group."""
    group_version: int = 1
    """Of the rules that gave the fingerprint; see `traces.fingerprint`."""
    moved_group: str | None = None
    """The group that a person moved it to."""
    joined_group: str | None = None
    """The group that it is in, where that is another than its fingerprint's; see `cases.change`."""
    dependency: str | None = None
    service: str | None = None
    stacktrace: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    part: str | None = None
    """The part of the unit's way that failed; a success of another part proves nothing."""
    clock: str | None = None
    """The process (else host) whose clock timed the last failure."""
    seq: int | None = None
    """The last failure's number in the order of writing of its process."""
    cause: int | None = None
    """The record of the failure of another service that the last failure comes from; see `cases.victims`."""
    affected: tuple[Place, ...] = ()
    context: Mapping[str, str | None] = field(default_factory=dict)
    inherited: tuple[str, ...] = ()
    """The names of the context that another flow of the unit names."""
    value_amount: Decimal | None = None
    value_currency: str | None = None
    occurrences: int
    earlier_occurrences: int = 0
    """Those that were counted before failures were kept."""
    attempts: int
    episodes: int = 1
    """How often it was opened."""
    opened_at: datetime
    first_seen: datetime
    last_seen: datetime
    updated_at: datetime | None = None
    reopened_at: datetime | None = None
    """When its latest episode began; None: it has only one."""
    triaged_at: datetime | None = None
    """When somebody first took it up in this episode."""
    triage_due_at: datetime | None = None
    """Until when somebody should have taken it up."""
    triage_warns_at: datetime | None = None
    """From when on a quarter of that time is left."""
    due_at: datetime | None = None
    """Until when it should have ended."""
    warns_at: datetime | None = None
    holder: str | None = None
    claimed_at: datetime | None = None
    first_claimed_at: datetime | None = None
    lease_until: datetime | None = None
    free_from_version: int | None = None
    """The version since which nobody held it; its holder changes nothing of it."""
    free_to_version: int | None = None
    """The last version before its holder claimed it; None while nobody holds it, and after a take-over."""
    snoozed_by: str | None = None
    """Who snoozed it; None where it is not snoozed."""
    snoozed_until: datetime | None = None
    snoozed_count: int | None = None
    """With so many occurrences it comes back."""
    assignee: str | None = None
    """Who should look at it; only a claim makes somebody its holder."""
    assignee_kind: str | None = None
    owner_team: str | None = None
    """The team that looks after such cases, by the rules of the settings."""
    escalation_level: int | None = None
    """How many steps were taken since it was opened, or taken up."""
    escalated_at: datetime | None = None
    tasks: Tasks | None = None
    """Which tasks failed, where the step is several tasks."""
    people_at: datetime | None = None
    """When a person last did something for it in this episode."""
    replay_safe: bool | None = None
    idempotency_key: str | None = None
    retry_id: str | None = None
    next_attempt_at: datetime | None = None
    verify_until: datetime | None = None
    verified_at: datetime | None = None
    recovered_by: str | None = None
    resolved_at: datetime | None = None
    resolution_code: str | None = None
    resolution_reason: str | None = None
    approval_id: str | None = None
    """Names what an automation asks; None: it is a failure."""
    answer_until: datetime | None = None
    """Until when the automation wants the answer."""
    decided_by: str | None = None
    """Who approved or rejected it."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Case:
        """Return the case of a stored row; columns of other things are left out."""
        known = {name: row[column] for name, column in _COLUMNS.items() if column in row}
        known |= {
            "state": CaseState(row["state"]),
            "context": {name: row.get(name) for name in ON_CASE},
            "data": json_value(row.get("data")) or {},
            "affected": tuple(Place(**place) for place in json_value(row.get("affected")) or ()),
            "inherited": tuple(json_value(row.get("inherited")) or ()),
            "tasks": Tasks.of(json_value(row.get("tasks"))),
            "earlier_occurrences": row["earlier_occurrences"] or 0,
            "episodes": row["episodes"] or 1,
            "group_version": row.get("group_version") or 1,
        }
        return cls(**known)

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Case:
        """Return the case of a row that was kept as JSON."""
        row = dict(kept)
        for name in TIMES:
            row[name] = datetime.fromisoformat(row[name]) if row[name] else None
        if row["value_amount"] is not None:
            row["value_amount"] = Decimal(row["value_amount"])
        return cls.of(row)

    def aware(self) -> Case:
        """Return the case with times that say that they are UTC, as pages and REST show them."""
        moments = {name: getattr(self, name) for name in TIMES}
        return replace(self, **{name: m.replace(tzinfo=UTC) for name, m in moments.items() if m})

    @property
    def group(self) -> str:
        """The group that it is in, as the macro `group_of` gives it."""
        return self.joined_group or self.fingerprint

    @property
    def value(self) -> Money | None:
        """The money at risk; None where nobody knows it."""
        return None if self.value_amount is None else Money(self.value_amount, self.value_currency)

    @property
    def waits_for_triage(self) -> bool:
        """Whether the due time of its triage counts: nobody took it up, and it is not to end before."""
        if self.triaged_at or self.triage_due_at is None:
            return False
        return self.due_at is None or self.triage_due_at <= self.due_at

    @property
    def next_due_at(self) -> datetime | None:
        """The due time that counts now, as the macro `next_due` gives it."""
        return self.triage_due_at if self.waits_for_triage else self.due_at

    @property
    def next_warns_at(self) -> datetime | None:
        """From when on a quarter of the time to that is left."""
        return self.triage_warns_at if self.waits_for_triage else self.warns_at

    @property
    def is_snoozed(self) -> bool:
        """Whether it is left out of the open ones for a while."""
        return self.snoozed_by is not None

    @property
    def key(self) -> CaseKey:
        """What the case is about."""
        return CaseKey(self.tenant, self.flow, self.step, self.correlation_id)

    def moved_to(self, key: CaseKey) -> Case:
        """Return the case under another key."""
        return replace(self, **key._asdict())

    def row(self) -> dict[str, Any]:
        """Return the case as the row that is stored."""
        stored = {column: getattr(self, name) for name, column in _COLUMNS.items()}
        places = [place._asdict() for place in self.affected]
        return stored | {
            **{name: self.context.get(name) for name in ON_CASE},
            "data": _json(self.data),
            "affected": _json(places),
            "inherited": _json(self.inherited),
            "tasks": _json(self.tasks.stored()) if self.tasks else None,
        }


TIMES: Final = tuple(one.name for one in fields(Case) if "datetime" in str(one.type))
"""The fields of a case that are moments."""
_COLUMNS: Final = {
    one.name: _RENAMED.get(one.name, one.name)
    for one in fields(Case)
    if one.name not in ("context", "data", "affected", "inherited", "tasks")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """One more try of a case's step: asked for by a person, carried out by a worker."""

    id: str
    case_id: str
    flow: str
    step: str
    correlation_id: str
    attempt: int
    state: RetryState
    idempotency_key: str
    requested_by: str
    requested_at: datetime
    reason: str | None = None
    traceparent: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    worker: str | None = None
    leases: int = 0
    """How many workers had it."""
    lease_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error_type: str | None = None
    error_message: str | None = None
    error_class: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Retry:
        """Return the retry of a stored row."""
        known = {one.name: row[one.name] for one in fields(cls)}
        return cls(**known | {"state": RetryState(row["state"]), "data": json_value(row["data"]) or {}})

    def aware(self) -> Retry:
        """Return the retry with times that say that they are UTC."""
        names = ("requested_at", "lease_until", "started_at", "finished_at")
        moments = {name: getattr(self, name) for name in names}
        return replace(self, **{name: m.replace(tzinfo=UTC) for name, m in moments.items() if m})

    def row(self) -> dict[str, Any]:
        """Return the retry as the row that is stored."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"data": _json(self.data)}


def json_value(value: Any) -> Any:
    """Return a value that is kept as JSON text; others as they are."""
    return orjson.loads(value) if isinstance(value, str) else value


def _json(value: Any) -> str | None:
    return orjson.dumps(value, default=str).decode() if value else None
