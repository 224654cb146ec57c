"""Cases, retries and what is known of them. See `server.api.shapes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from server.api.shapes import Context, Money, Time
from unsnag import wire


class Act(BaseModel):
    """One entry of the audit."""

    seq: int
    at: Time
    actor: str
    actor_type: str
    verb: str
    case_id: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    reason: str | None = None
    details: dict[str, Any] = {}


class Note(BaseModel):
    """What a person wrote on a case: plain text or Markdown. Nobody changes it."""

    at: Time
    actor: str
    text: str
    is_hand_over: bool = Field(description="Written when the person gave the case back.")


class GroupNote(BaseModel):
    """A version of a group's note, Markdown; an empty text took the note away."""

    version: int
    text: str
    author: str
    written_at: Time


class Attempt(BaseModel):
    """One try of a step."""

    attempt: int
    started_at: Time
    ended_at: Time
    outcome: str
    error_class: str | None = None
    error_type: str | None = None
    executor: str | None = None
    retry_id: str | None = None
    idempotency_key: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


class Affected(BaseModel):
    """A step that failed because of the case's failure, and has no case of its own."""

    flow: str
    step: str
    service: str


class Evidence(BaseModel):
    """What shows that an exception comes from that of another service: both failed in one trace."""

    caller: str | None = Field(description="The service that failed with the other.")
    service: str | None = Field(description="The service that it called, which failed first.")
    error_type: str | None
    message: str
    trace_id: str | None
    case_id: str = Field(description="The exception of the service that was called.")
    words: str


class FailedTask(BaseModel):
    """One of several tasks of the case's step that failed."""

    index: str
    failed_at: Time
    succeeded_at: Time | None


class FailedTasks(BaseModel):
    """Which tasks of a mapped or grouped step failed."""

    failing: int = Field(description="How many have not succeeded since.")
    failed: int
    total: int | None = Field(description="Of how many; null where nobody knows.")
    items: list[FailedTask] = Field(description="In the order of their index, 2,000 at most.")


class _CaseFields(Context, BaseModel):
    id: str
    version: int
    state: str
    klass: str = Field(alias="class")
    class_rule: str | None = Field(
        description="The rule that gave the class; person or group where a person named it."
    )
    class_confidence: float | None = Field(description="From 0 to 1; below 0.80 the class is a guess.")
    class_version: int | None = Field(description="Of the tables of rules.")
    class_by: str | None = Field(description="Who named the class, for this case or its group.")
    class_needs_you: bool = Field(description="Whether the class is a guess that a person should settle.")
    severity: str
    flow: str
    step: str
    correlation_id: str
    title: str
    message: str
    error_type: str | None
    error_code: str | None
    fingerprint: str = Field(description="Of its cause.")
    group: str = Field(
        description="The group that it is in: that of its cause, unless it was moved or merged."
    )
    moved_group: str | None = Field(description="The group that a person moved it to.")
    value: Money | None
    occurrences: int
    first_seen: Time
    last_seen: Time
    opened_at: Time
    updated_at: Time
    due_at: Time | None = Field(description="Until when it should have ended.")
    triage_due_at: Time | None = Field(description="Until when somebody should have taken it up.")
    triaged_at: Time | None = Field(description="When somebody took it up, since it was opened last.")
    next_due_at: Time | None = Field(description="Which of the two due times counts now.")
    due_state: str | None = Field(
        description="due, warning (a quarter of the time is left) or breached; null where it does not wait "
        "for a person, or is snoozed."
    )
    holder: str | None
    claimed_at: Time | None
    lease_until: Time | None
    snoozed_by: str | None = Field(description="Who snoozed it; null where it is not snoozed.")
    snoozed_until: Time | None
    snoozed_count: int | None = Field(description="It comes back with so many occurrences.")
    assignee: str | None = Field(description="Who should look at it; only a claim makes a holder.")
    assignee_kind: str | None = Field(description="person or team.")
    owner_team: str | None = Field(description="The team that looks after it, by the rules.")
    escalation_level: int | None = Field(description="Steps taken since it was opened, or taken up.")
    escalated_at: Time | None
    next_attempt_at: Time | None
    verify_until: Time | None
    verified_at: Time | None
    resolved_at: Time | None
    resolution_code: str | None
    resolution_reason: str | None
    recovered_by: str | None
    replay_safe: bool | None
    idempotency_key: str | None
    dependency: str | None
    service: str | None
    trace_id: str | None
    span_id: str | None
    unit_kind: str | None = None
    note: str | None = None
    approval_id: str | None = Field(
        None, description="Names what an automation asks; null where it is a failure."
    )
    answer_until: Time | None = Field(None, description="Until when the automation wants the answer.")
    decided_by: str | None = Field(None, description="Who approved or rejected it.")
    affected: list[Affected] = []
    inherited: list[str] = []
    tasks: FailedTasks | None = None


class Case(_CaseFields):
    """One unit stuck at one step."""

    attempts: int


class Occurrence(BaseModel):
    """One error record of a case."""

    time: Time
    message: str
    error_type: str | None = None
    attempt: int | None = None
    trace_id: str | None = None
    span_id: str | None = None
    note: str | None = None
    """What became of it: closed by the script, needs a look."""


class RetryRun(BaseModel):
    """One retry of a case: who asked for it, and how it ended."""

    id: str
    state: str
    attempt: int
    requested_by: str
    requested_at: Time
    reason: str | None
    worker: str | None
    started_at: Time | None
    finished_at: Time | None
    error_class: str | None = Field(description="As the worker reported it.")
    error_type: str | None
    error_message: str | None


class StepWorker(BaseModel):
    """A worker that can retry the step, and when it was last there, to the minute."""

    name: str
    last_seen: Time


class CaseDetail(_CaseFields):
    """A case with all that is known of it: here `attempts` lists them."""

    workers: list[StepWorker]
    owner_contact: str | None = Field(description="How the owner is reached: a link.")
    retry_refusal: str | None = Field(description="Why nobody can retry it now; null where it can be.")

    attempts: list[Attempt]
    attempts_made: int
    retries: list[RetryRun]
    occurrence_list: list[Occurrence]
    notes: list[Note]
    group_note: GroupNote | None = Field(description="What people know of the cause.")
    caused_by: Evidence | None = Field(description="What its last failure comes from, by its trace.")
    acts: list[Act]
    data: dict[str, Any]
    stacktrace: str | None


@dataclass(frozen=True, kw_only=True)
class Lease(wire.Lease):
    """A retry to execute, as `wire` defines it."""

    lease_until: Time


@dataclass(frozen=True, kw_only=True)
class LeaseState(wire.LeaseState):
    """Where a lease stands after a heartbeat or a report, as `wire` defines it."""

    lease_until: Time | None = None
