"""Routes of the caller: what they did, and what came of it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cases import my_actions
from cases.my_actions import Action
from data.nouns import shallow
from server.api import shapes
from server.api.callers import Context
from server.api.paging import Paging

router = APIRouter(prefix="/api/v1/me", tags=["cases"])

Outcome = Literal[
    "recovered", "failed_again", "verifying", "waiting", "resolved", "held", "given_back", "taken_over",
    "expired", "cancelled", "snoozed", "woken",
]  # fmt: skip


class MyAction(BaseModel):
    """One act of the caller on an exception, a group or a batch."""

    seq: int = Field(description="Of its entry in the audit.")
    time: shapes.Time
    verb: str = Field(description="As in the audit: claimed, retried, resolved, noted, ...")
    case_id: str | None
    correlation_id: str | None
    flow: str | None
    subject: str | None = Field(description="group:ID or batch:ID, where it was no exception.")
    title: str | None = Field(description="Of the exception.")
    reason: str | None
    state: str | None = Field(description="Of the exception, or of the batch, now.")
    outcome: Outcome | None = Field(description="What came of it; null where an act of its kind has none.")
    undo: Literal["release", "cancel_retry", "wake"] | None = Field(
        description="How it can be taken back now: POST /api/v1/cases/ID/release, cancel-retry or wake."
    )


@router.get("/actions", response_model=shapes.Listed[MyAction])
def list_my_actions(ctx: Context, asked: Paging) -> Any:
    """List what the caller did, the latest first: claims, retries, resolutions, notes, approvals, batches."""
    found = my_actions.listed(ctx.reading, ctx.actor.name, asked.wanted)
    return asked.page(found, [_line(action) for action in found.items])


def _line(action: Action) -> dict[str, Any]:
    return {
        **shallow(action),
        "state": action.state or action.batch_state,
        "outcome": action.outcome,
        "undo": action.undo,
    }
