"""Routes about retention: policies, what a purge would remove, purges and holds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from access.commands import perform
from server import policies
from server.api import retention_shapes as shapes
from server.api.callers import CallerContext, Context, Key
from server.holds import LiftHold, SetHold, holds

router = APIRouter(prefix="/api/v1/retention", tags=["retention"])


@router.get("", response_model=shapes.Retention)
def get_retention(ctx: Context) -> Any:
    """Return how long each class of data is kept, what is held, and what was removed lately."""
    held = holds(ctx.reading) if ctx.may(SetHold.act) else []
    return {
        "policies": policies.policies(ctx.settings.retention),
        "holds": held,
        "removals": policies.removals(ctx.reading),
    }


@router.get("/preview", response_model=shapes.Preview)
def preview_purge(ctx: CallerContext) -> Any:
    """Count what is kept by class and age, and what a purge would remove now; for admins."""
    return {"items": policies.preview(ctx)}


@router.post("/purge", response_model=shapes.Purged)
def purge(ctx: CallerContext, key: Key) -> Any:
    """Remove what is older than its policy says, and answer when it is done; for admins, in the audit."""
    return {"items": ctx.container.retention.purge(ctx, key)}


@router.post("/holds", response_model=shapes.HoldId)
def set_hold(ctx: CallerContext, body: shapes.HoldBody, key: Key) -> Any:
    """Keep what belongs to a correlation ID or a flow from being removed; recorded in the audit."""
    return {"id": perform(SetHold(body.kind, body.value, body.reason), ctx, key=key)}


@router.post("/holds/{hold_id}/lift", response_model=shapes.HoldId)
def lift_hold(
    hold_id: Annotated[str, Path(max_length=40)], ctx: CallerContext, body: shapes.LiftBody, key: Key
) -> Any:
    """Let policies remove again what was held; recorded in the audit."""
    return {"id": perform(LiftHold(hold_id, body.reason), ctx, key=key)}
