"""Routes of batches: one act on many cases, over a list that is frozen before it starts."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, Field

from access.commands import perform
from cases import batch_queries
from cases.assigning import MAX_CHARS as MAX_CHARS_OF_NAME
from cases.batch_commands import MOST_IDS, CancelBatch, FreezeBatch, PauseBatch, ResumeBatch, StartBatch
from cases.batch_queries import After, BatchDetail
from cases.batch_terms import Terms
from cases.batches import CAUSES_OF_MANY, Batch, BatchState, CauseCount, ItemState
from cases.queries import CaseFilter
from cases.search import MAX_CHARS
from cases.snoozing import MOST as MOST_FAILURES
from data.clock import aware
from data.nouns import Page, shallow
from server.api import answers, shapes
from server.api.callers import CallerContext, Context, Key
from server.api.filtering import DUE, SEARCH, DueWord, one, several
from server.api.paging import Paging, moment
from server.api.problems import BadRequestError

router = APIRouter(prefix="/api/v1/batches", tags=["batches"])

LEFT_OUT_SHOWN = 100
Values = Annotated[list[Annotated[str, Field(max_length=400)]] | None, Field(max_length=200)]
Act = Literal["claim", "release", "retry", "resolve", "assign", "snooze", "escalate"]
_STATES = f"One or several with commas between: {', '.join(BatchState)}."
_MOST_DIGITS: Final = 10
_ITEM_STATES = f"One or several with commas between: {', '.join(ItemState)}."


class BatchFilter(shapes.Body):
    """Which exceptions, as the parameters of `GET /api/v1/cases`. An empty one is refused."""

    state: Values = Field(None, description="Without it: all that are not closed.")
    flow: Values = None
    klass: Values = Field(None, alias="class")
    severity: Values = None
    tenant: Values = None
    holder: str | None = Field(None, max_length=200)
    group: str | None = Field(None, max_length=40)
    q: str | None = Field(None, max_length=MAX_CHARS, description=SEARCH)
    assignee: Values = None
    snoozed: bool | None = None
    due: DueWord | None = Field(None, description=DUE)

    def chosen(self) -> CaseFilter:
        """Return the filter as queries take it, without the search."""
        own = shallow(self, ("state", "flow", "klass", "severity", "tenant", "assignee"))
        snoozed = None if self.snoozed is None else [self.snoozed]
        return CaseFilter(
            **own, holder=one(self.holder), group=one(self.group), snoozed=snoozed, due=one(self.due)
        )


class TermsBody(shapes.Body):
    """What assigning, escalating and snoozing take."""

    to: str | None = Field(
        None,
        max_length=MAX_CHARS_OF_NAME,
        description="Assign, escalate: the person or team; escalate without it: as the rules say.",
    )
    kind: Literal["person", "team"] = "person"
    until: str | None = Field(None, max_length=40, description="Snooze: RFC 3339; without a zone: UTC.")
    more: int | None = Field(None, ge=1, le=MOST_FAILURES, description="Snooze: failures that bring it back.")

    def given(self) -> Terms:
        """Return it as commands take it."""
        return Terms(self.to, self.kind, moment(self.until, "until"), self.more)


class BatchBody(TermsBody):
    """What is to be done with which exceptions. Give a filter or ids."""

    act: Act
    filter: BatchFilter | None = None
    ids: Annotated[list[Annotated[str, Field(max_length=64)]] | None, Field(max_length=MOST_IDS)] = None
    undeclared: bool = Field(
        default=False,
        description="Retry: also where the step does not declare whether it is safe to replay. One that is "
        "declared unsafe is always left out.",
    )
    code: str | None = Field(None, max_length=40, description="Resolve: the code; may be given at the start.")
    reason: str | None = Field(
        None,
        max_length=2_000,
        description="Needed to retry, to resolve and to escalate; may be given at the start.",
    )


class StartBody(TermsBody):
    """What the start needs, where it was not given with the list."""

    code: str | None = Field(None, max_length=40)
    reason: str | None = Field(None, max_length=2_000)


class Sample(BaseModel):
    """One exception of a batch."""

    id: str
    correlation_id: str
    title: str


class LeftOut(BaseModel):
    """An exception that was asked for and that the batch does not act on."""

    id: str
    reason: str


class Reason(BaseModel):
    """How many items were left out, skipped or failed for one reason."""

    state: str
    cause: str
    words: str = Field(description="The cause as text: claimed by others.")
    items: int


class BatchTerms(BaseModel):
    """Whom a batch assigns or escalates to, or until when it snoozes."""

    to: str | None
    kind: str
    until: shapes.Time | None
    more: int | None


class BatchLine(BaseModel):
    """One act on many exceptions, and how far it is: total = done + failed + skipped + waiting."""

    id: str
    act: str
    state: str
    author: str
    code: str | None
    reason: str | None
    given: BatchTerms
    why: str | None = Field(description="Why it was stopped, or who paused or cancelled it.")
    asked: dict[str, Any] = Field(description="The filter, or how many ids.")
    undeclared: bool
    created_at: shapes.Time
    started_at: shapes.Time | None
    ended_at: shapes.Time | None
    total: int
    waiting: int
    done: int
    failed: int
    skipped: int
    left_out_total: int
    value: list[shapes.Money] = Field(description="When it was frozen, by currency, each unit once.")
    flows: list[str]
    oldest: shapes.Time | None = Field(description="When the oldest of its exceptions was opened.")
    samples: list[Sample]


class FrozenBatch(BatchLine):
    """A batch with what is left out of its list."""

    left_out: list[LeftOut] = Field(description=f"The first {LEFT_OUT_SHOWN}; `/items` lists all.")
    reasons: list[Reason]


class BatchProgress(FrozenBatch):
    """A batch with what became of its exceptions."""

    case_states: dict[str, int] = Field(
        description="Where the exceptions that it acted on stand now; `gone`: merged or withdrawn since."
    )
    recovered: list[shapes.Money] = Field(description="Money of units that have recovered since.")


class BatchItem(BaseModel):
    """One exception of a batch, and what became of it."""

    place: int
    case_id: str
    state: str
    cause: str | None
    reason: str | None
    act: str | None = Field(description="The id of the act in the audit.")
    finished_at: shapes.Time | None
    flow: str | None
    correlation_id: str | None
    title: str | None
    case_state: str | None = Field(description="Where the exception stands now.")


@router.post("", response_model=FrozenBatch, status_code=status.HTTP_201_CREATED)
def freeze_batch(ctx: CallerContext, key: Key, body: BatchBody) -> Any:
    """Freeze the list of what a batch would act on; nothing is done before it is started."""
    command = FreezeBatch(
        body.act,
        body.filter.chosen() if body.filter else None,
        body.filter.q if body.filter else None,
        None if body.ids is None else tuple(body.ids),
        body.undeclared,
        body.code,
        body.reason,
        body.given(),
    )
    batch = perform(command, ctx, key=key)
    causes = batch_queries.causes(ctx, batch.id)
    frozen = [one for one in causes if one.state == ItemState.LEFT_OUT]
    return {**_line(batch), **_left_out(ctx, batch.id), "reasons": _reasons(frozen)}


@router.get("", response_model=shapes.Listed[BatchLine])
def list_batches(
    ctx: Context,
    asked: Paging,
    author: Annotated[str | None, Query(max_length=200)] = None,
    state: Annotated[str | None, Query(max_length=400, description=_STATES)] = None,
) -> Any:
    """List batches, the newest first: the caller's own, or all for those who may see everything."""
    states = _known(state, BatchState)
    place, limit = asked.behind(After.of), asked.wanted.limit
    found = batch_queries.listed(ctx, author=author, states=states, after=place, limit=limit)
    more = batch_queries.place(found.items[-1]).text.encode() if found.has_more else None
    return asked.page(Page(found.total, [_line(batch) for batch in found.items], more))


