"""Policies, holds, and what was removed. See `server.api.shapes`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from server.api.shapes import Body, Time

_ABOUT = "About, without compression; on the disk it is a fraction."


class Policy(BaseModel):
    """How long a class of data is kept."""

    data: str = Field(description="logs, spans, payload, cases, quarantine, audit or figures.")
    days: float | None = Field(description="null: for ever.")
    words: str


class Removal(BaseModel):
    """One class of data of a purge."""

    run: str
    data: str
    policy: str
    before: Time = Field(description="What is older was removed, but what is held and what goes on after it.")
    removed: int = Field(description="Rows.")
    bytes: int = Field(description=_ABOUT)
    actor: str
    started_at: Time
    finished_at: Time | None = Field(description="null: it runs, or goes on at the next look.")


class Hold(BaseModel):
    """Something that is not removed."""

    id: str
    kind: str = Field(description="correlation_id or flow.")
    value: str
    reason: str
    set_by: str
    set_at: Time
    lifted_by: str | None
    lifted_at: Time | None
    lifted_because: str | None


class Retention(BaseModel):
    """The policies, the holds, and what was removed lately."""

    policies: list[Policy]
    holds: list[Hold] = Field(description="For those who may set them; others get none.")
    removals: list[Removal]


class Band(BaseModel):
    """Rows of one age."""

    age: str
    rows: int
    bytes: int = Field(description=_ABOUT)


class Kept(BaseModel):
    """One class of data: what there is, and what a purge would remove now."""

    policy: Policy
    bands: list[Band]
    rows: int
    bytes: int = Field(description=_ABOUT)
    would_remove: int = Field(description="Rows.")
    would_free: int = Field(description=_ABOUT)


class Preview(BaseModel):
    """What is kept of each class of data."""

    items: list[Kept]


class Purged(BaseModel):
    """What a purge removed."""

    items: list[Removal]


class HoldBody(Body):
    """What is to be kept, and why."""

    kind: Literal["correlation_id", "flow"]
    value: str = Field(min_length=1, max_length=400)
    reason: str = Field(min_length=3, max_length=400)


class LiftBody(Body):
    """Why it need not be kept any more."""

    reason: str = Field(min_length=3, max_length=400)


class HoldId(BaseModel):
    """The hold that was set or lifted."""

    id: str
