"""Entries of the audit, and what a check of the chain found. See `server.api.shapes`."""

from __future__ import annotations

from pydantic import BaseModel, Field

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
    differences: list[str] = Field(
        description="Exceptions, people and tokens that are other than the last entries about them say."
    )
    warnings: list[str] = Field(description="What an operator should look at, although the chain holds.")
