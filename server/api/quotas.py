"""Routes of quotas: what senders and tenants have brought today, of what they may."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.api import shapes
from server.api.callers import Context
from server.api.paging import page

router = APIRouter(tags=["system"])


class QuotaUseToday(BaseModel):
    """What a sender or a tenant has brought today (UTC), of what it may."""

    kind: str = Field(description="`sender`: a token, an address or a source that reads files; or `tenant`.")
    name: str
    records: int
    bytes: int = Field(description="About: characters of the texts of its records.")
    refused_requests: int
    refused_records: int = Field(description="Records of refused requests, counted each time they came.")
    max_records: int | None
    max_bytes: int | None
    is_used_up: bool


@router.get("/api/v1/quotas", response_model=shapes.Listed[QuotaUseToday])
def list_quotas(ctx: Context) -> Any:
    """List what senders and tenants have used of their quotas today, and what was refused.

    Nothing is counted where no quota is set. Users who may not see everything see none.
    """
    found = ctx.quota_uses()
    return page(len(found), found)