@router.get("/{batch_id}", response_model=BatchProgress)
def get_batch(batch_id: str, ctx: Context) -> Any:
    """Return a batch with what became of its exceptions."""
    return _progress(ctx, batch_queries.one(ctx, batch_id))


@router.get("/{batch_id}/items", response_model=shapes.Listed[BatchItem])
def list_batch_items(
    batch_id: str,
    ctx: Context,
    asked: Paging,
    state: Annotated[str | None, Query(max_length=400, description=_ITEM_STATES)] = None,
) -> Any:
    """List the exceptions of a batch in the order in which it acts on them; what is left out comes last."""
    states = _known(state, ItemState)
    after, limit = asked.behind(_item_place) or 0, asked.wanted.limit
    found = batch_queries.items(ctx, batch_id, states=states, after=after, limit=limit)
    items = [{**shallow(item), "reason": item.reason} for item in found.items]
    more = str(found.items[-1].place).encode() if found.has_more else None
    return asked.page(Page(found.total, items, more))


@router.post("/{batch_id}/start", response_model=BatchLine)
def start_batch(batch_id: str, ctx: CallerContext, key: Key, body: StartBody | None = None) -> Any:
    """Start a batch. Its exceptions are looked at again one by one; what has changed is skipped."""
    given = body or StartBody()
    return _line(perform(StartBatch(batch_id, given.code, given.reason, given.given()), ctx, key=key))


