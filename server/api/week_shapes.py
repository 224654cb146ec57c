"""What the routes about the weekly review take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from server.api.shapes import Time


class Restated(BaseModel):
    """What a figure of a frozen week would be now."""

    value: float | str | None
    n: int
    definition_version: int
    reason: str
    """late records, or another definition."""


class WeekFigure(BaseModel):
    """A figure of a week."""

    id: str
    name: str
    value: float | str | None
    """Money is a decimal string."""
    unit: str
    n: int
    in_flight: int | None
    previous: float | str | None
    target: float | None
    owner: str | None
    definition_version: int
    sql_hash: str
    """SHA-256 of the statement that made it."""
    comment: str | None
    restated: Restated | None


class Week(BaseModel):
    """A week of the review."""

    week: str
    state: str
    """draft or frozen."""
    zone: str
    frozen_at: Time | None = None
    frozen_by: str | None = None
    data_as_of: Time | None = None
    hash: str | None = None
    """It binds the week to the one that was frozen before; the audit has it too."""
    intact: bool | None = None
    """False: this week, or one that was frozen before it, was altered."""


class WeekInFull(Week):
    """A week with its figures."""

    figures: list[WeekFigure]


class Frozen(BaseModel):
    """That a week was frozen."""

    week: str
    hash: str


class CommentRequest(BaseModel):
    """A comment on a figure."""

    model_config = ConfigDict(extra="forbid")

    kpi: Annotated[str, Field(max_length=40)]
    text: Annotated[str, Field(min_length=1, max_length=4_000)]


class Comment(CommentRequest):
    """The comment that counts."""

    week: str
    actor: str
