"""Routes that change groups: merge one into another, end the merge, move one case."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from access.commands import perform
from cases import groups
from cases.merging import MergeGroups, MoveCase, UnmergeGroup
from server.api import answers, case_shapes, shapes
from server.api.callers import CallerContext, Key
from server.api.groups import GroupLine, line

router = APIRouter(prefix="/api/v1", tags=["cases"])


class MergeBody(shapes.Body):
    """Into which group, and why."""

    into: str = Field(min_length=1, max_length=40, description="The id of the group that stays.")
    reason: str = Field(max_length=2_000, description="At least 10 characters.")


class UnmergeBody(shapes.Body):
    """Why the merge ends."""

    reason: str = Field(max_length=2_000, description="At least 10 characters.")


class MoveBody(shapes.Body):
    """To which group a case is moved, and why."""

    to: str | None = Field(max_length=40, description="The id of a group; null: the one of its own cause.")
    reason: str = Field(max_length=2_000, description="At least 10 characters.")


@router.post("/groups/{group_id}/merge", response_model=GroupLine)
def merge_group(group_id: str, ctx: CallerContext, key: Key, body: MergeBody) -> Any:
    """Make a group part of another, with what arrives later; the answer is the group that stays."""
    changed = perform(MergeGroups(group_id, body.into, body.reason), ctx, key=key)
    return line(groups.one(ctx.reading, changed.group, ctx.now()))


@router.post("/groups/{group_id}/unmerge", response_model=GroupLine)
def unmerge_group(group_id: str, ctx: CallerContext, key: Key, body: UnmergeBody) -> Any:
    """Let a group that was merged be on its own again; the answer is that group."""
    changed = perform(UnmergeGroup(group_id, body.reason), ctx, key=key)
    return line(groups.one(ctx.reading, changed.group, ctx.now()))


@router.post("/cases/{case_id}/move", response_model=case_shapes.Case)
def move_case(case_id: str, ctx: CallerContext, key: Key, body: MoveBody) -> Any:
    """Move a case to another group, where it stays also when it fails again."""
    return answers.case(perform(MoveCase(case_id, body.to, body.reason), ctx, key=key))
