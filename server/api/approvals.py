"""What an automation asks about its approval: whether somebody has answered it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query

from cases import approvals
from server.api.callers import CallerContext
from server.api.shapes import Time
from unsnag import wire

Word = Annotated[str | None, Query(max_length=400)]
router = APIRouter(prefix=wire.APPROVALS_PATH, tags=["approvals"])


@dataclass(frozen=True, kw_only=True)
class Approval(wire.Approval):
    """What became of an approval, as `wire` defines it."""

    answer_until: Time | None = None
    decided_at: Time | None = None


@router.get("/{approval_id}", response_model=Approval)
def get_approval(
    approval_id: str, ctx: CallerContext, tenant: Word = None, correlation_id: Word = None
) -> Any:
    """Return what was decided about what an automation asks; 404 while its record has not arrived.

    A token reads as far as it may send. Where two tenants or two units use the same id, name them.
    """
    found = approvals.answer_of(ctx.reading_for("approval.read"), approval_id, tenant, correlation_id)
    return asdict(found)
