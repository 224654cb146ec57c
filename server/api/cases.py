"""Routes of cases: lists, one, and the commands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from access.commands import perform
from cases import assigning, notes, ordering, queries, snoozing
from cases.approving import Approve, Reject
from cases.assigning import Assign
from cases.commands import CancelRetry, Claim, Classify, FixedOutside, Release, Resolve, RetryCase
from cases.escalating import Escalate
from cases.holding import Extend, ReleaseAll, TakeOver
from cases.notes import AddNote
from cases.ordering import Order
from cases.queries import CaseFilter
from cases.snoozing import Snooze, Wake
from server.api import answers, case_shapes, shapes
from server.api.callers import CallerContext, Context, Key
from server.api.filtering import Due, Search, Words, narrowed, one, several
from server.api.paging import Paging, moment

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])


Sort = Annotated[
    str | None,
    Query(
        pattern=ordering.PATTERN,
        description=f"{', '.join(ordering.KEYS)}; each also with .asc or .desc behind it. What is equal "
        "stays in the order of urgency.",
    ),
]


class ReleaseBody(shapes.Body):
    """What the next person should know."""

    note: str | None = Field(None, max_length=2_000, description="For the next person; kept in the history.")


class ReturnBody(shapes.Body):
    """A note for the next person."""

    note: str = Field(min_length=1, max_length=2_000, description="Kept in the history of the case.")


class Released(BaseModel):
    """What was given back."""

    released: list[str] = Field(description="Ids of the cases.")


class TakeOverBody(shapes.Body):
    """Why the case is taken from its holder."""

    reason: str = Field(max_length=2_000)


class RetryBody(shapes.Body):
    """Why the retry is asked for."""

    reason: str | None = Field(
        None, max_length=2_000, description="Required for a business error: why it should end differently."
    )


class CancelRetryBody(shapes.Body):
    """Why the retry is cancelled."""

    reason: str | None = Field(None, max_length=2_000)


class FixedOutsideBody(shapes.Body):
    """What was done about it, and where."""

    reason: str = Field(max_length=2_000)


class ApproveBody(shapes.Body):
    """Why it is approved, where that is worth saying."""

    reason: str | None = Field(None, max_length=2_000, description="The automation gets it.")


class RejectBody(shapes.Body):
    """Why it is rejected."""

    reason: str = Field(max_length=2_000, description="The automation gets it.")


class ResolveBody(shapes.Body):
    """How the case ended."""

    code: str = Field(max_length=40)
    reason: str = Field(max_length=2_000)
    version: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="The version of the case that you saw. If nobody held it then, the request wins over a "
        "claim that was made since.",
    )


class NoteBody(shapes.Body):
    """What a person writes on a case."""

    text: str = Field(max_length=notes.MAX_CHARS, description="Plain text or Markdown.")


class SnoozeBody(shapes.Body):
    """Until when the case is left out of the open ones: one of the two, or what comes first of both."""

    until: str | None = Field(None, max_length=40, description="RFC 3339; without a zone: UTC.")
    more: int | None = Field(
        None, ge=1, le=snoozing.MOST, description="How many more failures bring it back."
    )
    reason: str | None = Field(None, max_length=2_000)


class AssignBody(shapes.Body):
    """Who should look at the case; null takes the assignment away."""

    to: str | None = Field(max_length=assigning.MAX_CHARS)
    kind: str = Field("person", max_length=20, description="person or team.")


class EscalateBody(shapes.Body):
    """Why the case is escalated, and to whom; without `to` to the next step of the rules, or its owner."""

    reason: str = Field(max_length=2_000)
    to: str | None = Field(None, max_length=assigning.MAX_CHARS)
    kind: str = Field("person", max_length=20, description="person or team.")


class ClassBody(shapes.Body):
    """Who can do something about the failure."""

    klass: str = Field(alias="class", max_length=40, description="business, data or infrastructure.")
    for_group: bool = Field(default=False, description="Also for what arrives later in its group.")


@router.get("", response_model=shapes.Listed[case_shapes.Case])
def list_cases(
    ctx: Context,
    asked: Paging,
    state: Words = None,
    flow: Words = None,
    klass: Annotated[str | None, Query(alias="class", max_length=400)] = None,
    holder: Annotated[str | None, Query(max_length=200)] = None,
    group: Annotated[str | None, Query(max_length=40)] = None,
    severity: Words = None,
    tenant: Words = None,
    q: Search = None,
    assignee: Words = None,
    snoozed: bool | None = None,  # noqa: FBT001 - a parameter of the query
    due: Due = None,
    sort: Sort = None,
) -> Any:
    """List cases, without `sort` the most urgent first: by due time, then by value at risk."""
    chosen = CaseFilter(
        state=several(state), flow=several(flow), klass=several(klass), severity=several(severity),
        tenant=several(tenant), holder=one(holder), group=one(group), assignee=several(assignee),
        snoozed=None if snoozed is None else [snoozed], due=one(due),
    )  # fmt: skip
    found = queries.part(ctx.reading, narrowed(chosen, q, ctx), asked.wanted, Order.of(sort))
    return asked.page(found, [answers.case(case) for case in found.items])


@router.get("/{case_id}", response_model=case_shapes.CaseDetail)
def get_case(case_id: str, ctx: Context) -> Any:
    """Return a case with its attempts, acts and data."""
    return answers.case_detail(queries.one(ctx.reading, case_id))


@router.post("/{case_id}/claim", response_model=case_shapes.Case)
def claim_case(case_id: str, ctx: CallerContext, key: Key) -> Any:
    """Claim a case, or renew one's claim."""
    return answers.case(perform(Claim(case_id), ctx, key=key))


