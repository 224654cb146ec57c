"""What an automation asks about its approval: whether somebody has answered it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query

from cases import approvals
from server.api.callers import CallerContext
from server.api.shapes import Time
from unsnag import wire

router = APIRouter(prefix=wire.APPROVALS_PATH, tags=["approvals"])


@dataclass(frozen=True, kw_only=True)
class Approval(wire.Approval):
    """What became of an approval, as `wire` defines it."""

    answer_until: Time | None = None
    decided_at: Time | None = None


@router.get("/{approval_id}", response_model=Approval)
def get_approval(
    approval_id: str, ctx: CallerContext, tenant: Annotated[str | None, Query(max_length=400)] = None
) -> Any:
    """Return what was decided about what an automation asks; 404 while its record has not arrived.

    A token reads as far as it may send. Where two tenants use the same id, name the tenant.
    """
    found = approvals.answer_of(ctx.reading_for("approval.read"), approval_id, tenant)
    return asdict(found)
