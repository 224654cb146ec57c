"""What the routes about figures take and give."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from server.api.shapes import Time


class Breakdown(BaseModel):
    """A figure's share of one key."""

    key: str | None
    value: float | None
    n: int


class Point(BaseModel):
    """A figure in one part of a trend."""

    start: Time
    end: Time
    value: float | None
    n: int


class Kpi(BaseModel):
    """One figure, with what it takes to trust it."""

    id: str
    name: str
    value: float | None
    unit: str
    better: str
    """up or down."""
    n: int
    in_flight: int | None
    floor: int
    """With an n below it the figure says little; 0: a count, which always holds."""
    too_few: bool
    coverage: float | None
    """Percent of n of which the value is known; null where nothing has to be known."""
    definition_version: int
    start: Time
    end: Time
    """The period, cut now where it still runs."""
    data_as_of: Time
    previous: float | None
    """The value of the period before, cut at the same point where this one still runs."""
    previous_n: int
    target: float | None
    owner: str | None
    breakdown: list[Breakdown]
    points: list[Point]
    details: dict[str, Any]
    """Second figures that only this one has."""


class TargetRequest(BaseModel):
    """What is to be set for a figure; null takes it away."""

    model_config = ConfigDict(extra="forbid")

    target: Annotated[float | None, Field(allow_inf_nan=False)] = None
    owner: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    flow: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class Target(TargetRequest):
    """What was set."""

    id: str


class ObjectiveRequest(BaseModel):
    """How long a unit may take; null takes it away."""

    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None
    flow: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class Objective(ObjectiveRequest):
    """The objective that was set."""

    id: str


class BaselineRequest(BaseModel):
    """The time that is compared with; without name, start and end it is taken away."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    start: Annotated[str | None, Field(max_length=40)] = None
    end: Annotated[str | None, Field(max_length=40)] = None
    flow: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class Baseline(BaseModel):
    """The baseline that was set."""

    id: str
    name: str | None
    start: Time | None
    end: Time | None
    flow: str | None
