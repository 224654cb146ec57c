"""Routes of groups: exceptions with one cause as one line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cases import groups
from cases.groups import After, Group
from cases.queries import CaseFilter
from data.nouns import shallow
from server.api import answers, shapes
from server.api.callers import Context
from server.api.cases import Words, several
from server.api.paging import Cursor
from server.api.problems import BadRequestError

router = APIRouter(prefix="/api/v1/groups", tags=["cases"])


class Fix(BaseModel):
    """What ended exceptions of the group last."""

    how: str = Field(description="retry, automatic, person, or the code that a person resolved with.")
    worked: int = Field(description="Exceptions that ended so.")
    tried: int | None = Field(description="For retry: exceptions for which a retry was finished.")
    last_at: shapes.Time


class GroupLine(BaseModel):
    """Exceptions with one cause, within what the caller may see."""

    id: str = Field(description="As `group` of its exceptions.")
    title: str = Field(description="Of the exception that failed last.")
    klass: str = Field(alias="class")
    state: Literal["new", "ongoing", "escalating", "regressed", "closed"]
    open: int = Field(description="Exceptions that are not closed.")
    total: int
    flows: list[str]
    holders: list[str] = Field(description="Who holds any of them.")
    value_at_risk: list[shapes.Money] = Field(description="By currency, each unit once.")
    oldest: shapes.Time | None = Field(description="When the oldest open one was opened.")
    first_seen: shapes.Time
    last_seen: shapes.Time
    hours: list[int] = Field(description="Failures in each of the last 24 hours, the oldest first.")
    days: list[int] = Field(description="Failures in each of the last 14 days of 24 hours, the oldest first.")
    last_fix: Fix | None


@router.get("", response_model=shapes.Listed[GroupLine])
def list_groups(
    ctx: Context,
    state: Literal["open", "closed", "all"] = "open",
    flow: Words = None,
    klass: Annotated[str | None, Query(alias="class", max_length=400)] = None,
    severity: Words = None,
    tenant: Words = None,
    q: Annotated[str | None, Query(max_length=400)] = None,
    assignee: Words = None,
    limit: Annotated[int, Query(ge=1, le=groups.MAX_ROWS, description="How many groups at most.")] = 50,
    cursor: Cursor = None,
) -> Any:
    """List groups of exceptions, those with the most open ones first; filters choose their exceptions."""
    chosen = CaseFilter(
        flow=several(flow),
        klass=several(klass),
        severity=several(severity),
        tenant=several(tenant),
        text=q,
        assignee=several(assignee),
    )
    is_open = {"open": True, "closed": False, "all": None}[state]
    found = groups.listed(ctx.reading, chosen, ctx.now(), is_open=is_open, place=_place(cursor), limit=limit)
    more = groups.after(found.items[-1]).text if len(found.items) == limit else None
    return {"total": found.total, "items": [_answer(group) for group in found.items], "next": more}


@router.get("/{group_id}", response_model=GroupLine)
def get_group(group_id: str, ctx: Context) -> Any:
    """Return a group; `GET /api/v1/cases?group=` lists its exceptions."""
    return _answer(groups.one(ctx.reading, group_id, ctx.now()))


def _answer(group: Group) -> dict[str, Any]:
    return {
        **shallow(group),
        "class": group.error_class,
        "open": group.live_cases,
        "total": group.all_cases,
        "value_at_risk": [answers.money(value) for value in group.value],
        "last_fix": group.last_fix and shallow(group.last_fix),
    }


def _place(cursor: str | None) -> After | None:
    """Return the place that a cursor names.

    Raises:
        BadRequestError: it is not one of ours.
    """
    try:
        return After.of(cursor) if cursor is not None else None
    except ValueError:
        raise BadRequestError(f"{cursor!r} is not a cursor of this server.") from None
