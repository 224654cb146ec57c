"""Nouns as REST answers show them: the fields of `server.api.shapes`, by name."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from cases.classes import is_guess
from cases.levels import due_state
from data.clock import aware, utc_now
from data.nouns import shallow

if TYPE_CHECKING:
    from cases.case import Case, Money
    from cases.queries import CaseDetail
    from cases.tasks import Tasks
    from cases.unit import Records, TraceDetail, UnitDetail
    from cases.victims import Evidence

    Answer = dict[str, object]


def case(noun: Case) -> Answer:
    """Return a case."""
    return {
        **noun.row(),
        "value": money(noun.value),
        "next_due_at": noun.next_due_at,
        "due_state": due_state(noun.aware(), utc_now()),
        "class_needs_you": is_guess(noun),
        "group": noun.group,
        "affected": [place._asdict() for place in noun.affected],
        "inherited": list(noun.inherited),
        "data": dict(noun.data),
        "tasks": tasks(noun.tasks),
    }


def evidence(found: Evidence | None) -> Answer | None:
    """Return what shows that an exception comes from another one; None where nothing does."""
    return {**shallow(found), "words": found.words} if found else None


def tasks(failed: Tasks | None) -> Answer | None:
    """Return the failed tasks of a case; None where its step is a single one."""
    if failed is None or failed.is_one:
        return None
    items = [
        {"index": item.index, "failed_at": aware(item.failed_at), "succeeded_at": aware(item.succeeded_at)}
        for item in failed.items
        if item.index is not None
    ]
    return {"failing": failed.failing, "failed": failed.failed, "total": failed.total, "items": items}


def case_detail(detail: CaseDetail) -> Answer:
    """Return a case with all that is known of it: here `attempts` lists them."""
    return {
        **case(detail.case),
        "attempts": [asdict(attempt) for attempt in detail.attempts],
        "attempts_made": detail.case.attempts,
        "occurrence_list": [asdict(one) for one in detail.occurrences],
        "retries": [asdict(retry) for retry in detail.retries],
        "workers": [asdict(worker) for worker in detail.workers],
        "owner_contact": detail.owner_contact,
        "retry_refusal": detail.retry_refusal,
        "group_note": detail.group_note and asdict(detail.group_note),
        "caused_by": evidence(detail.caused_by),
        "notes": [asdict(note) for note in detail.notes],
        "acts": [asdict(entry) for entry in detail.history],
    }


def unit(found: UnitDetail) -> Answer:
    """Return a unit."""
    return {**_telemetry(found), **found.context, "cases": [case(one) for one in found.cases]}


def trace(found: TraceDetail) -> Answer:
    """Return a trace."""
    return _telemetry(found)


def _telemetry(found: Records) -> Answer:
    """Return a noun's fields; its spans and logs stay nouns, which pydantic reads field by field."""
    truncated = found.truncated and found.truncated._asdict()
    return {**shallow(found), "truncated": truncated}


def money(value: Money | None) -> Answer | None:
    """Return an amount with its currency."""
    return None if value is None else value._asdict()