@router.post("/{batch_id}/pause", response_model=BatchLine)
def pause_batch(batch_id: str, ctx: CallerContext, key: Key) -> Any:
    """Pause a batch."""
    return _line(perform(PauseBatch(batch_id), ctx, key=key))


@router.post("/{batch_id}/resume", response_model=BatchLine)
def resume_batch(batch_id: str, ctx: CallerContext, key: Key) -> Any:
    """Go on with a batch that was paused, or that stopped because its author lost the permission."""
    return _line(perform(ResumeBatch(batch_id), ctx, key=key))


@router.post("/{batch_id}/cancel", response_model=BatchLine)
def cancel_batch(batch_id: str, ctx: CallerContext, key: Key) -> Any:
    """Cancel a batch: what was done stays done, what waits is skipped."""
    return _line(perform(CancelBatch(batch_id), ctx, key=key))


def _line(batch: Batch) -> dict[str, Any]:
    return {
        **shallow(batch),
        "given": {**shallow(batch.given), "until": aware(batch.given.until)},
        "waiting": batch.waiting,
        "left_out_total": batch.left_out,
        "value": [answers.money(value) for value in batch.value],
        "samples": [sample._asdict() for sample in batch.samples],
    }


def _left_out(ctx: Context, batch_id: str) -> dict[str, Any]:
    found = batch_queries.items(ctx, batch_id, states=[ItemState.LEFT_OUT], limit=LEFT_OUT_SHOWN)
    return {"left_out": [{"id": item.case_id, "reason": item.reason} for item in found.items]}


def _reasons(causes: list[CauseCount]) -> list[dict[str, Any]]:
    return [{**shallow(one), "words": CAUSES_OF_MANY[one.cause]} for one in causes]


def _progress(ctx: Context, found: BatchDetail) -> dict[str, Any]:
    return {
        **_line(found.batch),
        **_left_out(ctx, found.batch.id),
        "reasons": _reasons(list(found.causes)),
        "case_states": {state or "gone": count for state, count in found.case_states.items()},
        "recovered": [answers.money(value) for value in found.recovered],
    }


def _known(text: str | None, states: type[BatchState | ItemState]) -> list[Any] | None:
    """Return the states that a parameter names.

    Raises:
        BadRequestError: one does not exist.
    """
    named = several(text)
    if named and (unknown := [name for name in named if name not in set(states)]):
        raise BadRequestError(f"There is no state {unknown[0]!r}. Choose from: {', '.join(states)}.")
    return named


def _item_place(text: str) -> int:
    """Return the place of an item.

    Raises:
        ValueError: the text names none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < _MOST_DIGITS):
        raise ValueError(text)
    return int(text)
