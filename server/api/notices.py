"""Routes of notices: what others did to cases that the caller had."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from access.commands import perform
from cases import notices
from cases.notices import SeeNotices
from data.nouns import shallow
from server.api import shapes
from server.api.callers import CallerContext, Context, Key
from server.api.paging import Limit

router = APIRouter(prefix="/api/v1/notices", tags=["cases"])


class Notice(BaseModel):
    """What somebody else did to a case that the caller had."""

    id: str
    time: shapes.Time
    kind: Literal["taken_over", "resolved", "assigned", "noted", "escalated", "asked", "answered"]
    actor: str = Field(description="Who did it.")
    case_id: str
    title: str
    correlation_id: str
    reason: str | None


class SeenBody(shapes.Body):
    """Which notices were seen."""

    ids: list[str] = Field(min_length=1, max_length=1_000)


class Seen(BaseModel):
    """How many of them had not been seen before."""

    seen: int


@router.get("", response_model=shapes.Listed[Notice])
def list_notices(ctx: Context, limit: Limit = 50) -> Any:
    """List the caller's notices that they have not seen, the oldest first."""
    found = notices.unseen(ctx.reading, ctx.actor.name, limit)
    return {"total": found.total, "items": [shallow(one) for one in found.items], "next": None}


@router.post("/seen", response_model=Seen)
def see_notices(ctx: CallerContext, key: Key, body: SeenBody) -> Any:
    """Say that notices were seen: they are not listed again."""
    return perform(SeeNotices(body.ids), ctx, key=key)
