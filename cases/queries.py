"""Cases as pages and REST show them: lists, counts, and one with all that is known of it. Times are aware."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from operator import add, or_
from typing import TYPE_CHECKING, Any, Final

from cases import group_notes, lifecycle, ordering, service_rules, victims
from cases.case import Case, Retry, json_value
from cases.errors import CaseNotFoundError
from cases.notes import Note, notes_of
from cases.workers import StepWorker, missing, of_step
from data import paging
from data.clock import stored, utc_now
from data.nouns import noun, shallow
from data.paging import PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from cases.group_notes import GroupNote
    from cases.ordering import Order
    from cases.victims import Evidence
    from data.nouns import Page
    from data.store import Reading

_MAX_ROWS: Final = 1_000
UNADDRESSED: Final = "unaddressed"
DUE: Final = ("breached", "next_hour", "warning", UNADDRESSED)
"""How exceptions can be chosen by what is due, as the macro `is_due` says."""
SNOOZED: Final = "snoozed"
"""What snoozed cases are counted as: it is no state."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; None leaves a field open. `klass` is the class, which Python keeps for itself.

    Lists, counts, facets, groups and batches all take it. `cases.search` makes one of a text.
    """

    state: list[str] | None = None
    flow: list[str] | None = None
    klass: list[str] | None = None
    severity: list[str] | None = None
    tenant: list[str] | None = None
    holder: list[str] | None = None
    group: list[str] | None = None
    ids: list[str] | None = None
    text: str | None = None
    """One phrase of the title, message or unit ID."""
    assignee: list[str] | None = None
    """Whom it is assigned to, else the team that owns it."""
    step: list[str] | None = None
    currency: list[str] | None = None
    words: list[str] | None = None
    """Phrases that all have to be there."""
    snoozed: list[bool] | None = None
    claimed: list[bool] | None = None
    assigned: list[bool] | None = None
    safe: list[bool] | None = None
    """Whether its step declares that it is safe to replay."""
    value_from: Decimal | None = None
    value_to: Decimal | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    due: list[str] | None = None
    """Of `DUE`: all of them have to hold at the moment of asking."""
    nothing: bool = False
    """Two filters that no case passes at once."""

    def params(self) -> dict[str, Any]:
        """Return the filter as the parameter of a query, without the state."""
        own = {name: value or None for name, value in asdict(self).items()}
        own |= {"moment": stored(utc_now()), "nothing": self.nothing}
        own |= {name: getattr(self, name) for name in _RANGES}  # zero is an amount
        own |= {"words": [word for word in (*(self.words or ()), self.text or "") if word.strip()] or None}
        return {"chosen": own}

    def within(self, other: CaseFilter) -> CaseFilter:
        """Return the filter of the cases that pass both."""
        own, others = shallow(self), shallow(other)
        both = {name: _joined(name, value, others[name]) for name, value in own.items()}
        is_none = any(value == [] for value in both.values())
        return CaseFilter(**both | {"nothing": self.nothing or other.nothing or is_none})

    def narrows(self) -> bool:
        """Return whether it chooses something in particular.

        A state alone does not, nor whether somebody has claimed it, nor what is not snoozed.
        """
        free = {"state": None, "claimed": None, "snoozed": self.snoozed if self.snoozed == [True] else None}
        return any(_says(value) for value in (asdict(self) | free).values())

    def stated(self) -> dict[str, Any]:
        """Return what it chooses, as JSON."""
        own = {name: value for name, value in asdict(self).items() if value not in (None, [], "", False)}
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in own.items()}


_RANGES: Final = ("value_from", "value_to", "opened_from", "opened_to")
_JOINED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "words": add, "text": "{} {}".format, "value_from": max, "value_to": min, "opened_from": max,
    "opened_to": min, "due": add, "nothing": or_,
}  # fmt: skip
"""How two values of a field become one; lists keep what is in both."""


def _joined(name: str, mine: Any, others: Any) -> Any:
    if mine is None or others is None:
        return others if mine is None else mine
    join: Callable[[Any, Any], Any] = _JOINED.get(name, _shared)
    return join(mine, others)


def _shared(mine: list[Any], others: list[Any]) -> list[Any]:
    return [value for value in mine if value in others]


def _says(value: Any) -> bool:
    """Return whether a value of a filter chooses something; blanks do not."""
    if isinstance(value, list):
        return any(not isinstance(part, str) or part.strip() for part in value)
    return bool(value.strip()) if isinstance(value, str) else value is not None and value is not False


@dataclass(frozen=True, slots=True)
class Facets:
    """How many live cases have each value, by what they can be filtered by."""

    flow: dict[str, int] = field(default_factory=dict)
    klass: dict[str, int] = field(default_factory=dict)
    severity: dict[str, int] = field(default_factory=dict)
    tenant: dict[str, int] = field(default_factory=dict)
    assignee: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claims:
    """How many cases a person holds, and when the first of these claims runs out."""

    cases: int
    soonest_lease_end: datetime | None


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many cases have a state and a holder, and are snoozed or not."""

    state: str
    is_snoozed: bool
    holder: str | None
    cases: int
    unaddressed: int


