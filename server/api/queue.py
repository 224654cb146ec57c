"""The route by which the queue's page fetches its rows as its table shows them, again when they change."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated, Final
from weakref import WeakValueDictionary

import orjson
from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from cases.ordering import Order
from cases.tabs import OPEN, TABS
from server.api.callers import Context
from server.api.cases import Sort
from server.api.filtering import Due, Search, Words, several
from server.container import current
from server.context import ServerContext
from server.queue import MOST_PAGES, QueueRequest, QueueView, reader, same

router = APIRouter(prefix="/api/v1/queue", tags=["cases"])

REVISION: Final = "Unsnag-Revision"
_TAB: Final = rf"^({'|'.join(TABS)})$"
_asking: WeakValueDictionary[tuple[object, ...], asyncio.Lock] = WeakValueDictionary()
"""Of each list that is being asked for, so that one query answers all who ask meanwhile."""


class QueueRow(BaseModel):
    """An exception as the table shows it: texts as they are written there, times in ms since 1970."""

    id: str
    version: int
    state: str
    due: float | None = Field(description="When what is due next is due; null where nothing is.")
    warns: float | None = Field(description="From when on a quarter of its time is left.")
    dueFor: str = Field(description="What is due: triage, the end, or the answer.")  # noqa: N815 - the page's
    wakes: float | None = Field(description="When its snooze ends.")
    assignee: str | None
    team: bool = Field(description="Whether the assignee is a team.")
    ended: str | None = Field(description="A word for how it ended; null while it is not closed.")
    first: float
    severity: str
    klass: str = Field(alias="class")
    guess: bool = Field(description="Whether its class is a guess that needs a person.")
    title: str
    tenant: str | None
    where: str
    unit: str
    value: str
    seen: int
    last: float
    attempts: int
    holder: str | None
    lease: float | None


class OpenedCase(BaseModel):
    """The version of a case that is open beside the list; null where the caller sees none with that id."""

    id: str
    version: int | None


class QueuePage(BaseModel):
    """A page of the queue. `Unsnag-Revision` names the state of the queue that it shows at least."""

    reader: str = Field(description="Differs for each session: a page shows no other reader's answer.")
    total: int
    first: int = Field(description="How many rows come before.")
    counts: dict[str, int] = Field(description="How many exceptions each tab lists.")
    settling: str = Field(description="How many failures wait to be exceptions, as text.")
    opened: OpenedCase | None = Field(description="Of the exception that `case` names.")
    rows: list[QueueRow]


@router.get("", response_model=QueuePage, responses={304: {"description": "As in the answer of the ETag."}})
async def get_queue_page(
    ctx: Context,
    tab: Annotated[str, Query(pattern=_TAB)] = OPEN,
    q: Search = None,
    flow: Words = None,
    klass: Annotated[str | None, Query(alias="class", max_length=400)] = None,
    severity: Words = None,
    tenant: Words = None,
    assignee: Words = None,
    group: Words = None,
    due: Due = None,
    sort: Sort = None,
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    case: Annotated[str | None, Query(max_length=64, description="Also tell its version.")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return fifty rows of a tab with the counts of all tabs, for a page that stays open."""
    request = QueueRequest(
        tab, q or "", _all(flow), _all(klass), _all(severity), _all(tenant), _all(assignee), _all(group),
        due, Order.of(sort), page,
    )  # fmt: skip
    view, version = await _view_and_version(ctx, request, case)
    body = _body(ctx, request, view, case and {"id": case, "version": version})
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, REVISION: view.revision.text}
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _all(text: str | None) -> tuple[str, ...]:
    return tuple(several(text) or ())


async def _view_and_version(
    ctx: ServerContext, request: QueueRequest, case: str | None
) -> tuple[QueueView, int | None]:
    queue = current().queue

    def ask() -> tuple[QueueView, int | None]:
        return queue.view(ctx, request), queue.version(ctx, case) if case else None

    if case is None and queue.is_kept(ctx, request):
        return ask()  # a thread would cost more than the answer
    async with _asking.setdefault(same(ctx, request), asyncio.Lock()):
        return await run_in_threadpool(ask)


def _body(ctx: ServerContext, request: QueueRequest, view: QueueView, opened: object) -> bytes:
    return orjson.dumps({
        "reader": reader(ctx.actor), "total": view.listed.total, "first": request.first,
        "counts": view.counts, "settling": view.settling, "opened": opened,
        "rows": orjson.Fragment(view.listed.encoded),
    })  # fmt: skip