@router.post("/{case_id}/extend", response_model=case_shapes.Case)
def extend_claim(case_id: str, ctx: CallerContext, key: Key) -> Any:
    """Let one's own claim last its whole time again, counted from now."""
    return answers.case(perform(Extend(case_id), ctx, key=key))


@router.post("/{case_id}/takeover", response_model=case_shapes.Case)
def take_over_case(case_id: str, ctx: CallerContext, key: Key, body: TakeOverBody) -> Any:
    """Take a case from the person who holds it, with a reason; they get a notice."""
    return answers.case(perform(TakeOver(case_id, body.reason), ctx, key=key))


@router.post("/{case_id}/release", response_model=case_shapes.Case)
def release_case(case_id: str, ctx: CallerContext, key: Key) -> Any:
    """Give a claimed case back."""
    return answers.case(perform(Release(case_id), ctx, key=key))


@router.post("/{case_id}/return", response_model=case_shapes.Case)
def return_case(case_id: str, ctx: CallerContext, key: Key, body: ReturnBody) -> Any:
    """Give a claimed case back with a note for the next person."""
    return answers.case(perform(Release(case_id, body.note), ctx, key=key))


@router.post("/release", response_model=Released)
def release_my_claims(ctx: CallerContext, key: Key, body: ReleaseBody) -> Any:
    """Give all of one's claims back; the note stands in the history of each case."""
    return {"released": perform(ReleaseAll(body.note), ctx, key=key)}


@router.post("/{case_id}/retry", response_model=case_shapes.Case)
def retry_case(case_id: str, ctx: CallerContext, key: Key, body: RetryBody | None = None) -> Any:
    """Ask for a retry; a worker carries it out."""
    return answers.case(perform(RetryCase(case_id, body.reason if body else None), ctx, key=key))


@router.post("/{case_id}/cancel-retry", response_model=case_shapes.Case)
def cancel_retry(case_id: str, ctx: CallerContext, key: Key, body: CancelRetryBody | None = None) -> Any:
    """Cancel a retry that no worker has taken; 409 when one runs it already."""
    return answers.case(perform(CancelRetry(case_id, body.reason if body else None), ctx, key=key))


@router.post("/{case_id}/fixed-outside", response_model=case_shapes.Case)
def mark_case_fixed_outside(case_id: str, ctx: CallerContext, key: Key, body: FixedOutsideBody) -> Any:
    """Say that the unit was repaired outside; the case waits for its success signal, for days."""
    return answers.case(perform(FixedOutside(case_id, body.reason), ctx, key=key))


@router.post("/{case_id}/notes", response_model=case_shapes.Case)
def add_note(case_id: str, ctx: CallerContext, key: Key, body: NoteBody) -> Any:
    """Write a note on a case, also one that another holds; nobody changes it later."""
    return answers.case(perform(AddNote(case_id, body.text), ctx, key=key))


@router.post("/{case_id}/snooze", response_model=case_shapes.Case)
def snooze_case(case_id: str, ctx: CallerContext, key: Key, body: SnoozeBody) -> Any:
    """Leave a case out of the open ones until a time, or until it failed some more times."""
    until = moment(body.until, "until")
    return answers.case(perform(Snooze(case_id, until, body.more, body.reason), ctx, key=key))


@router.post("/{case_id}/wake", response_model=case_shapes.Case)
def wake_case(case_id: str, ctx: CallerContext, key: Key) -> Any:
    """End the snooze of a case."""
    return answers.case(perform(Wake(case_id), ctx, key=key))


@router.post("/{case_id}/assign", response_model=case_shapes.Case)
def assign_case(case_id: str, ctx: CallerContext, key: Key, body: AssignBody) -> Any:
    """Assign a case to a person, who gets a notice, or to a team. It claims nothing."""
    return answers.case(perform(Assign(case_id, body.to, body.kind), ctx, key=key))


@router.post("/{case_id}/escalate", response_model=case_shapes.Case)
def escalate_case(case_id: str, ctx: CallerContext, key: Key, body: EscalateBody) -> Any:
    """Escalate a case with a reason; those to whom it goes and its holder get a notice."""
    return answers.case(perform(Escalate(case_id, body.reason, body.to, body.kind), ctx, key=key))


@router.post("/{case_id}/class", response_model=case_shapes.Case)
def classify_case(case_id: str, ctx: CallerContext, key: Key, body: ClassBody) -> Any:
    """Name the class of a case, on request also for what arrives later in its group."""
    return answers.case(perform(Classify(case_id, body.klass, body.for_group), ctx, key=key))


@router.post("/{case_id}/approve", response_model=case_shapes.Case)
def approve_case(case_id: str, ctx: CallerContext, key: Key, body: ApproveBody | None = None) -> Any:
    """Approve what an automation asks; 409 when somebody was faster, or nobody waits for it any more."""
    return answers.case(perform(Approve(case_id, body.reason if body else None), ctx, key=key))


@router.post("/{case_id}/reject", response_model=case_shapes.Case)
def reject_case(case_id: str, ctx: CallerContext, key: Key, body: RejectBody) -> Any:
    """Reject what an automation asks, with a reason; 409 as for an approval."""
    return answers.case(perform(Reject(case_id, body.reason), ctx, key=key))


@router.post("/{case_id}/resolve", response_model=case_shapes.Case)
def resolve_case(case_id: str, ctx: CallerContext, key: Key, body: ResolveBody) -> Any:
    """Close a case with a code and a reason: its holder, or anybody while nobody holds it."""
    return answers.case(perform(Resolve(case_id, body.code, body.reason, body.version), ctx, key=key))