@dataclass(frozen=True, slots=True)
class _Folded:
    """What became of a case that is part of another now, or was no failure."""

    merged_into: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a step."""

    attempt: int
    started_at: datetime
    ended_at: datetime
    outcome: str
    error_class: str | None
    error_type: str | None
    executor: str | None
    retry_id: str | None
    dependency: str | None
    idempotency_key: str | None
    trace_id: str | None
    span_id: str | None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One error record of a case; `note` says what became of it."""

    time: datetime
    message: str
    error_type: str | None
    attempt: int | None
    trace_id: str | None
    span_id: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One effect in the audit."""

    seq: int
    at: datetime
    actor: str
    actor_type: str
    verb: str
    case_id: str | None
    step: str | None
    from_state: str | None
    to_state: str | None
    reason: str | None
    details: Mapping[str, Any]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> AuditEntry:
        """Return the entry of a stored row."""
        return _entry(row, at=row["time"], details=json_value(row["details"]) or {})


_entry = noun(AuditEntry)


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """A case with all that is known of it."""

    case: Case
    attempts: Sequence[Attempt]
    occurrences: Sequence[Occurrence]
    """The latest hundred, newest first."""
    retries: Sequence[Retry]
    workers: Sequence[StepWorker]
    """Who can carry out its step, the one seen last first."""
    retry_refusal: str | None
    """Why nobody can retry it now, whatever their role; None where it can be retried, or does not wait."""
    history: Sequence[AuditEntry]
    group_note: GroupNote | None = None
    """What people know of the cause."""
    owner_contact: str | None = None
    """The link by which its owner is reached."""
    caused_by: Evidence | None = None
    """What its last failure comes from, where its trace shows that."""

    @property
    def notes(self) -> list[Note]:
        """What people wrote on it, the oldest first."""
        return notes_of(self.history)


def listed(
    reading: Reading, chosen: CaseFilter, limit: int = 50, offset: int = 0, order: Order | None = None
) -> Page[Case]:
    """Return the cases that pass the filter, in an order; without one, the most urgent first."""
    return part(reading, chosen, PageRequest(min(limit, _MAX_ROWS), offset), order)


def part(reading: Reading, chosen: CaseFilter, wanted: PageRequest, order: Order | None = None) -> Page[Case]:
    """Return a part of the cases that pass the filter, as `listed` does."""
    asked = {**chosen.params(), **ordering.params(order), "state": chosen.state}
    asked |= {"ended": sorted(lifecycle.ENDED)}
    return paging.read(reading, "cases/cases", asked, wanted, lambda row: Case.of(row).aware())


def named(reading: Reading, ids: Sequence[str]) -> list[Case]:
    """Return the cases with these ids, in their order; of a merged one, the case that stays.

    Raises:
        CaseNotFoundError: there is none within the scope, or it was withdrawn.
    """
    found = {case.id: case for case in listed(reading, CaseFilter(ids=list(ids)), len(ids)).items}
    return [found.get(case_id) or one(reading, case_id).case for case_id in ids]


def retry_refusals(reading: Reading, cases: Iterable[Case]) -> list[str]:
    """Return why nobody can retry those that cannot be retried now; each step is asked for once."""
    steps: dict[tuple[str | None, str, str], list[StepWorker]] = {}
    found = []
    for case in cases:
        step = (case.tenant, case.flow, case.step)
        if step not in steps:
            steps[step] = of_step(reading, case)
        found.append(_retry_refusal(case, steps[step]))
    return [why for why in found if why]


def counts(reading: Reading, chosen: CaseFilter, mine: str | None = None) -> dict[str, int]:
    """Count the cases that pass the filter by state; see `counted`."""
    return counted(state_counts(reading, chosen), chosen, mine)


def state_counts(reading: Reading, chosen: CaseFilter) -> list[StateCount]:
    """Count the cases that pass the filter, whatever their state, by state and holder."""
    return reading.query("cases/case_counts", chosen.params(), into=noun(StateCount))


def counted(found: Iterable[StateCount], chosen: CaseFilter, mine: str | None = None) -> dict[str, int]:
    """Return counts by state, of the filter's states; `mine` adds those that person holds, and UNADDRESSED.

    Snoozed ones count as SNOOZED, not with the open ones.
    """
    within = [one for one in found if not chosen.state or one.state in chosen.state]
    by_state: Counter[str] = Counter()
    for one in within:
        by_state[SNOOZED if one.is_snoozed else one.state] += one.cases
    both = {
        "mine": sum(one.cases for one in within if one.holder == mine),
        UNADDRESSED: sum(one.unaddressed for one in within),
    }
    return dict(by_state) | (both if mine else {})


def facets(reading: Reading, chosen: CaseFilter | None = None) -> Facets:
    """Count the cases that pass the filter by flow, class, severity, tenant and assignee.

    Each of these is counted as the others choose: the numbers are what one gets by choosing a value more.
    Without a state the live cases are counted.
    """
    found, chosen = Facets(), chosen or CaseFilter()
    by_name = {"class": found.klass, **shallow(found)}
    states = chosen.state or sorted(lifecycle.PENDING)
    for row in reading.query("cases/case_facets", {**chosen.params(), "states": states}):
        by_name[row["name"]][row["value"]] = row["cases"]
    return found


def my_claims(reading: Reading, name: str) -> Claims:
    """Return what a person holds."""
    asked = {"holder": name, "claimed": lifecycle.CLAIMED}
    (found,) = reading.query("cases/my_claims", asked, into=noun(Claims))
    return found


def one(reading: Reading, case_id: str) -> CaseDetail:
    """Return a case with all that is known of it; of a merged one, the case that stays.

    Raises:
        CaseNotFoundError: there is none within the scope, or it was withdrawn.
    """
    found = reading.query("cases/case", {"id": case_id}, into=Case.of)
    if not found:
        return one(reading, _merged_into(reading, case_id))
    case, workers = found[0].aware(), of_step(reading, found[0])
    unit = {"correlation_id": case.correlation_id, "flow": case.flow, "step": case.step}
    own = {"id": case.id}
    return CaseDetail(
        case=case,
        attempts=reading.query("cases/case_attempts", unit, into=noun(Attempt)),
        occurrences=reading.query("cases/case_occurrences", own, into=noun(Occurrence)),
        retries=[retry.aware() for retry in reading.query("cases/case_retries", own, into=Retry.of)],
        workers=workers,
        retry_refusal=_retry_refusal(case, workers),
        history=reading.query("cases/case_acts", own, into=AuditEntry.of),
        group_note=group_notes.of_groups(reading, [case.group]).get(case.group),
        caused_by=victims.of_case(reading, case.id),
        owner_contact=service_rules.latest(reading.query).rules.escalation.contact(case.owner_team),
    )


def _merged_into(reading: Reading, case_id: str) -> str:
    for folded in reading.query("cases/folded", {"id": case_id}, into=noun(_Folded)):
        if folded.merged_into:
            return folded.merged_into
        raise CaseNotFoundError(case_id, folded.reason)
    raise CaseNotFoundError(case_id)


def _retry_refusal(case: Case, workers: list[StepWorker]) -> str | None:
    if case.state not in lifecycle.WAITING:
        return None
    if case.unit_kind in lifecycle.UNPROVABLE:
        return "only a trace or a request names its unit, so no later success could prove it."
    return missing(case, workers, utc_now())
