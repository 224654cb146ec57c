"""Routes of saved views: filters of the queue under a name, one's own or shared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, status
from pydantic import BaseModel, Field

from access.commands import perform
from cases import saved_views
from cases.saved_views import MAX_NAME, RemoveView, SavedView, SaveView
from cases.search import MAX_CHARS
from data.nouns import shallow
from server.api import shapes
from server.api.callers import CallerContext, Context, Key
from server.api.filtering import SEARCH

router = APIRouter(prefix="/api/v1/views", tags=["cases"])

_SEVERAL = "One, or several with commas between."
Listed = Annotated[str | None, Field(max_length=MAX_CHARS, description=_SEVERAL)]


class ViewFilter(shapes.Body):
    """What the view chooses: the parameters of the page's address."""

    view: Literal["groups"] | None = Field(None, description="groups: one line a cause.")
    tab: str | None = Field(None, max_length=20)
    shown: Literal["open", "closed", "all"] | None = Field(None, description="Which groups.")
    q: str | None = Field(None, max_length=MAX_CHARS, description=SEARCH)
    flow: Listed = None
    klass: Listed = Field(None, alias="class")
    severity: Listed = None
    tenant: Listed = None
    assignee: Listed = None
    due: str | None = Field(None, max_length=MAX_CHARS, description="breached or next_hour.")
    sort: str | None = Field(None, max_length=MAX_CHARS, description="As `sort` of a list of cases.")
    columns: str | None = Field(None, max_length=MAX_CHARS, description="Names with commas between.")


class ViewBody(shapes.Body):
    """A view to save."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    shared: bool = Field(default=False, description="Everybody sees it, its search and its filters.")
    filter: ViewFilter


class ViewChangeBody(ViewBody):
    """A view that replaces one."""

    expected: int = Field(ge=1, le=2**31 - 1, description="The version that you saw.")


class SavedQueueView(BaseModel):
    """A view of the queue."""

    id: str
    name: str
    author: str
    shared: bool
    filter: ViewFilter
    version: int
    changed_by: str
    created_at: shapes.Time
    changed_at: shapes.Time


class RemovedView(BaseModel):
    """The view that was removed."""

    removed: str


@router.get("", response_model=shapes.Listed[SavedQueueView])
def list_queue_views(ctx: Context) -> Any:
    """List the caller's own views and those that are shared, by name."""
    found = [_answer(view) for view in saved_views.seen_by(ctx.reading, ctx.actor.name)]
    return {"total": len(found), "items": found, "next": None}


@router.post("", response_model=SavedQueueView, status_code=status.HTTP_201_CREATED)
def save_queue_view(ctx: CallerContext, key: Key, body: ViewBody) -> Any:
    """Save a view under a new name."""
    return _answer(perform(SaveView(name=body.name, shared=body.shared, chosen=_chosen(body)), ctx, key=key))


@router.put("/{view_id}", response_model=SavedQueueView)
def change_queue_view(view_id: str, ctx: CallerContext, key: Key, body: ViewChangeBody) -> Any:
    """Replace a view; 409 where somebody else has changed it since."""
    command = SaveView(
        view_id=view_id, name=body.name, shared=body.shared, chosen=_chosen(body), expected=body.expected
    )
    return _answer(perform(command, ctx, key=key))


@router.delete("/{view_id}", response_model=RemovedView)
def remove_queue_view(view_id: str, ctx: CallerContext, key: Key) -> Any:
    """Remove a view; a shared one is gone for everybody."""
    return {"removed": perform(RemoveView(view_id=view_id), ctx, key=key).id}


def _chosen(body: ViewBody) -> dict[str, str]:
    return body.filter.model_dump(by_alias=True, exclude_none=True)


def _answer(view: SavedView) -> dict[str, Any]:
    return {**shallow(view), "filter": dict(view.chosen)}
