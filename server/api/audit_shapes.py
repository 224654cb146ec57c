"""Entries of the audit, and what a check of the chain found. See `server.api.shapes`."""

from __future__ import annotations

from pydantic import BaseModel

from server.api.shapes import Time


class ChainVerdict(BaseModel):
    """What a check of the audit's chain found."""

    intact: bool
    entries: int
    head: str
    broken_at: int | None
    reason: str | None
    checked_at: Time
    checkpoints: str | None
