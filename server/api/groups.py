"""Routes of groups: exceptions with one cause as one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from access.commands import perform
from cases import groups
from cases.group_claims import ClaimGroup, ReleaseGroup
from cases.group_notes import NoteGroup, versions
from cases.groups import After, Group
from cases.notes import MAX_CHARS
from cases.queries import CaseFilter
from cases.victims import Related
from data.nouns import shallow
from server.api import answers, case_shapes, shapes
from server.api.callers import CallerContext, Context, Key
from server.api.filtering import Due, Search, Words, narrowed, one, several
from server.api.paging import Paging

router = APIRouter(prefix="/api/v1/groups", tags=["cases"])


class Fix(BaseModel):
    """What ended exceptions of the group last."""

    how: str = Field(description="retry, automatic, person, or the code that a person resolved with.")
    worked: int = Field(description="Exceptions that ended so.")
    tried: int | None = Field(description="For retry: exceptions for which a retry was finished.")
    last_at: shapes.Time


class GroupClaim(BaseModel):
    """Who has claimed the group: what arrives joins the claim."""

    holder: str
    claimed_at: shapes.Time
    lease_until: shapes.Time


class MergedGroup(BaseModel):
    """A group that is part of another."""

    id: str
    target: str = Field(description="The group that it was merged into, which may be a part itself.")
    title: str | None = Field(description="Of its exception that failed last.")
    cases: int = Field(description="Exceptions that it brought, of those that the caller may see.")
    reason: str
    actor: str = Field(description="Who merged it.")
    merged_at: shapes.Time


class RelatedGroup(BaseModel):
    """A group of which open exceptions come from failures of another one, by what traces show."""

    id: str
    title: str
    klass: str = Field(alias="class")
    cases: int = Field(description="How many open exceptions come from failures of the other group.")
    evidence: case_shapes.Evidence = Field(description="Of the one of them that failed last.")


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
    claim: GroupClaim | None
    note: case_shapes.GroupNote | None
    merged: list[MergedGroup] = Field(description="The groups that are part of it, the oldest merge first.")
    victims: list[RelatedGroup] = Field(
        description="Groups of exceptions that come from its own. One of which all open exceptions come from "
        "groups of the list is no item of the list."
    )
    victim_cases: int = Field(description="Open exceptions of other groups that come from its own.")
    value_with_victims: list[shapes.Money] = Field(description="With these exceptions, each unit once.")
    caused_by: list[RelatedGroup] = Field(description="Groups that its own exceptions come from.")


class GroupLeftOut(BaseModel):
    """A case that the claim leaves out."""

    id: str
    correlation_id: str
    reason: str


class GroupClaimed(BaseModel):
    """What a claim of a group reached."""

    group: str
    holder: str
    lease_until: shapes.Time
    claimed: list[str] = Field(description="Ids of the cases that the caller has now.")
    left_out: list[GroupLeftOut]


class GroupReleased(BaseModel):
    """What was given back."""

    released: list[str] = Field(description="Ids of the cases.")


class GroupReleaseBody(shapes.Body):
    """What the next person should know."""

    note: str | None = Field(None, max_length=2_000, description="Kept in the history of each case.")


class GroupNoteBody(shapes.Body):
    """A new version of the group's note."""

    text: str = Field(max_length=MAX_CHARS, description="Markdown; empty takes the note away.")
    expected: int = Field(ge=0, le=2**31 - 1, description="The version that you saw; 0 where there was none.")


@router.get("", response_model=shapes.Listed[GroupLine])
def list_groups(
    ctx: Context,
    asked: Paging,
    state: Literal["open", "closed", "all"] = "open",
    flow: Words = None,
    klass: Annotated[str | None, Query(alias="class", max_length=400)] = None,
    severity: Words = None,
    tenant: Words = None,
    q: Search = None,
    assignee: Words = None,
    due: Due = None,
) -> Any:
    """List groups of exceptions, those with the most open ones first; filters choose their exceptions."""
    chosen = CaseFilter(
        flow=several(flow),
        klass=several(klass),
        severity=several(severity),
        tenant=several(tenant),
        assignee=several(assignee),
        due=one(due),
    )
    chosen = narrowed(chosen, q, ctx)
    is_open = {"open": True, "closed": False, "all": None}[state]
    place, limit = asked.behind(After.of), min(asked.wanted.limit, groups.MAX_ROWS)
    found = groups.listed(ctx.reading, chosen, ctx.now(), is_open=is_open, place=place, limit=limit)
    more = groups.after(found.items[-1]).text.encode() if len(found.items) == limit else None
    return asked.page(replace(found, after=more), [line(group) for group in found.items])


@router.get("/{group_id}", response_model=GroupLine)
def get_group(group_id: str, ctx: Context) -> Any:
    """Return a group, of a merged one the group that it is part of.

    `GET /api/v1/cases?group=` lists its exceptions.
    """
    return line(groups.one(ctx.reading, group_id, ctx.now()))


@router.post("/{group_id}/claim", response_model=GroupClaimed)
def claim_group(group_id: str, ctx: CallerContext, key: Key) -> Any:
    """Claim all cases of a group that nobody has; what arrives while the claim lives joins it."""
    return shallow(perform(ClaimGroup(group_id), ctx, key=key))


@router.post("/{group_id}/release", response_model=GroupReleased)
def release_group(group_id: str, ctx: CallerContext, key: Key, body: GroupReleaseBody) -> Any:
    """Give back all cases of a group that the caller has claimed, and end the claim of the group."""
    return {"released": perform(ReleaseGroup(group_id, body.note), ctx, key=key)}


@router.post("/{group_id}/note", response_model=case_shapes.GroupNote)
def write_group_note(group_id: str, ctx: CallerContext, key: Key, body: GroupNoteBody) -> Any:
    """Write a new version of the group's note, which is shown on every case of the group."""
    return shallow(perform(NoteGroup(group_id, body.text, body.expected), ctx, key=key))


@router.get("/{group_id}/notes", response_model=shapes.Listed[case_shapes.GroupNote])
def list_group_notes(group_id: str, ctx: Context) -> Any:
    """List all versions of the group's note, the newest first."""
    group = groups.one(ctx.reading, group_id, ctx.now())
    found = [shallow(version) for version in versions(ctx.reading, group.id)]
    return {"total": len(found), "items": found, "next": None}


def line(group: Group) -> dict[str, Any]:
    """Return a group as REST answers it."""
    return {
        **shallow(group),
        "class": group.error_class,
        "open": group.live_cases,
        "total": group.all_cases,
        "value_at_risk": [answers.money(value) for value in group.value],
        "last_fix": group.last_fix and shallow(group.last_fix),
        "claim": group.claim and shallow(group.claim),
        "note": group.note and shallow(group.note),
        "merged": [shallow(part) for part in group.merged],
        "victims": [_related(one) for one in group.victims],
        "victim_cases": group.victim_cases,
        "value_with_victims": [answers.money(value) for value in group.value_with_victims],
        "caused_by": [_related(one) for one in group.caused_by],
    }


def _related(group: Related) -> dict[str, Any]:
    return {**shallow(group), "class": group.error_class, "evidence": answers.evidence(group.evidence)}
