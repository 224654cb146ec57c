"""An approval: an automation asks a person, and waits. Rules only: values in, values out.

1. A record asks a question about a unit: a case that waits for an answer.              → awaiting_approval
   The same question again is the same case. One that arrives late, but was asked first, is what counts.
2. A person with the right answers it: approved, or rejected with a reason.             → resolved
   Their answer stays: who asks the same again gets it, also after a restart.
3. Nobody answers in time: it is escalated, and goes on waiting.
4. It ends without an answer of ours: the automation says that it stopped waiting, or that somebody decided
   elsewhere, or its unit ends.                                                        → resolved
   Asked again after that, it waits again.

It is no failure: its note keeps it out of every figure, and no success of its unit proves anything about it.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cases.case import Case, CaseKey, CaseState
from cases.errors import NotAllowedNowError
from cases.lifecycle import AWAITING, RESOLVED, refuse_short
from data.errors import ConflictError
from data.nouns import noun
from unsnag.conventions import APPROVAL_WAITING, approval_id
from unsnag.fields import ON_CASE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

NOTE: Final = "approval"
"""The note of such a case: `is_counted` leaves it out of figures by it."""
CLASS: Final = "approval"
APPROVED, REJECTED = "approved", "rejected"
APPROVED_OUTSIDE, REJECTED_OUTSIDE = "approved_outside", "rejected_outside"
STOPPED, UNIT_ENDED = "stopped_waiting", "unit_ended"
ENDINGS: Final = {
    APPROVED: "Approved",
    REJECTED: "Rejected",
    APPROVED_OUTSIDE: "Approved outside",
    REJECTED_OUTSIDE: "Rejected outside",
    STOPPED: "The automation stopped waiting",
    UNIT_ENDED: "The unit ended without an answer",
}
"""How an approval ends, by its resolution code."""
DECIDED: Final = (APPROVED, REJECTED)
"""Endings by a person here: they stay."""
_STATES: Final = {
    "approved": APPROVED_OUTSIDE,
    "rejected": REJECTED_OUTSIDE,
    "stopped": STOPPED,
}
"""How an approval ended, by what a record says of its state."""
_TITLE: Final = 120
_MESSAGE: Final = 2_000
_MOST_S: Final = 366 * 86_400
"""A time-out that is longer is none."""
_SEVERITY: Final = "medium"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one record says of an approval."""

    id: str
    key: CaseKey
    time: datetime
    question: str
    state: str
    timeout: timedelta | None
    details: Mapping[str, Any]
    """Further fields of the case, by their names."""

    @property
    def ending(self) -> str | None:
        """How it ended according to the record; None where it asks."""
        return _STATES.get(self.state)


class Named(NamedTuple):
    """What names an approval: two tenants, and two units, may use the same id."""

    tenant: str | None
    correlation_id: str
    id: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a log record or span says of itself."""

    record_id: int
    time: datetime
    source: str
    tenant: str | None
    flow: str | None
    step: str | None
    service: str | None
    part: str | None
    correlation_id: str | None
    run_id: str | None
    technical_id: str | None
    trace_id: str | None
    span_id: str | None
    attributes: str
    value_amount: Decimal | None
    value_currency: str | None
    context: Mapping[str, str | None]

    def key(self, tenant: str | None) -> CaseKey | None:
        """Return the unit, flow and step that are asked about; None where the record names no unit."""
        unit = self.correlation_id or self.run_id or self.technical_id or self.trace_id
        flow = self.flow or self.service or self.source
        return None if unit is None else CaseKey(tenant, flow, self.step or "", unit)

    @property
    def unit_kind(self) -> str:
        """What names the unit."""
        if self.correlation_id:
            return "business"
        return "run" if self.run_id else "technical" if self.technical_id else "trace"


_source = noun(Source, aware=False)


def source_of(row: Mapping[str, Any]) -> Source:
    """Return a record of its columns."""
    return _source(row, context={name: row.get(name) for name in ON_CASE})


def entry_of(source: Source, attributes: Mapping[str, Any], tenant: str | None) -> Entry | None:
    """Return what a record says of an approval; None where it says nothing that can be used.

    Args:
        source: The record.
        attributes: What it says of the approval, by the short names of `cases.approval_intake`.
        tenant: Whose it is.
    """
    question = _text(attributes.get("question"))
    given = _text(attributes.get("id"))
    state = _text(attributes.get("state")) or APPROVAL_WAITING
    key = source.key(tenant)
    is_known = state == APPROVAL_WAITING or state in _STATES
    if not (question or given) or key is None or not is_known:
        return None
    return Entry(
        id=given or approval_id(key.tenant, key.flow, key.correlation_id, question or ""),
        key=key,
        time=source.time,
        question=question or "",
        state=state,
        timeout=_seconds(attributes.get("timeout_s")),
        details=_details(source),
    )


def _text(value: Any) -> str | None:
    text = " ".join(str(value).split())[:_MESSAGE] if value is not None else ""
    return text or None


def _seconds(value: Any) -> timedelta | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return timedelta(seconds=seconds) if 0 < seconds <= _MOST_S else None


def _details(source: Source) -> dict[str, Any]:
    named = (
        "run_id", "trace_id", "span_id", "service", "unit_kind", "value_amount", "value_currency", "context",
    )  # fmt: skip
    return {**{name: getattr(source, name) for name in named}, "part": source.part or source.service}


# --- what records say -----------------------------------------------------------------------------------


def heard(case: Case | None, record: Entry) -> Case:
    """Return the case after a record; any order of the same records gives the same case."""
    found = case or _begun(record)
    if record.ending is None:
        return _with_question(found, record)
    if found.resolution_code in DECIDED or not _ends(found, record.time):
        return found
    return ended(found, record.ending, record.time)


def _begun(record: Entry) -> Case:
    """Return a case of which nothing was asked yet: the record that ends it may arrive first."""
    return Case(
        id=uuid.uuid4().hex[:16],
        state=AWAITING,
        **record.key._asdict(),
        error_class=CLASS,
        severity=_SEVERITY,
        title=_titled(record.question),
        message=record.question,
        note=NOTE,
        fingerprint=_group(record),
        occurrences=0,
        attempts=0,
        opened_at=record.time,
        first_seen=record.time,
        last_seen=record.time,
        approval_id=record.id,
        answer_until=None,
        **record.details,
    )


def _with_question(case: Case, record: Entry) -> Case:
    is_first = case.occurrences == 0 or record.time < case.first_seen
    is_last = case.occurrences == 0 or record.time > case.last_seen
    more = replace(case, occurrences=case.occurrences + 1)
    if is_first:
        more = replace(more, **_content(record), opened_at=record.time, first_seen=record.time)
    if is_last:
        more = replace(more, last_seen=record.time)
    is_open_again = more.state != AWAITING and more.resolution_code not in DECIDED
    if is_open_again and more.resolved_at is not None and record.time > more.resolved_at:
        return replace(more, state=AWAITING, **_UNENDED)
    return more


def _content(record: Entry) -> dict[str, Any]:
    until = record.time + record.timeout if record.timeout else None
    words = {"title": _titled(record.question), "message": record.question} if record.question else {}
    return {**words, "answer_until": until, "step": record.key.step, **record.details}


_UNENDED: Final[dict[str, Any]] = dict.fromkeys((
    "resolved_at", "resolution_code", "resolution_reason", "decided_by",
))  # fmt: skip


def _ends(case: Case, moment: datetime) -> bool:
    """Return whether a record at `moment` ends a case: nothing was asked after it, and it ended no later.

    What the automation says counts more than the end of its unit.
    """
    if case.occurrences and moment < case.last_seen:
        return False
    is_guess = case.resolution_code == UNIT_ENDED
    return case.resolved_at is None or is_guess or moment > case.resolved_at


def ended(case: Case, code: str, moment: datetime, reason: str | None = None) -> Case:
    """Return the case ended without an answer of ours."""
    return replace(
        case,
        state=RESOLVED,
        resolved_at=moment,
        resolution_code=code,
        resolution_reason=reason or ENDINGS[code],
        decided_by=None,
    )


def _titled(question: str) -> str:
    text = question or "An automation asks for an approval"
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 1]}…"


def _group(record: Entry) -> str:
    """Return the group: what the same step of a flow asks."""
    text = f"approval\x1f{record.key.flow}\x1f{record.key.step}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


# --- what people decide ---------------------------------------------------------------------------------


class AlreadyDecidedError(ConflictError):
    """Someone was faster, or the approval is not asked any more."""

    def __init__(self, case: Case) -> None:
        self.state = case.state
        self.holder = case.decided_by
        self.since = case.resolved_at
        how = ENDINGS.get(case.resolution_code or "", str(case.state)).lower()
        who = f" by {case.decided_by}" if case.decided_by else ""
        when = f" at {case.resolved_at:%Y-%m-%d %H:%M} UTC" if case.resolved_at else ""
        super().__init__(f"Approval {case.id} has ended already{when}: {how}{who}.")


def decide(case: Case, code: str, actor: str, reason: str | None, now: datetime) -> Case:
    """Return the case with the answer of a person.

    Raises:
        AlreadyDecidedError: it was answered, or is not asked any more.
        InvalidActError: it is rejected without a reason.
        NotAllowedNowError: the case is a failure, which nobody can approve.
    """
    if case.approval_id is None:
        raise NotAllowedNowError(case, code, "it is a failure, and nobody asks for an approval.")
    if case.state != CaseState.AWAITING_APPROVAL:
        raise AlreadyDecidedError(case)
    words = (reason or "").strip()
    if code == REJECTED:
        refuse_short(words)
    return replace(
        case,
        state=RESOLVED,
        resolved_at=now,
        resolution_code=code,
        resolution_reason=words or None,
        decided_by=actor,
    )
